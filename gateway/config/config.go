// Package config reads the gateway's settings from environment variables.
//
// The gateway's own variables begin with CLAWGATE_GATEWAY_; those of the log and
// CLAWGATE_ADMIN_HOSTS are both roles'. The struct tags of [Config] are the only place where names,
// defaults and meanings are written; package environment reads and prints them.
package config

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/clawdbot/clawgate/crowd"
	"github.com/clawdbot/clawgate/environment"
	"github.com/clawdbot/clawgate/hosts"
)

// Config holds every setting of the gateway. Durations and numbers are never
// negative. The settings agree with each other, see [Load].
type Config struct {
	Listen      string `split_words:"true" default:":8080" desc:"Address that clients use"`
	AdminListen string `split_words:"true" default:":8081" desc:"Address of metrics and status"`

	Sidecars Sidecars `split_words:"true" default:"http://sidecar:18789" desc:"URLs of the sidecars' relays, separated by commas; a name with several addresses counts as several, unless they lead to one sidecar"`

	APIKeys Keys `split_words:"true" secret:"true" rule:"empty" desc:"name:key of every client, separated by commas or lines, or API_KEYS_FILE; empty: open to everyone"`
	// KeyInPath needs keys, none of which has a slash.
	KeyInPath bool `split_words:"true" default:"false" desc:"Also take a key from the path, as /key/KEY/api/tags, for the ollama command line; proxies and programs may write paths into their logs"`

	Allow Classes `split_words:"true" default:"inference,inspect" desc:"What clients may do, separated by commas: inference, inspect, manage (pull, push, create, copy, delete, unload), and remote (models that run elsewhere, on the server owner's account)"`

	PinOptions bool `split_words:"true" default:"false" desc:"Drop keep_alive, shift and all options that may choose the runner from requests, so that no client reloads everybody's model"`

	Hold      time.Duration `split_words:"true" default:"0s" desc:"How long every request waits for a ready sidecar before it is refused"`
	HoldRelay time.Duration `split_words:"true" default:"10s" desc:"How long a request waits for a sidecar that is restarting itself"`

	MaxBodyBytes   environment.Bytes `split_words:"true" default:"64MiB" rule:"positive" desc:"A larger request body is refused; uploads of blobs are exempt"`
	MaxHeaderBytes environment.Bytes `split_words:"true" default:"16KiB" desc:"A longer request header is refused (431), as is one of more than 100 fields; 4KiB to 1MiB, and no more than the sidecars'"`
	MinUploadRate  environment.Bytes `split_words:"true" default:"16KiB" desc:"Bytes a second that a request's body has to come with, on average after its first minute (else 408); 0: any, as long as something comes every minute; uploads of blobs are exempt"`
	// MaxConnections and MaxRequests 0 mean as many as the memory limit allows.
	MaxConnections int `split_words:"true" default:"0" desc:"Connections of clients at once; 0: as many as the memory limit allows"`
	MaxRequests    int `split_words:"true" default:"0" desc:"Requests in hand at once, waiting or being answered; 0: as many as the memory limit allows"`
	// RateLimit 0 means none.
	RateLimit int `split_words:"true" default:"0" desc:"Requests a minute that each key may send; 0: no limit"`

	CORSOrigins    Origins  `split_words:"true" rule:"empty" desc:"Origins of web pages that may call, separated by commas, with at most one * each (https://*.example.com, http://localhost:*, chrome-extension://*), or * for all; those of desktop apps (app://, file://, tauri://, vscode-webview://, vscode-file://) always may"`
	TrustedProxies Prefixes `split_words:"true" rule:"empty" desc:"Addresses or prefixes (10.0.0.0/8) of proxies whose X-Forwarded-For is believed, separated by commas"`

	Hosts hosts.Names `split_words:"true" rule:"empty" desc:"Names by which clients may address the gateway, besides IP addresses and names of private networks, separated by commas, or * for all; empty: all, unless it listens on a loopback address"`

	BasePath Path `split_words:"true" rule:"empty" desc:"What paths may begin with besides, such as /ollama, where a proxy in front does not take it off"`

	UI bool `split_words:"true" default:"true" desc:"Serve the web page under /ui/"`

	AdminHosts hosts.Names `split_words:"true" shared:"true" rule:"empty" desc:"Names by which the admin listeners may be addressed, besides IP addresses and names of private networks, separated by commas, or * for all"`

	LogLevel  slog.Level            `split_words:"true" shared:"true" default:"info" desc:"debug, info, warn or error"`
	LogFormat environment.LogFormat `split_words:"true" shared:"true" default:"json" desc:"json or text"`
}

var role = environment.Role[Config]{Prefix: environment.Prefix + "_GATEWAY", Contradictions: contradictions}

// Load reads the gateway's settings from environ, in the form of [os.Environ],
// and passes over the names in others, the sidecar's. Its error holds every
// mistake, see [environment.Role.Load].
func Load(environ []string, others ...string) (Config, error) { return role.Load(environ, others) }

// Default returns the settings of an empty environment.
func Default() Config { return role.Default() }

// Variables names all variables of the gateway.
func Variables() []string { return role.Variables() }

// WriteTable writes the gateway's variables with their defaults and meanings as
// a Markdown table.
func WriteTable(w io.Writer) error { return role.WriteTable(w) }

func contradictions(c Config) []environment.Contradiction {
	return []environment.Contradiction{
		environment.Wrong(!environment.IsAddress(c.Listen), "LISTEN", fmt.Sprintf("%q is not an address such as :8080 or 127.0.0.1:8080", c.Listen)),
		environment.Wrong(!environment.IsAddress(c.AdminListen), "ADMIN_LISTEN", fmt.Sprintf("%q is not an address such as :8081 or 127.0.0.1:8081", c.AdminListen)),
		environment.Wrong(c.Listen == c.AdminListen, "LISTEN ADMIN_LISTEN", "must differ"),
		environment.Wrong(!crowd.FitsHeader(int64(c.MaxHeaderBytes)), "MAX_HEADER_BYTES", "must be 4KiB to 1MiB"),
		environment.Wrong(c.KeyInPath && len(c.APIKeys.List()) == 0, "KEY_IN_PATH API_KEYS", "there are no keys that a path could hold: set API_KEYS or API_KEYS_FILE, or leave KEY_IN_PATH out"),
		environment.Wrong(c.KeyInPath && c.APIKeys.withSlash() > 0, "API_KEYS KEY_IN_PATH", fmt.Sprintf("the key of entry %d has a slash, which ends it in a path: give it one without", c.APIKeys.withSlash())),
		environment.Wrong(c.MaxConnections > 0 && c.MaxConnections <= c.MaxRequests, "MAX_CONNECTIONS MAX_REQUESTS", "there must be more connections than requests: one must be left to answer on"),
	}
}
