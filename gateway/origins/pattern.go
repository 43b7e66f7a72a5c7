package origins

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Pattern lets origins in. The zero Pattern lets none in.
type Pattern struct {
	text   string // as it is read
	note   string // why that is not as it was written
	scheme string
	hosts  hosts
	host   string // all of it, or what stands before the *
	end    string // what stands behind the *
	port   string // empty for the scheme's own, * for any
}

// hosts says what a pattern's host means.
type hosts int

const (
	none     hosts = iota
	anything       // the port, too
	exact          // host
	labels         // labels and the dot between them, then end
	domain         // the same, and end itself
	numbers        // an IP address that begins with host and ends with end
	everyone       // every origin, null among them
)

// List is what is let in.
type List []Pattern

// desktop are the schemes of desktop apps that Ollama lets in, too. No page of
// the web has such an origin: a browser gives them only to what an installed
// program brings along. What a browser opens from a disk says null.
var desktop = []string{"app", "file", "tauri", "vscode-webview", "vscode-file"}

// Lets says that pages of the origin may call.
func (l List) Lets(origin string) bool {
	return fromApp(origin) || slices.ContainsFunc(l, func(p Pattern) bool { return p.lets(origin) })
}

// Names says that the origin is let in for what it is, and not because every
// origin is, or every page that comes by http or by https.
func (l List) Names(origin string) bool {
	return fromApp(origin) || slices.ContainsFunc(l, func(p Pattern) bool { return !p.anyPage() && p.lets(origin) })
}

func fromApp(origin string) bool {
	scheme, _, found := strings.Cut(strings.ToLower(origin), "://")
	return found && slices.Contains(desktop, scheme)
}

// Notes are the sentences about patterns that are not read as they are written.
func (l List) Notes() (notes []string) {
	for _, pattern := range l {
		if pattern.note != "" {
			notes = append(notes, pattern.note)
		}
	}
	return notes
}

// String is the pattern as it is read.
func (p Pattern) String() string { return p.text }

// anyPage says that every page of the web may match, whose host is not named.
func (p Pattern) anyPage() bool {
	return p.hosts == everyone || p.hosts == anything && (p.scheme == "http" || p.scheme == "https")
}

func (p Pattern) lets(origin string) bool {
	scheme, rest, found := strings.Cut(strings.ToLower(origin), "://")
	// What has no scheme is null, most often: any page has it in a sandboxed frame.
	return p.hosts == everyone || found && p.scheme == scheme && p.matches(rest)
}

func (p Pattern) matches(rest string) bool {
	if p.hosts == anything && p.port == "" {
		return true
	}
	host, port, ok := splitPort(rest)
	return ok && p.matchesPort(port) && p.matchesHost(host)
}

func (p Pattern) matchesPort(port string) bool {
	return port == p.port || p.port == "*" && strings.Trim(port, "0123456789") == ""
}

var wholeLabels = regexp.MustCompile(`^([a-z0-9_-]+\.)+$`)

func (p Pattern) matchesHost(host string) bool {
	switch p.hosts {
	case anything:
		return host != ""
	case exact:
		return host == p.host
	case domain, labels:
		front, found := strings.CutSuffix(host, p.end)
		return found && (wholeLabels.MatchString(front) || front == "" && p.hosts == domain)
	case numbers:
		address, err := netip.ParseAddr(host)
		return err == nil && address.Is4() && strings.HasPrefix(host, p.host) && strings.HasSuffix(host, p.end)
	default:
		return false
	}
}

// splitPort cuts the port off a host, which may be an IPv6 address in brackets.
func splitPort(rest string) (host, port string, ok bool) {
	at := strings.LastIndexByte(rest, ':')
	if at < strings.LastIndexByte(rest, ']') || at < 0 {
		return rest, "", true
	}
	return rest[:at], rest[at+1:], at+1 < len(rest)
}
