package gpu

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

func TestContainerIDIsReadFromEveryShapeOfCgroup(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	other := strings.Repeat("f", 64)
	for name, c := range map[string]struct{ cgroup, want string }{
		"v1, cgroupfs driver":      {"12:memory:/docker/" + id + "\n11:cpu,cpuacct:/docker/" + id + "\n", id},
		"v1, systemd driver":       {"5:devices:/system.slice/docker-" + id + ".scope\n", id},
		"v1, only a later line":    {"12:misc:/\n1:name=systemd:/docker/" + id + "\n", id},
		"v2, systemd driver":       {"0::/system.slice/docker-" + id + ".scope\n", id},
		"v2, cgroupfs driver":      {"0::/docker/" + id + "\n", id},
		"v2, another namespace":    {"0::/../docker-" + id + ".scope\n", id},
		"v2, a group inside":       {"0::/system.slice/docker-" + id + ".scope/init\n", id},
		"containerd in Kubernetes": {"0::/kubepods.slice/kubepods-pod1f2e.slice/cri-containerd-" + id + ".scope\n", id},
		"a container in another":   {"0::/docker/" + other + "/docker/" + id + "\n", id},
		"our own, seen inside":     {"0::/\n", ""},
		"a login session":          {"0::/user.slice/user-1000.slice/session-2.scope\n", ""},
		"a longer hex number":      {"0::/docker/" + id + "0\n", ""},
		"a short one":              {"0::/docker/" + id[:12] + "\n", ""},
		"nothing":                  {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := containerID(c.cgroup); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestProcessesAreNamedOnlyWithTheHostsPIDs(t *testing.T) {
	id := strings.Repeat("a", 64)
	root := t.TempDir()
	folder := filepath.Join(root, "4242")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"comm": "ollama\n", "cgroup": "0::/system.slice/docker-" + id + ".scope\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		host bool
		pid  int
		want evidence.GPUProcess
	}{
		"with pid: host":    {true, 4242, evidence.GPUProcess{PID: 4242, Command: "ollama", ContainerID: id}},
		"without pid: host": {false, 4242, evidence.GPUProcess{PID: 4242}},
		"ended meanwhile":   {true, 4243, evidence.GPUProcess{PID: 4243}},
	} {
		t.Run(name, func(t *testing.T) {
			got := evidence.GPUProcess{PID: c.pid}
			processTable{root: root, host: c.host}.describe(&got)
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
