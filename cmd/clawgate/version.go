package main

import (
	"context"
	"fmt"
	"runtime/debug"
)

func runVersion(context.Context, []string) int {
	fmt.Println("clawgate " + version())
	return exitOK
}

// version describes the build from what the Go tool wrote into it: the module's
// version, the commit, whether the tree was changed, and the Go release.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := info.Main.Version
	if text == "" {
		text = "(devel)"
	}
	settings := map[string]string{}
	for _, setting := range info.Settings {
		settings[setting.Key] = setting.Value
	}
	if commit := settings["vcs.revision"]; commit != "" {
		text += " commit " + commit
	}
	if settings["vcs.modified"] == "true" {
		text += " modified"
	}
	return text + " " + info.GoVersion
}
