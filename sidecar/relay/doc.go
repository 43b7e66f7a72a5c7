// Package relay is the request path of :18789: every request to Ollama goes
// through it, and inference only while the model is known to answer.
//
// One inference request's way:
//
//	body read → admitted ─────────────────────────────→ sent → answer, piece by piece
//	              │ ↑                                     │
//	              │ waits: for a slot (queued), or at     │ no byte sent yet, and Ollama died or a
//	              │ the closed gate (held)                │ recovery began: kept, and sent once more,
//	              ↓                                       │ last and alone (it may be what killed it)
//	          refused, 503                                ↓
//	                                                    bytes sent: an error line, and the connection aborted
//
// A request that has reached another relay's Ollama before, as the gateway says
// (Clawgate-Replayed), starts as one that was kept: last and alone, and sent
// once. One that has reached an Ollama twice is refused with the same header.
//
// Queueing, holding and being kept spend one wait budget. Whatever is not
// inference passes at once, whatever the gate says.
//
// A request is for a model, whatever name it was asked for by (SetModels says which),
// and Ollama has one runner for all models of a place:
//
//	the model's lane    its queue, in which the keys take turns; what closes the gate;
//	                    the proof that it works in this run of the server
//	its place           the slots; the suspect that is alone there; what Cancel ends;
//	                    the lanes of a place take turns
//	all places          the length of the queue; the trial at a gate that is closed for all
//
// A name that is not listed is in one lane with all of those, and one that another
// machine runs is in another. A lane whose model is not proved has one request with
// Ollama: the others wait for its first chunk or its end, and no longer than ten seconds
// where the container works.
//
// The relay reports what traffic shows (Signs, Traffic) and does as the gate
// says. It draws no conclusion about Ollama's health, and it neither loads
// models nor restarts anything: the supervisor does that.
package relay
