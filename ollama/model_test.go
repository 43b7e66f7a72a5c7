package ollama

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestEverySpellingOfAModelIsOneName(t *testing.T) {
	for name, want := range map[string]string{
		"":                                 "",
		" \t":                              "",
		"qwen3":                            "qwen3:latest",
		"Qwen3:32B":                        "qwen3:32b",
		" qwen3:32b":                       "qwen3:32b",
		"\tqwen3:32b\n":                    "qwen3:32b",
		"\u00a0qwen3:32b\u3000":            "qwen3:32b", // strings.TrimSpace takes these, too
		"library/qwen3:32b":                "qwen3:32b",
		"registry.ollama.ai/library/qwen3": "qwen3:latest",
		"https://registry.ollama.ai/library/qwen3:32b": "qwen3:32b",
		"me/qwen3":                    "me/qwen3:latest",
		"hf.co/Me/Qwen3-GGUF:Q4_K_M":  "hf.co/me/qwen3-gguf:q4_k_m",
		"localhost:5000/me/qwen3":     "localhost:5000/me/qwen3:latest",
		"qwen3:32b:local":             "qwen3:32b",
		"qwen3:32b:LOCAL":             "qwen3:32b",
		"qwen3:32b: Local ":           "qwen3:32b",
		"Library/Qwen3:32b:local":     "qwen3:32b",
		"localhost:5000/me/q:1:local": "localhost:5000/me/q:1",
		"qwen3:local":                 "qwen3:local", // for 0.9.6 a tag
		"qwen3: LOCAL":                "qwen3:local",
		"h:5/me/q:Local":              "h:5/me/q:local",
		"gpt-oss:20b:cloud":           "gpt-oss:20b-cloud",
		"gpt-oss:20b-cloud":           "gpt-oss:20b-cloud",
		"gpt-oss:Cloud":               "gpt-oss:cloud",
		"qwen3:32b-local":             "qwen3:32b-local",
		"local/qwen3":                 "local/qwen3:latest",
		"hf.co/ME/qwen3:32B":          "hf.co/me/qwen3:32b",
		"https:///library/qwen3:32b":  "qwen3:32b", // an empty host is the default one
		"ftp://h:5/me/q:1":            "h:5/me/q:1",
		// 0.9.6, /api/chat with a keep_alive of 0: ParseModelPath takes a scheme off.
		"http://qwen3:32b":    "qwen3:32b",
		"x://Library/QWEN3":   "qwen3:latest",
		"http://me/qwen3:32b": "me/qwen3:32b",
		// 0.9.6, /api/embed: no look at what is valid before the comparison without
		// regard to case, which takes two more signs for letters.
		"ſnowflake-arctic-embed": "snowflake-arctic-embed:latest",
		"deeKseek":               "deekseek:latest",
		"nomic-EMBED:v1.5":       "nomic-embed:v1.5",
	} {
		if got := NormalizeModel(name); got != want {
			t.Errorf("NormalizeModel(%q) = %q, want %q", name, got, want)
		}
		if again := NormalizeModel(want); again != want {
			t.Errorf("NormalizeModel(%q) = %q: not stable", want, again)
		}
	}
}

