package sidecar

import (
	"fmt"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

func TestModelsThatAreKeptOutAreBounded(t *testing.T) {
	s := &supervisor{quarantine: map[string]quarantined{}}
	now := time.Now()
	for i := range 3 * maxQuarantined {
		model := fmt.Sprintf("m%d:latest", i)
		s.boundQuarantine(model)
		s.quarantine[model] = quarantined{until: now.Add(time.Duration(i) * time.Minute), reason: string(verdict.Crashed)}
	}
	if _, newest := s.quarantine[fmt.Sprintf("m%d:latest", 3*maxQuarantined-1)]; len(s.quarantine) != maxQuarantined || !newest {
		t.Errorf("%d are kept out, the newest among them: %v", len(s.quarantine), newest)
	}
	if _, first := s.quarantine["m0:latest"]; first {
		t.Error("the one whose time is over first is still there")
	}
	s.boundQuarantine(fmt.Sprintf("m%d:latest", 2*maxQuarantined))
	if len(s.quarantine) != maxQuarantined {
		t.Error("one that is there already made room for itself")
	}
}
