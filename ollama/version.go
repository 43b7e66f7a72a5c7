package ollama

import (
	"cmp"
	"strconv"
	"strings"
)

// Version is a release of Ollama, as GET /api/version names it. The zero value
// is one that is not known. Versions can be compared with ==.
type Version struct {
	major, minor, patch int
	// before says that it is a build on the way to that release. Builds from a
	// checkout look the same ("0.9.6-3-gabc1234"); to take them for older than
	// they are is the safe side.
	before bool
	known  bool
}

// ParseVersion reads "0.9.6", "v0.31" or "0.32.4-rc1". Anything else gives a
// version that is not known, and so does "0.0.0": that is what every Ollama
// says of itself that was built without a version.
func ParseVersion(text string) Version {
	text, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(text), "v"), "+")
	numbers, _, before := strings.Cut(text, "-")
	parts := strings.Split(numbers, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return Version{}
	}
	var read [3]int
	for i, part := range parts {
		number, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			return Version{}
		}
		read[i] = int(number)
	}
	if read == [3]int{} {
		return Version{}
	}
	return Version{major: read[0], minor: read[1], patch: read[2], before: before, known: true}
}

// Known says whether the version could be read at all.
func (v Version) Known() bool { return v.known }

// Compare is negative when v is older than other, positive when it is newer. A
// version that is not known counts as the oldest; ask Known first.
func (v Version) Compare(other Version) int {
	released := func(v Version) int {
		if v.before {
			return 0
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(v.major, other.major), cmp.Compare(v.minor, other.minor), cmp.Compare(v.patch, other.patch),
		released(v)-released(other),
	)
}

func (v Version) String() string {
	if !v.known {
		return "unknown"
	}
	text := strconv.Itoa(v.major) + "." + strconv.Itoa(v.minor) + "." + strconv.Itoa(v.patch)
	if v.before {
		text += " (not released)"
	}
	return text
}
