package access

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func basic(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

func TestAKeyNamesItsHolder(t *testing.T) {
	keys := NewKeys([]Key{{"ann", "s3cret"}, {"bob", "other:key"}, {"nobody", ""}})
	for _, c := range []struct {
		authorization, xAPIKey, apiKey string
		name                           string
	}{
		{"Bearer s3cret", "", "", "ann"},
		{"bEARER   s3cret ", "", "", "ann"},
		{"Bearer other:key", "", "", "bob"},
		{"", "s3cret", "", "ann"},
		{"", "other:key", "", "bob"},
		{"", "", "s3cret", "ann"},
		{"s3cret", "", "", "ann"},
		{" other:key ", "", "", "bob"},
		{basic("ann:s3cret"), "", "", "ann"},
		{basic("any:s3cret"), "", "", "ann"},
		{basic(":s3cret"), "", "", "ann"},
		{basic("ann:other:key"), "", "", "bob"},
		{"bASIC " + basic("x:s3cret")[6:], "", "", "ann"},
		{"Bearer s3cret", "other:key", "", "ann"},
		{"Bearer s3cret", "", "other:key", "ann"},
		{basic("x:s3cret"), "other:key", "", "ann"},
		{"", "s3cret", "other:key", "ann"},
		{"Bearer dummy", "other:key", "", "bob"},
		{basic("user:dummy"), "other:key", "", "bob"},
		{"Bearer s3cret", "dummy", "dummy", "ann"},
		{"dummy", "dummy", "s3cret", "ann"},
		{"Bearer dummy", "dummy", "dummy", ""},
		{"Basic s3cret", "", "", ""},
		{basic("s3cret:"), "", "", ""},
		{basic("s3cret"), "", "", ""},
		{basic("ann:"), "", "", ""},
		{"Token s3cret", "", "", ""},
		{"Bearer", "", "", ""},
		{"Bearer ", "", "", ""},
		{"Bearer S3cret", "", "", ""},
		{"Bearer s3cre", "", "", ""},
		{"", "", "", ""},
	} {
		header := http.Header{}
		header.Set("Authorization", c.authorization)
		header.Set("x-api-key", c.xAPIKey)
		header.Set("api-key", c.apiKey)
		if name, ok := keys.Identify(Secrets(header, true)); name != c.name || ok != (c.name != "") {
			t.Errorf("%q %q %q: %q %v, want %q", c.authorization, c.xAPIKey, c.apiKey, name, ok, c.name)
		}
	}
}

func TestEveryHeaderOfANameIsRead(t *testing.T) {
	keys := NewKeys([]Key{{"ann", "s3cret"}})
	for _, name := range []string{"Authorization", "X-Api-Key", "Api-Key"} {
		if holder, _ := keys.Identify(Secrets(http.Header{name: {"dummy", "s3cret"}}, true)); holder != "ann" {
			t.Errorf("%s: %q", name, holder)
		}
	}
}

func TestWhatABrowserSendsByItselfCanBeLeftOut(t *testing.T) {
	header := http.Header{"Authorization": {basic("x:s3cret"), "Bearer own"}}
	if got := Secrets(header, false); len(got) != 1 || got[0] != "own" {
		t.Errorf("%q", got)
	}
}

func TestWhoCarriesNothingHasNotGuessed(t *testing.T) {
	header := http.Header{"Authorization": {"", "Bearer ", "Basic", "Digest x", basic("x:")}, "X-Api-Key": {" "}, "Cookie": {"key=x"}}
	if got := Secrets(header, true); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

func TestWithoutKeysEverybodyIsLetIn(t *testing.T) {
	keys := NewKeys(nil)
	if name, ok := keys.Identify([]string{"any"}); !keys.Open() || name != anonymous || !ok {
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
