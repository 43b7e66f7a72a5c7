package preflight

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/config"
)

// server judges what answers at the URL, and whether it is the container.
func server(f Facts) []Finding {
	url, s := f.Config.OllamaURL.String(), f.Server
	if !s.reached() {
		return append([]Finding{fail("ollama", s.TCP.Reason,
			"check CLAWGATE_OLLAMA_URL, and that Clawgate is on a network with the container")}, loopback(f)...)
	}
	if s.VersionErr != nil {
		return []Finding{fail("ollama", fmt.Sprintf("%s accepts connections and does not answer as Ollama does: %s", url, s.VersionErr),
			"check CLAWGATE_OLLAMA_URL; if it is right, Ollama hangs: docker logs "+f.Config.Container)}
	}
	findings := []Finding{ok("ollama", "version %s answers at %s", s.Version, url)}
	if f.Engine.running() {
		findings = append(findings, address(f))
	}
	return findings
}

// loopback explains an Ollama that nobody outside its container can reach. That
// is its default; the official image sets OLLAMA_HOST to all addresses.
func loopback(f Facts) []Finding {
	if !f.Engine.running() {
		return nil
	}
	host := ollama.Settings(f.Engine.Container.Env).Text(ollama.HostSetting)
	if !isLoopback(host) {
		return nil
	}
	return []Finding{fail("OLLAMA_HOST", fmt.Sprintf("%q makes Ollama listen inside its own container alone", host),
		"set OLLAMA_HOST=0.0.0.0 in the container's environment")}
}

// isLoopback reads OLLAMA_HOST: "[scheme://]host[:port]", loopback if empty.
func isLoopback(host string) bool {
	if _, after, found := strings.Cut(host, "://"); found {
		host = after
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "" || host == "localhost" || err == nil && ip.IsLoopback()
}

// address: a verdict about the server at the URL restarts the container of that
// name, so both have to be one. It cannot be seen where the URL is one of the
// host's, whose port the container has published.
func address(f Facts) Finding {
	const subject = "address"
	own, err := netip.ParseAddr(f.Engine.Container.Address)
	host := f.Config.OllamaURL.Hostname()
	switch {
	case err != nil:
		return ok(subject, "the container has no address of its own (the host's network?), so that %s cannot be compared with it", host)
	case !slices.ContainsFunc(f.Server.Addresses, func(a netip.Addr) bool { return a.Unmap() == own.Unmap() }):
		return warn(subject, fmt.Sprintf("%s is %s, and container %q has %s: if these are two servers, trouble with one restarts the other",
			host, list(f.Server.Addresses), f.Config.Container, own),
			fmt.Sprintf("make sure that port %s there is the container's (docker port %s), or use the container's name on a common network", port(f.Config), f.Config.Container))
	case len(f.Server.Addresses) > 2: // one of IPv4 and one of IPv6 are one server
		return warn(subject, fmt.Sprintf("%s has %d addresses, and Clawgate looks after one server", host, len(f.Server.Addresses)),
			"give CLAWGATE_OLLAMA_URL a name that is this container's alone")
	}
	return ok(subject, "%s is the container", host)
}

func port(c config.Config) string {
	if port := c.OllamaURL.Port(); port != "" {
		return port
	}
	if c.OllamaURL.Scheme == "https" {
		return "443"
	}
	return "80"
}

func list(addresses []netip.Addr) string {
	if len(addresses) == 0 {
		return "unknown to the DNS"
	}
	names := make([]string, 0, len(addresses))
	for _, a := range addresses {
		names = append(names, a.Unmap().String())
	}
	return strings.Join(names, ", ")
}

// model judges whether the wanted model is there.
func model(f Facts) []Finding {
	name, s := f.Config.Model, f.Server
	switch {
	case !s.reached() || s.VersionErr != nil: // said already
		return nil
	case s.API.Outcome == evidence.Success:
		return []Finding{ok("model", "%s is there; whether it answers, the sidecar's readiness probe tells", name)}
	case !s.API.Missing:
		return []Finding{fail("model", s.API.Reason, "check CLAWGATE_API_PATH and CLAWGATE_API_STATUS")}
	}
	return []Finding{missingModel(f.Config)}
}

func missingModel(c config.Config) Finding {
	found := fmt.Sprintf("Ollama does not have %s", c.Model)
	do := fmt.Sprintf("docker exec %s ollama pull %s", c.Container, c.Model)
	switch {
	case !c.Pull:
		return fail("model", found+", and CLAWGATE_PULL is false", do)
	case c.Mode == config.Observe:
		return fail("model", found+", and CLAWGATE_MODE=observe pulls nothing", do)
	}
	return ok("model", "%s yet; the sidecar will pull it", found)
}
