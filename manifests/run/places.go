// Where everything lies: all of it under one folder, so that `rm -rf build`
// after `make stop` leaves nothing behind.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// places names the files of one running Atoll.
type places struct {
	build string // absolute after resolve
}

func (p *places) resolve() error {
	abs, err := filepath.Abs(p.build)
	if err != nil {
		return fmt.Errorf("finding the build folder: %w", err)
	}
	p.build = abs
	return os.MkdirAll(p.run(), 0o700)
}

func (p places) run(name ...string) string {
	return filepath.Join(append([]string{p.build, "run"}, name...)...)
}

func (p places) atoll() string         { return filepath.Join(p.build, "atoll") }
func (p places) local() string         { return filepath.Join(p.build, "local") }
func (p places) cluster() string       { return filepath.Join(p.build, "cluster") }
func (p places) statusFile() string    { return filepath.Join(p.cluster(), "status.json") }
func (p places) kubeconfig() string    { return filepath.Join(p.cluster(), "kubeconfig") }
func (p places) facts() string         { return p.run("atoll.json") }
func (p places) supervisor() string    { return p.run("supervisor.pid") }
func (p places) config() string        { return p.run("atoll.yaml") }
func (p places) password() string      { return p.run("password") }
func (p places) data() string          { return p.run("data") }
func (p places) log() string           { return p.run("atoll.log") }
func (p places) supervisorLog() string { return p.run("run.log") }
