// Package tinymodel writes a language model that a real Ollama loads and
// answers with, made on the spot: the qwen3 architecture with random weights,
// under half a megabyte unless asked to be heavier.
//
// It stands in for qwen3:32b where no model can be downloaded. Its answers are
// letters without meaning; every letter is one token and so one chunk of a
// stream. It does not train, quantize or read models.
package tinymodel

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	// heads, keyValueHeads and headSize give attention its shape. They stay
	// fixed: width and depth are enough to make a model heavier.
	heads         = 4
	keyValueHeads = 2
	headSize      = 16
	// poolingMean is llama.cpp's number for it (enum llama_pooling_type).
	poolingMean uint32 = 1
)

// Config says how heavy the model is. The zero value is the lightest: 440 KB,
// loaded and answering within half a second on one core.
type Config struct {
	// Embedding is the width of a layer, a multiple of 32; 0 means 64. Work per
	// token and bytes of the file grow with its square.
	Embedding int
	// Layers is the depth; 0 means 2. Work and bytes grow with it linearly.
	Layers int
	// Context is the longest prompt and answer, in tokens; 0 means 4096.
	Context int
	// Seed chooses the weights; the same seed gives the same bytes.
	Seed uint64
	// Embeds makes it a model that gives vectors and says nothing: the server goes
	// by the pooling type of the file.
	Embeds bool
}

// Template is the chat template to create the model with. It does not mention
// thinking, so that the server reports no such ability.
const Template = `{{- range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
`

// ThinkingTemplate is Template for a model that thinks: the server reports the
// ability of every model whose template mentions `.Thinking` (0.9.6).
const ThinkingTemplate = `{{- range .Messages }}<|im_start|>{{ .Role }}
{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
`

// Parameters are the model parameters to create the model with. Random weights
// like to repeat a token, and the server ends a generation after 30 repeats: a
// high temperature keeps long answers going, the seed keeps them the same.
func Parameters() map[string]any {
	return map[string]any{"temperature": 5.0, "top_k": 10, "top_p": 1.0, "repeat_penalty": 1.0, "seed": 7, "stop": []string{endOfTurn}}
}

// Write writes the model as a GGUF file. The bytes depend on nothing but c.
func Write(w io.Writer, c Config) error {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return err
	}
	file := gguf{metadata: metadata(c), tensors: tensors(c)}
	if err := file.write(w, c.Seed); err != nil {
		return fmt.Errorf("cannot write the model: %w", err)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Embedding == 0 {
		c.Embedding = 64
	}
	if c.Layers == 0 {
		c.Layers = 2
	}
	if c.Context == 0 {
		c.Context = 4096
	}
	return c
}

func (c Config) validate() error {
	var problems []error
	if c.Embedding < 0 || c.Embedding%32 != 0 {
		problems = append(problems, fmt.Errorf("tinymodel: Embedding is %d, must be a positive multiple of 32", c.Embedding))
	}
	if c.Layers < 0 {
		problems = append(problems, fmt.Errorf("tinymodel: Layers is %d, must be positive", c.Layers))
	}
	if c.Context < 0 {
		problems = append(problems, fmt.Errorf("tinymodel: Context is %d, must be positive", c.Context))
	}
	return errors.Join(problems...)
}

// metadata is what llama.cpp and Ollama need to know about a qwen3 model.
func metadata(c Config) []field {
	words, kinds := vocabulary()
	fields := []field{
		{"general.architecture", "qwen3"},
		{"general.name", "tiny random qwen3"},
		{"general.file_type", uint32(0)}, // all weights are 32-bit floats
		{"general.quantization_version", uint32(2)},
		{"qwen3.block_count", uint32(c.Layers)},
		{"qwen3.context_length", uint32(c.Context)},
		{"qwen3.embedding_length", uint32(c.Embedding)},
		{"qwen3.feed_forward_length", uint32(2 * c.Embedding)},
		{"qwen3.attention.head_count", uint32(heads)},
		{"qwen3.attention.head_count_kv", uint32(keyValueHeads)},
		{"qwen3.attention.key_length", uint32(headSize)},
		{"qwen3.attention.value_length", uint32(headSize)},
		{"qwen3.attention.layer_norm_rms_epsilon", float32(1e-6)},
		{"qwen3.rope.freq_base", float32(1e6)},
		{"qwen3.vocab_size", uint32(len(words))},
		{"tokenizer.ggml.model", "gpt2"},
		{"tokenizer.ggml.pre", "qwen2"},
		{"tokenizer.ggml.tokens", words},
		{"tokenizer.ggml.token_type", kinds},
		{"tokenizer.ggml.merges", merges()},
		{"tokenizer.ggml.eos_token_id", indexOf(words, endOfTurn)},
		{"tokenizer.ggml.bos_token_id", indexOf(words, endOfText)},
		{"tokenizer.ggml.padding_token_id", indexOf(words, endOfText)},
		{"tokenizer.ggml.add_bos_token", false},
	}
	if c.Embeds { // before the vocabulary, as llama.cpp writes it
		at := slices.IndexFunc(fields, func(f field) bool { return strings.HasPrefix(f.key, "tokenizer.") })
		fields = slices.Insert(fields, at, field{"qwen3.pooling_type", poolingMean})
	}
	return fields
}

// tensors lists the weights. Only the output rows of the letters and the space
// are not zero, so that an answer is made of those.
func tensors(c Config) []tensor {
	words, _ := vocabulary()
	width, vocab := c.Embedding, len(words)
	list := []tensor{
		noise("token_embd.weight", width, vocab),
		{name: "output.weight", shape: []int{width, vocab}, row: func(row int) float64 { return letterWeight(words[row]) }},
		ones("output_norm.weight", width),
	}
	for layer := range c.Layers {
		at := fmt.Sprintf("blk.%d.", layer)
		list = append(list,
			ones(at+"attn_norm.weight", width),
			ones(at+"ffn_norm.weight", width),
			noise(at+"attn_q.weight", width, heads*headSize),
			noise(at+"attn_k.weight", width, keyValueHeads*headSize),
			noise(at+"attn_v.weight", width, keyValueHeads*headSize),
			noise(at+"attn_output.weight", heads*headSize, width),
			ones(at+"attn_q_norm.weight", headSize),
			ones(at+"attn_k_norm.weight", headSize),
			noise(at+"ffn_gate.weight", width, 2*width),
			noise(at+"ffn_up.weight", width, 2*width),
			noise(at+"ffn_down.weight", 2*width, width),
		)
	}
	return list
}
