//go:build e2e

package simulation

import (
	"fmt"
	"strings"
)

// names are what a server does where several names stand for one model, and one name
// for several.
func names() []behaviour {
	return []behaviour{
		{"a copy that is loaded first", `listed as ["copy:latest"]`, copyFirst},
		{"a persona", `the same runners, listed as ["` + model + `"]`, persona},
		{"a persona with options of its runner", `listed as ["tuned:latest"]`, tuned},
		{"a persona with an adapter", `listed as ["adapted:latest"]`, adapted},
		{"a name made anew from other weights", `2 runners of which one was there before: true`, madeAnew},
		{"a name made anew from its own weights", `the same runners`, madeAnewOfItself},
		{"the name that loaded it is deleted", `404 model 'copy' not found`, deleted},
		{"other spellings", `the same runners`, spellings},
		{"an embedding model", `400 "embedder" does not support chat`, embeds},
		{"an embedding model beside another", `200 vectors`, beside},
		{"an embedding of a model that speaks", `listed as ["` + model + `"]`, embedsBeside},
		{"an embedding runner killed while it embeds", `do embedding request: Post`, killedWhileEmbedding},
		{"an embedding runner frozen", `no byte in time`, frozenEmbedding},
	}
}

func loads(model string) call   { return to("/api/generate", model, []string{`"keep_alive":-1`}) }
func unloads(model string) call { return to("/api/generate", model, []string{`"keep_alive":0`}) }
func chats(model string) call   { return to("/api/chat", model, []string{hello, brief, whole}) }
func vector(model string) call  { return to("/api/embed", model, []string{`"input":"hello"`}) }

func (v *visit) create(name, from, fields string) {
	v.Helper()
	if told := v.says(to("/api/create", name, []string{`"from":"` + from + `"`, whole, fields})); told != "200 success" {
		v.Fatalf("cannot make %s: %s", name, told)
	}
}

func (v *visit) copied(from, name string) {
	v.Helper()
	if told := v.says(call{path: "/api/copy", body: `{"source":"` + from + `","destination":"` + name + `"}`}); told != "200" {
		v.Fatalf("cannot copy %s: %s", from, told)
	}
}

// serves tells by whom one call after the other is served.
func serves(calls ...call) func(*visit) string {
	return func(v *visit) string {
		v.Helper()
		var told []string
		for _, c := range calls {
			told = append(told, c.path+" "+c.body[:strings.IndexAny(c.body, ",}")]+": "+v.served(c))
		}
		return strings.Join(told, "\n")
	}
}

func (v *visit) gone() string {
	v.Helper()
	v.await("the runner to be gone", func() bool { return len(v.runners(v.T)) == 0 && v.listed() == "[]" })
	return "and the runner is gone"
}

func copyFirst(v *visit) string {
	v.empty()
	v.copied(model, "copy")
	told := fmt.Sprintf("one digest: %t\n", v.digestOf(model) == v.digestOf("copy:latest"))
	told += serves(loads("copy"), chats(model), chats("copy"))(v)
	_, running := v.running()
	told += fmt.Sprintf("\nthe one in the list: %t\n", running[0] == v.digestOf(model))
	return told + v.says(unloads(model)) + " " + v.gone()
}

// persona: its text can hold the lines of another modelfile.
func persona(v *visit) string {
	v.empty()
	v.create("persona", model, `"system":"You are\nFROM /root/.ollama/models/blobs/sha256-0\nADAPTER /x"`)
	told := v.about("persona") + fmt.Sprintf("\none digest: %t\n", v.digestOf(model) == v.digestOf("persona:latest"))
	told += serves(loads(model), chats("persona"), chats(model))(v)
	return told + "\n" + v.says(unloads("persona")) + " " + v.gone()
}

func tuned(v *visit) string {
	v.empty()
	v.create("tuned", model, `"parameters":{"num_ctx":2048}`)
	told := v.about("tuned") + fmt.Sprintf("\none digest: %t\n", v.digestOf(model) == v.digestOf("tuned:latest"))
	told += serves(loads(model), chats("tuned"), chats("tuned"), chats(model))(v)
	return told + "\n" + v.says(unloads("tuned")) + " " + v.gone()
}

func adapted(v *visit) string {
	v.empty()
	v.makeAdapted()
	told := v.about("adapted") + fmt.Sprintf("\none digest: %t\n", v.digestOf(model) == v.digestOf("adapted:latest"))
	told += serves(loads(model), chats("adapted"), chats("adapted"), chats(model))(v)
	return told + "\n" + v.says(unloads("adapted")) + " " + v.gone()
}

func (v *visit) makeAdapted() {
	v.Helper()
	file, digest := adapterFile(v)
	v.upload(file, digest)
	v.create("adapted", model, `"adapters":{"adapter.gguf":"`+digest+`"}`)
}

