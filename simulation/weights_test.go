package simulation_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/simulation"
)

// The names of the world of weights.
const (
	persona  = "persona:latest"
	tuned    = "tuned:latest"
	adapted  = "adapted:latest"
	embedder = "embedder:latest"
)

// weights is a world of personas, with an adapter and with options of their own, and
// of an embedding model.
func weights(version string) simulation.Config {
	c := usual()
	c.Version = version
	c.Models = append(c.Models,
		simulation.Model{Name: persona, Weights: qwen, Bytes: 20 * gib, Thinking: true, System: "You are\nFROM /blobs/sha256-0"},
		simulation.Model{Name: tuned, Weights: qwen, Bytes: 20 * gib, Thinking: true, Parameters: map[string]any{"num_ctx": 2048}},
		simulation.Model{Name: adapted, Weights: qwen, Bytes: 20 * gib, Thinking: true, Adapter: "style"},
		simulation.Model{Name: embedder, Bytes: gib, Embeds: true},
	)
	return c
}

// inBoth plays on a release of each generation.
func inBoth(t *testing.T, test func(v *visit)) {
	t.Helper()
	for _, version := range []string{"0.9.6", "0.32.14"} {
		t.Run(version, func(t *testing.T) { inWorld(t, weights(version), test) })
	}
}

func chatWith(name string) string {
	return `{"model":"` + name + `","messages":[{"role":"user","content":"hello"}],"options":{"num_predict":1},"stream":false}`
}

// speaks asks for an answer in one piece and gets it.
func (v *visit) speaks(body string) {
	v.Helper()
	if status, lines := v.ask("/api/chat", body); status != http.StatusOK || !strings.Contains(lines[0], `"eval_count":1`) {
		v.Errorf("%s: %d %q", body, status, lines)
	}
}

// pid is the number of the only runner.
func (v *visit) pid() int {
	v.Helper()
	runners := v.runners()
	if len(runners) != 1 {
		v.Fatalf("there are %d runners", len(runners))
	}
	return runners[0].PID
}

func TestWhatReplacesARunner(t *testing.T) {
	inBoth(t, func(v *visit) {
		v.speaks(chatWith(qwen))
		for _, test := range []struct {
			body     string
			replaced bool
			listed   string
		}{
			{chatWith(persona), false, qwen},
			{chatWith("QWEN3:32B"), false, qwen},
			{chatWith("registry.ollama.ai/library/" + qwen), false, qwen},
			{chatWith(adapted), true, adapted},
			{chatWith(adapted), false, adapted},
			{chatWith(persona), true, persona},
			{chatWith(qwen), false, persona},
			{chatWith(tuned), true, tuned},
			{chatWith(qwen), true, qwen},
		} {
			before := v.pid()
			v.speaks(test.body)
			if replaced := v.pid() != before; replaced != test.replaced {
				v.Errorf("%s replaces the runner: %v", test.body, replaced)
			}
			v.listedAs(test.listed)
		}
	})
}

func TestShiftReplacesARunnerOfNewReleases(t *testing.T) {
	for version, replaces := range map[string]bool{"0.9.6": false, "0.32.14": true} {
		inWorld(t, weights(version), func(v *visit) {
			v.speaks(chatWith(qwen))
			before := v.pid()
			v.speaks(strings.TrimSuffix(chatWith(qwen), "}") + `,"shift":false}`)
			if replaced := v.pid() != before; replaced != replaces {
				v.Errorf("%s: it replaces the runner: %v", version, replaced)
			}
		})
	}
}

// shown is what /api/show says of a model.
func (v *visit) shown(model string) (status int, modelfile, parameters string, capabilities []string) {
	v.Helper()
	status, lines := v.ask("/api/show", only(model))
	var reply struct {
		Modelfile, Parameters string
		Capabilities          []string
	}
	v.must(json.Unmarshal([]byte(lines[0]), &reply))
	return status, reply.Modelfile, reply.Parameters, reply.Capabilities
}

