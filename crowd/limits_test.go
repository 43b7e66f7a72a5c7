package crowd

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheLimitsFitWhatThereIs(t *testing.T) {
	const bodies = 128 << 20
	for _, memory := range []int64{420 << 20, 640 << 20, 2 << 30, 64 << 30} {
		for _, files := range []int{1024, 4096, 20000, 1 << 20} {
			l := Limits{}.Within(Resources{memory, files}, bodies)
			takes := int64(l.Connections)*(48<<10) + int64(l.Requests)*(80<<10) + bodies + ownBytes
			if takes > memory/4*3 || l.Connections+l.Requests > files {
				t.Errorf("%d MiB and %d files: %+v take %d MiB", memory>>20, files, l, takes>>20)
			}
			if l.Connections < l.Requests*3/2 || l.Requests < 100 {
				t.Errorf("%d MiB and %d files: %+v", memory>>20, files, l)
			}
		}
	}
}

func TestLongerHeadersLeaveRoomForFewer(t *testing.T) {
	have := Resources{420 << 20, 1 << 20}
	usual, long := Limits{}.Within(have, 128<<20), Limits{HeaderBytes: 64 << 10}.Within(have, 128<<20)
	if usual.HeaderBytes != headerBytes || long.HeaderBytes != 64<<10 {
		t.Errorf("%+v, %+v", usual, long)
	}
	if takes := int64(long.Connections)*(144<<10) + int64(long.Requests)*(272<<10); takes > have.Memory/4*3-128<<20-ownBytes {
		t.Errorf("%+v take %d MiB", long, takes>>20)
	}
	if set := (Limits{Connections: 100, Requests: 50, HeaderBytes: 1 << 20}).Within(have, 128<<20); set.Connections != 100 || set.Requests != 50 {
		t.Errorf("%+v", set)
	}
}

func TestThereAreAlwaysMoreConnectionsThanRequests(t *testing.T) {
	for _, memory := range []int64{0, 16 << 20, 420 << 20, 1 << 40} {
		for _, set := range []Limits{{}, {Connections: 2}, {Connections: 100}, {Requests: 1}, {Requests: 50_000}, {Connections: 100_000}, {Connections: 7, Requests: 5}} {
			l := set.Within(Resources{memory, 4096}, 128<<20)
			if l.Requests < 1 || l.Connections <= l.Requests {
				t.Errorf("%d MiB, %+v: %+v", memory>>20, set, l)
			}
			if set.Connections > 0 && l.Connections != set.Connections || set.Requests > 0 && l.Requests != set.Requests {
				t.Errorf("%+v became %+v", set, l)
			}
		}
	}
}

func TestTheLowestLimitOfTheControlGroupsCounts(t *testing.T) {
	for name, c := range map[string]struct {
		groups string
		files  map[string]string
		want   int64
	}{
		"none":                         {"", nil, 0},
		"no limit, version 2":          {"0::/\n", map[string]string{"memory.max": "max\n"}, 0},
		"no limit, version 1":          {"4:memory:/\n", map[string]string{"memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		"a container, version 2":       {"0::/\n", map[string]string{"memory.max": "1000\n"}, 1000},
		"a container, version 1":       {"4:memory:/docker/x\n0::/docker/x\n", map[string]string{"memory/memory.limit_in_bytes": "1000\n"}, 1000},
		"a service, version 2":         {"0::/system.slice/x\n", map[string]string{"system.slice/x/memory.max": "1000\n"}, 1000},
		"a service, version 1":         {"2:cpu,memory:/x\n", map[string]string{"memory/x/memory.limit_in_bytes": "1000\n"}, 1000},
		"several":                      {"0::/x\n", map[string]string{"memory.max": "3000", "x/memory.max": "2000"}, 2000},
		"what nobody has ever written": {"x\n\n::\n", map[string]string{"memory.max": "-5"}, 0},
	} {
		root := t.TempDir()
		for file, text := range c.files {
			path := filepath.Join(root, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := groupLimit(root, c.groups); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if have := Available(); have.Memory <= 0 || have.Files <= 0 {
		t.Errorf("%+v", have)
	}
}
