//go:build e2e

package parts

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// Names of the public images that the product's Dockerfile and compose files
// ask for.
const (
	BaseImage    = "debian:bookworm-slim"
	BuilderImage = "golang:1.26-bookworm"
	OllamaImage  = "ollama/ollama:latest"
	HAProxyImage = "haproxy:2.6"
)

// Names of further images: a Debian of today, a newer Ollama than OllamaImage,
// and the clients for Python.
const (
	NewerBaseImage     = "debian:sid-slim"
	NewerOllamaImage   = "ollama/ollama:" + newerOllama
	PythonClientsImage = "clawgate-test-python-clients"
)

// prepareTimeout bounds the making of one image. The longest is Ollama's: 80 s
// on 2 idle cores.
const prepareTimeout = 10 * time.Minute

// image is one that is made when the engine does not have it.
type image struct {
	name  string
	build func(context.Context) error
}

// images are in the order in which they need each other.
func images() []image {
	return []image{
		{BaseImage, buildDebian("bookworm", BaseImage)},
		{HAProxyImage, buildHAProxy},
		{BuilderImage, buildBuilder},
		{OllamaImage, buildOllama},
		{NewerBaseImage, buildDebian("sid", NewerBaseImage)},
		{PythonClientsImage, buildPythonClients},
		{NewerOllamaImage, buildNewerOllama},
	}
}

// Prepare makes every part that the end-to-end tests need and that is not
// there: seven images and Compose v2. It takes eight minutes on a bare machine
// with 2 idle cores, and a second when all is there. It needs root (for
// debootstrap), the engine, Debian's archive and the Go module proxy.
func Prepare(ctx context.Context, log *slog.Logger) error {
	group, ctx := errgroup.WithContext(ctx)
	// The compiler keeps the cores busy while the archive keeps the line busy.
	group.Go(func() error { return makePrograms(ctx, log) })
	group.Go(func() error {
		for _, i := range images() {
			if err := makeImage(ctx, i, log); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

func makePrograms(ctx context.Context, log *slog.Logger) error {
	for _, build := range []func(context.Context) (string, error){OllamaBinary, NewerOllamaBinary, ComposeV2} {
		started := time.Now()
		path, err := build(ctx)
		if err != nil {
			return err
		}
		log.Info("program ready", "program", filepath.Base(path), "duration", time.Since(started).Round(time.Second))
	}
	return nil
}

// ensure makes an image, and those that it needs, for a test that runs without
// `make e2e`'s preparation.
func ensure(t testing.TB, name string) {
	t.Helper()
	for _, i := range images() {
		if i.name != name && i.name != BaseImage && i.name != NewerBaseImage {
			continue
		}
		if err := makeImage(t.Context(), i, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	}
}

func makeImage(ctx context.Context, i image, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	started := time.Now()
	_, err := docker(ctx, "image", "inspect", i.name)
	if err != nil {
		if err := i.build(ctx); err != nil {
			return fmt.Errorf("cannot make image %q: %w", i.name, err)
		}
	}
	log.Info("image ready", "image", i.name, "made", err != nil, "duration", time.Since(started).Round(time.Second))
	return nil
}