// madeAnew: the name in the list proves nothing, and the name does not reach the runner
// that it loaded.
func madeAnew(v *visit) string {
	v.empty()
	v.create("changing", model, `"system":"first"`)
	told := serves(loads("changing"))(v)
	before := v.digestOf("changing:latest")
	v.create("changing", other, `"system":"second"`)
	_, running := v.running()
	told += fmt.Sprintf("\nanother digest: %t, the old one in the list: %t\n", v.digestOf("changing:latest") != before, running[0] == before)
	told += serves(unloads("changing"), chats("changing"))(v)
	_, running = v.running()
	told += fmt.Sprintf("\ntwo digests in the list: %t\n", len(running) == 2 && running[0] != running[1])
	told += serves(chats(model), chats(other))(v)
	v.ask(unloads(other))
	v.await("one of them to be gone", func() bool { return len(v.runners(v.T)) == 1 })
	told += "\n" + serves(chats(model))(v)
	return told + "\n" + v.says(unloads(model)) + " " + v.gone()
}

// madeAnewOfItself: as somebody does who writes parameters into a model.
func madeAnewOfItself(v *visit) string {
	v.empty()
	v.create("same", model, `"system":"first"`)
	told := serves(loads("same"))(v)
	before := v.digestOf("same:latest")
	v.create("same", "same", `"parameters":{"temperature":1}`)
	_, running := v.running()
	told += fmt.Sprintf("\nanother digest: %t, the old one in the list: %t\n", v.digestOf("same:latest") != before, running[0] == before)
	told += serves(chats("same"))(v)
	return told + "\n" + v.says(unloads("same")) + " " + v.gone()
}

func deleted(v *visit) string {
	v.empty()
	v.copied(model, "copy")
	told := serves(loads("copy"))(v)
	v.remove("copy")
	told += "\n" + serves(unloads("copy"), chats(model))(v)
	return told + "\n" + v.says(unloads(model)) + " " + v.gone()
}

func spellings(v *visit) string {
	v.empty()
	told := serves(loads(model))(v)
	for _, name := range []string{strings.ToUpper(model), "library/" + model, "registry.ollama.ai/library/" + model, "Registry.Ollama.AI/Library/" + strings.ToUpper(model)} {
		told += "\n" + serves(chats(name), to("/api/generate", name, nil), to("/v1/chat/completions", name, []string{hello, `"max_tokens":2`}))(v)
	}
	for _, name := range []string{"library//" + model, "me/" + model, "/" + model} {
		told += fmt.Sprintf("\n%s is not it: %t", name, strings.HasPrefix(v.says(to("/api/generate", name, nil)), "40"))
	}
	return told + "\n" + v.says(unloads("LIBRARY/"+model)) + " " + v.gone()
}

func embeds(v *visit) string {
	v.empty()
	told := v.about("embedder")
	for _, c := range []call{
		chats("embedder"), to("/api/chat", "embedder", []string{`"messages":[]`}), loads("embedder"), to("/api/generate", "embedder", []string{`"prompt":"hello"`}),
		to("/api/embed", "embedder", []string{`"input":""`, `"keep_alive":-1`}), vector("embedder"), to("/api/embeddings", "embedder", []string{`"prompt":"hello"`}),
		to("/v1/embeddings", "embedder", []string{`"input":"hello"`}),
	} {
		told += "\n" + c.path + ": " + v.served(c)
	}
	return told + "\n" + v.says(unloads("embedder")) + " " + v.gone()
}

func beside(v *visit) string {
	v.empty()
	told := serves(loads(model), vector("embedder"), chats(model), vector("embedder"))(v)
	v.ask(unloads("embedder"))
	v.await("the embedding model to be unloaded", func() bool { return len(v.runners(v.T)) == 1 })
	return told + "\n" + serves(chats(model))(v)
}

func embedsBeside(v *visit) string {
	v.empty()
	return serves(loads(model), vector(model), to("/api/embeddings", model, []string{`"prompt":"hello"`}), chats(model))(v)
}

func killedWhileEmbedding(v *visit) string {
	v.empty()
	v.ask(vector("embedder"))
	used := v.used(v.T)
	embedding := v.begin(to("/api/embed", "embedder", []string{`"input":"` + strings.Repeat("longword", 200) + `"`}))
	v.works(used)
	v.killRunner(v.T)
	r := <-embedding
	told := fmt.Sprint(r.status, " ", constant(strings.Join(r.lines, "")))
	return told + "\n" + v.served(vector("embedder"))
}

func frozenEmbedding(v *visit) string {
	v.empty()
	v.ask(vector("embedder"))
	v.freezeRunner(v.T)
	silent := vector("embedder")
	silent.within = soon
	told := v.says(silent)
	v.ask(call{path: "/api/tags"})
	told += "\n" + v.says(unloads("embedder")) + " " + v.gone()
	return told + "\n" + v.served(vector("embedder"))
}
