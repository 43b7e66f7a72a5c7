package admin

import (
	"slices"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// oneOf is a gauge for each of several values, of which exactly one is 1. A
// scrape never sees two of them or none, as it could with separate gauges.
type oneOf struct {
	desc    *prometheus.Desc
	values  []string
	current atomic.Pointer[string]
}

// newOneOf makes the metric name{name="…"}. The first value is the current one.
func newOneOf(name, help string, values []string) *oneOf {
	gauge := &oneOf{
		desc:   newDesc(name, help, name),
		values: values,
	}
	gauge.set(values[0])
	return gauge
}

func (o *oneOf) set(value string) { o.current.Store(&value) }

func (o *oneOf) Describe(descs chan<- *prometheus.Desc) { descs <- o.desc }

func (o *oneOf) Collect(metrics chan<- prometheus.Metric) {
	current := *o.current.Load()
	for _, value := range o.values {
		number := 0.0
		if value == current {
			number = 1
		}
		metrics <- gaugeNow(o.desc, number, value)
	}
	if !slices.Contains(o.values, current) {
		metrics <- gaugeNow(o.desc, 1, current)
	}
}
