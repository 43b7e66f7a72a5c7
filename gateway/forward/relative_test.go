package forward

import (
	"net/url"
	"testing"
)

func TestARedirectKeepsWhatStandsBeforeThePath(t *testing.T) {
	for _, asked := range []string{"/", "//", "/api/tags", "/api/tags/", "//api/tags", "/x/../api/tags", "/x/./y", "/a%2Fb/c", "/../x"} {
		for _, location := range []string{"/ui/", "/", "/api/tags?a=b", "/a:b"} {
			got := Relative(asked, location)
			for _, prefix := range []string{"", "/ollama", "/a/b", "/ollama/key/0123456789abcdef"} {
				base, err := url.Parse("http://gateway" + prefix + asked)
				if err != nil {
					t.Fatal(err)
				}
				if asked == "/../x" && prefix != "" {
					continue // no client asks so: it would leave the prefix
				}
				led, err := base.Parse(got)
				if err != nil || led.String() != "http://gateway"+prefix+location {
					t.Errorf("from %s by %s to %v, want %s (%v)", base, got, led, prefix+location, err)
				}
			}
		}
	}
	for _, location := range []string{"", "https://other.example/x", "//other.example/x", "x", "?a=b"} {
		if got := Relative("/api/tags", location); got != location {
			t.Errorf("%q became %q", location, got)
		}
	}
}
