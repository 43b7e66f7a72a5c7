package tinymodel

import (
	"slices"
	"strings"
)

const (
	endOfText   = "<|endoftext|>"
	startOfTurn = "<|im_start|>"
	endOfTurn   = "<|im_end|>"
)

// Token kinds of the GGUF format (llama_token_type of llama.cpp).
const (
	kindNormal      int32 = 1
	kindControl     int32 = 3
	kindUserDefined int32 = 4
)

// space is how GPT-2's vocabulary writes a blank.
const space = "Ġ"

// merges are the pairs that the tokenizer joins. llama.cpp refuses a
// vocabulary without any.
func merges() []string {
	return []string{space + " t", "h e", "i n", "e r", "a n", "o n", "r e"}
}

// vocabulary is every byte in GPT-2's spelling, the merged pairs, and the
// tokens that mark turns and thoughts; with the kind of each.
func vocabulary() (words []string, kinds []int32) {
	words = byteSpellings()
	for _, pair := range merges() {
		words = append(words, strings.ReplaceAll(pair, " ", ""))
	}
	for range words {
		kinds = append(kinds, kindNormal)
	}
	words = append(words, endOfText, startOfTurn, endOfTurn, "<think>", "</think>")
	kinds = append(kinds, kindControl, kindControl, kindControl, kindUserDefined, kindUserDefined)
	return words, kinds
}

// byteSpellings is GPT-2's alphabet: a printable byte stands for itself, every
// other byte for the next rune from 256 on.
func byteSpellings() []string {
	spellings := make([]string, 256)
	next := rune(256)
	for b := range spellings {
		printable := b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE
		if printable {
			spellings[b] = string(rune(b))
			continue
		}
		spellings[b] = string(next)
		next++
	}
	return spellings
}

// letterWeight is the spread of a word's output row: answers are made of
// single small letters and blanks.
func letterWeight(word string) float64 {
	if word == space || len(word) == 1 && word[0] >= 'a' && word[0] <= 'z' {
		return 1
	}
	return 0
}

func indexOf(words []string, word string) uint32 {
	return uint32(slices.Index(words, word))
}
