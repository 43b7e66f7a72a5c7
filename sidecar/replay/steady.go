package replay

import (
	"reflect"
	"time"
)

// steadier tells times by the monotonic clock, as what has passed since it began. A time
// without a monotonic reading is somebody else's and stays as it is.
type steadier struct{ began time.Time }

func (s steadier) time(t time.Time) time.Time {
	if t.IsZero() || t == t.Round(0) {
		return t
	}
	return s.began.Round(0).Add(t.Sub(s.began))
}

var timeType = reflect.TypeFor[time.Time]()

// copyOf is a value with all of its times told steadily. What it does not export it lacks.
func copyOf[T any](s steadier, value T) T {
	return s.copy(reflect.ValueOf(&value).Elem()).Interface().(T)
}

func (s steadier) copy(v reflect.Value) reflect.Value {
	fresh := reflect.New(v.Type()).Elem()
	switch {
	case v.Type() == timeType:
		fresh.Set(reflect.ValueOf(s.time(v.Interface().(time.Time))))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fresh.Field(i).Set(s.copy(v.Field(i)))
			}
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		fresh.Set(reflect.New(v.Type().Elem()))
		fresh.Elem().Set(s.copy(v.Elem()))
	case v.Kind() == reflect.Interface && !v.IsNil():
		fresh.Set(s.copy(v.Elem()))
	case v.Kind() == reflect.Slice && !v.IsNil():
		fresh.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			fresh.Index(i).Set(s.copy(v.Index(i)))
		}
	case v.Kind() == reflect.Map && !v.IsNil():
		fresh.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for each := v.MapRange(); each.Next(); {
			fresh.SetMapIndex(each.Key(), s.copy(each.Value()))
		}
	default:
		fresh.Set(v)
	}
	return fresh
}
