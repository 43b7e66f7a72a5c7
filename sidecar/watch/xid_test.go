package watch

import (
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestAnXidIsNews(t *testing.T) {
	d := &Devices{}
	at := func(after time.Duration, gpu string, code uint64) bool {
		return d.SawXid(evidence.Xid{At: now.Add(after), GPU: gpu, Code: code})
	}
	for _, step := range []struct {
		name string
		news bool
		want bool
	}{
		{"the first", at(0, "a", 79), true},
		{"the same within its episode", at(xidEpisode-1, "a", 79), false},
		{"the same, counted from the last", at(2*xidEpisode-2, "a", 79), false},
		{"another GPU's", at(0, "b", 79), true},
		{"another one", at(0, "a", 48), true},
		{"the same in another episode", at(3*xidEpisode-2, "a", 79), true},
	} {
		if step.news != step.want {
			t.Errorf("%s: news: %v", step.name, step.news)
		}
	}
	if !d.Troubled() {
		t.Error("no device has failed")
	}
}

func TestXidsAreKeptByTheirFirst(t *testing.T) {
	d := &Devices{}
	for _, x := range []struct {
		after time.Duration
		gpu   string
		code  uint64
	}{{second, "a", 79}, {2 * second, "a", 79}, {0, "b", 48}, {second, "a", 48}, {0, "a", 48}} {
		d.SawXid(evidence.Xid{At: now.Add(x.after), GPU: x.gpu, Code: x.code})
	}
	want := []evidence.Xid{{At: now, GPU: "b", Code: 48}, {At: now.Add(second), GPU: "a", Code: 48}, {At: now.Add(second), GPU: "a", Code: 79}}
	for range 20 { // a map has no order of its own
		if got := d.Xids(); !slices.Equal(got, want) {
			t.Fatalf("%+v", got)
		}
	}
}
