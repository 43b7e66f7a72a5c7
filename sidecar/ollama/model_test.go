package ollama

import "testing"

func TestEverySpellingOfAModelIsOneName(t *testing.T) {
	for name, want := range map[string]string{
		"":                                 "",
		"qwen3":                            "qwen3:latest",
		"Qwen3:32B":                        "qwen3:32b",
		"library/qwen3:32b":                "qwen3:32b",
		"registry.ollama.ai/library/qwen3": "qwen3:latest",
		"https://registry.ollama.ai/library/qwen3:32b": "qwen3:32b",
		"me/qwen3":                   "me/qwen3:latest",
		"hf.co/Me/Qwen3-GGUF:Q4_K_M": "hf.co/me/qwen3-gguf:q4_k_m",
		"localhost:5000/me/qwen3":    "localhost:5000/me/qwen3:latest",
	} {
		if got := NormalizeModel(name); got != want {
			t.Errorf("NormalizeModel(%q) = %q, want %q", name, got, want)
		}
		if again := NormalizeModel(want); again != want {
			t.Errorf("NormalizeModel(%q) = %q: not stable", want, again)
		}
	}
}
