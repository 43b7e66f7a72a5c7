package sidecar_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/simulation"
)

// alias is another name of the main model's weights.
const alias = "mine:latest"

func withAlias() simulation.Config {
	return simulation.Config{Models: []simulation.Model{{Name: model}, {Name: other}, {Name: alias, Weights: model}}}
}

// longWhile is long enough for the pauses to have grown to their longest.
func longWhile() time.Duration {
	if raced {
		return 12 * time.Minute
	}
	return time.Hour
}

// directly asks the server past the relay.
func (s *scenario) directly(path, body string) {
	s.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: s.World.Dial, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(s.Context(), http.MethodPost, "http://ollama"+path, strings.NewReader(body))
	s.must(err)
	if response, err := client.Do(request); err == nil { // a server that is down answers nobody
		_ = response.Body.Close()
	}
}

// TestModelThatIsListedByAnotherNameIsAskedAndNotLoaded: its loads succeed and change
// nothing, and a token proves it.
func TestModelThatIsListedByAnotherNameIsAskedAndNotLoaded(t *testing.T) {
	t.Parallel()
	var tally *tallyOfMinutes
	first := func(s *scenario) {
		s.directly("/api/generate", `{"model":"`+alias+`","keep_alive":-1}`)
		tally = s.measure()
	}
	play(t, setup{world: withAlias(), before: first}, func(s *scenario) {
		began := time.Now()
		s.within("the start", s.reaches(policy.Ready, 10*time.Second).Sub(began), 0, 2*time.Second)
		s.chat(3).complete()
		s.keepsPace(tally, longWhile())
		s.stays(policy.Ready, time.Minute)
		if n := s.log.count("loading the model"); n > 2 {
			s.Errorf("it was loaded %d times, want twice at most", n)
		}
		s.remedies()
	})
}

// TestFrozenModelThatIsListedByAnotherNameIsFound: as soon as a client waits for it.
func TestFrozenModelThatIsListedByAnotherNameIsFound(t *testing.T) {
	t.Parallel()
	first := func(s *scenario) {
		s.directly("/api/generate", `{"model":"`+alias+`","keep_alive":-1}`)
		s.measure()
	}
	play(t, setup{world: withAlias(), before: first}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		stream := s.chat(10_000)
		stream.begins()
		s.must(s.FreezeRunner())
		waits := s.chat(3, `,"stream":false`)
		s.reaches(policy.Isolated, 30*time.Second)
		s.reaches(policy.Ready, 10*time.Second)
		waits.complete()
		s.chat(3).complete()
		s.remedies("unload")
	})
}

// TestModelThatSomebodyUnloadsEachTimeIsNotLoadedWithoutAPause: the pauses grow, and
// clients are served all the same.
func TestModelThatSomebodyUnloadsEachTimeIsNotLoadedWithoutAPause(t *testing.T) {
	t.Parallel()
	world := simulation.Config{Models: []simulation.Model{{Name: model, LoadTakes: 200 * time.Millisecond}, {Name: other}}}
	play(t, setup{world: world}, func(s *scenario) {
		s.reaches(policy.Ready, time.Minute)
		tally := s.measure()
		end := s.every(150*time.Millisecond, func() { s.directly("/api/generate", dropping(model)) })
		s.keepsPace(tally, longWhile())
		if n := s.log.count("loading the model"); n > 4 {
			s.Errorf("it was loaded %d times", n)
		}
		s.chat(3).complete()
		end()
		s.stays(policy.Ready, 10*time.Minute)
		s.remedies()
	})
}

// TestModelThatLastsAgainIsLoadedAgain: once it has stayed in memory for a while, what
// was is over.
func TestModelThatLastsAgainIsLoadedAgain(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, time.Minute)
		unload := s.every(5*time.Second, func() { s.directly("/api/generate", dropping(model)) })
		time.Sleep(10 * time.Minute)
		unload()
		s.chat(3, `,"keep_alive":-1`).complete()
		time.Sleep(10 * time.Minute)
		before := s.log.count("loading the model")
		s.directly("/api/generate", dropping(model))
		time.Sleep(time.Minute)
		if n := s.log.count("loading the model") - before; n != 1 {
			s.Errorf("it was loaded %d times, want once", n)
		}
		s.remedies()
	})
}