func TestWhatAModelIsIsShown(t *testing.T) {
	inBoth(t, func(v *visit) {
		_, main, _, can := v.shown(qwen)
		from := main[strings.Index(main, "\nFROM "):strings.Index(main, "\nTEMPLATE ")]
		if !strings.HasPrefix(from, "\nFROM /root/.ollama/models/blobs/sha256-") || strings.Join(can, " ") != "completion thinking" {
			v.Errorf("%s is %q, %q", qwen, main, can)
		}
		for model, want := range map[string]string{
			persona: from + "\nTEMPLATE {{ .Prompt }}\nSYSTEM \"You are\nFROM /blobs/sha256-0\"\n",
			tuned:   from + "\nTEMPLATE {{ .Prompt }}\nPARAMETER num_ctx 2048\n",
			adapted: from + "\nADAPTER /root/.ollama/models/blobs/sha256-",
		} {
			if _, modelfile, _, _ := v.shown(model); !strings.Contains(modelfile, want) {
				v.Errorf("%s is %q, want %q in it", model, modelfile, want)
			}
		}
		if _, _, parameters, _ := v.shown(tuned); parameters != "num_ctx                        2048" {
			v.Errorf("its parameters are %q", parameters)
		}
		if _, _, _, can := v.shown(embedder); strings.Join(can, " ") != "embedding" {
			v.Errorf("%s can %q", embedder, can)
		}
	})
}

// digests are those of the manifests, by name.
func (v *visit) digests() map[string]string {
	v.Helper()
	var reply struct {
		Models []struct{ Name, Digest string }
	}
	v.must(json.Unmarshal([]byte(v.get("/api/tags")), &reply))
	digests := map[string]string{}
	for _, m := range reply.Models {
		digests[m.Name] = m.Digest
	}
	return digests
}

// TestADigestIsThatOfWhatIsInTheManifest, whatever its name.
func TestADigestIsThatOfWhatIsInTheManifest(t *testing.T) {
	inBoth(t, func(v *visit) {
		v.ask("/api/copy", `{"source":"`+qwen+`","destination":"copy"}`)
		v.ask("/api/create", `{"model":"remade","from":"`+persona+`"}`)
		v.ask("/api/create", `{"model":"told","from":"`+qwen+`","system":"x"}`)
		v.ask("/api/create", `{"model":"lit","from":"`+qwen+`","adapters":{"l":"sha256:1"}}`)
		v.ask("/api/create", `{"model":"cold","from":"`+qwen+`","parameters":{"temperature":0}}`)
		d, seen := v.digests(), map[string]string{}
		if d["copy:latest"] != d[qwen] || d["remade:latest"] != d[persona] {
			v.Errorf("copies have digests of their own: %q", d)
		}
		for _, name := range []string{qwen, llama, persona, tuned, adapted, embedder, "told:latest", "lit:latest", "cold:latest"} {
			if before := seen[d[name]]; before != "" || d[name] == "" {
				v.Errorf("%s has the digest of %q", name, before)
			}
			seen[d[name]] = name
		}
	})
}

// TestANameMadeAnewProvesNothing: it is listed with the old digest, does not reach the
// runner that it loaded, and gets a second one.
func TestANameMadeAnewProvesNothing(t *testing.T) {
	inBoth(t, func(v *visit) {
		v.ask("/api/generate", only(persona))
		before := v.digests()[persona]
		v.ask("/api/create", `{"model":"`+persona+`","from":"`+llama+`"}`)
		running := func() (digests []string) {
			var reply struct {
				Models []struct{ Name, Digest string }
			}
			v.must(json.Unmarshal([]byte(v.get("/api/ps")), &reply))
			for _, m := range reply.Models {
				if m.Name != persona {
					v.Errorf("listed is %s", m.Name)
				}
				digests = append(digests, m.Digest)
			}
			return digests
		}
		if now := running(); len(now) != 1 || now[0] != before || now[0] == v.digests()[persona] {
			v.Errorf("listed are %q", now)
		}
		v.ask("/api/generate", `{"model":"`+persona+`","keep_alive":0}`)
		time.Sleep(time.Second)
		if now := running(); len(now) != 1 {
			v.Errorf("a keep_alive of 0 leaves %q", now)
		}
		v.speaks(chatWith(persona))
		if now := running(); len(now) != 2 || now[0] == now[1] {
			v.Errorf("two runners are %q", now)
		}
		v.ask("/api/generate", `{"model":"`+qwen+`","keep_alive":0}`)
		time.Sleep(time.Second)
		if now := running(); len(now) != 1 || now[0] != v.digests()[persona] {
			v.Errorf("by a name of its weights one goes, and %q stay", now)
		}
	})
}

