package sidecar_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar"
	"github.com/clawdbot/clawgate/sidecar/simulation"
)

// liar is a server that is well and answers clients as somebody pleases: with any
// error text, status or end. What is asked of it is done all the same, or not at all.
type liar struct {
	*scenario
	random *rand.Rand
}

// ollamasOwn are whole sentences of Ollama's, and what clients write that looks like
// them.
var ollamasOwn = []string{
	"model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details",
	"llama runner process has terminated: signal: killed", "llama-server process has terminated: exit status 1: cudaMalloc failed: out of memory",
	"an error was encountered while running the model: unexpected EOF", "an error was encountered while running the model: CUDA error: out of memory",
	"connection refused", "model requires more system memory (21.0 GiB) than is available (8.0 GiB)",
	"server busy, please try again.  maximum pending requests exceeded", "llama runner process no longer running: -1 ",
	`invalid format: "process has terminated"; expected "json" or a valid JSON Schema object`, "something else", "",
}

// said is how a liar's clients are told from Clawgate's own requests.
const said = `"system":"lie"`

// ServeHTTP does what is asked, and tells clients what it likes.
func (l *liar) answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	lie := strings.Index(string(body), said)
	if lie < 0 {
		l.World.ServeHTTP(w, r)
		return
	}
	var choice struct {
		Does, Says, Status, Pieces int
	}
	_ = json.Unmarshal(body, &choice)
	text, _ := json.Marshal(map[string]string{"error": ollamasOwn[choice.Says%len(ollamasOwn)]})
	talk := func() {}
	if choice.Status == http.StatusOK {
		w.Header().Set("Content-Type", "application/x-ndjson")
		talk = sync.OnceFunc(func() {
			for range choice.Pieces {
				_, _ = io.WriteString(w, `{"message":{"content":"hello"},"done":false}`+"\n")
				_ = http.NewResponseController(w).Flush()
			}
		})
	}
	if choice.Does == 1 {
		l.World.ServeHTTP(overheard{httptest.NewRecorder(), talk}, r)
	}
	if choice.Status == http.StatusOK && choice.Says%5 == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(choice.Status)
	_, _ = w.Write(append(text, '\n'))
}

// overheard talks when the model begins to: no token comes of nothing.
type overheard struct {
	*httptest.ResponseRecorder
	talk func()
}

func (o overheard) Write(p []byte) (int, error) {
	o.talk()
	return o.ResponseRecorder.Write(p)
}

// short keeps answers to one token: they are many.
const short = `,"options":{"num_predict":1}`

// sequence is a few requests that are made up, one after another or at once.
func (l *liar) sequence() {
	names := []string{model, model, model, other, third, "unknown:1b"}
	for range 1 + l.random.IntN(4) {
		extra := []string{short, short, short, `,"options":{"num_predict":1,"num_ctx":8%d}`, `,"keep_alive":%d`, `,"keep_alive":"%ds"`, `,"shift":false`}[l.random.IntN(7)]
		if strings.Contains(extra, "%") {
			extra = fmt.Sprintf(extra, []int{0, 1, 2, 2048, 4096}[l.random.IntN(5)])
		}
		lie := ""
		if l.random.IntN(4) > 0 {
			lie = fmt.Sprintf(`,%s,"does":%d,"says":%d,"status":%d,"pieces":%d`, said, l.random.IntN(2), l.random.IntN(len(ollamasOwn)),
				[]int{200, 200, 400, 404, 500, 500, 500, 502, 503}[l.random.IntN(9)], l.random.IntN(3))
		}
		body := fmt.Sprintf(`{"model":%q,"prompt":"hello","stream":%v%s%s}`, names[l.random.IntN(len(names))], l.random.IntN(2) > 0, extra, lie)
		if testing.Verbose() {
			l.log.remark(body)
		}
		call := l.post("/api/generate", body)
		if l.random.IntN(3) > 0 {
			call.wait()
		}
		time.Sleep([]time.Duration{0, time.Millisecond, 100 * time.Millisecond, time.Second, 4 * time.Second}[l.random.IntN(5)])
	}
}

// TestDecoysOfWords holds that no sequence of requests and answers alone, over a
// server whose probe and whose processes are well, closes the gate, keeps a model out
// or has a remedy taken. All of them are 100,000 sequences.
func TestDecoysOfWords(t *testing.T) {
	t.Parallel()
	sequences := 1000
	if raced {
		sequences = 150
	}
	for _, seed := range seedsFrom(1, 100) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			l := &liar{random: rand.New(rand.NewPCG(seed, 7))}
			world := simulation.Config{Seed: seed, Parallel: 2, GPUBytes: []uint64{14 << 30, 24 << 30}[seed%2], Models: []simulation.Model{
				{Name: model, Bytes: 12 << 30, LoadTakes: 4 * time.Second}, {Name: other, Bytes: 4 << 30, LoadTakes: 2 * time.Second},
				{Name: third, Bytes: 4 << 30, LoadTakes: 5 * time.Second},
			}}
			play(t, setup{world: world, before: func(s *scenario) {
				l.scenario = s
				s.odd.inPlace(l.answer)
			}}, func(s *scenario) {
				s.reaches(sidecar.Ready, time.Minute)
				var done atomic.Pointer[note]
				s.log.heard = func(n note) {
					if harm(n) {
						done.CompareAndSwap(nil, &n)
					}
				}
				for i := range sequences {
					if l.sequence(); done.Load() != nil {
						t.Fatalf("sequence %d of seed %d did harm: %+v", i, seed, *done.Load())
					}
				}
			})
		})
	}
}

// harm says that a line of the log tells of something that words must not bring about.
func harm(n note) bool {
	switch n.message {
	case "state changed", "a model is kept out", "a runner died", "there was no room for a model", "taking a remedy", "a remedy is due":
		return true
	}
	return false
}
