package gpu

import (
	"reflect"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

const (
	mebi = 1 << 20

	ollamaID = "aaaa"
	tenantID = "bbbb"
)

// holds is a process with so many MiB; below zero it does not tell.
func holds(pid int, containerID string, amount int64) evidence.GPUProcess {
	process := evidence.GPUProcess{PID: pid, ContainerID: containerID}
	if amount >= 0 {
		process.Bytes, process.BytesKnown = uint64(amount)*mebi, true
	}
	return process
}

// inUse is a GPU with so many MiB in use, and its listed processes.
func inUse(index int, used uint64, processes ...evidence.GPUProcess) evidence.GPU {
	return evidence.GPU{
		Index: index, UUID: string(rune('A' + index)),
		MemoryKnown: true, TotalBytes: 24576 * mebi, UsedBytes: used * mebi,
		ProcessesKnown: true, Processes: processes,
	}
}

func but(gpu evidence.GPU, change func(*evidence.GPU)) evidence.GPU {
	change(&gpu)
	return gpu
}

func unlisted(gpu *evidence.GPU)           { gpu.ProcessesKnown, gpu.Processes = false, nil }
func unmeasured(gpu *evidence.GPU)         { gpu.MemoryKnown, gpu.UsedBytes = false, 0 }
func fallen(gpu *evidence.GPU)             { gpu.Lost = true }
func coherent(gpu *evidence.GPU)           { gpu.Coherent = true }
func nameless(gpu *evidence.GPU)           { gpu.UUID = "" }
func renumbered(gpu *evidence.GPU)         { gpu.Index = 0 }
func all(g ...evidence.GPU) []evidence.GPU { return g }

func TestLeak(t *testing.T) {
	runner := holds(100, ollamaID, 16000)
	tests := map[string]struct {
		before, after []evidence.GPU
		want          evidence.LeakResult
		leaks         []evidence.GPULeak
		because       string
	}{
		"everything came back": {
			before: all(inUse(0, 16010, runner)), after: all(inUse(0, 10)),
			want: evidence.LeakNone,
		},
		"the runner is still there": {
			before: all(inUse(0, 16010, runner)), after: all(inUse(0, 16010, runner)),
			want: evidence.LeakFound, because: "GPU 0: process 100 still holds 16000 MiB",
			leaks: []evidence.GPULeak{{Index: 0, UUID: "A", Bytes: 16000 * mebi, Holders: []evidence.GPUProcess{runner}}},
		},
		"a runner that tells no size is still there": {
			before: all(inUse(0, 16010, holds(100, "", -1))), after: all(inUse(0, 16010, holds(100, "", -1))),
			want: evidence.LeakFound, because: "process 100 is still there",
			leaks: []evidence.GPULeak{{Index: 0, UUID: "A", Holders: []evidence.GPUProcess{holds(100, "", -1)}}},
		},
		"a small remnant of the container is a leak too": {
			before: all(inUse(0, 16010, runner)), after: all(inUse(0, 30, holds(101, ollamaID, 20))),
			want: evidence.LeakFound, because: "20 MiB",
			leaks: []evidence.GPULeak{{Index: 0, UUID: "A", Bytes: 20 * mebi, Holders: []evidence.GPUProcess{holds(101, ollamaID, 20)}}},
		},
		"its PID serves another container now": {
			before: all(inUse(0, 16010, runner)), after: all(inUse(0, 710, holds(100, tenantID, 700))),
			want: evidence.LeakNone,
		},
		"memory that belongs to no process remains": {
			before: all(inUse(0, 16010, runner)), after: all(inUse(0, 9010)),
			want: evidence.LeakFound, because: "GPU 0: 9000 MiB belong to no process",
			leaks: []evidence.GPULeak{{Index: 0, UUID: "A", Bytes: 9000 * mebi}},
		},
		"what remains is within the tolerance": {
			before: all(inUse(0, 16010, runner)), after: all(inUse(0, 522)),
			want: evidence.LeakNone,
		},
		"one byte more than the tolerance": {
			before: all(inUse(0, 16010, runner)),
			after:  all(but(inUse(0, 522), func(g *evidence.GPU) { g.UsedBytes++ })),
			want:   evidence.LeakFound, because: "512 MiB",
			leaks: []evidence.GPULeak{{Index: 0, UUID: "A", Bytes: 512*mebi + 1}},
		},
		"another tenant grew meanwhile": {
			before: all(inUse(0, 18010, runner, holds(7, tenantID, 2000))),
			after:  all(inUse(0, 12010, holds(7, tenantID, 12000))),
			want:   evidence.LeakNone,
		},
		"another tenant shrank, which hides no leak": {
			before: all(inUse(0, 20010, runner, holds(7, tenantID, 4000))),
			after:  all(inUse(0, 9010, holds(7, tenantID, 1000))),
			want:   evidence.LeakFound,
			leaks:  []evidence.GPULeak{{Index: 0, UUID: "A", Bytes: 8000 * mebi}},
		},
		"a new tenant came": {
			before: all(inUse(0, 16010, runner)), after: all(inUse(0, 9010, holds(8, "", 9000))),
			want: evidence.LeakNone,
		},
		"no more is missing than was held": {
			before: all(inUse(0, 1010, holds(100, ollamaID, 1000))), after: all(inUse(0, 9010)),
			want:  evidence.LeakFound,
			leaks: []evidence.GPULeak{{Index: 0, UUID: "A", Bytes: 1000 * mebi}},
		},
		"a GPU that the container did not use is not its affair": {
			before: all(inUse(0, 16010, runner), inUse(1, 10, holds(7, tenantID, 5))),
			after:  all(inUse(0, 10), inUse(1, 9000, holds(7, tenantID, 5))),
			want:   evidence.LeakNone,
		},
		"one of two GPUs leaks": {
			before: all(inUse(0, 8010, holds(100, "", 8000)), inUse(1, 8010, holds(100, "", 8000))),
			after:  all(inUse(0, 10), inUse(1, 8010)),
			want:   evidence.LeakFound, because: "GPU 1: 8000 MiB",
			leaks: []evidence.GPULeak{{Index: 1, UUID: "B", Bytes: 8000 * mebi}},
		},
		"a leak on one outweighs an unknown on the other": {
			before: all(inUse(0, 8010, holds(100, "", 8000)), inUse(1, 8010, holds(100, "", 8000))),
			after:  all(inUse(0, 8010), but(inUse(1, 8010), fallen)),
			want:   evidence.LeakFound,
			leaks:  []evidence.GPULeak{{Index: 0, UUID: "A", Bytes: 8000 * mebi}},
		},
		"a GPU that moved up is known by its UUID": {
			before: all(inUse(1, 8010, holds(100, "", 8000))), after: all(but(inUse(1, 8010), renumbered)),
			want:  evidence.LeakFound,
			leaks: []evidence.GPULeak{{Index: 0, UUID: "B", Bytes: 8000 * mebi}},
		},
		"without a UUID the number serves": {
			before: all(but(inUse(0, 16010, runner), nameless)), after: all(but(inUse(0, 10), nameless)),
			want: evidence.LeakNone,
		},
		"shared memory is counted twice, before and after": {
			before: all(inUse(0, 17000, runner, holds(7, tenantID, 3000))),
			after:  all(inUse(0, 1000, holds(7, tenantID, 3000))),
			want:   evidence.LeakNone,
		},
		"nobody is listed and nearly nothing is in use": {
			before: all(but(inUse(0, 16010), unlisted)), after: all(but(inUse(0, 300), unlisted)),
			want: evidence.LeakNone,
		},
		"nobody is listed and much is in use": {
			before: all(but(inUse(0, 16010), unlisted)), after: all(but(inUse(0, 9000), unlisted)),
			want: evidence.LeakUnknown, because: "9000 MiB are still in use (16010 MiB before the stop)",
		},
		"an empty list proves nothing": {
			before: all(inUse(0, 16010)), after: all(inUse(0, 16010)),
			want: evidence.LeakUnknown, because: "does not tell by whom",
		},
		"the list is gone after, and as much came back as was held": {
			before: all(inUse(0, 20010, runner, holds(7, tenantID, 4000))), after: all(but(inUse(0, 4010), unlisted)),
			want: evidence.LeakNone,
		},
		"the list is gone after, and less came back": {
			before: all(inUse(0, 20010, runner, holds(7, tenantID, 4000))), after: all(but(inUse(0, 9000), unlisted)),
			want: evidence.LeakUnknown, because: "9000 MiB are still in use",
		},
		"a tenant tells no size": {
			before: all(inUse(0, 20010, runner, holds(7, tenantID, -1))),
			after:  all(inUse(0, 15010, holds(7, tenantID, -1))),
			want:   evidence.LeakUnknown, because: "15010 MiB are still in use",
		},
		"the memory is not told": {
			before: all(inUse(0, 16010, runner)), after: all(but(inUse(0, 0), unmeasured)),
			want: evidence.LeakUnknown, because: "does not tell how much memory",
		},
		"the kernel keeps the pages": {
			before: all(but(inUse(0, 16010, runner), coherent)), after: all(but(inUse(0, 16010), coherent)),
			want: evidence.LeakUnknown, because: "keeps pages",
		},
		"the GPU is lost": {
			before: all(inUse(0, 16010, runner)), after: all(but(inUse(0, 16010, runner), fallen)),
			want: evidence.LeakUnknown, because: "GPU 0: the GPU is lost",
		},
		"the GPU is not listed any more": {
			before: all(inUse(0, 16010, runner), inUse(1, 10)), after: all(inUse(1, 10)),
			want: evidence.LeakUnknown, because: "GPU 0 is not listed any more",
		},
		"no GPU at all": {want: evidence.LeakNone},
	}
	owner := evidence.GPUOwner{ContainerID: ollamaID, PIDs: []int{100}}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			got := Leak(evidence.GPUView{Known: true, GPUs: c.before}, evidence.GPUView{Known: true, GPUs: c.after}, owner, 512*mebi)
			if got.Result != c.want || !reflect.DeepEqual(got.Leaks, c.leaks) {
				t.Errorf("got  %+v\nwant %v, %+v", got, c.want, c.leaks)
			}
			if !strings.Contains(got.Reason, c.because) {
				t.Errorf("the reason is %q and says nothing of %q", got.Reason, c.because)
			}
			if (got.Reason == "") != (c.want == evidence.LeakNone) {
				t.Errorf("%v with the reason %q", got.Result, got.Reason)
			}
		})
	}
}