func TestAnEmbeddingModelOnlyEmbeds(t *testing.T) {
	inBoth(t, func(v *visit) {
		for _, test := range []struct {
			path, body string
			status     int
			want       string
		}{
			{"/api/chat", chatWith("EMBEDDER"), 400, `{"error":"\"EMBEDDER\" does not support chat"}`},
			{"/api/chat", strings.TrimSuffix(chatWith(embedder), "}") + `,"think":true}`, 400, `does not support chat`},
			{"/api/generate", only(embedder), 400, `does not support generate`},
			{"/v1/chat/completions", chatWith(embedder), 400, `does not support chat`},
			{"/api/embed", `{"model":"embedder","input":""}`, 200, `"embeddings":[]`},
			{"/api/embed", `{"model":"embedder","input":"a"}`, 200, `[0.6,0.8]`},
			{"/api/embeddings", `{"model":"embedder","prompt":"a"}`, 200, `"embedding":[0.6,0.8]`},
			{"/v1/embeddings", `{"model":"embedder","input":"a"}`, 200, `"embedding":[0.6,0.8],"index":0,"object":"embedding"`},
			{"/v1/embeddings", `{"model":"nope","input":"a"}`, 404, `not found`},
			{"/api/generate", `{"model":"embedder","keep_alive":0}`, 200, `"done_reason":"unload"`},
		} {
			status, lines := v.ask(test.path, test.body)
			if status != test.status || !strings.Contains(strings.Join(lines, ""), test.want) {
				v.Errorf("%s %s: %d %q, want %d %s", test.path, test.body, status, lines, test.status, test.want)
			}
		}
	})
}

func TestAnEmbeddingModelHasOneSlot(t *testing.T) {
	c := weights("0.9.6")
	c.Parallel = 4
	inWorld(t, c, func(v *visit) {
		v.ask("/api/embed", `{"model":"embedder","input":""}`)
		began := time.Now()
		first, second := v.background(v.Context(), "/api/embed", `{"model":"embedder","input":"a"}`), v.background(v.Context(), "/api/embed", `{"model":"embedder","input":"a"}`)
		<-first
		<-second
		v.within("two embeddings one after the other", time.Since(began), 2*100*time.Millisecond)
	})
}

// TestNewReleasesEmbedWithEmbeddingModelsAlone.
func TestNewReleasesEmbedWithEmbeddingModelsAlone(t *testing.T) {
	for version, want := range map[string][2]int{"0.9.6": {200, 200}, "0.32.14": {http.StatusNotImplemented, http.StatusInternalServerError}} {
		inWorld(t, weights(version), func(v *visit) {
			newer, lines := v.ask("/api/embed", `{"model":"`+qwen+`","input":"a"}`)
			older, _ := v.ask("/api/embeddings", `{"model":"`+qwen+`","prompt":"a"}`)
			if newer != want[0] || older != want[1] || newer != 200 && !strings.Contains(lines[0], "does not support embeddings. Start it with") {
				v.Errorf("%s: %d %d %q", version, newer, older, lines)
			}
			v.listedAs(qwen)
		})
	}
}

func TestARunnerThatDiesWhileItEmbeds(t *testing.T) {
	for version, want := range map[string]struct {
		status int
		path   string
	}{"0.9.6": {500, "/embedding"}, "0.32.14": {400, "/v1/embeddings"}} {
		c := weights(version)
		c.Models[len(c.Models)-1].FirstChunk = time.Minute
		inWorld(t, c, func(v *visit) {
			v.speaks(chatWith(qwen))
			before := v.pid()
			go func() {
				time.Sleep(10 * time.Second)
				if err := v.KillRunnerOf(embedder); err != nil {
					v.Error(err)
				}
			}()
			status, lines := v.ask("/api/embed", `{"model":"embedder","input":"a"}`)
			if status != want.status || !strings.HasPrefix(lines[0], `{"error":"do embedding request: Post \"http://127.0.0.1:`) || !strings.Contains(lines[0], want.path+`\": EOF"}`) {
				v.Errorf("%s: %d %q", version, status, lines)
			}
			v.speaks(chatWith(qwen))
			if runners := v.runners(); runners[0].PID != before && runners[len(runners)-1].PID != before {
				v.Errorf("the other model's runner ended, too: %v", runners)
			}
			if err := v.FreezeRunnerOf("nope"); err == nil {
				v.Error("a model that is not there was frozen")
			}
		})
	}
}
