package access

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// Secrets are what a request's header has that may be a key, first of all what
// names its user where several are valid. What a browser sends by itself is left
// out unless byItself is true.
//
// Clients have many ways: Authorization: Bearer (OpenAI's), X-API-Key
// (Anthropic's), api-key (Azure's), the password of Authorization: Basic, whatever
// its name, and a key alone in Authorization.
func Secrets(header http.Header, byItself bool) (secrets []string) {
	add := func(secret string) {
		if secret = strings.TrimSpace(secret); secret != "" {
			secrets = append(secrets, secret)
		}
	}
	for _, authorization := range header.Values("Authorization") {
		scheme, rest, two := strings.Cut(strings.TrimSpace(authorization), " ")
		switch strings.ToLower(scheme) { // its case is free (RFC 9110, section 11.1)
		case "bearer":
			add(rest)
		case "basic":
			if byItself {
				add(password(rest))
			}
		default:
			if !two {
				add(scheme)
			}
		}
	}
	for _, name := range []string{"X-Api-Key", "Api-Key"} {
		for _, value := range header.Values(name) {
			add(value)
		}
	}
	return secrets
}

// password is that of Basic's credentials, empty where they have none.
func password(credentials string) string {
	both, err := base64.StdEncoding.DecodeString(strings.TrimSpace(credentials))
	if err != nil {
		return ""
	}
	_, password, _ := strings.Cut(string(both), ":")
	return password
}
