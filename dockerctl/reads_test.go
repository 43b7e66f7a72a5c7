package dockerctl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestActivityAddsUpTheCounters(t *testing.T) {
	for version, blocks := range map[string]string{
		"cgroup v1": `[{"op":"Read","value":100},{"op":"Write","value":20},{"op":"Sync","value":120},{"op":"Total","value":120},
			{"op":"Read","value":1},{"op":"Write","value":2},{"op":"Total","value":3}]`,
		"cgroup v2": `[{"op":"read","value":101},{"op":"write","value":22}]`,
	} {
		t.Run(version, func(t *testing.T) {
			fake := newFakeEngine()
			fake.answerJSON("GET /containers/"+name+"/stats", 200, `{"read":"2026-07-01T10:00:00Z",
				"cpu_stats":{"cpu_usage":{"total_usage":1276000000}},
				"networks":{"eth0":{"rx_bytes":5,"tx_bytes":7},"eth1":{"rx_bytes":10,"tx_bytes":20}},
				"blkio_stats":{"io_service_bytes_recursive":`+blocks+`}}`)
			got, err := fake.serve(t).Activity(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := evidence.Activity{SeenAt: got.SeenAt, CPU: 1276 * time.Millisecond, NetRx: 15, NetTx: 27, BlockRead: 101, BlockWrite: 22}
			if got != want || got.SeenAt.IsZero() {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if calls := fake.calls(); !slices.Equal(calls, []string{"GET /v1.41/containers/clawgate-ollama/stats?one-shot=1&stream=0"}) {
				t.Errorf("asked %q", calls)
			}
		})
	}
}

func TestAContainerWithoutNetworkOrDiskHasNoBytes(t *testing.T) {
	fake := newFakeEngine()
	fake.answerJSON("GET /containers/"+name+"/stats", 200, `{"read":"2026-07-01T10:00:00Z","blkio_stats":{"io_service_bytes_recursive":null}}`)
	got, err := fake.serve(t).Activity(t.Context())
	if want := (evidence.Activity{SeenAt: got.SeenAt}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAStoppedContainerHasNoActivity(t *testing.T) {
	fake := newFakeEngine()
	fake.answerJSON("GET /containers/"+name+"/stats", 200, `{"read":"0001-01-01T00:00:00Z","name":"/clawgate-ollama"}`)
	if _, err := fake.serve(t).Activity(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v, want ErrNotRunning", err)
	}
}

func TestProcessesAreReadByTheirColumns(t *testing.T) {
	fake := newFakeEngine()
	fake.answerJSON("GET /containers/"+name+"/top", 200, `{"Titles":["UID","PID","PPID","CMD"],
		"Processes":[["root","4711","1","/bin/ollama serve"],["root","4750","4711","/bin/ollama runner --model /m --port 1"]]}`)
	got, err := fake.serve(t).Processes(t.Context())
	want := []evidence.Process{{PID: 4711, Command: "/bin/ollama serve"}, {PID: 4750, Command: "/bin/ollama runner --model /m --port 1"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if calls := fake.calls(); !slices.Equal(calls, []string{"GET /v1.41/containers/clawgate-ollama/top"}) {
		t.Errorf("asked %q", calls)
	}
}

func TestProcessesRefusesATableWithoutPIDs(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"Titles":["CMD"],"Processes":[["x"]]}`,
		`{"Titles":["PID","CMD"],"Processes":[["1"]]}`, `{"Titles":["PID","CMD"],"Processes":[["one","x"]]}`,
	} {
		fake := newFakeEngine()
		fake.answerJSON("GET /containers/"+name+"/top", 200, body)
		if got, err := fake.serve(t).Processes(t.Context()); err == nil {
			t.Errorf("%s: got %v, want an error", body, got)
		}
	}
}

func TestAStoppedContainerHasNoProcesses(t *testing.T) {
	fake := newFakeEngine()
	fake.answerJSON("GET /containers/"+name+"/top", 409, `{"message":"Container 0a is not running"}`)
	if _, err := fake.serve(t).Processes(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v, want ErrNotRunning", err)
	}
}

// frame is a piece of log as the engine sends it.
func frame(stream byte, text string) string {
	header := []byte{stream, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(header[4:], uint32(len(text)))
	return string(header) + text
}

func TestLogTailTakesTheFramesOff(t *testing.T) {
	for name, test := range map[string]struct {
		log  string
		want []string
	}{
		"both streams":            {frame(1, "one\n") + frame(2, "two\n") + frame(1, "three\n"), []string{"one", "two", "three"}},
		"a line in two frames":    {frame(1, "on") + frame(1, "e\n"), []string{"one"}},
		"empty lines are kept":    {frame(1, "one\n\ntwo\n"), []string{"one", "", "two"}},
		"a terminal's raw stream": {"one\r\ntwo and more\r\n", []string{"one", "two and more"}},
		"a short raw stream":      {"one\r\n", []string{"one"}},
		"nothing":                 {"", nil},
		"more lines than asked":   {frame(1, strings.Repeat("x\n", 20)+"last\n"), append(slices.Repeat([]string{"x"}, 9), "last")},
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeEngine()
			fake.answer("GET /containers/clawgate-ollama/logs", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, test.log) })
			got, err := fake.serve(t).LogTail(t.Context(), 10)
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
			if calls := fake.calls(); !slices.Equal(calls, []string{"GET /v1.41/containers/clawgate-ollama/logs?stderr=1&stdout=1&tail=10"}) {
				t.Errorf("asked %q", calls)
			}
		})
	}
}

func TestLogTailKeepsTheEndOfALogThatIsTooLong(t *testing.T) {
	fake := newFakeEngine()
	fake.answer("GET /containers/"+name+"/logs", func(w http.ResponseWriter, _ *http.Request) {
		for i := range 5000 {
			fmt.Fprint(w, frame(2, fmt.Sprintf("%04d %s\n", i, strings.Repeat("x", 1000))))
		}
	})
	got, err := fake.serve(t).LogTail(t.Context(), 5000)
	if err != nil {
		t.Fatal(err)
	}
	if first, last := got[0], got[len(got)-1]; len(first) != 1005 || !strings.HasPrefix(last, "4999 ") {
		t.Errorf("from %.10q to %.10q", first, last)
	}
	if size := len(got) * 1006; size > logBytes || size < logBytes-2*1006 {
		t.Errorf("kept %d bytes of log, want about %d", size, logBytes)
	}
}

func TestLogTailRefusesBrokenLogs(t *testing.T) {
	for name, log := range map[string]string{
		"cut in a frame":        frame(1, "one\n") + frame(1, "two\n")[:9],
		"cut in a header":       frame(1, "one\n") + "\x01\x00",
		"a header that is none": frame(1, "one\n") + "garbage!",
		"a frame of 4 GiB":      "\x01\x00\x00\x00\xff\xff\xff\xffshort",
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeEngine()
			fake.answer("GET /containers/clawgate-ollama/logs", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, log) })
			if got, err := fake.serve(t).LogTail(t.Context(), 10); err == nil {
				t.Errorf("got %q, want an error", got)
			}
		})
	}
}

func TestLogTailRefusesBadNumbersOfLines(t *testing.T) {
	fake := newFakeEngine()
	container := fake.serve(t)
	for _, lines := range []int{-1, 0, MaxLogLines + 1} {
		if _, err := container.LogTail(t.Context(), lines); err == nil {
			t.Errorf("%d lines: want an error", lines)
		}
	}
	if calls := fake.calls(); len(calls) != 0 {
		t.Errorf("asked %q", calls)
	}
}
