package watch

import (
	"fmt"
	"testing"
	"time"
)

// numbered fills the records with that many models.
func numbered(m *Models, count int, about func(i int, of *Model)) {
	for i := range count {
		about(i, m.Of(fmt.Sprintf("m%d:latest", i)))
	}
}

func TestModelsAreBounded(t *testing.T) {
	m := Models{Main: "main:latest"}
	m.Of(m.Main).Size = 1
	numbered(&m, 3*maxModels, func(int, *Model) { m.Of("m0:latest").Size = 2 })
	if len(m.named) != maxModels || len(m.lately) != maxModels {
		t.Errorf("%d and %d are kept", len(m.named), len(m.lately))
	}
	if m.Get(m.Main).Size != 1 {
		t.Error("the main model made room")
	}
	if m.Get("m0:latest").Size != 2 {
		t.Error("the one that is asked for all the time made room")
	}
	m.Get("unheard-of:latest").Size = 3
	if m.Get("unheard-of:latest").Size != 0 || len(m.named) != maxModels {
		t.Error("a question left something behind")
	}
}

func TestModelsThatAreKeptOutAreBounded(t *testing.T) {
	m, now := Models{Main: "main:latest"}, time.Now()
	keep := func(i int, of *Model) { of.Quarantine.Until = now.Add(time.Duration(i) * time.Minute) }
	numbered(&m, 3*maxModels, keep)
	if newest := m.Get(fmt.Sprintf("m%d:latest", 3*maxModels-1)); len(m.named) != maxModels || newest.Quarantine.Until.IsZero() {
		t.Errorf("%d are kept out, the newest until %s", len(m.named), newest.Quarantine.Until)
	}
	if !m.Get("m0:latest").Quarantine.Until.IsZero() {
		t.Error("the one whose time is over first is still there")
	}
	m.Of(fmt.Sprintf("m%d:latest", 2*maxModels+1))
	if len(m.named) != maxModels || m.Get(fmt.Sprintf("m%d:latest", 2*maxModels)).Quarantine.Until.IsZero() {
		t.Error("one that is there already made room for itself")
	}
}

func TestAModelThatWasKeptOutIsRememberedLonger(t *testing.T) {
	m := Models{}
	m.Of("dies:latest").Quarantine.Until = time.Now()
	numbered(&m, 3*maxModels, func(int, *Model) {})
	if m.Get("dies:latest").Quarantine.Until.IsZero() {
		t.Error("it is forgotten")
	}
}
