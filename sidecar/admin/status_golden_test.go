package admin

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/healthlog"
	"github.com/clawdbot/clawgate/wire"
)

// People read the status with programs of their own, so that not a byte of it may
// change by accident.
func TestTheStatusIsShownByteForByteAsItWas(t *testing.T) {
	for name, status := range map[string]func(now time.Time) Status{
		"everything": wholeStatus,
		"nothing":    func(time.Time) Status { return Status{} },
		"nothing_seen": func(time.Time) Status {
			return Status{
				Probes:    ProbesStatus{TCP: ProbeOf(evidence.ProbeResult{}, 0, "")},
				Container: ContainerOf(evidence.Container{}), Traffic: TrafficOf(evidence.Traffic{}, wire.Load{}),
				Models: ModelsOf(nil), GPU: GPUOf(evidence.GPUView{}),
			}
		},
	} {
		seen := time.Date(2026, 7, 1, 10, 0, 0, 123456789, time.UTC)
		shown := httptest.NewRecorder()
		answer(shown, http.StatusOK, status(seen).AsOf(seen.Add(1500*time.Millisecond)))
		golden := filepath.Join("testdata", "status_"+name+".json")
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Error(err)
		}
		if got := shown.Body.String(); got != string(want) {
			t.Errorf("the status is not that of %s:\n%s", golden, got)
		}
	}
}

func TestTheWholeStatusHasEverythingSet(t *testing.T) {
	status := wholeStatus(time.Now())
	everythingSet(t, "Status", reflect.ValueOf(status.AsOf(time.Now())))
}

func everythingSet(t *testing.T, path string, value reflect.Value) {
	t.Helper()
	switch {
	case path == "Status.Models[0].SeenAt", path == "Status.Models[0].Digest": // not shown
	case value.IsZero():
		t.Errorf("%s is not set", path)
	case value.Kind() == reflect.Pointer:
		everythingSet(t, path, value.Elem())
	case value.Kind() == reflect.Slice:
		everythingSet(t, path+"[0]", value.Index(0)) // those after it show what is left out
	case value.Kind() == reflect.Struct && value.Type() != reflect.TypeFor[time.Time]():
		for i := range value.NumField() {
			everythingSet(t, path+"."+value.Type().Field(i).Name, value.Field(i))
		}
	}
}

func wholeStatus(now time.Time) Status {
	ago := func(seconds int) time.Time { return now.Add(-time.Duration(seconds) * time.Second) }
	status := Status{
		Version: "v1", StartedAt: ago(100), State: "recovering", Since: ago(90), Mode: "heal",
		Paused: true, PausedReason: "a person works here", Generation: 3,
		Verdict: VerdictStatus{Name: "wedged", Sentence: "no <first> chunk & no sign", Since: ago(80), Scope: "qwen3:32b"},
		Gate:    GateStatus{Open: true, ModelsClosed: []string{"a:latest", "b:latest"}, Reason: "wedged", ExpectedOpen: ago(-30)},
		Probes:  wholeProbes(ago), Traffic: wholeTraffic(ago), Container: wholeContainer(ago),
		Activity: ActivityStatus{Seen: Seen{At: ago(2)}, CPUMillisPerSecond: 1.5, NetworkBytesPerSecond: 2.25, DiskBytesPerSecond: 1e9, StillSeconds: 4.125},
		Models: ModelsOf([]evidence.LoadedModel{
			{Name: "qwen3:32b", Size: 20 << 30, SizeVRAM: 10 << 30, ExpiresAt: ago(-300), ContextLength: 4096, SeenAt: ago(4), Digest: "sha256:1"}, {},
		}),
		GPU:      wholeGPU(ago),
		Symptoms: wholeSymptoms(ago),
		Budget:   BudgetStatus{Remaining: 2, Budget: 3, WindowSeconds: 3600},
		Due:      &RemedyStatus{Rung: "restart", Reason: "wedged", Since: ago(7), Waits: "streams that move"},
		Quarantine: []QuarantineStatus{
			{Model: "b:latest", Until: ago(-60), Reason: "it dies of every request"},
		},
		Recovery:         &RecoveryStatus{Rung: "unload", Attempt: 2, Since: ago(8), LastResult: "its runner is still there"},
		Pull:             &PullStatus{Model: "qwen3:32b", Status: "pulling", CompletedBytes: 5, TotalBytes: 10, Since: ago(9)},
		HealthLogDropped: 4,
	}
	status.Recent = []healthlog.Record{
		{At: ago(10), Kind: healthlog.KindTransition, State: "isolated", From: "ready", To: "isolated", Verdict: "wedged", Sentence: "no chunk", Detail: map[string]any{"rung": "unload"}},
		{At: ago(9), Kind: healthlog.KindVerdict},
	}
	return status
}

