package ollama

import "slices"

// Question is a kind of request that a model can be asked.
type Question string

// The questions.
const (
	Chat  Question = "chat"
	Write Question = "generate" // /api/generate
	Embed Question = "embed"
)

// Abilities are the questions that a model can be asked. The zero value is that
// nothing is known, so that all may be tried.
type Abilities struct {
	CannotSpeak bool `json:"cannot_speak,omitempty"`
	CannotEmbed bool `json:"cannot_embed,omitempty"`
}

// AbilitiesOf reads the capabilities of /api/show. Both of Ollama's calls that have a
// model speak need one capability, and 0.32.14 embeds with those models alone that
// have the other; 0.9.6 has any model embed, and one that speaks is asked to speak.
// Without any of the two nothing is known: so it is of a file that Ollama cannot
// read, and of releases before 0.6.4, which tell none.
func AbilitiesOf(capabilities []string) Abilities {
	speaks, embeds := slices.Contains(capabilities, "completion"), slices.Contains(capabilities, "embedding")
	if !speaks && !embeds {
		return Abilities{}
	}
	return Abilities{CannotSpeak: !speaks, CannotEmbed: !embeds}
}

// Can says that nothing speaks against asking that.
func (a Abilities) Can(q Question) bool {
	if q == Embed {
		return !a.CannotEmbed
	}
	return !a.CannotSpeak
}

// Ask is what the model is asked, to see whether it works; left is false when it has
// refused all.
func (a Abilities) Ask() (q Question, left bool) {
	for _, q := range []Question{Chat, Embed} {
		if a.Can(q) {
			return q, true
		}
	}
	return "", false
}

// Without is what is left when the model has refused a question. A model that cannot
// chat cannot go on with a text either, and the other way round: both need the one
// capability.
func (a Abilities) Without(q Question) Abilities {
	if q == Embed {
		a.CannotEmbed = true
	} else {
		a.CannotSpeak = true
	}
	return a
}

// Refuses is the question that the model cannot be asked, by this answer. It says the
// same where Ollama cannot read the model's file ([FileMissing], [FileDamaged]): only
// the answer to another question shows it.
func (f Failure) Refuses() (q Question, refused bool) { return f.refuses, f.refuses != "" }
