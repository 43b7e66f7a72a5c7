// Package chat serves the gateway's own chat page at /ui/.
//
// The page is a handful of plain files, embedded as they are: no build step, no
// external resource, no state on the server. It talks to the gateway it was
// loaded from (/api/tags, /api/chat, /-/ready) as any other client does, so what
// it may do is decided there. It keeps the conversation and the API key in the
// browser and sends failed requests again by itself; see ui/api.js.
//
// The package does not authenticate: the page holds no secret, and the requests
// it makes carry the user's own key. It does not proxy and does not look at
// the sidecars.
package chat