func TestLeakWithoutAViewIsUnknown(t *testing.T) {
	runner := holds(100, ollamaID, 16000)
	owner := evidence.GPUOwner{ContainerID: ollamaID}
	blind := evidence.GPUView{Reason: "no driver"}
	cleared := evidence.GPUView{Known: true, GPUs: all(inUse(0, 16010, runner))}
	empty := evidence.GPUView{Known: true, GPUs: all(inUse(0, 10))}
	for name, c := range map[string]struct {
		before, after evidence.GPUView
		want          evidence.LeakResult
		because       string
	}{
		"after":                         {cleared, blind, evidence.LeakUnknown, "after the stop: no driver"},
		"before":                        {blind, empty, evidence.LeakUnknown, "before the stop: no driver"},
		"both":                          {blind, blind, evidence.LeakUnknown, "after the stop: no driver"},
		"before, but a runner survived": {blind, cleared, evidence.LeakFound, "process 100 still holds"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Leak(c.before, c.after, owner, 512*mebi)
			if got.Result != c.want || !strings.Contains(got.Reason, c.because) {
				t.Errorf("got %+v, want %v because of %q", got, c.want, c.because)
			}
		})
	}
}

func TestHolderIsNamedByItsCommand(t *testing.T) {
	runner := holds(100, ollamaID, 16000)
	runner.Command = "ollama"
	view := evidence.GPUView{Known: true, GPUs: all(inUse(0, 16010, runner))}
	got := Leak(view, view, evidence.GPUOwner{ContainerID: ollamaID}, 0)
	if want := "GPU 0: process 100 (ollama) still holds 16000 MiB"; got.Reason != want {
		t.Errorf("the reason is %q, want %q", got.Reason, want)
	}
}
