//go:build e2e

package parts

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// standIn marks the images made here, so that they can be told from the
// public ones, and removed (`make e2e-clean`).
const standIn = "LABEL clawgate-stand-in=true"

// install adds packages from Debian's archive and leaves nothing else behind. A
// mirror of the suite sid may be older than its own lists allow.
func install(packages string) string {
	return "RUN apt-get update -qq -o Acquire::Check-Valid-Until=false && apt-get install -qq --no-install-recommends " + packages +
		" >/dev/null && apt-get clean && rm -rf /var/lib/apt/lists/*\n"
}

// buildDebian gives the maker of a Debian as small as debootstrap makes it, from
// the mirror that this machine's debootstrap has by default.
func buildDebian(suite, name string) func(context.Context) error {
	return func(ctx context.Context) error { return debootstrap(ctx, suite, name) }
}

func debootstrap(ctx context.Context, suite, name string) error {
	folder, err := os.MkdirTemp("", "clawgate-base-")
	if err != nil {
		return fmt.Errorf("cannot make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if _, err := command(ctx, nil, "debootstrap", "--variant=minbase", suite, folder); err != nil {
		return err
	}
	pack := exec.CommandContext(ctx, "tar", "-C", folder, "--exclude=./var/cache/apt/archives/*.deb", "-c", ".")
	return pipe(pack, func(archive io.Reader) error {
		_, err := command(ctx, archive, "docker", "import", "--change", standIn, "--change", `CMD ["bash"]`, "-", name)
		return err
	})
}

// buildHAProxy has the official image's user, entry point and paths, with
// Debian's program.
func buildHAProxy(ctx context.Context) error {
	return buildImage(ctx, HAProxyImage, BaseImage, install("haproxy")+`
RUN ln -s /usr/sbin/haproxy /usr/local/sbin/haproxy && mkdir -p /usr/local/etc/haproxy \
 && printf '#!/bin/sh\nset -e\nif [ "$1" = haproxy ]; then shift; set -- haproxy -W -db "$@"; fi\nexec "$@"\n' >/usr/local/bin/docker-entrypoint.sh \
 && chmod 755 /usr/local/bin/docker-entrypoint.sh
STOPSIGNAL SIGUSR1
USER haproxy
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
`)
}

// buildBuilder has this machine's Go, and its certificate authorities, so that
// a build reaches the module proxy from wherever this machine does.
func buildBuilder(ctx context.Context) error {
	goRoot, err := command(ctx, nil, "go", "env", "GOROOT")
	if err != nil {
		return err
	}
	return buildImage(ctx, BuilderImage, BaseImage, install("gcc libc6-dev ca-certificates")+`
COPY ca-certificates.crt /etc/ssl/certs/
COPY . /usr/local/go/
ENV PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin GOPATH=/go GOTOOLCHAIN=local
WORKDIR /go
`,
		source{goRoot, []string{"bin", "lib", "pkg", "src", "VERSION", "go.env"}},
		source{"/etc/ssl/certs", []string{"ca-certificates.crt"}})
}

// served has the official image's entry point and environment, so that the
// server is PID 1.
const served = `
COPY ollama /bin/ollama
ENV OLLAMA_HOST=0.0.0.0:11434
EXPOSE 11434
ENTRYPOINT ["/bin/ollama"]
CMD ["serve"]
`

func buildOllama(ctx context.Context) error {
	binary, err := OllamaBinary(ctx)
	if err != nil {
		return err
	}
	return buildImage(ctx, OllamaImage, BaseImage, install("libstdc++6 ca-certificates")+served, source{filepath.Dir(binary), []string{filepath.Base(binary)}})
}

// buildNewerOllama has Debian's llama-server for a runner, where the server
// looks for its own.
func buildNewerOllama(ctx context.Context) error {
	binary, err := NewerOllamaBinary(ctx)
	if err != nil {
		return err
	}
	return buildImage(ctx, NewerOllamaImage, NewerBaseImage, install("ca-certificates llama.cpp-tools libgomp1 procps")+
		"RUN mkdir -p /usr/lib/ollama && cp /usr/bin/llama-* /usr/lib/ollama/"+served,
		source{filepath.Dir(binary), []string{filepath.Base(binary)}})
}

// buildPythonClients has Debian's packages of the two clients.
func buildPythonClients(ctx context.Context) error {
	return buildImage(ctx, PythonClientsImage, NewerBaseImage, install("python3-openai python3-ollama"))
}

// source is a folder and what an image takes from it.
type source struct {
	folder string
	files  []string
}

// buildImage builds a recipe on top of another image.
func buildImage(ctx context.Context, name, base, recipe string, sources ...source) error {
	folder, err := os.MkdirTemp("", "clawgate-image-")
	if err != nil {
		return fmt.Errorf("cannot make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	recipe = "FROM " + base + "\n" + standIn + "\n" + recipe
	if err := os.WriteFile(filepath.Join(folder, "Dockerfile"), []byte(recipe), 0o600); err != nil {
		return fmt.Errorf("cannot write the recipe: %w", err)
	}
	args := []string{"-c", "-C", folder, "Dockerfile"}
	for _, s := range sources {
		args = append(append(args, "-C", s.folder), s.files...)
	}
	return pipe(exec.CommandContext(ctx, "tar", args...), func(archive io.Reader) error {
		_, err := command(ctx, archive, "docker", "build", "-t", name, "-")
		return err
	})
}

// pipe hands what a program prints to use, and returns the first of their
// errors.
func pipe(program *exec.Cmd, use func(io.Reader) error) error {
	out, err := program.StdoutPipe()
	if err != nil {
		return fmt.Errorf("cannot read from %q: %w", program.Path, err)
	}
	program.Stderr = os.Stderr
	if err := program.Start(); err != nil {
		return fmt.Errorf("cannot start %q: %w", program.Path, err)
	}
	used := use(out)
	if used != nil {
		_ = out.Close() // nobody reads on: a program that still writes must not wait
	}
	if err := program.Wait(); err != nil && used == nil {
		return fmt.Errorf("cannot finish %q: %w", program.Path, err)
	}
	return used
}
