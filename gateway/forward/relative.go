package forward

import "strings"

// Relative writes where a redirect leads as seen from the path that was asked for,
// so that it keeps what stands before that: a prefix that a proxy has taken off,
// the base path, a key. What is no path from the root stays as it is.
func Relative(asked, location string) string {
	if !strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//") {
		return location
	}
	depth := 0
	folders := strings.Split(strings.TrimPrefix(asked, "/"), "/")
	for _, folder := range folders[:len(folders)-1] {
		switch folder {
		case ".":
		case "..":
			depth = max(0, depth-1)
		default:
			depth++
		}
	}
	if depth == 0 {
		return "." + location
	}
	return strings.Repeat("../", depth) + location[1:]
}