// A name that every release refuses is nobody's: what comes of a request for it is no
// evidence about the model that it resembles.
func TestWhatNoReleaseTakesForANameStaysAsItIs(t *testing.T) {
	for _, name := range []string{
		"/qwen3:32b", "library//qwen3:32b", "qwen3:", "qwen3:/32b", ":32b", "qwen3:32b/", "qwen3:32b:64b", "qwen3:32b:local:local", "qwen3:32b:cloud:local",
		"qwen3:32b-cloud:local", "qwen3:32b :local", "qwen 3:32b", "-qwen3:32b", "qwen3:-32b", "qwen3:32b@sha256", "m\u0130ni", "m\u0131ni", "QWÉN3",
		"registry.ollama.ai/library/extra/qwen3:32b", "a://b://h/library/qwen3:32b", "a://b://qwen3:32b", "http://", "://", "registry.ollama.ai/li.b/qwen3",
		strings.Repeat("q", 81), "library/qwen3:" + strings.Repeat("t", 81), strings.Repeat("h", 351) + "/library/qwen3", "!/library/qwen3", "!",
	} {
		if got := NormalizeModel(name); got != name {
			t.Errorf("%q becomes %q", name, got)
		}
	}
	long := strings.Repeat("h", 350) + "/" + strings.Repeat("n", 80) + "/" + strings.Repeat("Q", 80) + ":" + strings.Repeat("t", 80)
	if got := NormalizeModel(long); got != strings.ToLower(long) {
		t.Errorf("the longest name becomes %q", got)
	}
}

func TestWhatANameMeansIsFoundAmongWhatOllamaLists(t *testing.T) {
	older, newer := NewListed([]string{"Qwen3:latest", "qwen3:local"}), NewListed([]string{"Qwen3:latest", "me/m:1b"})
	for _, c := range []struct {
		listed     Listed
		name, want string
	}{
		{older, "qwen3", "qwen3:latest"},
		{older, "qwen3:local", "qwen3:local"}, // two models: trouble with one is not the other's
		{newer, "qwen3:local", "qwen3:latest"},
		{newer, "QWEN3:latest:local", "qwen3:latest"},
		{newer, "me/m:1b", "me/m:1b"},
		{newer, "m:1b", ""},
		{newer, "m:local", ""},
		{nil, "qwen3", ""},
	} {
		if got, known := c.listed.Model(NormalizeModel(c.name)); known != (c.want != "") || known && got != c.want {
			t.Errorf("%s: %q %v, want %q", c.name, got, known, c.want)
		}
	}
}

