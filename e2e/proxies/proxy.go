//go:build e2e

// Package proxies runs what docs/behind-a-proxy.md recommends: Debian's Caddy and
// nginx in front of a real gateway, as the document configures them, and a stand-in
// for the sidecar behind it.
package proxies

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
)

// name is the one that the document uses.
const name = "chat.example.com"

// proxy is a program that the document has recipes for.
type proxy struct {
	language string // of its recipes: what stands behind ```
	start    func(t *testing.T, folder, recipe, address string) *exec.Cmd
	// hidesCuts says that it ends an answer as though it were whole that was cut:
	// only the error line tells then.
	hidesCuts bool
}

var programs = map[string]proxy{
	"Caddy": {language: "caddyfile", start: caddy, hidesCuts: true},
	"nginx": {language: "nginx", start: nginx},
}

// recipe is the document's nth one in that language.
func recipe(t *testing.T, language string, nth int) string {
	t.Helper()
	root, err := parts.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "behind-a-proxy.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := strings.Split(string(text), "```"+language+"\n")
	if len(found) <= nth+1 {
		t.Fatalf("the document has %d recipes for %s", len(found)-1, language)
	}
	block, _, _ := strings.Cut(found[nth+1], "```")
	return block
}

// replace puts the test's own values in, each of which has to be there.
func replace(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the recipe has no %q", pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

func caddy(t *testing.T, folder, recipe, address string) *exec.Cmd {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	site := replace(t, recipe, name+" {", name+":"+port+" {\n\tbind 127.0.0.1\n\ttls "+certificate(folder)+" "+privateKey(folder))
	write(t, filepath.Join(folder, "Caddyfile"), "{\n\tadmin off\n\tauto_https off\n}\n"+site)
	command := exec.CommandContext(t.Context(), "caddy", "run", "--adapter", "caddyfile", "--config", filepath.Join(folder, "Caddyfile"))
	command.Env = append(os.Environ(), "HOME="+folder, "XDG_DATA_HOME="+folder, "XDG_CONFIG_HOME="+folder)
	return command
}

func nginx(t *testing.T, folder, recipe, address string) *exec.Cmd {
	t.Helper()
	server := replace(t, recipe, "listen 443", "listen "+address,
		"/etc/ssl/chat.example.com.pem", certificate(folder), "/etc/ssl/chat.example.com.key", privateKey(folder))
	paths := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		paths += kind + "_temp_path " + folder + "/" + kind + ";\n"
	}
	write(t, filepath.Join(folder, "nginx.conf"), "user root;\npid "+folder+"/pid;\nevents {}\nhttp {\naccess_log off;\n"+paths+server+"}\n")
	return exec.CommandContext(t.Context(), "nginx", "-p", folder, "-e", "stderr", "-c", filepath.Join(folder, "nginx.conf"), "-g", "daemon off; error_log stderr;")
}

func certificate(folder string) string { return filepath.Join(folder, "certificate.pem") }
func privateKey(folder string) string  { return filepath.Join(folder, "key.pem") }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run starts the program with the nth recipe in front of the gateway, and gives the
// clients that trust it, by the HTTP version that they speak. Their address is none
// of the proxy's.
func (p proxy) run(t *testing.T, gateway string, nth int) map[string]*http.Client {
	t.Helper()
	folder, address := t.TempDir(), freeAddress(t)
	trusted := certify(t, folder)
	command := p.start(t, folder, replace(t, recipe(t, p.language, nth), "127.0.0.1:8080", gateway), address)
	command.Stdout, command.Stderr = t.Output(), t.Output()
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() }) // it was told to end with the test's context
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	parts.Await(t, 20*time.Second, p.language, func() bool {
		connection, err := dialer.DialContext(t.Context(), "tcp", address)
		if err != nil {
			return false
		}
		return connection.Close() == nil
	})
	clients := map[string]*http.Client{}
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		transport := &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, address)
			},
			TLSClientConfig:   &tls.Config{RootCAs: trusted},
			ForceAttemptHTTP2: version == "HTTP/2.0",
		}
		t.Cleanup(transport.CloseIdleConnections)
		clients[version] = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return clients
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// certify makes the proxy's certificate, which is its own authority.
func certify(t *testing.T, folder string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}))
	write(t, certificate(folder), text)
	write(t, privateKey(folder), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(text)) {
		t.Fatal("cannot read the certificate back")
	}
	return pool
}
