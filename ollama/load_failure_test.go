package ollama

import (
	"fmt"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

// TestWhyALoadFailed: the texts are those of real servers whose files were damaged
// (0.9.6 and 0.32.14), and of their source where it says so.
func TestWhyALoadFailed(t *testing.T) {
	const blob = "/root/.ollama/models/blobs/" + weights096
	for _, c := range []struct {
		status int
		text   string
		want   LoadFailure
	}{
		{404, `model 'm' not found`, NoModel},
		{404, `model "m" not found, try pulling it first`, NoModel},
		{500, `unable to load model: ` + blob, FileUnusable},                                               // 0.9.6: half a file, and an unknown architecture
		{500, `tensor "blk.1.attn_k.weight" offset+size (300032) exceeds file size (300000)`, FileDamaged}, // 0.32.14: half a file
		{500, `unexpected EOF`, FileDamaged},                                                               // both: half a header
		{500, `EOF`, FileDamaged},                                                                          // both: an empty file
		{500, `invalid file magic`, FileDamaged},                                                           // both: another file
		{500, `failed to read tensor name: unexpected EOF`, FileDamaged},                                   // source of both, as the next
		{500, `failed to seek to tensor: invalid argument`, FileDamaged},
		{500, `failed to seek back after size check: x`, FileDamaged},
		{500, `invalid type: 77`, FileDamaged},
		{500, `invalid array type: 77`, FileDamaged},
		{500, `architecture not set`, FileDamaged},
		{500, `invalid GGUF alignment: 0`, FileDamaged},
		{500, `GGUF array size 99999999999 exceeds maximum 9`, FileDamaged},
		{500, `tensor "a b" size overflow`, FileDamaged},
		{500, `read ` + blob + `: is a directory`, FileUnreadable}, // both
		{500, `open ` + blob + `: permission denied`, FileUnreadable},
		{500, `stat C:\models\blobs\` + weights096 + `: input/output error`, FileUnreadable},
		{500, "llama-server process has terminated: exit status 1: error loading model: unknown model architecture: 'qwxy3'\nerror loading model: unknown model architecture: 'qwxy3'", FileUnsupported}, // 0.32.14
		{500, `llama runner process has terminated: error loading model: error loading model architecture: unknown model architecture: 'x'`, FileUnsupported},                                            // source of 0.9.6, as the next
		{500, `llama runner process has terminated: this model is not supported by your version of Ollama. You may need to upgrade`, FileUnsupported},
		{500, `llama runner process has terminated: error loading model: error loading model vocabulary: unknown pre-tokenizer type: 'x'`, FileUnsupported},
		{500, `llama runner process has terminated: error loading model: tensor 'blk.0.x' data is not within the file bounds, model is corrupted or incomplete`, FileDamaged},
		{500, `llama-server process has terminated: exit status 1: error loading model: corrupted model: 3 tensors expected but 2 found`, FileDamaged},
		{500, `llama-server process has terminated: exit status 1: error loading model: found tensors with invalid data`, FileDamaged},
		{500, `llama runner process has terminated: error loading model: missing tensor 'output.weight'`, FileUnusable},
		{500, `unsupported model format: this model may be incompatible with your version of Ollama. If you previously pulled this model, try updating it by running ` + "`ollama pull m`", FileUnsupported},
		{500, `'llama3.2-vision' is no longer compatible with your version of Ollama and has been replaced by a newer version. To re-download, run 'ollama pull llama3.2-vision'`, FileUnsupported},
		{500, `MLX is not supported on plan9`, FileUnsupported},
		{500, `model requires more system memory (21.0 GiB) than is available (8.0 GiB)`, TooLarge},
		{500, `model requires 21.0 GiB but only 8.0 GiB are available (after 1.0 GiB overhead)`, TooLarge},
		{500, `unable to load full model on GPU`, TooLarge},
		{500, `llama runner process has terminated: cudaMalloc failed: out of memory`, TooLarge},
		{500, `llama runner process has terminated: error loading model: unable to allocate CUDA0 buffer`, TooLarge},
		{500, `llama-server reported out-of-memory during startup: failed to allocate CUDA0 buffer`, TooLarge},
		{500, `llama-server startup failed after projector CPU offload retry: llama-server process has terminated: exit status 1: error loading model: unknown model architecture: 'x'`, FileUnsupported},
		{500, `error starting llama-server: fork/exec /x: exec format error `, NotStarted},
		{500, `llama-server binary not found (checked: /x, /y). Run 'cmake' first`, NotStarted},
		{500, `timed out waiting for llama runner to start - progress 0.25 - `, LoadStalled},
		{500, `timeout waiting for mlx runner to start`, LoadStalled},
		{500, `llama runner process has terminated: exit status 2`, RunnerEnded}, // 0.9.6: an adapter that is broken or not there
		{500, `llama-server process has terminated: exit status 1`, RunnerEnded}, // 0.32.14, likewise
		{500, `llama-server process no longer running: exit status 1 `, RunnerEnded},
		// No failures of a load, or not known.
		{503, `server busy, please try again.  maximum pending requests exceeded`, ""},
		{400, `"m" does not support generate`, ""},
		{400, `unexpected EOF`, ""}, // a body that is no JSON
		{400, `EOF`, ""},
		{500, `unexpected EOF of something`, ""},
		{500, `EOF and more`, ""},
		{500, `open ` + blob + `-partial-0: permission denied`, ""},
		{500, `model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details`, ""},
		{500, `something else`, ""},
		{200, ``, ""},
	} {
		got := Classify(c.status, c.text)
		if got.Load != c.want {
			t.Errorf("%d %q: %q, want %q", c.status, c.text, got.Load, c.want)
		}
		if class := ClassOf(fmt.Errorf("cannot load: %w", &StatusError{got})); class != c.want {
			t.Errorf("the class of an error of %q is %q", c.text, class)
		}
		if (got.Load.String() != "") != (c.want != "") {
			t.Errorf("%q is explained by %q", c.want, got.Load)
		}
		if c.want != "" && c.status == 500 && (got.Says == "" || strings.Contains(got.Says, "blobs/")) {
			t.Errorf("%q is told as %q", c.text, got.Says)
		}
	}
	if ClassOf(nil) != "" || ClassOf(fmt.Errorf("no answer")) != "" {
		t.Error("what is no answer has a class")
	}
}

// TestADamagedFileIsNoHint: whatever is wrong with a model's file, it says nothing
// about the server.
func TestADamagedFileIsNoHint(t *testing.T) {
	for _, text := range []string{"EOF", "unexpected EOF", "invalid file magic", `tensor "x" offset+size (2) exceeds file size (1)`, `model "m" not found, try pulling it first`} {
		if got := Classify(500, text); got.Kind != "" {
			t.Errorf("%q hints at %q", text, got.Kind)
		}
	}
	if got := Classify(500, "llama runner process has terminated: error loading model: missing tensor 'x'"); got.Kind != evidence.SignRunnerDied {
		t.Errorf("a runner that ended hints at %q", got.Kind)
	}
}

// TestALoadTellsWhatOneAnswerCannot: of a file that Ollama cannot read it says that the
// model does not support what is asked, as it says of an embedding model.
func TestALoadTellsWhatOneAnswerCannot(t *testing.T) {
	const embed = "POST /api/embed"
	for name, c := range map[string]struct {
		first, then exchange
		want        LoadFailure
		words       string
	}{
		"the weights are not there":   {exchange{400, noGenerate}, exchange{404, `{"error":"model \"m\" not found, try pulling it first"}`}, FileMissing, "POST /api/embed: HTTP status 404: the file of the model's weights is missing"},
		"they are something else":     {exchange{400, noGenerate}, exchange{500, `{"error":"invalid file magic"}`}, FileDamaged, "POST /api/embed: HTTP status 500: what Ollama read ends too early or is something else, such as the model's file"},
		"there is no model":           {exchange{404, `{"error":"model 'm' not found"}`}, exchange{}, NoModel, "POST /api/generate: HTTP status 404: Ollama does not have the model"},
		"it can neither, for unknown": {exchange{400, noGenerate}, exchange{500, `{"error":"no"}`}, "", "POST /api/embed: HTTP status 500: an error of 2 bytes that Clawgate does not know"},
	} {
		s := serve(t, map[string][]exchange{generate: {c.first}, embed: {c.then}})
		err := s.client.Load(t.Context(), "m", nil, nil)
		expectError(t, err, c.words)
		if got := ClassOf(err); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	chat := `{"error":"\"m\" does not support chat"}`
	s := one(t, generate, 400, chat) // an answer to another question
	if err := s.client.Load(t.Context(), "m", nil, nil); err == nil {
		t.Error("loaded")
	}
	s.expectCalls(generate)
}
