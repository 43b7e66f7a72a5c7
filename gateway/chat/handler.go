package chat

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"time"
)

//go:embed ui
var files embed.FS

const (
	root = "/ui/"

	// policy lets the page reach its own origin and nothing else. Should hostile
	// model output ever become markup, it still could neither run nor load anything.
	policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// asset is one embedded file, ready to be sent.
type asset struct {
	content []byte
	etag    string
	kind    string
}

// Handler serves the page under /ui/, to GET and HEAD only, and sends /ui there.
// Any other path is not found.
func Handler() http.Handler {
	assets := load()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header())
		found, known := assets[r.URL.Path]
		redirect := r.URL.Path+"/" == root
		switch {
		case !known && !redirect:
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		case redirect:
			// Relative, so that it also holds behind a proxy that adds a prefix;
			// http.Redirect would make it absolute.
			w.Header().Set("Location", "ui/")
			w.WriteHeader(http.StatusPermanentRedirect)
		default:
			w.Header().Set("Content-Type", found.kind)
			w.Header().Set("Etag", found.etag)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(found.content))
		}
	})
}

func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	// Ask each time: after an upgrade of the gateway no page runs half old, half new.
	h.Set("Cache-Control", "no-cache")
}

// load reads every embedded file under the path it is served at. A failure is a
// mistake in the build, not in the environment, hence the panic.
func load() map[string]asset {
	assets := map[string]asset{}
	entries, err := fs.ReadDir(files, "ui")
	if err != nil {
		panic(fmt.Sprintf("cannot list the embedded chat page: %v", err))
	}
	for _, entry := range entries {
		content, err := files.ReadFile("ui/" + entry.Name())
		if err != nil {
			panic(fmt.Sprintf("cannot read the embedded chat page: %v", err))
		}
		at := root + entry.Name()
		if entry.Name() == "index.html" {
			at = root
		}
		sum := sha256.Sum256(content)
		assets[at] = asset{
			content: content,
			etag:    `"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`,
			kind:    kindOf(entry.Name()),
		}
	}
	return assets
}

// kindOf does not ask the system's tables first: some say text/plain for .js,
// and a browser runs no such module.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	}
	return mime.TypeByExtension(path.Ext(name))
}
