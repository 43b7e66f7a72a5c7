package policy

import (
	"net/url"
	"strings"
	"testing"
)

func TestAFormMayNameARemoteModel(t *testing.T) {
	form := func(parts ...string) string {
		var text strings.Builder
		for _, part := range parts {
			name, value, _ := strings.Cut(part, "=")
			text.WriteString("--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n")
		}
		return text.String() + "--b--\r\n"
	}
	const multipart = "multipart/form-data; boundary=b"
	for name, c := range map[string]struct {
		kind, query, body string
		remote, wrong     bool
	}{
		"a model here":         {multipart, "", form("file=RIFF", "model=whisper"), false, false},
		"no model":             {multipart, "", form("file=x:cloud"), false, false},
		"a remote one":         {multipart, "", form("file=RIFF", "model=x:cloud"), true, false},
		"one of two":           {multipart, "", form("model=whisper", "model=x:20b-cloud"), true, false},
		"in the query":         {multipart, "model=x:cloud", form("model=whisper"), true, false},
		"a name without end":   {multipart, "", form("model=" + strings.Repeat("x", 1<<20)), true, false},
		"quoted-printable":     {multipart, "", "--b\r\nContent-Disposition: form-data; name=model\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nx:clou=64\r\n--b--\r\n", true, false},
		"cut off":              {multipart, "", "--b\r\nContent-Disposition: form-data; name=model\r\n\r\nwhisp", false, true},
		"no boundary":          {"multipart/form-data", "", form("model=whisper"), false, true},
		"another kind of body": {"application/json", "", "x", false, true},
		"no kind":              {"", "", "", false, true},
	} {
		query, _ := url.ParseQuery(c.query)
		if remote, err := RemoteForm(c.kind, query, []byte(c.body)); remote != c.remote || (err != nil) != c.wrong {
			t.Errorf("%s: %v, %v", name, remote, err)
		}
	}
}
