package main

import "context"

// The commands below are declared so that the package builds; each moves to a
// file of its own when it is written.

