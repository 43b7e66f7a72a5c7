package tinymodel_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/e2e/tinymodel"
)

func TestSameConfigGivesSameBytes(t *testing.T) {
	first, second := model(t, tinymodel.Config{}), model(t, tinymodel.Config{})
	if !bytes.Equal(first, second) {
		t.Fatal("two files of the same configuration differ")
	}
	if !bytes.HasPrefix(first, []byte("GGUF\x03\x00\x00\x00")) {
		t.Errorf("the file begins with %q, want GGUF version 3", first[:8])
	}
	if len(first)%32 != 0 {
		t.Errorf("the file has %d bytes, want a multiple of the alignment", len(first))
	}
	if len(first) > 500_000 {
		t.Errorf("the lightest model has %d bytes, want less than half a megabyte", len(first))
	}
}

func TestSeedChangesOnlyWeights(t *testing.T) {
	first, second := model(t, tinymodel.Config{}), model(t, tinymodel.Config{Seed: 1})
	if len(first) != len(second) {
		t.Fatalf("the seed changed the size from %d to %d bytes", len(first), len(second))
	}
	if bytes.Equal(first, second) {
		t.Error("the seed changed nothing")
	}
}

func TestWidthAndDepthMakeItHeavier(t *testing.T) {
	light := len(model(t, tinymodel.Config{}))
	deeper := len(model(t, tinymodel.Config{Layers: 4}))
	wider := len(model(t, tinymodel.Config{Embedding: 128}))
	if deeper <= light || wider <= deeper {
		t.Errorf("sizes are %d, with more layers %d, with wider ones %d; want them to grow", light, deeper, wider)
	}
}

func TestBadConfigNamesEveryField(t *testing.T) {
	err := tinymodel.Write(&bytes.Buffer{}, tinymodel.Config{Embedding: 65, Layers: -1, Context: -1})
	if err == nil {
		t.Fatal("a bad configuration was accepted")
	}
	for _, field := range []string{"Embedding is 65", "Layers is -1", "Context is -1"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("error %q does not say %q", err, field)
		}
	}
}

var errFull = errors.New("disk full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrorIsReturned(t *testing.T) {
	if err := tinymodel.Write(fullDisk{}, tinymodel.Config{}); !errors.Is(err, errFull) {
		t.Errorf("error is %v, want %v", err, errFull)
	}
}

func model(t *testing.T, c tinymodel.Config) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tinymodel.Write(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