func TestRemoteModelsAreToldByTheirTags(t *testing.T) {
	for name, want := range map[string]bool{
		"gpt-oss:cloud": true, "gpt-oss:20b-cloud": true, "gpt-oss:20b:cloud": true, " gpt-oss:20b-CLOUD ": true, "gpt-oss: Cloud": true,
		"me/x:y-cloud": true, "registry.ollama.ai/library/x:cloud": true, "x:local:cloud": true, "x:-cloud": true,
		"gpt-oss": false, "cloud": false, "my-cloud": false, "cloud:latest": false, "x:cloudy": false, "x:mycloud": false,
		"x:20b-cloud:local": false, // Ollama refuses both at once
		"h:80-cloud/x":      false, "h:80-cloud/x/y:1b": false, "": false,
	} {
		if got := Remote(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// Names that a release takes for one model are one here, and names that it tells
// apart are two.
func TestNamesAreOneWhereOllamaTakesThemForOne(t *testing.T) {
	pieces := []string{"a", "A", "b", "local", "LOCAL", ":", ":", "/", "/", " ", "\t", "library", "registry.ollama.ai", "latest", "-", "https://", "h:5", "é"}
	random := rand.New(rand.NewPCG(1, 2))
	names := []string{}
	for range 4000 {
		var name strings.Builder
		for range 1 + random.IntN(7) {
			name.WriteString(pieces[random.IntN(len(pieces))])
		}
		switch {
		case older(name.String()) != "" || newer(name.String()) != "" || unloader(name.String()) != "":
			names = append(names, name.String())
		case strings.TrimSpace(name.String()) != "" && NormalizeModel(name.String()) != name.String():
			t.Errorf("all refuse %q, which becomes %q", name.String(), NormalizeModel(name.String()))
		}
	}
	if len(names) < 500 {
		t.Fatalf("only %d names are valid", len(names))
	}
	for release, read := range map[string]func(string) string{"0.9.6": older, "0.9.6 where it unloads": unloader, "0.32.14": newer} {
		theirs, ours := map[string]string{}, map[string]string{} // one name for each
		for _, name := range names {
			their, our := read(name), NormalizeModel(name)
			if again := NormalizeModel(our); again != our {
				t.Fatalf("%q becomes %q", our, again)
			}
			if their == "" {
				continue // it is refused
			}
			if before, seen := ours[our]; seen && read(before) != their {
				t.Errorf("%s tells %q and %q apart, which are %q here", release, name, before, our)
			}
			if before, seen := theirs[their]; seen && !MayMean(name, NormalizeModel(before)) && !MayMean(before, our) {
				t.Errorf("%s takes %q and %q for one, which are %q and %q here", release, name, before, our, NormalizeModel(before))
			}
			theirs[their], ours[our] = name, name
		}
	}
}

// older is how 0.9.6 reads a name, in full; empty for one that it refuses.
func older(name string) string {
	rest, tag := name, "latest"
	if strings.LastIndex(name, ":") > strings.LastIndex(name, "/") {
		rest, tag, _ = cutMissing(name, ":")
	}
	host, namespace, model, promised := "registry.ollama.ai", "library", "", false
	if rest, model, promised = cutMissing(rest, "/"); !promised {
		model = rest
	} else if rest, namespace, promised = cutMissing(rest, "/"); !promised {
		namespace = rest
	} else {
		host = rest
		if _, after, ok := strings.Cut(rest, "://"); ok {
			host = after
		}
	}
	for i, part := range []string{host, namespace, model, tag} {
		if part == "" && i == 0 {
			host, part = "registry.ollama.ai", "r" // merged with the default
		}
		allowed := []string{"-.:", "-", "-.", "-."}[i]
		for at, c := range part {
			if !(c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') && (at == 0 || !strings.ContainsRune(allowed, c)) {
				return ""
			}
		}
		if part == "" || len(part) > 80 && i > 0 || len(part) > 350 {
			return ""
		}
	}
	return strings.ToLower(host + "/" + namespace + "/" + model + ":" + tag)
}

func cutMissing(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	before, after = s[:i], s[i+len(separator):]
	if before == "" {
		before = "!"
	}
	if after == "" {
		after = "!"
	}
	return before, after, true
}

// unloader is how 0.9.6 reads a name in /api/chat with a keep_alive of 0
// (ParseModelPath).
func unloader(name string) string {
	if _, after, found := strings.Cut(name, "://"); found {
		name = after
	}
	if strings.Contains(name, "://") || strings.Count(name, "/") > 2 {
		return ""
	}
	for _, part := range strings.Split(name, "/") {
		if part == "" {
			return ""
		}
	}
	return older(name)
}

// newer is how 0.32.14 reads a name that is not remote.
func newer(name string) string {
	source := func(name string) (string, bool) {
		colon := strings.LastIndex(name, ":")
		if colon < 0 || strings.ToLower(strings.TrimSpace(name[colon+1:])) != "local" {
			return name, false
		}
		return name[:colon], true
	}
	base, local := source(strings.TrimSpace(name))
	if _, nested := source(base); local && nested {
		return ""
	}
	return older(base)
}

// FuzzNormalizeModel: what comes of a name is a name that Ollama takes, or the text
// itself, and stays what it is.
func FuzzNormalizeModel(f *testing.F) {
	for _, name := range []string{"Qwen3:32B", " a/b/c:d ", "x:1b:cloud", "http://q", "library//q", "ſ\u212a:local", "h:5/n/m:t:Local"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := NormalizeModel(name)
		if again := NormalizeModel(got); again != got {
			t.Errorf("%q becomes %q, and that %q", name, got, again)
		}
		if got != name && got != "" && (CheckName(got) != nil || strings.TrimSpace(got) != got) {
			t.Errorf("%q becomes %q: %v", name, got, CheckName(got))
		}
		if upper := NormalizeModel(strings.ToUpper(name)); older(name) != "" && upper != got {
			t.Errorf("%q is %q, and in capitals %q", name, got, upper)
		}
	})
}
