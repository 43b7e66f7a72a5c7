package tinymodel

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
)

// alignment is the default of the GGUF format: the data begins, and each
// tensor in it, at a multiple of this many bytes.
const alignment = 32

// Value types of the GGUF format.
const (
	typeUint32  uint32 = 4
	typeInt32   uint32 = 5
	typeFloat32 uint32 = 6
	typeBool    uint32 = 7
	typeString  uint32 = 8
	typeArray   uint32 = 9
)

// field is one key of the metadata.
type field struct {
	key   string
	value any // string, uint32, float32, bool, []string or []int32
}

// tensor is one block of weights, all 32-bit floats.
type tensor struct {
	name  string
	shape []int // fastest-changing dimension first, as GGUF has it
	fixed bool  // every weight is 1
	// row is the standard deviation of the weights in a row.
	row func(row int) float64
}

// gguf is a model file before it has bytes.
type gguf struct {
	metadata []field
	tensors  []tensor
}

func ones(name string, size int) tensor {
	return tensor{name: name, shape: []int{size}, fixed: true}
}

func noise(name string, columns, rows int) tensor {
	return tensor{name: name, shape: []int{columns, rows}, row: func(int) float64 { return 0.05 }}
}

func (t tensor) size() int {
	count := 1
	for _, n := range t.shape {
		count *= n
	}
	return 4 * count
}

// write writes header, metadata, the table of tensors and their weights.
func (g gguf) write(w io.Writer, seed uint64) error {
	header, err := g.header()
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<16)
	if _, err := out.Write(padded(header)); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(seed, 0))
	for _, t := range g.tensors {
		if err := t.writeWeights(out, random); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (g gguf) header() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("GGUF")
	put(&b, uint32(3)) // version of the format
	put(&b, uint64(len(g.tensors)))
	put(&b, uint64(len(g.metadata)))
	for _, f := range g.metadata {
		putString(&b, f.key)
		if err := putValue(&b, f.value); err != nil {
			return nil, fmt.Errorf("metadata %q: %w", f.key, err)
		}
	}
	offset := 0
	for _, t := range g.tensors {
		putString(&b, t.name)
		put(&b, uint32(len(t.shape)))
		for _, n := range t.shape {
			put(&b, uint64(n))
		}
		put(&b, uint32(0)) // 32-bit floats
		put(&b, uint64(offset))
		offset += aligned(t.size())
	}
	return b.Bytes(), nil
}

// writeWeights writes one float at a time into the buffer, so that a heavy
// model needs no memory.
func (t tensor) writeWeights(out *bufio.Writer, random *rand.Rand) error {
	columns := t.shape[0]
	for row := range t.size() / 4 / columns {
		for range columns {
			weight := float32(1)
			if !t.fixed {
				weight = float32(random.NormFloat64() * t.row(row))
			}
			if err := putWeight(out, weight); err != nil {
				return err
			}
		}
	}
	_, err := out.Write(make([]byte, aligned(t.size())-t.size()))
	return err
}

func putWeight(out *bufio.Writer, weight float32) error {
	_, err := out.Write(binary.LittleEndian.AppendUint32(out.AvailableBuffer(), math.Float32bits(weight)))
	return err
}

func putValue(b *bytes.Buffer, value any) error {
	switch v := value.(type) {
	case string:
		put(b, typeString)
		putString(b, v)
	case uint32:
		put(b, typeUint32, v)
	case float32:
		put(b, typeFloat32, v)
	case bool:
		put(b, typeBool, v)
	case []string:
		put(b, typeArray, typeString, uint64(len(v)))
		for _, s := range v {
			putString(b, s)
		}
	case []int32:
		put(b, typeArray, typeInt32, uint64(len(v)), v)
	default:
		return fmt.Errorf("a value of type %T has no place in the format", value)
	}
	return nil
}

func putString(b *bytes.Buffer, s string) {
	put(b, uint64(len(s)))
	b.WriteString(s)
}

// put appends fixed-size values. Neither the encoding of such values nor a
// write to a bytes.Buffer can fail.
func put(b *bytes.Buffer, values ...any) {
	for _, v := range values {
		_ = binary.Write(b, binary.LittleEndian, v)
	}
}

func aligned(n int) int { return (n + alignment - 1) / alignment * alignment }

func padded(b []byte) []byte { return append(b, make([]byte, aligned(len(b))-len(b))...) }
