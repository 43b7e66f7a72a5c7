// Package dockerctl is the Docker Engine as the sidecar needs it: one
// container, known by its name, that can be looked at, stopped, started and
// restarted, and beside it a [Helper] that can be started.
//
// It translates between the engine's API and package evidence, gives every call
// a deadline, and never writes to a run of the container other than the one
// that was judged. It draws no conclusions and retries nothing but the event
// stream: what an exited container means, and what to do about it, is decided by
// its callers. It never creates, removes, kills or execs, and of the container's
// environment, which may hold secrets, it takes only the settings that are read.
//
// It is the only package that imports the Docker SDK.
package dockerctl
