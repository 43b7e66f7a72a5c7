package gpu

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clawdbot/clawgate/evidence"
)

// Leak says whether a container that was stopped between two views left GPU
// memory behind, for each GPU that it was seen on. More than tolerance bytes
// must be missing; a process of the owner that is still there is a leak of any
// size.
//
// Other tenants may take and give back memory meanwhile, so what is compared is
// the memory that no listed process accounts for. Where the driver does not
// tell who holds how much, only the good news can be told from the device's
// totals; the rest is unknown, because whose memory remains cannot be said.
//
// It is pure and safe for any caller.
func Leak(before, after evidence.GPUView, owner evidence.GPUOwner, tolerance uint64) evidence.LeakReport {
	if !after.Known {
		return leakUnknown("no GPU view after the stop: " + after.Reason)
	}
	report := evidence.LeakReport{Result: evidence.LeakNone}
	var found, unclear []string
	if !before.Known {
		unclear = append(unclear, "no GPU view before the stop: "+before.Reason)
	}
	for _, now := range after.GPUs {
		then := same(before.GPUs, now)
		leak, why := leakOn(then, now, owner, tolerance)
		switch {
		case leak != nil:
			report.Leaks = append(report.Leaks, *leak)
			found = append(found, describe(*leak))
		case why != "":
			unclear = append(unclear, fmt.Sprintf("GPU %d: %s", now.Index, why))
		}
	}
	for _, then := range before.GPUs {
		if same(after.GPUs, then) == nil {
			unclear = append(unclear, fmt.Sprintf("GPU %d is not listed any more", then.Index))
		}
	}
	switch {
	case len(found) > 0:
		report.Result, report.Reason = evidence.LeakFound, strings.Join(found, "; ")
	case len(unclear) > 0:
		report.Result, report.Reason = evidence.LeakUnknown, strings.Join(unclear, "; ")
	}
	return report
}

func leakUnknown(reason string) evidence.LeakReport {
	return evidence.LeakReport{Result: evidence.LeakUnknown, Reason: reason}
}

// leakOn judges one GPU; then is nil when it was not seen before the stop. It
// returns a leak, or why there is no answer, or neither for a clean GPU.
func leakOn(then *evidence.GPU, now evidence.GPU, owner evidence.GPUOwner, tolerance uint64) (*evidence.GPULeak, string) {
	if now.Lost {
		return nil, "the GPU is lost"
	}
	leak := evidence.GPULeak{Index: now.Index, UUID: now.UUID}
	if leak.Holders = held(now, owner); len(leak.Holders) > 0 {
		leak.Bytes, _ = sum(leak.Holders)
		return &leak, ""
	}
	if then == nil {
		return nil, "" // reported once for the whole view
	}
	if now.Coherent {
		return nil, "its memory belongs to the host's kernel, which keeps pages"
	}
	if !then.MemoryKnown || !now.MemoryKnown {
		return nil, "the driver does not tell how much memory is in use"
	}
	ours, oursKnown := sum(held(*then, owner))
	unownedThen, thenKnown := unowned(*then)
	unownedNow, nowKnown := unowned(now)
	switch {
	case !oursKnown || !thenKnown || !nowKnown || len(then.Processes) == 0:
		return nil, leakByTotals(*then, now, ours, tolerance)
	case unownedNow-unownedThen > int64(tolerance) && ours > 0:
		// No more can be missing than was held; the rest is a tenant that hides.
		leak.Bytes = min(uint64(unownedNow-unownedThen), ours)
		return &leak, ""
	}
	return nil, ""
}

// leakByTotals is what remains without the processes' own numbers: it returns
// "" when nearly nothing is in use, or as much came back as the owner held.
func leakByTotals(then, now evidence.GPU, ours, tolerance uint64) string {
	if now.UsedBytes <= tolerance || ours > 0 && now.UsedBytes+ours <= then.UsedBytes+tolerance {
		return ""
	}
	return fmt.Sprintf("%s are still in use (%s before the stop), and the driver does not tell by whom",
		mebibytes(now.UsedBytes), mebibytes(then.UsedBytes))
}

// unowned is the memory in use that no listed process accounts for. It may be
// negative: processes that share memory count it twice.
func unowned(gpu evidence.GPU) (bytes int64, known bool) {
	listed, known := sum(gpu.Processes)
	return int64(gpu.UsedBytes) - int64(listed), known && gpu.ProcessesKnown
}

// sum adds up what the processes hold; known is false when one does not tell.
func sum(processes []evidence.GPUProcess) (bytes uint64, known bool) {
	known = true
	for _, process := range processes {
		bytes += process.Bytes
		known = known && process.BytesKnown
	}
	return bytes, known
}

func held(gpu evidence.GPU, owner evidence.GPUOwner) []evidence.GPUProcess {
	var processes []evidence.GPUProcess
	for _, process := range gpu.Processes {
		if owner.Owns(process) {
			processes = append(processes, process)
		}
	}
	return processes
}

// same finds the GPU in another view. Indexes may move when a GPU drops out, so
// they only serve where the driver told no UUID.
func same(gpus []evidence.GPU, wanted evidence.GPU) *evidence.GPU {
	i := slices.IndexFunc(gpus, func(gpu evidence.GPU) bool {
		if gpu.UUID != "" && wanted.UUID != "" {
			return gpu.UUID == wanted.UUID
		}
		return gpu.Index == wanted.Index
	})
	if i < 0 {
		return nil
	}
	return &gpus[i]
}

func describe(leak evidence.GPULeak) string {
	if len(leak.Holders) == 0 {
		return fmt.Sprintf("GPU %d: %s belong to no process", leak.Index, mebibytes(leak.Bytes))
	}
	var holders []string
	for _, process := range leak.Holders {
		holder := fmt.Sprintf("process %d", process.PID)
		if process.Command != "" {
			holder += " (" + process.Command + ")"
		}
		if process.BytesKnown {
			holder += " still holds " + mebibytes(process.Bytes)
		} else {
			holder += " is still there"
		}
		holders = append(holders, holder)
	}
	return fmt.Sprintf("GPU %d: %s", leak.Index, strings.Join(holders, ", "))
}

func mebibytes(bytes uint64) string {
	return fmt.Sprintf("%d MiB", bytes>>20)
}
