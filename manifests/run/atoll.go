// Atoll itself: its configuration, its process, and what is asked of it over
// its own API, as any API user would.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const administrator = "admin"

// atoll is the running server.
type atoll struct {
	cmd         *exec.Cmd
	ended       chan struct{}
	facts       facts
	api         *client
	clusterName string
	nodeKind    string
}

// startAtoll writes the configuration, starts the server and returns when it answers.
func startAtoll(ctx context.Context, p places) (*atoll, error) {
	if _, err := os.Stat(p.atoll()); err != nil {
		return nil, fmt.Errorf("%s is not built; `make` builds it: %w", p.atoll(), err)
	}
	password, err := ensurePassword(p.password())
	if err != nil {
		return nil, err
	}
	previous, _ := readFacts(p.run("addresses.json"))
	http, err := address(previous.URL, "127.0.0.1:8380")
	if err != nil {
		return nil, err
	}
	https, err := address(previous.KubeURL, "127.0.0.1:8343")
	if err != nil {
		return nil, err
	}
	a := &atoll{ended: make(chan struct{}), clusterName: "local"}
	a.facts = facts{URL: "http://" + http, KubeURL: "https://" + https, Username: administrator, Password: password}
	if err := a.facts.addresses().write(p.run("addresses.json")); err != nil {
		return nil, err
	}
	c := cluster(p)
	entry := map[string]any{"name": "local", "title": "Local", "kubeconfig": c.kubeconfig(), "statusFile": p.statusFile()}
	if !c.ours() {
		a.clusterName = "default"
		entry = map[string]any{"name": "default", "title": "Default", "kubeconfig": c.given}
	}
	// JSON is YAML: nothing here needs a YAML library.
	config, err := json.MarshalIndent(map[string]any{
		"listen":        map[string]any{"http": http, "https": https},
		"dataDir":       p.data(),
		"clusters":      []any{entry},
		"administrator": map[string]any{"name": administrator, "passwordFile": p.password()},
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	if err := os.WriteFile(p.config(), append(config, '\n'), 0o600); err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	out, err := os.OpenFile(p.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	defer out.Close()
	a.cmd = exec.Command(p.atoll(), "serve", "--config", p.config())
	a.cmd.Stdout, a.cmd.Stderr = out, out
	// A group of its own: Ctrl-C reaches the supervisor alone, which ends things in order.
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := a.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting atoll: %w", err)
	}
	a.facts.PID = a.cmd.Process.Pid
	go func() { _ = a.cmd.Wait(); close(a.ended) }()
	a.api = newClient(a.facts.URL)
	err = until(ctx, 30*time.Second, func() bool {
		select {
		case <-a.ended:
			return true
		default:
			return a.api.healthy(ctx)
		}
	})
	select {
	case <-a.ended:
		return nil, fmt.Errorf("atoll did not start; the end of its log (%s):\n%s", p.log(), tail(p.log(), 15))
	default:
	}
	if err != nil {
		a.kill()
		return nil, fmt.Errorf("waiting for atoll to answer: %w; the end of its log:\n%s", err, tail(p.log(), 15))
	}
	return a, nil
}

// stop ends the server, gently first.
func (a *atoll) stop(log *printer) {
	_ = a.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-a.ended:
	case <-time.After(20 * time.Second):
		log.say("atoll does not stop; killing it")
		a.kill()
	}
}

func (a *atoll) kill() {
	_ = a.cmd.Process.Kill()
	<-a.ended
}

// waitForCluster waits until Atoll says that the cluster is Ready.
func (a *atoll) waitForCluster(ctx context.Context, name string, log *printer) error {
	if err := a.api.signIn(ctx, administrator, a.facts.Password); err != nil {
		return err
	}
	var last string
	var failure error
	err := until(ctx, 2*time.Minute, func() bool {
		var list struct {
			Items []struct{ Name, Phase, Message, Node string }
		}
		if failure = a.api.do(ctx, http.MethodGet, "/api/v1/clusters", nil, &list); failure != nil {
			return ctx.Err() != nil
		}
		for _, c := range list.Items {
			if c.Name == name {
				if line := c.Phase + " " + c.Message; line != last && c.Phase != "Ready" {
					log.say("cluster %s: %s", name, line)
					last = line
				}
				a.nodeKind = c.Node
				return c.Phase == "Ready"
			}
		}
		return false
	})
	if err != nil {
		return fmt.Errorf("waiting for Atoll to reach cluster %s (%s): %w", name, strings.TrimSpace(last), errors.Join(err, failure))
	}
	return nil
}

// writeKubeconfig fetches the administrator's kubeconfig through Atoll.
func (a *atoll) writeKubeconfig(ctx context.Context, name string) error {
	var answer struct{ Kubeconfig string }
	path := "/api/v1/clusters/" + a.clusterName + "/kubeconfigs"
	if err := a.api.do(ctx, http.MethodPost, path, map[string]any{"expiresIn": "720h"}, &answer); err != nil {
		return fmt.Errorf("fetching the kubeconfig: %w", err)
	}
	if err := os.WriteFile(name, []byte(answer.Kubeconfig), 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return nil
}

// ensurePassword reads the development administrator's password or makes one.
func ensurePassword(name string) (string, error) {
	text, err := os.ReadFile(name)
	if err == nil && len(strings.TrimSpace(string(text))) >= 12 {
		return strings.TrimSpace(string(text)), nil
	}
	raw := make([]byte, 15)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("making a password: %w", err)
	}
	password := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw))
	if err := os.WriteFile(name, []byte(password+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keeping the password: %w", err)
	}
	return password, nil
}

// address picks where to listen: as last time, so that open tabs and
// kubeconfigs keep working, else the usual port, else a free one.
func address(previousURL, usual string) (string, error) {
	_, previous, _ := strings.Cut(previousURL, "://")
	for _, candidate := range []string{previous, usual, "127.0.0.1:0"} {
		if candidate == "" {
			continue
		}
		l, err := net.Listen("tcp", candidate)
		if err != nil {
			continue
		}
		defer l.Close()
		return l.Addr().String(), nil
	}
	return "", errors.New("no free port on 127.0.0.1")
}
