// Package recovery holds the remedies: unloading a model, making room for one,
// restarting the container (where wanted with a GPU reset in between), starting
// it. Each rung of the ladder says what it does step by step, checks its own
// effect, and keeps to the run of the container that was judged.
//
// The package does not decide when a remedy is due or which one: package
// sidecar does. It does not load models either, and it does not open the gate:
// that takes a model that answers.
package recovery
