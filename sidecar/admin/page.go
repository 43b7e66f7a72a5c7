package admin

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"time"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"ago": func(seconds *float64) string {
		if seconds == nil {
			return "not seen yet"
		}
		return fmt.Sprintf("%.1f s ago", *seconds)
	},
	"since": func(now, then time.Time) string {
		return now.Sub(then).Round(time.Second).String()
	},
	"gib": func(bytes uint64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) },
}).Parse(pageText))

// pagePolicy allows the page its own style sheet and nothing else: no script,
// no image, no request, no frame around it.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// page shows the status to a person. It is plain HTML that reloads itself.
func page(ask func() Status) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		var body bytes.Buffer
		err := pageTemplate.Execute(&body, struct {
			Status
			Style template.CSS
		}{ask().AsOf(time.Now()), template.CSS(pageStyle)}) //nolint:gosec // our own style sheet
		if err != nil {
			fail(w, http.StatusInternalServerError, "the page cannot be made; see /-/status")
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", pagePolicy)
		_, _ = body.WriteTo(w) // the client may be gone
	}
}
