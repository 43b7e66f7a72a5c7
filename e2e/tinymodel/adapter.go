package tinymodel

import (
	"fmt"
	"io"
)

// rank is the width of an adapter's two factors.
const rank = 4

// WriteAdapter writes a LoRA adapter for a model of that configuration as a GGUF
// file. It changes the first layer's queries, and so what the model says.
func WriteAdapter(w io.Writer, c Config) error {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return err
	}
	const changed = "blk.0.attn_q.weight"
	file := gguf{
		metadata: []field{
			{"general.type", "adapter"},
			{"general.architecture", "qwen3"},
			{"adapter.type", "lora"},
			{"adapter.lora.alpha", float32(rank)},
		},
		tensors: []tensor{
			noise(changed+".lora_a", c.Embedding, rank),
			noise(changed+".lora_b", rank, heads*headSize),
		},
	}
	if err := file.write(w, c.Seed); err != nil {
		return fmt.Errorf("cannot write the adapter: %w", err)
	}
	return nil
}
