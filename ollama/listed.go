package ollama

// Listed are the models that Ollama has, by normalised name.
type Listed map[string]bool

// NewListed takes names as Ollama lists them.
func NewListed(names []string) Listed {
	listed := make(Listed, len(names))
	for _, name := range names {
		listed[NormalizeModel(name)] = true
	}
	return listed
}

// Model finds the model that a normalised name means. Where the releases of Ollama
// differ in that, a model of exactly that name goes before an alias. It is false
// for a name that is none of Ollama's, as far as is known here.
func (l Listed) Model(name string) (model string, known bool) {
	if l[name] {
		return name, true
	}
	if other, ambiguous := localReading(name); ambiguous && l[other] {
		return other, true
	}
	return name, false
}
