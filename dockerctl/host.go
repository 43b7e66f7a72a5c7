package dockerctl

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/docker/client"

	"github.com/clawdbot/clawgate/smallfile"
)

// withoutUser takes user and password out of a Docker host. The SDK does not send
// them, and writes the host as it was given into its errors. What does not parse
// as a URL may hold a password all the same, so everything up to the last @ goes.
// The schemes of sockets have no user, and paths with an @; the name that ssh logs
// in with is no secret.
func withoutUser(host string) string {
	scheme, rest, found := strings.Cut(host, "://")
	if !found {
		scheme, rest = "", host
	}
	user, address := "", rest
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, address = rest[:at], rest[at+1:]
	}
	switch {
	case user == "", slices.Contains([]string{"unix", "npipe", "fd"}, scheme), scheme == "ssh" && !strings.Contains(user, ":"):
		return host
	case !found:
		return address
	}
	return scheme + "://" + address
}

// quiet keeps the proxy's address, which may hold a password, out of the error of
// [http.ProxyFromEnvironment].
func quiet(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(request *http.Request) (*url.URL, error) {
		u, err := proxy(request)
		if err != nil {
			return nil, errors.New("HTTP_PROXY or HTTPS_PROXY is not the URL of a proxy")
		}
		return u, nil
	}
}

// maxCertificate bounds each file of DOCKER_CERT_PATH, in bytes.
const maxCertificate = 1 << 20

// checkCertificates finds out whether the SDK, which reads them without a bound,
// can read the files of DOCKER_CERT_PATH.
func checkCertificates() error {
	folder := os.Getenv(client.EnvOverrideCertPath)
	if folder == "" {
		return nil
	}
	for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		if _, err := smallfile.Read(filepath.Join(folder, name), maxCertificate); err != nil {
			return err
		}
	}
	return nil
}
