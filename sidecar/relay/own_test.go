package relay

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestEachRelayHasAnIdOfItsOwn(t *testing.T) {
	idOf := func(r *Relay) string {
		answer := httptest.NewRecorder()
		r.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/-/ready", nil))
		var said struct{ Instance string }
		if err := json.Unmarshal(answer.Body.Bytes(), &said); err != nil {
			t.Fatal(err)
		}
		return said.Instance
	}
	a, b := New(Config{}), New(Config{})
	if first, again, other := idOf(a), idOf(a), idOf(b); len(first) < 16 || first != again || first == other {
		t.Errorf("%q, again %q; another is %q", first, again, other)
	}
}
