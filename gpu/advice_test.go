//go:build linux && cgo

package gpu

import (
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

func TestDriversAdviceIsTold(t *testing.T) {
	for state, want := range map[string]evidence.GPUAdvice{
		"advice 0": evidence.AdviceNone,
		"advice 1": evidence.AdviceReset,
		"advice 2": evidence.AdviceReboot,
		"advice 3": evidence.AdviceDrain,
		"advice 4": evidence.AdviceDrainAndReset,
		"advice 5": evidence.AdviceOther,
		"advice 8": evidence.AdviceOther,
	} {
		if gpu := gpusOf(t, newDriver, state)[0]; gpu.Advice != want || gpu.Lost {
			t.Errorf("%s: advice %q, lost %v, want %q", state, gpu.Advice, gpu.Lost, want)
		}
	}
}

func TestEachGPUHasItsOwnAdvice(t *testing.T) {
	gpus := gpusOf(t, newDriver, "gpus 2", "advice 0", "advice@1 1")
	if gpus[0].Advice != evidence.AdviceNone || gpus[1].Advice != evidence.AdviceReset {
		t.Errorf("advice %q and %q", gpus[0].Advice, gpus[1].Advice)
	}
}

func TestDriverThatGivesNoAdviceIsStillSeen(t *testing.T) {
	for name, c := range map[string]struct {
		variant string
		state   []string
	}{
		"no such call":        {oldDriver, []string{"advice 1"}},
		"no such field":       {newDriver, nil},
		"a call that fails":   {newDriver, []string{"advice 1", "return nvmlDeviceGetFieldValues 999"}},
		"a field that fails":  {newDriver, []string{"advice 1", "return recovery_action 3"}},
		"a field not allowed": {newDriver, []string{"advice 1", "return recovery_action 4"}},
	} {
		if gpu := gpusOf(t, c.variant, c.state...)[0]; gpu.Advice != "" || gpu.Lost || !gpu.MemoryKnown {
			t.Errorf("%s: advice %q, lost %v, memory known %v", name, gpu.Advice, gpu.Lost, gpu.MemoryKnown)
		}
	}
}

func TestGPUThatIsLostShowsWhenItsAdviceIsAsked(t *testing.T) {
	for _, state := range []string{"return nvmlDeviceGetFieldValues 15", "return recovery_action 16"} {
		if gpu := gpusOf(t, newDriver, "advice 1", state)[0]; !gpu.Lost || gpu.Advice != "" {
			t.Errorf("%s: lost %v, advice %q", state, gpu.Lost, gpu.Advice)
		}
	}
}
