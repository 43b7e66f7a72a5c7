// Package gpu sees the NVIDIA GPUs of the host through NVML, from a process of
// its own.
//
// An NVML call may block for ever in the driver, and calling a function that an
// older driver lacks ends the process. Both must cost the view and nothing else,
// so the calls are made in a child process (`clawgate nvml`, [Serve]) and asked
// for over pipes ([Client]). Whatever goes wrong there, the answer is a view
// that is not known, with the reason in plain words; it is never an error that
// could be taken for evidence of a broken GPU.
//
// [Leak] compares two views, before and after a container was stopped.
//
// The package draws no verdict, touches no container and changes nothing on a
// GPU: it only steps aside while another resets one ([Client.Suspend]). It is the only importer of go-nvml, which needs cgo: built without it,
// everything here compiles and the view is unknown.
package gpu

import (
	"context"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// Off is the view of one who does not want to look.
type Off struct{}

// View is never known.
func (Off) View(context.Context) evidence.GPUView {
	return unknown("the GPU view is turned off")
}

// FreshView is never known.
func (Off) FreshView(context.Context) evidence.GPUView {
	return unknown("the GPU view is turned off")
}

// Suspend has nothing to close.
func (Off) Suspend(context.Context) (resume func(), err error) {
	return func() {}, nil
}

func unknown(reason string) evidence.GPUView {
	return evidence.GPUView{SeenAt: time.Now(), Reason: reason}
}
