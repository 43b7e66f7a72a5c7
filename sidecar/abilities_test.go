package sidecar

import (
	"fmt"
	"testing"

	"github.com/clawdbot/clawgate/ollama"
)

func TestWhatAModelCanIsToldOrLearned(t *testing.T) {
	embeds, speaks, unknown := ollama.Abilities{CannotSpeak: true}, ollama.Abilities{CannotEmbed: true}, ollama.Abilities{}
	var a abilities
	expect := func(title string, want ollama.Abilities) {
		t.Helper()
		if can := a.of(title); can != want {
			t.Errorf("%s: %+v, want %+v", title, can, want)
		}
	}
	expect("m", unknown)
	a.learn("m", embeds)
	a.learn("n", embeds)
	expect("m", embeds)
	expect("other", unknown)

	a.told = func(title string) ollama.Abilities {
		if title == "m" {
			return speaks
		}
		return unknown
	}
	expect("m", speaks)
	expect("n", embeds)

	a.learn("n", unknown)
	expect("n", unknown)
	a.learn("n", embeds)
	a.forget()
	expect("n", unknown)
}

func TestWhatModelsCanIsBounded(t *testing.T) {
	var a abilities
	for i := range 3 * maxLearned {
		a.learn(fmt.Sprint(i), ollama.Abilities{CannotSpeak: true})
		if len(a.learned) > maxLearned || !a.of(fmt.Sprint(i)).CannotSpeak {
			t.Fatalf("%d are remembered after %d", len(a.learned), i)
		}
	}
}
