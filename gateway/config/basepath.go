package config

import (
	"errors"
	"path"
	"regexp"
	"strings"

	"github.com/clawdbot/clawgate/gateway/policy"
)

// Path is what paths may begin with, without a slash at its end; or empty.
type Path string

var pathText = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// own are the gateway's own paths.
var own = []string{"/-", "/ui", "/key"}

// UnmarshalText accepts plain segments, each with a slash before it, that hide no
// path which means something without them.
func (p *Path) UnmarshalText(text []byte) error {
	base := strings.TrimSuffix(string(text), "/")
	if !pathText.MatchString(base) || path.Clean(base) != base {
		return errors.New("must be a path such as /ollama: segments of letters, digits, . _ ~ and -, each with a slash before it")
	}
	for _, taken := range own {
		if base == taken || strings.HasPrefix(base, taken+"/") {
			return errors.New("is a path of the gateway's own; use another one, such as /ollama")
		}
	}
	if policy.Covers(base) {
		return errors.New("is where Ollama's own paths are; use another one, such as /ollama")
	}
	*p = Path(base)
	return nil
}

// String is the path.
func (p Path) String() string { return string(p) }
