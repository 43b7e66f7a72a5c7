// Package config reads the sidecar's settings from environment variables.
//
// Every variable begins with CLAWGATE_. The struct tags of [Config] are the only
// place where names, defaults and meanings are written; package environment
// reads and prints them.
//
// The package does not check that what a setting names exists: `clawgate check`
// does that.
package config

import (
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"time"

	"github.com/clawdbot/clawgate/environment"
	"github.com/clawdbot/clawgate/hosts"
)

// Config holds every setting of the sidecar. Durations and sizes are never
// negative; those whose tag says so are positive. The settings agree with each
// other, see [Load].
type Config struct {
	Listen      string `split_words:"true" default:":18789" desc:"Address of the relay"`
	AdminListen string `split_words:"true" default:":18790" desc:"Address of metrics, status and the operator's calls"`

	OllamaURL *url.URL `split_words:"true" default:"http://ollama:11434" desc:"Where Ollama answers"`
	// Container is a name, never an ID: a container that is made again keeps
	// its name, and the guard before the engine knows only names.
	Container string `split_words:"true" default:"clawgate-ollama" desc:"Name (not ID) of the container that Ollama runs in"`
	Model     string `split_words:"true" default:"qwen3:32b" desc:"The model that must answer, as ollama list shows it"`
	Mode      Mode   `split_words:"true" default:"heal" desc:"heal, or observe: judge and report, but keep the gate open and touch nothing"`
	Pull      bool   `split_words:"true" default:"true" desc:"Pull MODEL when Ollama lacks it"`

	KeepAlive KeepAlive `split_words:"true" default:"-1" desc:"How long MODEL stays loaded after a request: a duration, or -1 for ever"`
	Options   Options   `split_words:"true" default:"{}" desc:"JSON object of Ollama options for MODEL ({\"num_gpu\":40}), written into the model's own parameters"`

	TCPInterval     time.Duration `split_words:"true" default:"5s" rule:"interval" desc:"Time between TCP probes"`
	APIInterval     time.Duration `split_words:"true" default:"10s" rule:"interval" desc:"Time between API probes"`
	ReadyInterval   time.Duration `split_words:"true" default:"30s" rule:"interval" desc:"Time between readiness probes"`
	RecheckInterval time.Duration `split_words:"true" default:"5s" rule:"interval" desc:"Time between readiness probes after a failed one"`

	TCPTimeout        time.Duration `split_words:"true" default:"2s" rule:"positive" desc:"Deadline of the TCP probe"`
	APITimeout        time.Duration `split_words:"true" default:"5s" rule:"positive" desc:"Deadline of the API probe"`
	FirstChunkTimeout time.Duration `split_words:"true" default:"3s" rule:"positive" desc:"A first chunk that takes longer is late; whether the model is dead, stillness decides"`

	APIPath   string `split_words:"true" default:"/api/tags" desc:"Path of the API probe"`
	APIStatus int    `split_words:"true" default:"200" desc:"HTTP status that the API probe expects"`
	// ReadyPath is Auto or a path.
	ReadyPath   string `split_words:"true" default:"auto" desc:"Path of the readiness probe of MODEL: /api/chat, /api/generate or /api/embed, say; auto: the one that the model can answer. Other models are always asked what they can"`
	ReadyPrompt string `split_words:"true" default:"Say hi." desc:"Prompt of the readiness probe, or the text to embed"`
	// ReadyPattern is nil when every content will do.
	ReadyPattern *regexp.Regexp `split_words:"true" rule:"empty" desc:"Go regular expression that what a model says to the readiness probe must match; an embedding has nothing to match"`

	FailureThreshold int `split_words:"true" default:"3" rule:"positive" desc:"Failed readiness probes in a row that close the gate"`
	SuccessThreshold int `split_words:"true" default:"1" rule:"positive" desc:"Passed readiness probes in a row that open it"`

	RetryAfter time.Duration `split_words:"true" default:"60s" desc:"Retry-After of a refused request"`
	Hold       time.Duration `split_words:"true" default:"0s" desc:"How long every request waits for a closed gate before it is refused"`
	HoldMax    time.Duration `split_words:"true" default:"120s" desc:"The longest wait that a client may ask for with Prefer: wait=N"`

	// MaxInFlight 0 means as many as the server has slots, and one more.
	MaxInFlight  int           `split_words:"true" default:"0" desc:"Requests of a model that Ollama gets at once; 0: as many as it has slots, and one more"`
	QueueLength  int           `split_words:"true" default:"256" desc:"Requests that may wait for a slot"`
	QueueTimeout time.Duration `split_words:"true" default:"60s" desc:"How long a request waits for a slot"`
	// MaxTokens 0 means that requests alone say how long their answers may be.
	MaxTokens int `split_words:"true" default:"0" desc:"Most tokens of one answer, whatever the request says; 0: no cap. With a cap, a body that is larger than REPLAY_MAX_BYTES or cannot be read is refused"`

	// MaxConnections and MaxRequests 0 mean as many as the memory limit allows.
	MaxConnections int `split_words:"true" default:"0" desc:"Connections to the relay at once; 0: as many as the memory limit allows"`
	MaxRequests    int `split_words:"true" default:"0" desc:"Requests in hand at once, waiting or being answered; 0: as many as the memory limit allows"`

	MaxHeaderBytes Bytes `split_words:"true" default:"16KiB" desc:"A longer request header is refused (431), as is one of more than 100 fields; 4KiB to 1MiB"`
	MinUploadRate  Bytes `split_words:"true" default:"16KiB" desc:"Bytes a second that the body of an inference request has to come with, on average after its first minute (else 408); 0: any, as long as something comes every minute"`

	ReplayMaxBytes Bytes         `split_words:"true" default:"8MiB" desc:"A larger request body cannot be sent again after a recovery"`
	BufferMaxBytes Bytes         `split_words:"true" default:"256MiB" desc:"All request bodies in memory together"`
	StallTimeout   time.Duration `split_words:"true" default:"120s" rule:"positive" desc:"Silence between two chunks, in a still container, that ends a stream"`
	DrainTimeout   time.Duration `split_words:"true" default:"10m" desc:"How long running streams may finish before a remedy or a shutdown cuts them"`

	StopTimeout time.Duration `split_words:"true" default:"30s" rule:"positive" desc:"Time between SIGTERM and SIGKILL when the container is stopped"`
	SettleDelay time.Duration `split_words:"true" default:"5s" desc:"Pause between the container's stop and its start"`
	LoadTimeout time.Duration `split_words:"true" default:"10m" rule:"positive" desc:"How long a load may go without progress"`

	// RestartBudget 0 means that Clawgate never restarts the container.
	RestartBudget int           `split_words:"true" default:"3" desc:"Restarts of the container within RESTART_WINDOW; 0: none"`
	RestartWindow time.Duration `split_words:"true" default:"1h" rule:"positive" desc:"The time that RESTART_BUDGET is for"`
	IdleWait      time.Duration `split_words:"true" default:"30m" desc:"How long a remedy that is not urgent waits for an idle moment"`

	GPU           GPU           `split_words:"true" default:"auto" desc:"auto, required (no GPU view is an error) or off"`
	NVMLLibrary   string        `split_words:"true" rule:"empty" desc:"Path of libnvidia-ml.so.1 if the loader does not find it"`
	LeakTolerance Bytes         `split_words:"true" default:"512MiB" desc:"GPU memory that may stay used after a stop without counting as a leak"`
	LeakWait      time.Duration `split_words:"true" default:"30s" desc:"How long leaked GPU memory may take to come back"`
	GPUReset      bool          `split_words:"true" default:"false" desc:"Reset the GPU when a stop has left memory on it that nobody holds; needs the container of the profile gpu-reset"`

	StateDir  string `split_words:"true" default:"/var/lib/clawgate" rule:"empty" desc:"Folder of what must survive a restart of Clawgate; empty: nothing does"`
	HealthLog string `split_words:"true" default:"/var/log/clawgate/health.log" rule:"empty" desc:"File of the health log, rotated daily; empty: none"`

	AdminToken Secret `split_words:"true" secret:"true" rule:"empty" desc:"Bearer token of the calls that change something, at least 16 characters, or ADMIN_TOKEN_FILE; empty: they are refused"`

	AdminHosts hosts.Names `split_words:"true" rule:"empty" desc:"Names by which the admin listeners may be addressed, besides IP addresses and names of private networks, separated by commas, or * for all"`

	LogLevel  slog.Level `split_words:"true" default:"info" desc:"debug, info, warn or error"`
	LogFormat LogFormat  `split_words:"true" default:"json" desc:"json or text"`
}

var role = environment.Role[Config]{Prefix: environment.Prefix, Contradictions: contradictions}

// Load reads the sidecar's settings from environ, in the form of [os.Environ],
// and passes over the names in others, the gateway's. Its error holds every
// mistake, see [environment.Role.Load].
func Load(environ []string, others ...string) (Config, error) { return role.Load(environ, others) }

// Default returns the settings of an empty environment.
func Default() Config { return role.Default() }

// Variables names all variables of the sidecar.
func Variables() []string { return role.Variables() }

// WriteTable writes the sidecar's variables with their defaults and meanings as
// a Markdown table.
func WriteTable(w io.Writer) error { return role.WriteTable(w) }
