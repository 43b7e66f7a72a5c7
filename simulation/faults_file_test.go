package simulation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/simulation"
)

// refuses checks what the calls say of a model.
func (v *visit) refuses(model string, want map[string]string) {
	v.Helper()
	for path, words := range want {
		body := only(model)
		switch {
		case path == "/api/chat":
			body = chatWith(model)
		case strings.HasPrefix(path, "/api/embed"):
			body = `{"model":"` + model + `","input":""}`
		}
		if status, lines := v.ask(path, body); status < 400 || !strings.Contains(lines[0], words) {
			v.Errorf("%s of %s: %d %q, want %s", path, model, status, lines, words)
		}
	}
}

func TestDamagedFiles(t *testing.T) {
	for version, half := range map[string]string{"0.9.6": `unable to load model: /root/.ollama/models/blobs/sha256-`, "0.32.14": `offset+size (2684354592) exceeds file size (2684354560)`} {
		inWorld(t, weights(version), func(v *visit) {
			v.speaks(chatWith(qwen))
			v.DamageFile(llama, simulation.Half)
			v.refuses(llama, map[string]string{"/api/chat": half, "/api/generate": half, "/api/embed": half})
			v.DamageFile(llama, simulation.Foreign)
			v.refuses(llama, map[string]string{"/api/chat": `does not support chat`, "/api/generate": `does not support generate`, "/api/embed": `invalid file magic`})
			v.DamageFile(llama, simulation.Gone)
			v.refuses(llama, map[string]string{"/api/chat": `does not support chat`, "/api/generate": `does not support generate`, "/api/embed": `model \"llama3:8b\" not found, try pulling it first`})
			v.listedAs(qwen)
			v.speaks(chatWith(qwen)) // another model goes on
			v.Mend(llama)
			v.speaks(chatWith(llama))
		})
	}
}

// TestOldReleasesLookIntoTheFileToShowAModel, and new ones remember it.
func TestOldReleasesLookIntoTheFileToShowAModel(t *testing.T) {
	for damage, want := range map[simulation.Damage]int{simulation.Half: 200, simulation.Foreign: 500, simulation.Gone: 404} {
		for version, status := range map[string]int{"0.9.6": want, "0.32.14": 200} {
			inWorld(t, weights(version), func(v *visit) {
				v.DamageFile(llama, damage)
				if got, lines := v.ask("/api/show", only(llama)); got != status {
					v.Errorf("%s, damage %d: %d %q", version, damage, got, lines)
				}
			})
		}
	}
}

func TestAModelInMemoryStaysThereWithoutItsFile(t *testing.T) {
	inBoth(t, func(v *visit) {
		v.speaks(chatWith(llama))
		v.DamageFile(llama, simulation.Half)
		v.speaks(chatWith(llama))
		time.Sleep(time.Second)
		if err := v.Able(llama); err != nil {
			v.Errorf("with half of its file: %v", err)
		}
		v.DamageFile(llama, simulation.Gone)
		v.refuses(llama, map[string]string{"/api/chat": `does not support chat`})
		v.listedAs(llama)
		v.DamageFile(llama, simulation.Whole)
		v.speaks(chatWith(llama))
	})
}

// TestADamagedModelMakesNoRoom: Ollama finds out before it unloads another for its
// memory, and after it unloaded one for its place in the list.
func TestADamagedModelMakesNoRoom(t *testing.T) {
	for most, stays := range map[int]string{3: qwen, 1: ""} {
		c := weights("0.9.6")
		c.GPUBytes, c.MaxLoaded = 22*gib, most
		inWorld(t, c, func(v *visit) {
			v.speaks(chatWith(qwen))
			v.DamageFile(llama, simulation.Half)
			v.refuses(llama, map[string]string{"/api/chat": `unable to load model`})
			v.listedAs(stays)
		})
	}
}

// TestABrokenAdapterIsItsPersonasTrouble alone.
func TestABrokenAdapterIsItsPersonasTrouble(t *testing.T) {
	for version, words := range map[string]string{"0.9.6": `{"error":"llama runner process has terminated: exit status 2"}`, "0.32.14": `{"error":"llama-server process has terminated: exit status 1"}`} {
		inWorld(t, weights(version), func(v *visit) {
			v.BreakAdapter(adapted, true)
			v.speaks(chatWith(qwen))
			v.refuses(adapted, map[string]string{"/api/chat": words})
			time.Sleep(time.Second)
			v.listedAs("") // it has pushed the model out of its place
			v.speaks(chatWith(persona))
			v.BreakAdapter(adapted, false)
			v.speaks(chatWith(adapted))
			v.BreakAdapter(adapted, true)
			v.Mend(adapted)
			v.speaks(chatWith(qwen))
			v.speaks(chatWith(adapted))
		})
	}
}
