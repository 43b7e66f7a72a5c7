package sidecar

import (
	"fmt"
	"testing"
	"time"
)

// numbered fills the records with that many models.
func numbered(m *models, count int, about func(i int, of *modelRecord)) {
	for i := range count {
		about(i, m.of(fmt.Sprintf("m%d:latest", i)))
	}
}

func TestModelsAreBounded(t *testing.T) {
	m := models{main: "main:latest"}
	m.of(m.main).size = 1
	numbered(&m, 3*maxModels, func(int, *modelRecord) { m.of("m0:latest").size = 2 })
	if len(m.named) != maxModels || len(m.lately) != maxModels {
		t.Errorf("%d and %d are kept", len(m.named), len(m.lately))
	}
	if m.get(m.main).size != 1 {
		t.Error("the main model made room")
	}
	if m.get("m0:latest").size != 2 {
		t.Error("the one that is asked for all the time made room")
	}
	m.get("unheard-of:latest").size = 3
	if m.get("unheard-of:latest").size != 0 || len(m.named) != maxModels {
		t.Error("a question left something behind")
	}
}

func TestModelsThatAreKeptOutAreBounded(t *testing.T) {
	m, now := models{main: "main:latest"}, time.Now()
	keep := func(i int, of *modelRecord) { of.kept.until = now.Add(time.Duration(i) * time.Minute) }
	numbered(&m, 3*maxModels, keep)
	if newest := m.get(fmt.Sprintf("m%d:latest", 3*maxModels-1)); len(m.named) != maxModels || newest.kept.until.IsZero() {
		t.Errorf("%d are kept out, the newest until %s", len(m.named), newest.kept.until)
	}
	if !m.get("m0:latest").kept.until.IsZero() {
		t.Error("the one whose time is over first is still there")
	}
	m.of(fmt.Sprintf("m%d:latest", 2*maxModels+1))
	if len(m.named) != maxModels || m.get(fmt.Sprintf("m%d:latest", 2*maxModels)).kept.until.IsZero() {
		t.Error("one that is there already made room for itself")
	}
}

func TestAModelThatWasKeptOutIsRememberedLonger(t *testing.T) {
	m := models{}
	m.of("dies:latest").kept.until = time.Now()
	numbered(&m, 3*maxModels, func(int, *modelRecord) {})
	if m.get("dies:latest").kept.until.IsZero() {
		t.Error("it is forgotten")
	}
}
