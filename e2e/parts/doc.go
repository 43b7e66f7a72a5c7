// Package parts gives end-to-end tests the real parts that Clawgate works
// with: a real Ollama server in a container of the real engine, a real (tiny)
// model in it, its processes by the host's numbers, the product's own compose
// project, and a client that sees how an answer arrives.
//
// It needs a Docker Engine, Debian's archive and the Go module proxy. What no
// registry hands out it builds (see Prepare), under the names of the public
// images, so that the product's Dockerfile and compose files run unchanged.
// Everything that touches Docker is behind the build tag e2e. Only containers,
// networks and volumes that a test made itself are ever removed.
//
// It asserts nothing about Clawgate; that is for the tests.
package parts
