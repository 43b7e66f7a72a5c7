// Package runners is the second view on a model's death. Ollama's errors quote its
// clients, and a connection can break off for many reasons, so that a text which says
// "the runner died" is a hint and no proof. What a client cannot write is the list of
// processes: a runner that was seen, and is gone.
//
// A runner also ends for reasons that are no trouble: a request with other runner
// options replaces it, another model takes its place, its keep-alive runs out, somebody
// unloads it. Clients write those, too. Ledger keeps what was asked of Ollama that may
// have ended a runner; Compare says what two looks at the processes show, and counts
// an end only where nothing of that kind explains it.
//
// Models go by their titles (ollama.Known). Variants of the same weights have one runner
// between them: a request for one replaces the other's, which is no death, and what is
// known of how long a runner stays holds for all of them.
//
// The package reads no process list and no clock of its own accord, takes no
// decision, and knows nothing of clients that bypass Clawgate.
package runners
