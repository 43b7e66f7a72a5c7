package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func TestAKeyNamesItsHolder(t *testing.T) {
	keys := NewKeys([]Key{{"ann", "s3cret"}, {"bob", "other key"}, {"nobody", ""}})
	for _, c := range []struct {
		authorization, apiKey string
		name                  string
	}{
		{"Bearer s3cret", "", "ann"},
		{"bEARER   s3cret ", "", "ann"},
		{"Bearer other key", "", "bob"},
		{"", "s3cret", "ann"},
		{"", "other key", "bob"},
		{"Bearer s3cret", "other key", "ann"},
		{"Bearer dummy", "other key", "bob"},
		{"Basic s3cret", "other key", "bob"},
		{"Bearer s3cret", "dummy", "ann"},
		{"Bearer dummy", "dummy", ""},
		{"s3cret", "", ""},
		{"Basic s3cret", "", ""},
		{"Bearer", "", ""},
		{"Bearer ", "", ""},
		{"Bearer S3cret", "", ""},
		{"Bearer s3cre", "", ""},
		{"", "", ""},
	} {
		header := http.Header{}
		header.Set("Authorization", c.authorization)
		header.Set("x-api-key", c.apiKey)
		if name, ok := keys.Identify(header); name != c.name || ok != (c.name != "") {
			t.Errorf("%q %q: %q %v, want %q", c.authorization, c.apiKey, name, ok, c.name)
		}
	}
}

func TestWithoutKeysEverybodyIsLetIn(t *testing.T) {
	keys := NewKeys(nil)
	if name, ok := keys.Identify(http.Header{"X-Api-Key": {"any"}}); !keys.Open() || name != Anonymous || !ok {
		t.Errorf("%q %v", name, ok)
	}
	if closed := NewKeys([]Key{{"nobody", ""}}); closed.Open() {
		t.Error("an empty secret opens the door")
	}
}

func TestNoFormatShowsAKey(t *testing.T) {
	key := Key{"ann", "s3cret"}
	keys := NewKeys([]Key{key})
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, strings.Repeat(verb+"\n", 4), key, &key, []Key{key}, keys)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", key, "keys", keys)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", key, "keys", keys, "list", []Key{key})
	if err := json.NewEncoder(&out).Encode(key); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"s3cret", fmt.Sprintf("%x", "s3cret"), fmt.Sprint(keys.known[0].sum)} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q in %s", secret, &out)
		}
	}
}
