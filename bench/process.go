package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

var errNotInstalled = errors.New("not installed")

// process is a program under measurement; one without pids stands for none.
type process struct {
	address string
	pids    func() []int
	stop    func()
}

func startTarget(ctx context.Context, name, upstream string) (*target, error) {
	var p *process
	var err error
	switch name {
	case "direct":
		p = &process{address: upstream, stop: func() {}}
	case "nginx":
		p, err = startNginx(ctx, upstream)
	case "chain":
		p, err = startChain(ctx, upstream)
	default:
		p, err = startRole(ctx, name, upstream)
	}
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2048, DisableCompression: true}}
	return &target{name: name, upstream: upstream, process: p, client: client, url: "http://" + p.address}, nil
}

// startChain is the gateway before the relay, as the product has them.
func startChain(ctx context.Context, upstream string) (*process, error) {
	relay, err := startRole(ctx, "relay", upstream)
	if err != nil {
		return nil, err
	}
	door, err := startRole(ctx, "gateway", relay.address)
	if err != nil {
		relay.stop()
		return nil, err
	}
	return &process{
		address: door.address, pids: func() []int { return append(door.pids(), relay.pids()...) },
		stop: func() { door.stop(); relay.stop() },
	}, nil
}

// startRole starts this program again in a role.
func startRole(ctx context.Context, role, upstream string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find this program: %w", err)
	}
	command := exec.CommandContext(ctx, self, "role", role, upstream)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", role, err)
	}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s did not tell its address: %w", role, err)
	}
	pid := command.Process.Pid
	return &process{
		address: strings.TrimSpace(address), pids: func() []int { return []int{pid} },
		stop: func() { stdin.Close(); _ = command.Wait() },
	}, nil
}

const nginxConfig = `daemon off; worker_processes auto; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 1000000; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  upstream ollama { server %[2]s; keepalive 64; }
  server { listen %[3]s; location / { proxy_pass http://ollama; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; } }
}`

func startNginx(ctx context.Context, upstream string) (*process, error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		return nil, errNotInstalled
	}
	folder, err := os.MkdirTemp("", "bench-nginx-")
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, folder, upstream, address), 0o600); err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, program, "-c", config, "-p", folder, "-e", filepath.Join(folder, "error.log"))
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("cannot start nginx: %w", err)
	}
	master := command.Process.Pid
	stop := func() { _ = command.Cancel(); _ = command.Wait(); _ = os.RemoveAll(folder) }
	return &process{address: address, pids: func() []int { return withChildren(master) }, stop: stop}, awaitListening(ctx, address)
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

func awaitListening(ctx context.Context, address string) error {
	for deadline := time.Now().Add(10 * time.Second); ; {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return connection.Close()
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("nginx does not listen: %w", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// cpu is the processor time of the process so far, in the kernel's ticks of 10 ms.
func (p *process) cpu() (total time.Duration) {
	for _, pid := range p.all() {
		fields := statFields(pid)
		if len(fields) < 13 {
			continue
		}
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		total += time.Duration(user+system) * 10 * time.Millisecond
	}
	return total
}

// memory is the resident memory of the process, in bytes.
func (p *process) memory() (total int64) {
	for _, pid := range p.all() {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, after, _ := bytes.Cut(status, []byte("VmRSS:"))
		var kilobytes int64
		_, _ = fmt.Fscan(io.LimitReader(bytes.NewReader(after), 64), &kilobytes)
		total += kilobytes * 1024
	}
	return total
}

func (p *process) all() []int {
	if p.pids == nil {
		return nil
	}
	return p.pids()
}

// statFields are those of /proc/PID/stat after the name, which may hold spaces.
func statFields(pid int) []string {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := bytes.Cut(stat, []byte(") "))
	return strings.Fields(string(after))
}

func withChildren(parent int) []int {
	pids := []int{parent}
	names, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range names {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if fields := statFields(pid); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pids = append(pids, pid)
		}
	}
	return pids
}
