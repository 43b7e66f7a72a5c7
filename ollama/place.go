package ollama

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
)

// Place is where Ollama has a model in memory: it keeps one runner for each, whatever
// the names of the models are (the key of Scheduler.loaded in server/sched.go: 0.9.6
// goes by the path of the weights alone, 0.32.14 where there are none by the digest
// of the manifest). Copies and personas of a model are in one place; a model that was
// made anew from other weights is in another. The zero value is no place: that of a
// model which another machine runs, or of which it is not known.
type Place string

// byManifest stands before the digest of a manifest, as it does in the scheduler.
const byManifest = "digest:"

// Is says that both are one place. No place is none but itself, and not that either.
func (p Place) Is(other Place) bool { return p != "" && p == other }

// Blob is the name of the file of the weights, which the runner has on its command
// line; empty where there is none.
func (p Place) Blob() string {
	if strings.HasPrefix(string(p), byManifest) {
		return ""
	}
	return string(p)
}

// Variant is what a model's own parts make of the runner of its place: one that was
// started for another variant is replaced (needsReload in server/sched.go). What a
// request adds to it makes no variant. Parameters that say what Ollama does by itself
// make one here and none there, which costs nothing but a second proof.
type Variant struct {
	Place      Place
	Adapters   string // their blobs, in the order in which they are put on
	Projectors string // likewise
	// Draft is the blob of a draft model: without one the default of
	// draft_num_predict is another.
	Draft string
	// Parameters are those of the model's own that are options of its runner, sorted,
	// as /api/show prints them.
	Parameters string
}

// blobName is how a blob is called on the disk (server/modelpath.go of 0.9.6,
// manifest/paths.go of 0.32.14).
var blobName = regexp.MustCompile(`^sha256-[0-9a-fA-F]{64}$`)

// blobOf is the blob that a path leads to, on whatever system the server runs.
func blobOf(path string) string {
	name := path[strings.LastIndexAny(path, `/\`)+1:]
	if !blobName.MatchString(name) {
		return ""
	}
	return name
}

// files are those that a model consists of, as paths on the server.
type files struct {
	weights                     string
	adapters, projectors, draft []string
}

// filesOf reads the beginning of a modelfile that /api/show made: comments, the
// weights, and then adapters, a draft model and projectors, each on a line
// (Model.String in server/images.go). It ends at the first other instruction, since
// the texts after it can hold any line.
func filesOf(modelfile string) (f files) {
	found := false
	for line := range strings.Lines(modelfile) {
		line = strings.TrimRight(line, "\r\n")
		instruction, path, _ := strings.Cut(line, " ")
		switch {
		case !found && (line == "" || line[0] == '#'):
		case !found && instruction == "FROM":
			f.weights, found = path, true
		case !found:
			return files{}
		case instruction == "ADAPTER":
			f.adapters = append(f.adapters, path)
		case instruction == "DRAFT":
			f.draft = append(f.draft, path)
		case instruction == "FROM":
			f.projectors = append(f.projectors, path)
		default:
			return f
		}
	}
	return f
}

// placeOf is where the model lies whose manifest has that digest.
func placeOf(f files, digest string) Place {
	switch blob := blobOf(f.weights); {
	case blob != "":
		return Place(blob)
	case digest != "":
		return Place(byManifest + digest)
	}
	return ""
}

// variantOf is made of the two texts of /api/show.
func variantOf(modelfile, parameters, digest string) Variant {
	f := filesOf(modelfile)
	return Variant{
		Place: placeOf(f, digest), Adapters: blobs(f.adapters), Projectors: blobs(f.projectors), Draft: blobs(f.draft),
		Parameters: brief(runnerParameters(parameters)),
	}
}

// blobs are the names of files, or the paths of what is none.
func blobs(paths []string) string {
	names := make([]string, 0, len(paths))
	for _, path := range paths {
		name := blobOf(path)
		if name == "" {
			name = path
		}
		names = append(names, name)
	}
	return brief(strings.Join(names, " "))
}

// runnerParameters are the lines of /api/show's "parameters" that are options of a
// runner, sorted: Ollama prints a map, in any order.
func runnerParameters(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), " "); found && runnerOptionNames[name] {
			kept = append(kept, name+" "+strings.TrimSpace(value))
		}
	}
	slices.Sort(kept)
	return strings.Join(kept, ", ")
}

// longestBrief is over what anybody has of these, in bytes.
const longestBrief = 1 << 10

// brief has the hash of a text in its stead that is too long to be kept.
func brief(text string) string {
	if len(text) <= longestBrief {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
