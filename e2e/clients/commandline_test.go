//go:build e2e

package clients

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/tinymodel"
)

// shell is where a person types, with the release's command line in the path.
type shell struct {
	program, folder string
}

func (s *stand) shell(t *testing.T) shell {
	t.Helper()
	program, err := s.Program(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return shell{program, t.TempDir()}
}

// run runs a command with that OLLAMA_HOST, and gives what it prints. What is
// refused ends with a status, which is printed too.
func (s shell) run(t *testing.T, host, command string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	output, err := s.start(ctx, host, "sh", "-c", command+"; echo status $?").CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v", command, err)
	}
	return string(output)
}

func (s shell) start(ctx context.Context, host string, command ...string) *exec.Cmd {
	program := exec.CommandContext(ctx, command[0], command[1:]...)
	program.Env = append(os.Environ(), "OLLAMA_HOST="+host, "HOME="+s.folder, "PATH="+s.folder+":"+filepath.Dir(s.program)+":"+os.Getenv("PATH"))
	program.Dir = s.folder
	program.WaitDelay = time.Second // what the shell has started may live on
	return program
}

// converse runs a command on a terminal and types a line whenever it prompts, until it
// ends. It gives what the terminal showed.
func (s shell) converse(t *testing.T, host, command string, lines ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	program := s.start(ctx, host, "script", "-qefc", command, "/dev/null")
	program.Env = append(program.Env, "TERM=dumb") // of others it asks the colours, and waits
	keys, err1 := program.StdinPipe()
	screen, err2 := program.StdoutPipe()
	if err := errors.Join(err1, err2, program.Start()); err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	prompts, piece := 0, make([]byte, 4096)
	for {
		n, err := screen.Read(piece)
		shown.Write(piece[:n])
		for strings.Count(shown.String(), ">>> ") > prompts && prompts < len(lines) {
			_, _ = io.WriteString(keys, lines[prompts]+"\r") // one that has ended reads nothing
			prompts++
		}
		if err != nil {
			break
		}
	}
	_ = program.Wait() // with the program's own status, which is told on the screen
	if ctx.Err() != nil {
		t.Errorf("%s does not end: %q", command, shown.String())
	}
	return shown.String()
}

