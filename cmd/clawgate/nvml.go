package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/clawdbot/clawgate/gpu"
)

// runNVML is the child process that the sidecar asks for the GPUs.
func runNVML(args []string) int {
	flags := flag.NewFlagSet("clawgate nvml", flag.ContinueOnError)
	library := flags.String("library", "", "path of libnvidia-ml.so.1, if it is not on the loader's path")
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}
	if err := gpu.Serve(*library); errors.Is(err, gpu.ErrNotAChild) {
		return misused("%v", err)
	} else if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailure
	}
	return exitOK
}
