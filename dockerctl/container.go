package dockerctl

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"golang.org/x/sync/semaphore"
)

// Container is one container of a Docker engine, addressed by its name. What
// has the name may change: a container that is removed and created again is
// followed, and told apart by its evidence.Identity.
//
// All methods may be called from any goroutine. Writes to the engine are
// serialised, because the engine itself does not serialise two restarts of one
// container.
type Container struct {
	name   string
	engine *engine
	log    *slog.Logger
	writes *semaphore.Weighted
	since  time.Time // where Events begins; zero for the moment of the call
}

// Option changes what New makes.
type Option func(*Container)

// EventsSince makes Events begin with what happened at t instead of with the
// call, as far as the engine still remembers it (its last 256 events of any
// kind). A supervisor that starts after a stop learns in this way who did it.
func EventsSince(t time.Time) Option {
	return func(c *Container) { c.since = t }
}

// New returns the container called name on the engine at host, a Docker host
// such as "unix:///var/run/docker.sock" or "tcp://guard:2375". An empty host
// means DOCKER_HOST, and the local socket where that is unset. DOCKER_CERT_PATH,
// DOCKER_TLS_VERIFY and DOCKER_API_VERSION mean what they mean to the docker
// command. New connects to nothing: the first call does.
func New(host, name string, log *slog.Logger, options ...Option) (*Container, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	engine, err := newEngine(host)
	if err != nil {
		return nil, err
	}
	c := &Container{name: name, engine: engine, log: log, writes: semaphore.NewWeighted(1)}
	for _, option := range options {
		option(c)
	}
	return c, nil
}

// Close lets go of idle connections. Calls that are still running are not cut.
func (c *Container) Close() error {
	c.engine.close()
	return nil
}

var (
	// validName is the engine's own rule for a container's name
	// (moby/daemon/names, RestrictedNameChars).
	validName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)
	hexOnly   = regexp.MustCompile(`^[0-9a-fA-F]+$`)
)

// checkName refuses what is not a container's name, and what could be taken for
// an ID: when no container has the name "cafe", the engine serves the container
// whose ID begins with it.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("no container name is given: set the name that the Ollama container has")
	case !validName.MatchString(name):
		return fmt.Errorf("%q is not a container name: it needs two or more of letters, digits, '_', '.' and '-', the first a letter or digit", name)
	case hexOnly.MatchString(name):
		return fmt.Errorf("container name %q could be taken for a container ID: give the container a name with a letter beyond f, or with '-'", name)
	}
	return nil
}
