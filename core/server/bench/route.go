// What a request to an extension's route takes through the whole server: the
// JSON route of hello in its sandbox, and the same handler native in Echo
// behind the same middleware (core/server, native_test.go), under the same load
// in turns; and the same Atoll in one process.

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/manifests/bench/figure"
)

const (
	helloFolder = "extensions/hello"
	helloPath   = "/x/hello/greetings/English"
	helloAnswer = `{"language":"English","text":"Hello, admin!"}` + "\n"

	connections = 64
	warm        = time.Second // of load before each round is measured

)

// route measures CPU and throughput of hello's route and of its peers, each in a
// folder below dir.
func (b *site) route(o options, dir string) (figures []figure.Figure, err error) {
	ours, err := b.withHello(o.atoll)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ours.process.stop()) }()
	near, err := newSite(filepath.Join(dir, "near"), o.facts, o.atoll, "serve", "--sandbox-in-process", "--config")
	if err != nil {
		return nil, err
	}
	oneProcess, err := near.withHello(o.atoll)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, oneProcess.process.stop()) }()
	native, err := startNative(o, filepath.Join(dir, "native"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, native.process.stop()) }()
	for range o.rounds {
		for _, one := range []*loaded{ours, oneProcess, native} {
			if err := one.round(o.round); err != nil {
				return nil, err
			}
		}
	}
	note := fmt.Sprintf("medians of %d rounds of %s in turns, %d connections; ", o.rounds, o.round, connections)
	cost := note + "hello's route, with the sandbox in a process of its own and without"
	return []figure.Figure{
		{Name: "route.http.cpu.process", Value: round(figure.Median(ours.cpu)), Unit: "us", Peer: "all in one process", PeerValue: new(round(figure.Median(oneProcess.cpu))), Note: cost},
		{Name: "route.http.throughput.process", Value: round(figure.Median(ours.rate)), Unit: "req/s", Peer: "all in one process", PeerValue: new(round(figure.Median(oneProcess.rate))), Note: cost},
		{Name: "route.http.cpu", Value: round(figure.Median(ours.cpu)), Unit: "us", Peer: "the same handler native in Echo behind the same middleware", PeerValue: new(round(figure.Median(native.cpu))),
			Note: note + fmt.Sprintf("CPU of %d process(es)", ours.processes)},
		{Name: "route.http.throughput", Value: round(figure.Median(ours.rate)), Unit: "req/s", Peer: "native in Echo, same load", PeerValue: new(round(figure.Median(native.rate))),
			Note: note + fmt.Sprintf("half of the answers within %.2f ms, 99 %% within %.2f ms; native %.2f and %.2f ms; the load takes its part of the same cores",
				figure.Median(ours.p50), figure.Median(ours.p99), figure.Median(native.p50), figure.Median(native.p99))},
	}, nil
}

// loaded is a server under load, and what was seen of it, one value a round.
type loaded struct {
	site      *site
	process   *process
	processes int       // that it consists of
	cpu       []float64 // microseconds a request
	rate      []float64 // requests a second
	p50, p99  []float64 // milliseconds
}

// round is one of the load.
func (l *loaded) round(measure time.Duration) error {
	result, cpu, err := l.process.load(order{
		Address: strings.TrimPrefix(l.process.url, "http://"), Path: helloPath, Token: l.site.token, Want: helloAnswer,
		Connections: connections, Warm: warm, Measure: measure,
	})
	if err != nil {
		return err
	}
	clocks, err := l.process.clocks()
	if err != nil {
		return err
	}
	l.processes = len(clocks)
	l.cpu = append(l.cpu, float64(cpu.Microseconds())/float64(result.Requests))
	l.rate = append(l.rate, float64(result.Requests)/result.Seconds)
	l.p50, l.p99 = append(l.p50, result.P50), append(l.p99, result.P99)
	return nil
}

// withHello starts the installation and installs hello as a user would.
func (b *site) withHello(atoll string, more ...string) (*loaded, error) {
	wasm, err := sandboxtest.Build(helloFolder)
	if err != nil {
		return nil, err
	}
	module := filepath.Join(b.dir, "hello.wasm")
	if err := os.WriteFile(module, wasm, 0o600); err != nil {
		return nil, err
	}
	p, _, err := b.start(more...)
	if err != nil {
		return nil, err
	}
	install := exec.Command(atoll, "ext", "install", helloFolder, "--module", module, "--yes")
	install.Env = append(os.Environ(), "ATOLL_SERVER="+p.url, "ATOLL_TOKEN="+b.token)
	if said, err := install.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("installing hello: %w: %s", err, said), p.stop())
	}
	return &loaded{site: b, process: p}, nil
}

// startNative makes and starts the peer in a folder: core/server's test binary,
// which serves instead of testing.
func startNative(o options, dir string, more ...string) (*loaded, error) {
	binary, err := testBinary(dir)
	if err != nil {
		return nil, err
	}
	b, err := newSite(dir, o.facts, binary, "-native", "-serve")
	if err != nil {
		return nil, err
	}
	p, _, err := b.start(more...)
	if err != nil {
		return nil, err
	}
	return &loaded{site: b, process: p}, nil
}

// testBinary compiles core/server's as `make` compiles what is shipped.
func testBinary(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "server")
	build := exec.Command("go", "test", "-c", "-trimpath", "-vet=off", "-o", binary, "./core/server")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compiling the peer: %w: %s", err, said)
	}
	return binary, nil
}

// profileRoute keeps CPU profiles of both, each under one round of load. The
// test binary stands for the shipped one too, which has no way to be profiled.
func profileRoute(o options, dir string) error {
	if err := os.MkdirAll(o.profile, 0o755); err != nil {
		return err
	}
	folder, err := filepath.Abs(o.profile)
	if err != nil {
		return err
	}
	binary, err := testBinary(filepath.Join(dir, "ours"))
	if err != nil {
		return err
	}
	b, err := newSite(filepath.Join(dir, "ours"), o.facts, binary, "-serve")
	if err != nil {
		return err
	}
	ours, err := b.withHello(o.atoll, "-profile", filepath.Join(folder, "sandboxed.pprof"))
	if err != nil {
		return err
	}
	if err := errors.Join(ours.round(o.round), ours.process.stop()); err != nil {
		return err
	}
	native, err := startNative(o, filepath.Join(dir, "native"), "-profile", filepath.Join(folder, "native.pprof"))
	if err != nil {
		return err
	}
	if err := errors.Join(native.round(o.round), native.process.stop()); err != nil {
		return err
	}
	for _, one := range []*loaded{ours, native} {
		fmt.Fprintf(os.Stderr, "%.1f us of CPU a request, %.0f req/s\n", one.cpu[0], one.rate[0])
	}
	return nil
}
