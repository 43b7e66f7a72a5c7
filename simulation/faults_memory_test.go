package simulation_test

import (
	"strings"
	"testing"
	"time"
)

func TestOtherTenantIsNoFaultUntilALoadDoesNotFit(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.Foreign(14 * gib)
		v.answers(chat(shortReply))
		v.answers(askLlama)
		if g := v.gpu(); g.UsedBytes != 39*gib || len(g.Processes) != 3 || g.Processes[0].ContainerID == v.inspect().ID || g.Processes[0].Bytes != 14*gib {
			v.Errorf("the GPU is %+v", g)
		}
		v.Foreign(30 * gib) // what is loaded stays
		v.ask("/api/generate", unload)
		time.Sleep(time.Second)
		status, lines := v.ask("/api/chat", chat(""))
		if status != 500 || lines[0] != `{"error":"llama runner process has terminated: cudaMalloc failed: out of memory"}` {
			v.Errorf("a load that does not fit says %d %q", status, lines)
		}
		if len(v.ps()) != 0 {
			v.Errorf("it has not unloaded what it could: %+v", v.ps())
		}
		v.looksHealthy()
		v.answers(askLlama) // that one fits
		v.Foreign(0)
		v.answers(chat(shortReply))
	})
}

func TestLeakedMemoryEndsWithTheServer(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.answers(chat(shortReply))
		v.LeakVRAM(3 * gib)
		g := v.gpu()
		if g.UsedBytes != 23*gib || len(g.Processes) != 2 || g.Processes[0].ContainerID != v.inspect().ID || g.Processes[0].Command != "/bin/ollama serve" {
			v.Errorf("the GPU is %+v", g)
		}
		v.looksHealthy()
		v.answers(chat(shortReply))
		v.ask("/api/generate", unload)
		time.Sleep(time.Second)
		if used := v.gpu().UsedBytes; used != 3*gib {
			v.Errorf("after an unload %d bytes are used", used)
		}
		v.restart()
		if used := v.gpu().UsedBytes; used != 0 {
			v.Errorf("after a restart %d bytes are used", used)
		}
	})
}

func TestGhostMemoryEndsWithAReset(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.GhostVRAM(30 * gib)
		v.restart()
		if g := v.gpu(); g.UsedBytes != 30*gib || len(g.Processes) != 0 || !g.ProcessesKnown {
			v.Errorf("the GPU is %+v", g)
		}
		v.looksHealthy()
		v.answers(askLlama)
		if _, lines := v.ask("/api/chat", chat("")); !strings.Contains(lines[0], "out of memory") {
			v.Errorf("a load that does not fit says %q", lines)
		}
		v.ResetGPU()
		v.answers(chat(shortReply))
	})
}
