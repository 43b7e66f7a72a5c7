package dockerctl

import (
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

const (
	lineListening = `time=2025-08-04T20:50:52.655Z level=INFO source=routes.go:1288 msg="Listening on [::]:11434 (version 0.9.6)"` + "\n"
	lineLooking   = `time=2025-08-04T20:50:52.656Z level=INFO source=gpu.go:217 msg="looking for compatible GPUs"` + "\n"
	lineNone      = `time=2025-08-04T20:50:52.660Z level=INFO source=gpu.go:377 msg="no compatible GPUs were discovered"` + "\n"
	lineCPU       = `time=2025-08-04T20:50:52.660Z level=INFO source=types.go:130 msg="inference compute" id=0 library=cpu variant="" compute="" driver=0.0 name="" total="31.2 GiB" available="27.2 GiB"` + "\n"
	lineNewCPU    = `time=2026-08-04T20:50:52.660Z level=INFO source=types.go:60 msg="inference compute" id=cpu library=cpu compute="" name=cpu description=cpu libdirs=ollama driver="" pci_id="" type="" total="31.2 GiB" available="27.2 GiB"` + "\n"
	lineCUDA      = `time=2025-08-04T20:50:52.660Z level=INFO source=types.go:130 msg="inference compute" id=GPU-bd9ee0f2 library=cuda variant=v12 compute=8.6 driver=12.4 name="NVIDIA GeForce RTX 3090" total="23.7 GiB" available="23.4 GiB"` + "\n"
	lineNewCUDA   = `time=2026-08-04T20:50:52.660Z level=INFO source=types.go:42 msg="inference compute" id=GPU-bd9ee0f2 library=CUDA compute=8.6 name=CUDA0 description="NVIDIA GeForce RTX 3090" libdirs=ollama,cuda_v12 driver=12.4 pci_id=0000:01:00.0 type=discrete total="23.7 GiB" available="23.4 GiB"` + "\n"
	lineRequest   = `[GIN] 2025/08/04 - 20:51:02 | 200 |      45.559µs |       127.0.0.1 | GET      "/api/tags"` + "\n"
)

func TestWhatOllamaSaysOfItsGPUs(t *testing.T) {
	for name, c := range map[string]struct {
		log  string
		want evidence.GPUHint
	}{
		"nothing":                       {"", evidence.GPUHintUnknown},
		"still looking":                 {lineListening + lineLooking, evidence.GPUHintUnknown},
		"only requests":                 {lineRequest + lineRequest, evidence.GPUHintUnknown},
		"0.9.6 on a CPU":                {lineListening + lineLooking + lineNone + lineCPU + lineRequest, evidence.GPUNotFound},
		"only the words":                {lineListening + lineNone, evidence.GPUNotFound},
		"a newer one on a CPU":          {lineListening + lineNewCPU, evidence.GPUNotFound},
		"0.9.6 on a GPU":                {lineListening + lineLooking + lineCUDA, evidence.GPUFound},
		"a newer one on a GPU":          {lineListening + lineNewCUDA, evidence.GPUFound},
		"two GPUs":                      {lineListening + lineCUDA + lineCUDA, evidence.GPUFound},
		"a GPU and then the CPU":        {lineListening + lineCUDA + lineCPU, evidence.GPUFound},
		"the CPU and then a GPU":        {lineListening + lineCPU + lineCUDA, evidence.GPUFound},
		"ROCm":                          {strings.ReplaceAll(lineCUDA, "=cuda", "=rocm"), evidence.GPUFound},
		"Vulkan":                        {strings.ReplaceAll(lineCUDA, "=cuda", "=Vulkan"), evidence.GPUFound},
		"Metal":                         {strings.ReplaceAll(lineCUDA, "=cuda", "=metal"), evidence.GPUFound},
		"a quoted library":              {strings.ReplaceAll(lineCPU, "=cpu", `="cpu"`), evidence.GPUNotFound},
		"the CPU in capitals":           {strings.ReplaceAll(lineCPU, "=cpu", "=CPU"), evidence.GPUNotFound},
		"the library as the last word":  {`msg="inference compute" id=0 library=cpu` + "\r\n", evidence.GPUNotFound},
		"no library":                    {strings.ReplaceAll(lineCPU, " library=cpu", ""), evidence.GPUHintUnknown},
		"an empty library":              {strings.ReplaceAll(lineCPU, "=cpu", `=""`), evidence.GPUHintUnknown},
		"a line that was cut":           {lineListening + `msg="inference compute" id=GPU-bd9ee0f2 library=c`, evidence.GPUHintUnknown},
		"a GPU in the last run alone":   {lineListening + lineCPU + lineListening + lineCUDA, evidence.GPUFound},
		"a GPU in an earlier run alone": {lineListening + lineCUDA + lineListening + lineNone + lineCPU, evidence.GPUNotFound},
		"an earlier run's and no word":  {lineListening + lineCUDA + lineListening, evidence.GPUHintUnknown},
		"a prompt that quotes it": {lineListening + lineCPU +
			`time=… level=DEBUG msg="completion request" prompt="msg=\"inference compute\" library=cuda"` + "\n", evidence.GPUNotFound},
	} {
		if got := hinted(c.log); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// What comes after a line about a GPU, short of another start of the server, takes
// nothing back; and no text at all is a hint that package evidence does not know.
func FuzzHinted(f *testing.F) {
	for _, log := range []string{"", lineCPU, lineCUDA, lineNone, lineListening + lineNewCPU, `msg="inference compute" library=`} {
		f.Add(log)
	}
	f.Fuzz(func(t *testing.T, log string) {
		switch hint := hinted(log); hint {
		case evidence.GPUHintUnknown, evidence.GPUFound, evidence.GPUNotFound:
		default:
			t.Errorf("%q is no hint", hint)
		}
		if !strings.Contains(log, listening) && hinted(lineCUDA+log) != evidence.GPUFound {
			t.Error("a GPU that was found is lost again")
		}
	})
}