// writeModel leaves a model for `ollama create made -f Modelfile`.
func (s shell) writeModel(t *testing.T, config tinymodel.Config) {
	t.Helper()
	model, err := os.Create(filepath.Join(s.folder, "tiny.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	file := "FROM ./tiny.gguf\nTEMPLATE \"\"\"" + tinymodel.Template + "\"\"\"\nPARAMETER temperature 5\nPARAMETER seed 7\n"
	if err := errors.Join(tinymodel.Write(model, config), model.Close(), os.WriteFile(filepath.Join(s.folder, "Modelfile"), []byte(file), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// What a setting forbids is told with the setting's name.
func TestTheCommandLineWithoutAKey(t *testing.T) {
	onEach(t, func(t *testing.T, s *stand) {
		door, shell := s.door(t, map[string]string{"CLAWGATE_GATEWAY_ALLOW": "inference,inspect"}), s.shell(t)
		for _, test := range []struct{ command, want string }{
			{"ollama list", "qwen3:32b"},
			{"ollama show qwen3:32b", "architecture"},
			{"ollama run qwen3:32b hello 2>/dev/null | head -c 3 | wc -c", "3"},
			{"ollama ps", "qwen3:32b"},
			{"ollama pull no-such/model:tag", "CLAWGATE_GATEWAY_ALLOW"},
			{"ollama cp qwen3:32b copied", "CLAWGATE_GATEWAY_ALLOW"},
			{"ollama rm qwen3:32b", "CLAWGATE_GATEWAY_ALLOW"},
			{"ollama stop qwen3:32b", "CLAWGATE_GATEWAY_ALLOW"},
		} {
			if output := shell.run(t, "http://"+door.Door, test.command); !strings.Contains(output, test.want) {
				t.Errorf("%s: got %q, want %q in it", test.command, output, test.want)
			}
		}
	})
}

// The official program sends no Authorization, but takes a path.
func TestTheCommandLineWithAKey(t *testing.T) {
	onEach(t, func(t *testing.T, s *stand) {
		door, shell := s.keyed(t), s.shell(t)
		shell.writeModel(t, tinymodel.Config{Seed: 7})
		for _, test := range []struct{ path, command, want string }{
			{"/key/" + key, "ollama list", "qwen3:32b"},
			{"/key/" + key + "/", "ollama show qwen3:32b", "architecture"},
			{"/key/" + key, "ollama cp qwen3:32b copied", "copied"},
			{"/key/" + key, "ollama create made -f Modelfile", "success"}, // sends the blob
			{"/ollama/key/" + key, "ollama list", "made"},
			{"/key/" + key, "ollama run made hello 2>/dev/null | head -c 3 | wc -c", "3"},
			{"/key/" + key, "ollama ps", "made"},
			{"/key/" + key, "ollama stop made", "status 0"},
			{"/key/" + key, "ollama rm made copied", "deleted 'copied'"},
			{"/key/" + key + "x", "ollama list", "status 1"},
			{"/key", "ollama list", "status 1"},
			{"", "ollama list", "status 1"},
		} {
			if output := shell.run(t, "http://"+door.Door+test.path, test.command); !strings.Contains(output, test.want) {
				t.Errorf("%s: %s: got %q, want %q in it", test.path, test.command, output, test.want)
			}
		}
		for who, log := range map[string]string{"gateway": door.Logs(t), "sidecar": s.sidecar.Logs(t)} {
			if strings.Contains(log, key) || strings.Contains(log, "/key") {
				t.Errorf("the %s logs a key", who)
			}
		}
	})
}

// `ollama launch` hands the address on, with the key in it, and a word in the place
// of a key that is none.
func TestWhatTheCommandLineLaunches(t *testing.T) {
	onEach(t, func(t *testing.T, s *stand) {
		if s.older() {
			t.Skip("this release has no `ollama launch`; the newer one beside it runs this")
		}
		door, shell := s.keyed(t), s.shell(t)
		const tells = "#!/bin/sh\necho launched $ANTHROPIC_BASE_URL $ANTHROPIC_AUTH_TOKEN\n"
		if err := os.WriteFile(filepath.Join(shell.folder, "claude"), []byte(tells), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
		output := shell.run(t, "http://"+door.Door+"/key/"+key, "ollama launch claude --yes --model qwen3:32b </dev/null")
		_, told, found := strings.Cut(output, "launched ")
		fields := strings.Fields(told)
		if !found || len(fields) < 2 {
			t.Fatalf("got %q", output)
		}
		ask := request{method: "POST", path: "/v1/messages", body: openAI + "}", headers: []string{"Authorization", "Bearer " + fields[1]}}
		answer, err := ask.send(t.Context(), strings.TrimSuffix(fields[0], "/"))
		if err != nil || answer.status != 200 || fields[1] == key {
			t.Errorf("with the token %q: %d %s: %v", fields[1], answer.status, answer.body, err)
		}
	})
}

// Ollama ends an answer by itself after thirty equal tokens, which is told as an
// error, since half an answer must not look whole. The newer command line says so and
// takes the next question; the older one knows no such words and quits.
func TestAnAnswerThatRepeatsItself(t *testing.T) {
	onEach(t, func(t *testing.T, s *stand) {
		shell := s.shell(t)
		s.server.CreateModelWith(t, "parrot", tinymodel.Config{Seed: 5}, map[string]any{"parameters": map[string]any{"temperature": 0, "repeat_penalty": 1.0}})
		output := shell.converse(t, "http://"+s.gateway.Door, "ollama run parrot", "hello", "/show template", "/bye")
		wentOn := strings.Contains(output, "{{- range .Messages }}")
		if s.older() {
			if wentOn || !strings.Contains(output, "Error: upstream error: the answer ended without its final chunk") {
				t.Errorf("the older one says %q", output)
			}
		} else if !wentOn || !strings.Contains(output, "An error occurred while processing your message") {
			t.Errorf("the newer one says %q", output)
		}
	})
}
