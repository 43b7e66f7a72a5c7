package simulation_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/simulation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	gib   = 1 << 30
	qwen  = "qwen3:32b"
	llama = "llama3:8b"
)

// usual is a world whose model loads in 2 s, begins to answer in 100 ms and
// makes 50 tokens a second.
func usual() simulation.Config {
	return simulation.Config{
		Models:   []simulation.Model{{Name: qwen, Bytes: 20 * gib, Thinking: true}, {Name: llama, Bytes: 5 * gib}},
		GPUBytes: 48 * gib,
	}
}

// visit is a running world and a client of its server.
type visit struct {
	*testing.T
	*simulation.World
	client *http.Client
}

// inWorld runs test in a bubble of its own, against a world that runs.
func inWorld(t *testing.T, config simulation.Config, test func(v *visit)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		world := simulation.New(config)
		ended := make(chan error, 1)
		go func() { ended <- world.Run(ctx) }()
		synctest.Wait()
		transport := &http.Transport{DialContext: world.Dial}
		test(&visit{t, world, &http.Client{Transport: transport}})
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the world ended with %v", err)
		}
		transport.CloseIdleConnections()
		time.Sleep(time.Second) // what net/http still has to close
	})
}

// post sends body and returns the open answer.
func (v *visit) post(ctx context.Context, path, body string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://ollama:11434"+path, bytes.NewBufferString(body))
	if err != nil {
		v.Fatal(err)
	}
	return v.client.Do(request)
}

// ask sends body and returns the status and the answer's lines.
func (v *visit) ask(path, body string) (int, []string) {
	v.Helper()
	response, err := v.post(v.Context(), path, body)
	if err != nil {
		v.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode, v.lines(response)
}

func (v *visit) lines(response *http.Response) []string {
	v.Helper()
	var lines []string
	scanner := bufio.NewScanner(response.Body)
	for scanner.Scan() {
		if scanner.Text() != "" {
			lines = append(lines, scanner.Text())
		}
	}
	if scanner.Err() != nil {
		lines = append(lines, "cut: "+scanner.Err().Error())
	}
	return lines
}

func (v *visit) get(path string) string {
	v.Helper()
	request, err := http.NewRequestWithContext(v.Context(), http.MethodGet, "http://ollama:11434"+path, nil)
	if err != nil {
		v.Fatal(err)
	}
	response, err := v.client.Do(request)
	if err != nil {
		v.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		v.Fatalf("GET %s: %s %s %v", path, response.Status, text, err)
	}
	return string(text)
}

// loaded is what /api/ps says.
type loaded struct {
	Name          string    `json:"name"`
	Size          int64     `json:"size"`
	SizeVRAM      int64     `json:"size_vram"`
	ExpiresAt     time.Time `json:"expires_at"`
	ContextLength int       `json:"context_length"`
}

func (v *visit) ps() []loaded {
	v.Helper()
	var answer struct{ Models []loaded }
	if err := json.Unmarshal([]byte(v.get("/api/ps")), &answer); err != nil {
		v.Fatal(err)
	}
	return answer.Models
}

// runners are the commands and process numbers of the runners.
func (v *visit) runners() []evidence.Process {
	v.Helper()
	processes, err := v.Processes(v.Context())
	if err != nil {
		v.Fatal(err)
	}
	if len(processes) == 0 || processes[0].Command != "/bin/ollama serve" {
		v.Fatalf("the first process is not the server: %v", processes)
	}
	return processes[1:]
}

// background posts body and gives the answer's lines when it ends.
func (v *visit) background(ctx context.Context, path, body string) <-chan []string {
	answer := make(chan []string, 1)
	go func() {
		response, err := v.post(ctx, path, body)
		if err != nil {
			answer <- []string{"failed: " + err.Error()}
			return
		}
		defer response.Body.Close()
		answer <- v.lines(response)
	}()
	return answer
}

func (v *visit) inspect() evidence.Container {
	v.Helper()
	container, err := v.Inspect(v.Context())
	if err != nil {
		v.Fatal(err)
	}
	return container
}

func (v *visit) activity() evidence.Activity {
	v.Helper()
	activity, err := v.Activity(v.Context())
	if err != nil {
		v.Fatal(err)
	}
	return activity
}

// must fails the test when an act on the world failed.
func (v *visit) must(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}

// within checks that a duration is as long as it should be, to some hundredths of a
// second: the actors' own offsets and the load's twenty steps are below it.
func (v *visit) within(what string, got, want time.Duration) {
	v.Helper()
	if off := got - want; off < -10*time.Millisecond || off > 50*time.Millisecond {
		v.Errorf("%s took %s, want %s", what, got, want)
	}
}

func TestEndOfTheWorldCutsWhatIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world := simulation.New(usual())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- world.Run(ctx) }()
		synctest.Wait()
		transport := &http.Transport{DialContext: world.Dial}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://ollama/api/chat", strings.NewReader(chat(`,"options":{"num_predict":100000}`)))
		if err != nil {
			t.Fatal(err)
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := io.ReadAll(response.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the open stream ended with %v", err)
		}
		response.Body.Close()
		if err := world.Run(t.Context()); err == nil {
			t.Error("a world ran twice")
		}
	})
}