func wholeProbes(ago func(int) time.Time) ProbesStatus {
	return ProbesStatus{
		TCP: ProbeOf(evidence.ProbeResult{Probe: evidence.ProbeTCP, Outcome: evidence.Success, Reason: "late", At: ago(1), Took: 1234567 * time.Nanosecond, Refused: true}, 5, "it was called off"),
		API: ProbeOf(evidence.ProbeResult{Outcome: evidence.Failure, Reason: "answered 500", At: ago(2), Took: time.Second, Server: true}, 6, "none"),
		Ready: ProbeOf(evidence.ProbeResult{
			Outcome: evidence.Failure, Reason: "no first chunk", At: ago(3), Took: 3 * time.Second,
			Late: true, Loaded: true, Crash: true, Spun: true, Answered: true, Unresolved: true, Missing: true, Unloaded: true, Hollow: true,
		}, 7, "the model is not loaded"),
	}
}

func wholeTraffic(ago func(int) time.Time) TrafficStatus {
	return TrafficOf(evidence.Traffic{
		SeenAt: ago(1), Waiting: 3, OldestWaiting: ago(9),
		InFlight: []evidence.Request{
			{Model: "qwen3:32b", Streaming: true, PromptTokens: 12, SentAt: ago(30), FirstChunkAt: ago(25), LastChunkAt: ago(20)}, {},
		},
	}, wire.Load{InFlight: 2, Queued: 1, Held: 2, BufferedBytes: 4096})
}

func wholeContainer(ago func(int) time.Time) ContainerStatus {
	status := ContainerOf(evidence.Container{
		Identity: evidence.Identity{ID: "abc", StartedAt: ago(50)}, SeenAt: ago(1), Name: "clawgate-ollama", Image: "ollama/ollama:latest",
		Status: evidence.Running, FinishedAt: ago(55), ExitCode: 137, OOMKilled: true, StartError: "no GPU", RestartPolicy: "always", RestartCount: 2,
		Env: map[string]string{"OLLAMA_HOST": "0.0.0.0"}, GPURequested: true, Address: "10.0.0.2",
	})
	status.Trouble, status.EngineAwaySince = "it is not the server that answers", ago(6)
	return status
}

func wholeGPU(ago func(int) time.Time) GPUStatus {
	return GPUOf(evidence.GPUView{
		SeenAt: ago(2), Known: true, Reason: "stale", Mismatch: true, Driver: "580.1",
		GPUs: []evidence.GPU{{
			Index: 1, UUID: "GPU-a", Name: "NVIDIA H200", Lost: true, Advice: evidence.AdviceReset,
			MemoryKnown: true, TotalBytes: 1000, UsedBytes: 700, FreeBytes: 250, ReservedBytes: 50, Coherent: true,
			UtilizationPercent: number(uint32(42)), TemperatureCelsius: number(uint32(60)), ClockReasons: number(evidence.ClockHardwareThermal | 0x1),
			ProcessesKnown: true, Processes: []evidence.GPUProcess{
				{PID: 1, ContainerID: "own", Bytes: 400, BytesKnown: true, Command: "ollama"}, {PID: 2, Bytes: 9, Command: "x"}, {PID: 3, BytesKnown: true},
			},
		}, {}, {
			MemoryKnown: true, UtilizationPercent: number(uint32(0)), TemperatureCelsius: number(uint32(0)), ClockReasons: number(uint64(0)),
			ProcessesKnown: true, Processes: []evidence.GPUProcess{},
		}},
	})
}

func wholeSymptoms(ago func(int) time.Time) SymptomsStatus {
	return SymptomsStatus{
		Xid: &XidStatus{Seen: Seen{At: ago(3)}, Code: 79, GPU: "GPU-a"}, GPULog: "not found", TokensPerSecond: 33.5,
		UnaccountedBytes: 1 << 30, UnaccountedSince: ago(11), ThrottledSince: ago(12), ThrottledBy: []string{"hardware_thermal"},
		Crashes: 1, LastCrash: ago(13), CrashDetail: "exit status 2", NoRoom: 2, LastNoRoom: ago(14), Refused: 3, LastRefused: ago(15),
		Hollow: 4, ClockJumped: ago(16), EngineError: "connection refused",
	}
}
