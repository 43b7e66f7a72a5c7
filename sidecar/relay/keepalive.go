package relay

import (
	"net/http"

	"github.com/clawdbot/clawgate/members"
	"github.com/clawdbot/clawgate/ollama"
)

// leaveLoaded takes a keep_alive out of the body that would have the main model's runner
// end before its time, by whatever name its place was asked for: Ollama goes on with
// what it was loaded with. The gateway does the same for the main model's own name, as
// all that it knows. A request that asks for nothing but an unload passes, since it is
// there to manage the server, and would load the model instead; and so does what cannot
// be read here. It is false when there is nothing to go on with, and the client has been
// told.
func (x *exchange) leaveLoaded() bool {
	if !x.endsMain() {
		return true
	}
	body, err := members.Cut(x.body.Data, func(m members.Member) (bool, members.Choice) { return m.Is("keep_alive"), nil })
	if err != nil {
		x.answerError(http.StatusBadRequest, "cannot leave out the request's keep_alive: "+err.Error())
		return false
	}
	x.body.Data = body
	x.peek = ollama.PeekBody(x.route, body)
	return true
}

// endsMain says that the request would have the main model leave memory earlier than it
// is to.
func (x *exchange) endsMain() bool {
	asked, least := x.peek.KeepAlive, x.relay.config.KeepAlive
	early := asked.Given && asked.For >= 0 && (least < 0 || asked.For < least)
	unload := asked.Brief() && x.peek.Purpose != ollama.Generate
	if !early || unload || !x.body.Whole || !x.peek.IsObject() {
		return false
	}
	models := x.relay.models.Load()
	is, known := models.of(x.peek.Model)
	main, _ := models.of(models.main)
	return known && is.Shares(main)
}
