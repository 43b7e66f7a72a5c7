package admin

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/wire"
)

// ContainerOf shows an inspection.
func ContainerOf(container evidence.Container) ContainerStatus {
	return ContainerStatus{
		Seen:          Seen{At: container.SeenAt},
		Name:          container.Name,
		ID:            container.ID,
		Image:         container.Image,
		Status:        string(container.Status),
		StartedAt:     container.StartedAt,
		FinishedAt:    container.FinishedAt,
		ExitCode:      container.ExitCode,
		OOMKilled:     container.OOMKilled,
		StartError:    container.StartError,
		RestartPolicy: container.RestartPolicy,
		RestartCount:  container.RestartCount,
		GPURequested:  container.GPURequested,
	}
}

// ProbeOf shows the last result of a probe that was not unknown, and how many
// like it there were in a row. Doubt is why the newest attempt decided nothing.
func ProbeOf(last evidence.ProbeResult, streak int, doubt string) ProbeStatus {
	if last.Outcome == "" {
		last.Outcome = evidence.Unknown
	}
	return ProbeStatus{
		Seen:            Seen{At: last.At},
		Result:          string(last.Outcome),
		Reason:          last.Reason,
		Streak:          streak,
		DurationSeconds: last.Took.Seconds(),
		Doubt:           doubt,
	}
}

// TrafficOf shows live traffic together with the relay's load.
func TrafficOf(traffic evidence.Traffic, load wire.Load) TrafficStatus {
	shown := TrafficStatus{
		Seen:          Seen{At: traffic.SeenAt},
		InFlight:      make([]RequestStatus, 0, len(traffic.InFlight)),
		Waiting:       traffic.Waiting,
		Load:          load,
		OldestWaiting: traffic.OldestWaiting,
	}
	for _, request := range traffic.InFlight {
		shown.InFlight = append(shown.InFlight, RequestStatus{
			Model:        request.Model,
			Streaming:    request.Streaming,
			PromptTokens: request.PromptTokens,
			SentAt:       request.SentAt,
			LastChunkAt:  request.LastChunkAt,
		})
	}
	return shown
}

// ModelsOf shows the models in memory, without when the list was read, which is not
// the clock of the ages, and without what their names stood for.
func ModelsOf(loaded []evidence.LoadedModel) []evidence.LoadedModel {
	shown := append([]evidence.LoadedModel{}, loaded...)
	for i := range shown {
		shown[i].SeenAt, shown[i].Digest = time.Time{}, ""
	}
	return shown
}

// GPUOf shows a view of the GPUs.
func GPUOf(view evidence.GPUView) GPUStatus {
	shown := GPUStatus{
		Seen:     Seen{At: view.SeenAt},
		Known:    view.Known,
		Reason:   view.Reason,
		Driver:   view.Driver,
		Mismatch: view.Mismatch,
		GPUs:     make([]DeviceStatus, 0, len(view.GPUs)),
	}
	for _, gpu := range view.GPUs {
		shown.GPUs = append(shown.GPUs, deviceOf(gpu))
	}
	return shown
}

func deviceOf(gpu evidence.GPU) DeviceStatus {
	shown := DeviceStatus{
		Index:              gpu.Index,
		UUID:               gpu.UUID,
		Name:               gpu.Name,
		Lost:               gpu.Lost,
		Advice:             string(gpu.Advice),
		UtilizationPercent: gpu.UtilizationPercent,
		TemperatureCelsius: gpu.TemperatureCelsius,
	}
	if gpu.MemoryKnown {
		shown.TotalBytes, shown.UsedBytes, shown.FreeBytes = &gpu.TotalBytes, &gpu.UsedBytes, &gpu.FreeBytes
	}
	if gpu.ClockReasons != nil {
		shown.Slowdowns = evidence.Slowdowns(*gpu.ClockReasons)
	}
	for _, process := range gpu.Processes {
		holder := ProcessStatus{PID: process.PID, Command: process.Command, ContainerID: process.ContainerID}
		if process.BytesKnown {
			holder.Bytes = &process.Bytes
		}
		shown.Processes = append(shown.Processes, holder)
	}
	return shown
}
