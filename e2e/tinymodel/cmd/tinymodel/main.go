// Command tinymodel writes a tiny random-weight qwen3 model for a real Ollama
// to standard output or to a file, for trials by hand:
//
//	go run ./e2e/tinymodel/cmd/tinymodel -o tiny.gguf
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/clawdbot/clawgate/e2e/tinymodel"
)

func main() {
	var config tinymodel.Config
	flag.IntVar(&config.Embedding, "embedding", 0, "width of a layer, a multiple of 32 (0 means 64)")
	flag.IntVar(&config.Layers, "layers", 0, "number of layers (0 means 2)")
	flag.IntVar(&config.Context, "context", 0, "context length in tokens (0 means 4096)")
	flag.Uint64Var(&config.Seed, "seed", 0, "chooses the weights")
	flag.BoolVar(&config.Embeds, "embeds", false, "make an embedding model")
	adapter := flag.Bool("adapter", false, "write an adapter for a model of the same width")
	path := flag.String("o", "/dev/stdout", "file to write")
	flag.Parse()

	writer := tinymodel.Write
	if *adapter {
		writer = tinymodel.WriteAdapter
	}
	if err := write(*path, config, writer); err != nil {
		fmt.Fprintln(os.Stderr, "tinymodel:", err)
		os.Exit(1)
	}
}

func write(path string, config tinymodel.Config, writer func(io.Writer, tinymodel.Config) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := writer(file, config); err != nil {
		_ = file.Close() // the first error says more
		return err
	}
	return file.Close()
}
