package environment

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// plannedVariables are part of the design and not built yet. To accept them
// would promise what does not happen.
var plannedVariables = []string{
	"CLAWGATE_NOTIFY_URLS", "CLAWGATE_NOTIFY_URLS_FILE",
}

// Kubernetes gives every container the address of every service of its
// namespace: CLAWGATE_SIDECAR_PORT=tcp://10.0.0.7:18789 and more.
var (
	serviceVariable = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)
	serviceAddress  = regexp.MustCompile(`^(tcp|udp|sctp)://`)
)

// unknown reports the given variables that are not known.
func unknown(given map[string]string, known []string) []error {
	var names []string
	for name, text := range given {
		injected := serviceVariable.MatchString(name) || strings.HasSuffix(name, "_PORT") && serviceAddress.MatchString(text)
		if !injected && !slices.Contains(known, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var mistakes []error
	for _, name := range names {
		mistakes = append(mistakes, unknownName(name, known))
	}
	return mistakes
}

func unknownName(name string, known []string) error {
	if slices.Contains(plannedVariables, name) {
		return fmt.Errorf("%s: is not supported by this version; remove it", name)
	}
	if near := nearest(name, known); near != "" {
		return fmt.Errorf("%s: no such variable; did you mean %s?", name, near)
	}
	return fmt.Errorf("%s: no such variable; `clawgate env` lists all", name)
}

// nearest returns the known name that a slip of the finger turns into name, or
// nothing when none is near.
func nearest(name string, known []string) string {
	best, slips := "", 3
	for _, candidate := range known {
		if d := distance(name, candidate); d < slips {
			best, slips = candidate, d
		}
	}
	return best
}

// distance counts the letters to insert, remove or replace to turn a into b
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
