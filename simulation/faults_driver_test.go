package simulation_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestRunnersInTheDriversHands(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.ask("/api/generate", loadLlama)
		ctx, leave := context.WithCancel(v.Context())
		answer := v.background(ctx, "/api/chat", chat(`,"options":{"num_predict":500}`))
		time.Sleep(time.Second)
		v.StickDriver(true)
		if used := v.used(time.Minute); used > time.Second {
			v.Errorf("it uses %s", used)
		}
		v.silent("the chat", answer)
		v.looksHealthy()
		leave()
		<-answer

		v.ask("/api/generate", unload)
		time.Sleep(time.Second)
		ctx, leave = context.WithTimeout(v.Context(), time.Hour)
		defer leave()
		list := make(chan string, 1)
		go func() { list <- v.get("/api/ps") }()
		other := v.background(ctx, "/api/chat", askLlama)
		time.Sleep(10 * time.Minute)
		v.get("/api/tags")
		v.get("/api/version")
		v.silent("another model", other)
		if len(list) != 0 {
			v.Error("the list of loaded models came")
		}
		v.StickDriver(false)
		<-list
		if lines := <-other; len(lines) != 33 {
			v.Errorf("after it the other model says %q", lines)
		}
		v.answers(chat(shortReply))
	})
}

func TestContainerInTheDriversHandsDoesNotStop(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.StickDriver(true)
		before := v.inspect()
		for range 2 {
			began := time.Now()
			err := v.Restart(v.Context(), before.Identity, 30*time.Second)
			if !errors.Is(err, evidence.ErrWontDie) {
				v.Errorf("a restart says %v", err)
			}
			v.within("the restart", time.Since(began), 44*time.Second)
			if c := v.inspect(); c.Status != evidence.Running || c.Identity != before.Identity {
				v.Errorf("after it the container is %+v", c)
			}
		}
		if len(v.runners()) != 1 || v.gpu().UsedBytes != 20*gib {
			v.Error("the runner is gone")
		}
		if _, err := v.Dial(v.Context(), "tcp", "ollama:11434"); err == nil {
			v.Error("a killed server listens")
		}
		v.StickDriver(false)
		if c := v.inspect(); c.Status != evidence.Exited || c.ExitCode != 137 {
			v.Errorf("after it the container is %+v", c)
		}
		v.must(v.Start(v.Context(), before.Identity))
		time.Sleep(time.Second)
		v.answers(chat(shortReply))
	})
}
