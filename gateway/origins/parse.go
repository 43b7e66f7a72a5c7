package origins

import (
	"errors"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

var (
	errForm = errors.New("must be an origin such as https://chat.example.com, http://localhost:* or app://*, or * alone for all")
	errStar = errors.New("a * stands for whole labels in front of a host (https://*.example.com), for the numbers of an IP address (http://192.168.1.*), for a port (http://localhost:*) or for everything after ://, and there is at most one")
	errNull = errors.New("null is what a page of any site sends from a sandboxed frame: only * lets it in")
)

var (
	schemeText = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)
	nameText   = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$`)
	// numbersText is the beginning of an IPv4 address, of whole numbers.
	numbersText = regexp.MustCompile(`^([0-9]{1,3}\.){1,3}$`)
	restText    = regexp.MustCompile(`^(\.[0-9]{1,3}){0,2}$`)
)

// All lets every origin in, null among them.
var All = Pattern{text: "*", hosts: everyone}

// Parse reads a pattern, in the form in which browsers send an origin. Its errors
// do not show it: it may hold a password.
func Parse(text string) (Pattern, error) {
	text = strings.ToLower(text)
	scheme, rest, found := strings.Cut(text, "://")
	switch {
	case text == "*":
		return All, nil
	case text == "null":
		return Pattern{}, errNull
	case !found || !schemeText.MatchString(scheme) || strings.ContainsAny(rest, "/?#@"):
		return Pattern{}, errForm
	case strings.Count(rest, "*") > 1:
		return Pattern{}, errStar
	case rest == "*":
		return Pattern{text: text, scheme: scheme, hosts: anything}, nil
	}
	host, port, ok := splitPort(rest)
	if !ok {
		return Pattern{}, errForm
	}
	p := Pattern{scheme: scheme, port: port}
	if err := p.readHost(host); err != nil {
		return Pattern{}, err
	}
	if err := p.readPort(); err != nil {
		return Pattern{}, err
	}
	p.text = p.scheme + "://" + p.hostText() + p.portText()
	if p.note != "" {
		p.note = text + " is read as " + p.text + ": " + p.note
	}
	return p, nil
}

func (p *Pattern) readPort() error {
	switch {
	case p.port == "" || p.port == "*":
		return nil
	case strings.Contains(p.port, "*"):
		return errStar
	}
	number, err := strconv.ParseUint(p.port, 10, 16)
	if err != nil {
		return errForm
	}
	p.port = strconv.FormatUint(number, 10)
	if p.scheme == "http" && number == 80 || p.scheme == "https" && number == 443 {
		p.port = "" // browsers leave it out
	}
	return nil
}

func (p *Pattern) readHost(host string) error {
	before, behind, star := strings.Cut(host, "*")
	switch {
	case !star:
		p.hosts, p.host = exact, host
		return p.checkName(host)
	case before == "" && behind == "":
		p.hosts = anything
	case before == "" && strings.HasPrefix(behind, "."):
		p.hosts, p.end = labels, behind[1:]
		return p.checkName(p.end)
	case before == "":
		p.hosts, p.end = domain, behind
		p.note = "read as an end, as Ollama does, it would let https://evil-" + behind + " in"
		return p.checkName(p.end)
	case numbersText.MatchString(before) && restText.MatchString(behind):
		p.hosts, p.host, p.end = numbers, before, behind
	case behind == "" && p.checkName(before) == nil && !unfinished(before):
		p.hosts, p.host = exact, before
		if p.port == "" {
			p.port = "*"
		}
		p.note = "read as a beginning, as Ollama does, it would let " + p.scheme + "://" + before + ".evil.example in"
	default:
		return errStar
	}
	return nil
}

// checkName takes names and addresses; the apps' schemes may also have none.
func (p *Pattern) checkName(host string) error {
	address, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		if _, err := netip.ParseAddr(strings.TrimSuffix(address, "]")); err == nil && strings.HasSuffix(address, "]") {
			return nil
		}
		return errForm
	}
	web := p.scheme == "http" || p.scheme == "https"
	if nameText.MatchString(host) || host == "" && !web {
		return nil
	}
	return errForm
}

// unfinished says that the last label is not whole, or an address not all there.
func unfinished(name string) bool {
	_, err := netip.ParseAddr(name)
	return strings.HasSuffix(name, ".") || strings.HasSuffix(name, "-") || err != nil && strings.Trim(name, "0123456789.") == ""
}

func (p *Pattern) hostText() string {
	switch p.hosts {
	case anything:
		return "*"
	case labels:
		return "*." + p.end
	case domain:
		return "[*.]" + p.end
	case numbers:
		return p.host + "*" + p.end
	default:
		return p.host
	}
}

func (p *Pattern) portText() string {
	if p.port == "" {
		return ""
	}
	return ":" + p.port
}
