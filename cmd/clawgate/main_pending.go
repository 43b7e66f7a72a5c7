package main

import "context"

// The commands below are declared so that the package builds; each moves to a
// file of its own when it is written.

func runDemo(context.Context, []string) int    { return misused("clawgate demo is not built yet") }
func runCheck(context.Context, []string) int   { return misused("clawgate check is not built yet") }
