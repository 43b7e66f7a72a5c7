package ollama

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/clawdbot/clawgate/evidence"
)

// LoadFailure is why Ollama could not load a model, as far as its answer tells: a
// class that can be shown to everybody. It means something where a load is what was
// asked for: an answer to a client's request can look like one of them.
type LoadFailure string

// The classes. Of the others there is none: the queue that is full is no failure of
// the model's.
const (
	NoModel         LoadFailure = "no_model"         // Ollama does not have it
	FileMissing     LoadFailure = "file_missing"     // the manifest is there, the weights are not
	FileUnreadable  LoadFailure = "file_unreadable"  // the system does not let Ollama read it
	FileDamaged     LoadFailure = "file_damaged"     // half of it, or something else
	FileUnsupported LoadFailure = "file_unsupported" // its format or its architecture is not known to this release
	FileUnusable    LoadFailure = "file_unusable"    // damaged or unsupported: Ollama does not tell which
	TooLarge        LoadFailure = "too_large"        // for the memory that is free
	NotStarted      LoadFailure = "not_started"      // the runner's program did not start
	LoadStalled     LoadFailure = "load_stalled"     // Ollama gave up waiting
	RunnerEnded     LoadFailure = "runner_ended"     // it ended while it loaded, and did not say why
)

// explained are the classes in words, for a person who has to do something about it.
var explained = map[LoadFailure]string{
	NoModel:         "Ollama does not have the model; pull it",
	FileMissing:     "the file of the model's weights is missing; pull the model again",
	FileUnreadable:  "Ollama may not or cannot read the file of the model's weights; look at the disk and at its permissions",
	FileDamaged:     "the model's file is damaged, or only a part of it is there; remove the model and pull it again",
	FileUnsupported: "this version of Ollama does not know the format or the architecture of the model; upgrade Ollama, or pull the model again",
	FileUnusable:    "the model's file is damaged, or not made for this version of Ollama; pull the model again, or upgrade Ollama",
	TooLarge:        "the model does not fit into the memory that is free",
	NotStarted:      "Ollama could not start the program that runs models; its image or its installation is incomplete",
	LoadStalled:     "the load made no progress for so long that Ollama gave up",
	RunnerEnded:     "the process that loaded the model ended; Ollama's log may say why (a broken adapter does it, too)",
}

// String says it in words; empty for none.
func (l LoadFailure) String() string { return explained[l] }

// afterLoad reads the class out of the words in which a runner ended while it loaded:
// nobody has asked anything of it yet, so that they are its own.
func afterLoad(f *Failure, match []string) {
	lastWords(f, match)
	switch words := match[0]; {
	case f.Kind == evidence.SignOutOfMemory:
		f.Load = TooLarge
	case unknownFormat.MatchString(words):
		f.Load = FileUnsupported
	case incomplete.MatchString(words):
		f.Load = FileDamaged
	case badFile.MatchString(words):
		f.Load = FileUnusable
	default:
		f.Load = RunnerEnded
	}
}

// How llama.cpp words what is wrong with a file, each a whole line of a runner's
// (src/llama.cpp and src/llama-model-loader.cpp, as 0.9.6 brings them; seen on 0.32.14
// with Debian's), and what 0.9.6 makes of a line that has "unknown model" in it.
var (
	unknownFormat = regexp.MustCompile(`(?m)^` + beforeLine + `(?:error loading model: (?:error loading model (?:architecture|hyperparameters|vocabulary): )?unknown .*|this model is not supported by your version of Ollama\. You may need to upgrade)$`)
	incomplete    = regexp.MustCompile(`(?m)^` + beforeLine + `error loading model: (?:corrupted model: .*|tensor '[^']*' (?:data is not within the file bounds, model is corrupted or incomplete|has invalid data)|found tensors with invalid data)$`)
	badFile       = regexp.MustCompile(`(?m)^` + beforeLine + `error loading model: .+$`)
)

// ClassOf is the class of what a load failed by; empty where it is not known, and for
// an answer that never came.
func ClassOf(err error) LoadFailure {
	var status *StatusError
	if !errors.As(err, &status) {
		return ""
	}
	return status.Load
}

// onlyOfServer says that a text is one of the server's own, which it gives with this
// status alone: a client's mistake can have the same words with another.
const onlyOfServer = http.StatusInternalServerError

// damaged are the whole errors of Ollama's own reader of files (fs/ggml of 0.9.6 and
// 0.32.14), without those of a tensor.
var damaged = `(?:` + strings.Join([]string{
	`EOF`, `unexpected EOF`, `invalid file magic`, `invalid (?:array )?type: \d{1,10}`, `parameter count overflow`, `architecture not set`,
	`failed to read tensor (?:name|dimensions|shape|kind|offset): .*`, `failed to (?:seek|get current offset|determine file size)[a-z ]*: .*`,
	`invalid GGUF .*`, `GGUF (?:array|tensor|string|key) .*`, `tensor "[^"]*" (?:dimensions|elements|size|offset\+size) .*`,
}, "|") + `)`
