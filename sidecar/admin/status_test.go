package admin

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/healthlog"
	"github.com/clawdbot/clawgate/wire"
)

// someStatus is the status of a wedged model, as of now.
func someStatus(now time.Time) Status {
	return Status{
		Version: "v1", StartedAt: now.Add(-time.Hour), State: "isolated", Since: now.Add(-4 * time.Second), Mode: "heal",
		Verdict: VerdictStatus{Name: "wedged", Sentence: "no first chunk on 3 probes for 19 s <script>", Since: now, Scope: "qwen3:32b"},
		Gate:    GateStatus{Reason: "a remedy is due"},
		Probes: ProbesStatus{
			TCP:   ProbeOf(evidence.ProbeResult{Outcome: evidence.Success, At: now.Add(-2 * time.Second), Took: time.Millisecond}, 7, ""),
			API:   ProbeOf(evidence.ProbeResult{}, 0, ""),
			Ready: ProbeOf(evidence.ProbeResult{Outcome: evidence.Failure, At: now.Add(-3 * time.Second), Reason: "no first chunk"}, 3, ""),
		},
		Traffic: TrafficOf(evidence.Traffic{
			SeenAt: now, Waiting: 3, OldestWaiting: now.Add(-9 * time.Second),
			InFlight: []evidence.Request{
				{Model: "qwen3:32b", Streaming: true, SentAt: now.Add(-30 * time.Second), LastChunkAt: now.Add(-20 * time.Second)},
				{Model: "qwen3:32b", SentAt: now.Add(-10 * time.Second)},
			},
		}, wire.Load{InFlight: 2, Queued: 1, Held: 2, BufferedBytes: 4096}),
		Container: ContainerOf(evidence.Container{
			Identity: evidence.Identity{ID: "abc", StartedAt: now.Add(-time.Hour)}, SeenAt: now.Add(-time.Second), Name: "clawgate-ollama",
			Status: evidence.Running, Env: map[string]string{"HF_TOKEN": "hf_do_not_show"},
		}),
		Models: ModelsOf([]evidence.LoadedModel{{Name: "qwen3:32b", Size: 20 << 30, SizeVRAM: 10 << 30}}),
		GPU:    GPUOf(gpuView()),
		Recent: []healthlog.Record{{At: now, Kind: healthlog.KindTransition, From: "ready", To: "isolated", Verdict: "wedged"}},
	}
}

func TestAgesAreThoseOfTheMomentOfShowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := quiet()
		fixed := someStatus(time.Now())
		config.Status = func() Status { return fixed }
		time.Sleep(time.Second)
		var shown Status
		if err := json.Unmarshal(get(t, New(config), "/-/status").Body.Bytes(), &shown); err != nil {
			t.Fatal(err)
		}
		for what, ages := range map[string]struct {
			got  *float64
			want float64
		}{
			"tcp probe":           {shown.Probes.TCP.AgeSeconds, 3},
			"ready probe":         {shown.Probes.Ready.AgeSeconds, 4},
			"container":           {shown.Container.AgeSeconds, 2},
			"traffic":             {shown.Traffic.AgeSeconds, 1},
			"oldest waiting":      {shown.Traffic.OldestWaitingSeconds, 10},
			"request":             {shown.Traffic.InFlight[0].AgeSeconds, 31},
			"request, last chunk": {shown.Traffic.InFlight[0].LastChunkSeconds, 21},
		} {
			if ages.got == nil || *ages.got != ages.want {
				t.Errorf("%s: age %v, want %v", what, ages.got, ages.want)
			}
		}
		if shown.Probes.API.AgeSeconds != nil || shown.Traffic.InFlight[1].LastChunkSeconds != nil {
			t.Error("what was never seen has an age")
		}
		if fixed.Traffic.InFlight[0].AgeSeconds != nil {
			t.Error("showing the status changed it")
		}
	})
}

func TestTheStatusIsIndentedJSONWithoutTheContainersEnvironment(t *testing.T) {
	config := quiet()
	config.Status = func() Status { return someStatus(time.Now()) }
	response := get(t, New(config), "/-/status")
	body := response.Body.String()
	if response.Code != http.StatusOK || !strings.HasPrefix(body, "{\n  \"version\": \"v1\"") {
		t.Errorf("answered %d %.60q, want indented JSON", response.Code, body)
	}
	if strings.Contains(body, "hf_do_not_show") {
		t.Error("the status shows the container's environment")
	}
	for _, want := range []string{`"api": {`, `"result": "unknown"`, `"size_vram": 10737418240`, `"streak": 7`, `"to": "isolated"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the status lacks %s", want)
		}
	}
}

func TestAnEmptyStatusIsShownToo(t *testing.T) {
	handler := New(quiet())
	for _, target := range []string{"/", "/-/status"} {
		if response := get(t, handler, target); response.Code != http.StatusOK {
			t.Errorf("%s answered %d %s, want 200", target, response.Code, response.Body)
		}
	}
}

func TestThePageIsWholeAndSafe(t *testing.T) {
	config := quiet()
	config.Status = func() Status { return someStatus(time.Now()) }
	response := get(t, New(config), "/")
	body := response.Body.String()
	for _, want := range []string{
		"<h1>isolated</h1>", "wedged: no first chunk on 3 probes", "&lt;script&gt;", "success × 7", "unknown × 0",
		"not seen yet", "10.0 GiB on the GPU", "42 %", "ready → isolated", "</html>", pageStyle,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "http:") || strings.Contains(body, "ZgotmplZ") {
		t.Errorf("the page has a script, a foreign resource or an escaping fault:\n%s", body)
	}
	if policy := response.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") {
		t.Errorf("Content-Security-Policy = %q", policy)
	}
}

func TestWhatTheDriverDoesNotTellIsNotShownAsZero(t *testing.T) {
	shown, err := json.Marshal(GPUOf(evidence.GPUView{Known: true, GPUs: []evidence.GPU{{
		UUID: "GPU-a", Processes: []evidence.GPUProcess{{PID: 7}},
	}}}).GPUs)
	if err != nil {
		t.Fatal(err)
	}
	if want := `[{"index":0,"uuid":"GPU-a","name":"","processes":[{"pid":7}]}]`; string(shown) != want {
		t.Errorf("shown as %s, want %s", shown, want)
	}
}
