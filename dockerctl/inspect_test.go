package dockerctl

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/clawdbot/clawgate/evidence"
)

func TestInspectTellsWhatTheEngineKnows(t *testing.T) {
	fake := newFakeEngine()
	fake.answerJSON("GET /containers/"+name+"/json", 200, `{
		"Id": "`+judged.ID+`", "Name": "/clawgate-ollama", "RestartCount": 3,
		"State": {"Status": "exited", "ExitCode": 137, "OOMKilled": true, "Error": "no GPU",
			"StartedAt": "2026-07-01T10:00:00.123456789Z", "FinishedAt": "2026-07-01T11:00:00+01:00"},
		"HostConfig": {"RestartPolicy": {"Name": "unless-stopped"},
			"DeviceRequests": [{"Driver": "", "Count": -1, "Capabilities": [["gpu"]]}]},
		"Config": {"Image": "ollama/ollama:latest", "Env": ["OLLAMA_NUM_PARALLEL=4", "OLLAMA_KEEP_ALIVE=", "OLLAMA_HOST=http://[::]:1=2"]},
		"NetworkSettings": {"Networks": {"z": {"IPAddress": "10.0.0.9"}, "b": {"IPAddress": "10.0.0.2"}, "a": {"IPAddress": ""}}}}`)
	seen, err := fake.serve(t).Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if since := time.Since(seen.SeenAt); since < 0 || since > time.Minute {
		t.Errorf("SeenAt is %s ago", since)
	}
	want := evidence.Container{
		Identity: judged, SeenAt: seen.SeenAt, Name: name, Image: "ollama/ollama:latest",
		Status: evidence.Exited, FinishedAt: seen.FinishedAt, ExitCode: 137, OOMKilled: true,
		StartError: "no GPU", RestartPolicy: "unless-stopped", RestartCount: 3,
		Env:          map[string]string{"OLLAMA_NUM_PARALLEL": "4", "OLLAMA_KEEP_ALIVE": "", "OLLAMA_HOST": "http://[::]:1=2"},
		GPURequested: true, Address: "10.0.0.2",
	}
	if !seen.FinishedAt.Equal(time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("FinishedAt = %s", seen.FinishedAt)
	}
	if !reflect.DeepEqual(seen, want) {
		t.Errorf("got  %+v\nwant %+v", seen, want)
	}
}

// What is seen is shown to people and recorded.
func TestNoSecretOfTheContainersEnvironmentIsTaken(t *testing.T) {
	answer := inspection(evidence.Running)
	answer["HostConfig"] = map[string]any{"Runtime": "nvidia"}
	answer["Config"] = map[string]any{"Env": []string{
		"HF_TOKEN=hidden", "OLLAMA_API_KEY=hidden", "HTTPS_PROXY=http://me:hidden@proxy", "hidden", "=hidden", "ollama_host=hidden",
		"NVIDIA_VISIBLE_DEVICES=all", "CUDA_VISIBLE_DEVICES=-1",
	}}
	fake := newFakeEngine()
	fake.answerJSON("GET /containers/"+name+"/json", 200, answer)
	seen, err := fake.serve(t).Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	record, err := json.Marshal(seen)
	if err != nil || strings.Contains(string(record), "hidden") {
		t.Errorf("recorded as %s, %v", record, err)
	}
	if want := map[string]string{"CUDA_VISIBLE_DEVICES": "-1"}; !maps.Equal(seen.Env, want) || !seen.GPURequested {
		t.Errorf("Env is %v, want %v; a GPU was asked for: %v", seen.Env, want, seen.GPURequested)
	}
}

func TestAContainerThatNeverRanHasNoTimes(t *testing.T) {
	answer := inspection(evidence.Created)
	answer["State"] = map[string]any{"Status": "created", "StartedAt": "0001-01-01T00:00:00Z", "FinishedAt": ""}
	fake := newFakeEngine()
	fake.answerJSON("GET /containers/"+name+"/json", 200, answer)
	seen, err := fake.serve(t).Inspect(t.Context())
	if err != nil || !seen.StartedAt.IsZero() || !seen.FinishedAt.IsZero() || seen.RestartPolicy != "no" {
		t.Errorf("got %+v, %v", seen, err)
	}
}

func TestAMissingContainerIsAbsent(t *testing.T) {
	fake := newFakeEngine()
	fake.answerJSON("GET /containers/"+name+"/json", 404, missing())
	seen, err := fake.serve(t).Inspect(t.Context())
	if err != nil || seen.Status != evidence.Absent || seen.Name != name || seen.SeenAt.IsZero() {
		t.Errorf("got %+v, %v", seen, err)
	}
}

func TestInspectRefusesWhatItCannotUnderstand(t *testing.T) {
	broken := inspection(evidence.Running)
	broken["State"] = map[string]any{"Status": "running", "StartedAt": "yesterday"}
	other := inspection(evidence.Running)
	other["Name"] = "/clawgate-ollama-2"
	for name, test := range map[string]struct {
		status int
		body   any
		want   string
	}{
		"a web server's 404":     {404, `{"message":"page not found"}`, "page not found"},
		"no JSON":                {200, "<html>", "invalid character"},
		"null":                   {200, "null", "lacks an ID"},
		"an empty object":        {200, "{}", "lacks an ID"},
		"a time that is none":    {200, broken, "yesterday"},
		"another container":      {200, other, "clawgate-ollama-2"},
		"the engine's own error": {500, `{"message":"layer not known"}`, "layer not known"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeEngine()
			fake.answerJSON("GET /containers/clawgate-ollama/json", test.status, test.body)
			seen, err := fake.serve(t).Inspect(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %+v, %v; want an error with %q", seen, err, test.want)
			}
		})
	}
}

func TestGPURequested(t *testing.T) {
	request := func(r container.DeviceRequest) *container.HostConfig {
		return &container.HostConfig{Resources: container.Resources{DeviceRequests: []container.DeviceRequest{r}}}
	}
	runtime := &container.HostConfig{Runtime: "nvidia"}
	for name, test := range map[string]struct {
		host *container.HostConfig
		env  map[string]string
		want bool
	}{
		"nothing asked":                  {&container.HostConfig{Runtime: "runc"}, nil, false},
		"the capability":                 {request(container.DeviceRequest{Capabilities: [][]string{{"utility", "gpu"}}}), nil, true},
		"the driver":                     {request(container.DeviceRequest{Driver: "nvidia"}), nil, true},
		"a CDI device":                   {request(container.DeviceRequest{Driver: "cdi", DeviceIDs: []string{"nvidia.com/gpu=all"}}), nil, true},
		"another CDI device":             {request(container.DeviceRequest{Driver: "cdi", DeviceIDs: []string{"vendor.com/nic=0"}}), nil, false},
		"the runtime and the variable":   {runtime, map[string]string{"NVIDIA_VISIBLE_DEVICES": "all"}, true},
		"the runtime alone":              {runtime, nil, false},
		"the runtime and no device":      {runtime, map[string]string{"NVIDIA_VISIBLE_DEVICES": "void"}, false},
		"the image's variable with runc": {&container.HostConfig{Runtime: "runc"}, map[string]string{"NVIDIA_VISIBLE_DEVICES": "all"}, false},
	} {
		if got := gpuRequested(test.host, test.env); got != test.want {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}
