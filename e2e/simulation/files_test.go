//go:build e2e

package simulation

import (
	"github.com/clawdbot/clawgate/simulation"
)

// files are what a server does with a model whose files are damaged.
func files() []behaviour {
	return []behaviour{
		{"half a file", `500`, damaged(simulation.Half)},
		{"another file", `500 invalid file magic`, damaged(simulation.Foreign)},
		{"a file that is gone", `404 model "` + other + `" not found, try pulling it first`, damaged(simulation.Gone)},
		{"a file that is gone while the model is in memory", `400 "` + other + `" does not support chat`, damagedInMemory},
		{"an adapter that is broken", `process has terminated: exit status`, brokenAdapter},
	}
}

// damaged tells what every call says of a model with such a file, and that another
// model is served.
func damaged(what simulation.Damage) func(*visit) string {
	return func(v *visit) string {
		v.empty()
		v.ask(loads(model))
		v.about(other) // newer releases remember it
		v.damage(v.T, other, what)
		told := "show: " + v.about(other)
		for _, c := range []call{
			chats(other), to("/api/chat", other, []string{`"messages":[]`}), to("/api/generate", other, []string{`"prompt":"hello"`}), loads(other),
			vector(other), to("/api/embed", other, []string{`"input":""`}), to("/api/embeddings", other, []string{`"prompt":"hello"`}), unloads(other),
			chats(model),
		} {
			told += "\n" + c.path + ": " + v.served(c)
		}
		v.mend(v.T, other)
		return told + "\n" + serves(chats(other))(v)
	}
}

// damagedInMemory: the runner works on, and no request gets to it.
func damagedInMemory(v *visit) string {
	v.empty()
	v.ask(loads(other))
	v.damage(v.T, other, simulation.Gone)
	told := serves(chats(other), unloads(other))(v)
	v.gone()
	v.mend(v.T, other)
	return told
}

// brokenAdapter: the persona has trouble, and the model that it was made from has none.
func brokenAdapter(v *visit) string {
	v.empty()
	v.makeAdapted()
	v.breakAdapter(v.T, "adapted")
	told := serves(loads(model), chats("adapted"), chats(model), loads("adapted"), chats(model))(v)
	v.mend(v.T, "adapted")
	return told + "\n" + serves(chats("adapted"))(v)
}
