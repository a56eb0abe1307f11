//go:build integration

// Whoever loses a right loses with it what was begun: every kind of connection
// into a real cluster, each with the time it took, and the next request through
// every door. Kubernetes is not written to for it.

package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
)

const (
	joinedWatch    = "watch across projects"
	namespaceWatch = "watch of namespaces"
)

const inProject = "/clusters/local/api/v1/namespaces/terminals"

// connection is something that goes on until somebody ends it.
type connection struct {
	name string
	wait func() error // returns when it is over
}

// developer is somebody of the project, as each kind of client reaches it.
type developer struct {
	*site
	*browser          // by a token
	page     *browser // by a session
	client   *http.Client
	config   *rest.Config
}

func (s *site) developer(t *testing.T, page *browser) *developer {
	t.Helper()
	p := &developer{site: s, browser: page.newToken(), page: page, client: s.secureClient()}
	p.client.Timeout = 0
	p.config = &rest.Config{Host: s.KubeURL() + "/clusters/local", BearerToken: p.browser.token, QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAData: s.doors.authority}}
	return p
}

// get begins to read an answer, and has read some of it where it says so.
func (p *developer) get(t *testing.T, name, path string, some bool) connection {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", p.KubeURL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.browser.token)
	res, err := p.client.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(res.Body)
		t.Fatalf("%s: %s %s", name, res.Status, text)
	}
	if some {
		if _, err := res.Body.Read(make([]byte, 1)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return connection{name, func() error { _, err := io.Copy(io.Discard, res.Body); return err }}
}

func (p *developer) podURL(subresource string, query url.Values) *url.URL {
	u, _ := url.Parse(p.KubeURL() + inProject + "/pods/web/" + subresource)
	u.RawQuery = query.Encode()
	return u
}

// exec opens a terminal and waits until it has said something.
func (p *developer) exec(t *testing.T, name string, open func(u *url.URL) (remotecommand.Executor, error)) connection {
	t.Helper()
	e, err := open(p.podURL("exec", url.Values{"command": {"/demo", "terminal"}, "stdin": {"true"}, "stdout": {"true"}, "container": {"web"}}))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	in, typed := io.Pipe()
	said, out := io.Pipe()
	t.Cleanup(func() { typed.Close(); said.Close() })
	over := make(chan error, 1)
	go func() {
		over <- e.StreamWithContext(context.WithoutCancel(t.Context()), remotecommand.StreamOptions{Stdin: in, Stdout: out})
		out.Close()
	}()
	words := bufio.NewReader(said)
	if line, err := words.ReadString('\n'); err != nil {
		t.Fatalf("%s: %q %v", name, line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, words) }()
	return connection{name, func() error {
		if err := <-over; err != nil {
			return err
		}
		return errors.New("it ended as if the command had")
	}}
}

// forward forwards a port and holds a connection through it.
func (p *developer) forward(t *testing.T, name string, dialer httpstream.Dialer) connection {
	t.Helper()
	ready := make(chan struct{})
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{"0:8080"}, make(chan struct{}), ready, io.Discard, io.Discard)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	over := make(chan error, 1)
	go func() { over <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-over:
		t.Fatalf("%s: %v", name, err)
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ports[0].Local))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: web\r\n\r\n")
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return connection{name, func() error {
		_, _ = io.Copy(io.Discard, conn)
		return <-over
	}}
}

// socket opens a WebSocket on one of the guest's routes.
func (p *developer) socket(t *testing.T, name, path string, begin func(*websocket.Conn)) connection {
	t.Helper()
	conn, response := p.dial(t, p.browser, path, "v5.channel.k8s.io")
	if conn == nil {
		text, _ := io.ReadAll(response.Body)
		t.Fatalf("%s: %s %s", name, response.Status, text)
	}
	begin(conn)
	return connection{name, func() error {
		for {
			if _, _, err := conn.Read(context.WithoutCancel(t.Context())); err != nil {
				return err
			}
		}
	}}
}

// subscription follows a log in the live connection of a page.
func (p *developer) subscription(t *testing.T) connection {
	t.Helper()
	conn, status := p.page.tab(nil)
	if conn == nil {
		t.Fatalf("the live connection: %d", status)
	}
	say(t, conn, map[string]any{"type": "open", "id": 1, "path": inProject + "/pods?watch=true", "credit": 1 << 20})
	if m, err := hear(t, conn); err != nil || m.Status != http.StatusOK {
		t.Fatalf("the live connection: %+v %v", m, err)
	}
	return connection{"subscription of a page", func() error {
		for {
			switch m, err := hear(t, conn); {
			case err != nil:
				return err
			case m.Type == "end":
				return fmt.Errorf("end, %+v", m.Problem)
			}
		}
	}}
}

// kubectl starts the cluster's own kubectl.
func (p *developer) kubectl(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	config := api.NewConfig()
	config.Clusters["c"] = &api.Cluster{Server: p.config.Host, CertificateAuthorityData: p.config.CAData}
	config.AuthInfos["u"] = &api.AuthInfo{Token: p.config.BearerToken}
	config.Contexts["c"] = &api.Context{Cluster: "c", AuthInfo: "u", Namespace: "terminals"}
	config.CurrentContext = "c"
	home := t.TempDir()
	file := filepath.Join(home, "kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(filepath.Dir(os.Getenv("ATOLL_TEST_KUBECONFIG")), "bin", "kube")
	cmd := exec.Command(program, append([]string{"kubectl", "--kubeconfig", file}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+home)
	said := &bytes.Buffer{}
	cmd.Stderr = said
	return cmd, said
}

// following is a kubectl that goes on, once it has said something.
func (p *developer) following(t *testing.T, args ...string) connection {
	t.Helper()
	name := "kubectl " + strings.Join(args, " ")
	cmd, said := p.kubectl(t, args...)
	in, err := cmd.StdinPipe() // which stays open
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Process.Kill() })
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatalf("%s: %v %s", name, err, said)
	}
	return connection{name, func() error {
		_, _ = io.Copy(io.Discard, out)
		err := cmd.Wait()
		return fmt.Errorf("%v: %s", err, bytes.TrimSpace(said.Bytes()))
	}}
}

// open opens one connection of every kind.
func (p *developer) open(t *testing.T) []connection {
	t.Helper()
	p.admin.must("GET", inProject+"/pods/web:8080/proxy/", nil, http.StatusOK) // so that there is something in the log
	spdyDialer := func() httpstream.Dialer {
		transport, upgrader, err := spdy.RoundTripperFor(p.config)
		if err != nil {
			t.Fatal(err)
		}
		return spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, p.podURL("portforward", nil))
	}
	socketDialer, err := portforward.NewSPDYOverWebsocketDialer(p.podURL("portforward", nil), p.config)
	if err != nil {
		t.Fatal(err)
	}
	hello := func(conn *websocket.Conn) {
		for {
			_, message, err := conn.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(message) > 1 && message[0] == stdout {
				return
			}
		}
	}
	terminal := "?" + url.Values{"command": {"/demo", "terminal"}, "stdin": {"true"}, "stdout": {"true"}, "container": {"web"}}.Encode()
	return []connection{
		p.get(t, "watch", inProject+"/pods?watch=true", true),
		p.get(t, joinedWatch, "/clusters/local/api/v1/pods?watch=true", true),
		p.get(t, namespaceWatch, "/clusters/local/api/v1/namespaces?watch=true", true),
		p.get(t, "log", inProject+"/pods/web/log?follow=true", true),
		p.exec(t, "exec by SPDY", func(u *url.URL) (remotecommand.Executor, error) {
			return remotecommand.NewSPDYExecutor(p.config, http.MethodPost, u)
		}),
		p.exec(t, "exec by WebSocket", func(u *url.URL) (remotecommand.Executor, error) {
			return remotecommand.NewWebSocketExecutor(p.config, http.MethodGet, u.String())
		}),
		p.forward(t, "port-forward by SPDY", spdyDialer()),
		p.forward(t, "port-forward by WebSocket", socketDialer),
		p.socket(t, "guest: exec, joined", p.pods+"exec"+terminal, hello),
		p.socket(t, "guest: exec, by its own hands", p.pods+"watched"+terminal, hello),
		p.socket(t, "guest: port", p.pods+"ports/8080", func(conn *websocket.Conn) {
			if err := conn.Write(t.Context(), websocket.MessageBinary, []byte("GET / HTTP/1.1\r\nHost: web\r\n\r\n")); err != nil {
				t.Fatal(err)
			}
			if _, _, err := conn.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
		}),
		p.get(t, "guest: log through its door", p.pods+"log", true),
		p.get(t, "guest: stream of its own", "/x/terminal/clusters/local/projects/terminals/ticks", true),
		p.following(t, "get", "pods", "-w"),
		p.following(t, "get", "pods", "-A", "-w"),
		p.following(t, "logs", "-f", "web"),
		p.following(t, "exec", "-i", "web", "--", "/demo", "terminal"),
	}
}

// over is a connection that has ended.
type over struct {
	name string
	at   time.Time
	err  error
}

// ends tells of each of them when it is over.
func ends(all []connection) <-chan over {
	overs := make(chan over, len(all))
	for _, c := range all {
		go func() {
			err := c.wait()
			overs <- over{c.name, time.Now(), err}
		}()
	}
	return overs
}

// end waits until all of them are over, and prints how long each took.
func end(t *testing.T, began time.Time, all []connection, overs <-chan over) {
	t.Helper()
	slow := time.After(time.Minute)
	left := map[string]bool{}
	for _, c := range all {
		left[c.name] = true
	}
	for range all {
		select {
		case o := <-overs:
			delete(left, o.name)
			said := "as if complete"
			switch {
			case o.err != nil:
				said, _, _ = strings.Cut(o.err.Error(), "\n")
			case o.name != joinedWatch && o.name != namespaceWatch: // which say why by an event
				t.Errorf("%s ended as if it were complete", o.name)
			}
			t.Logf("%5d ms  %-32s %.120s", o.at.Sub(began).Milliseconds(), o.name, said)
		case <-slow:
			t.Fatalf("a minute after the right was lost these go on: %v", left)
		}
	}
}

// refused asks once through every door.
func (p *developer) refused(t *testing.T, want map[string]int) {
	t.Helper()
	for request, status := range want {
		method, path, _ := strings.Cut(request, " ")
		if a := p.browser.do(method, path, map[string]any{"a": "b"}); a.status != status {
			t.Errorf("%s: %d %s, want %d", request, a.status, a.body, status)
		}
	}
	cmd, said := p.kubectl(t, "get", "pods")
	if err := cmd.Run(); err == nil {
		t.Errorf("kubectl: %s", said)
	} else {
		t.Logf("kubectl says: %s", bytes.TrimSpace(said.Bytes()))
	}
}

// written is what the API server's audit log has of writes to the project by
// Atoll since a moment, up to a request that is made for the purpose now.
func (s *site) written(t *testing.T, since time.Time) []string {
	t.Helper()
	mark := fmt.Sprintf("mark-%d", time.Now().UnixNano())
	s.admin.must("GET", inProject+"/configmaps/"+mark, nil, http.StatusNotFound)
	var writes []string
	eventually(t, "the audit log has the last request", func() bool {
		file, err := os.Open(os.Getenv("ATOLL_TEST_AUDIT_LOG"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		writes = nil
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var e struct {
				Verb, RequestURI         string
				RequestReceivedTimestamp time.Time
				User                     struct{ Username string }
				ImpersonatedUser         *struct{}
				ObjectRef                struct{ Namespace, Name, Resource string }
			}
			if json.Unmarshal(lines.Bytes(), &e) != nil || e.RequestReceivedTimestamp.Before(since) {
				continue
			}
			if e.ObjectRef.Name == mark {
				return true
			}
			ours := e.ObjectRef.Namespace == "terminals" || e.ObjectRef.Resource == "namespaces" && e.ObjectRef.Name == "terminals"
			switch e.Verb {
			case "create", "update", "patch", "delete", "deletecollection":
				if ours && e.ImpersonatedUser == nil && !strings.HasPrefix(e.User.Username, "system:") {
					writes = append(writes, e.User.Username+" "+e.Verb+" "+e.RequestURI)
				}
			}
		}
		return false
	})
	return writes
}

func TestIntegrationLosingARightEndsAllThatWasBegunWithIt(t *testing.T) {
	s := newSite(t)
	owner := s.signIn(adminName, adminPassword)
	page := owner.user("dan", "platform-member")
	const member = "/api/v1/clusters/local/projects/terminals/members/dan"
	join := func() {
		t.Helper()
		owner.must("PUT", member, map[string]any{"role": "project-developer"}, http.StatusOK)
		// The API server's own cache learns of a project's bindings a moment
		// after they are written; of members it need not.
		eventually(t, "dan may", func() bool { return page.do("GET", inProject+"/pods", nil).status == http.StatusOK })
	}
	join()
	dan := s.developer(t, page)

	t.Run("the membership", func(t *testing.T) {
		all := append(dan.open(t), dan.subscription(t))
		overs, began := ends(all), time.Now()
		owner.must("DELETE", member, nil, http.StatusOK)
		dan.refused(t, map[string]int{
			"GET /api/v1/clusters/local/projects/terminals":              http.StatusForbidden,
			"GET " + inProject + "/pods":                                 http.StatusForbidden,
			"POST " + inProject + "/configmaps":                          http.StatusForbidden,
			"GET /x/terminal/clusters/local/projects/terminals/ticks":    http.StatusForbidden,
			"GET /x/terminal/clusters/local/projects/terminals/pods/web": http.StatusNotFound,
		})
		end(t, began, all, overs)
		if writes := s.written(t, began); len(writes) > 0 {
			t.Errorf("Kubernetes was written to:\n%s", strings.Join(writes, "\n"))
		}
		eventually(t, "nothing is in flight", func() bool { return s.proxy.InFlight() == 0 })
	})

	t.Run("the token", func(t *testing.T) {
		join()
		all := dan.open(t)
		var tokens struct{ Items []struct{ ID string } }
		page.must("GET", "/api/v1/tokens", nil, http.StatusOK).json(&tokens)
		overs, began := ends(all), time.Now()
		for _, one := range tokens.Items {
			page.must("DELETE", "/api/v1/tokens/"+one.ID, nil, http.StatusNoContent)
		}
		dan.refused(t, map[string]int{
			"GET /api/v1/clusters/local/projects/terminals":           http.StatusUnauthorized,
			"GET " + inProject + "/pods":                              http.StatusUnauthorized,
			"GET /x/terminal/clusters/local/projects/terminals/ticks": http.StatusUnauthorized,
		})
		end(t, began, all, overs)
	})

	t.Run("the account", func(t *testing.T) {
		dan := s.developer(t, page)
		all := append(dan.open(t), dan.subscription(t))
		overs, began := ends(all), time.Now()
		owner.must("DELETE", "/api/v1/users/dan", nil, http.StatusNoContent)
		dan.refused(t, map[string]int{"GET " + inProject + "/pods": http.StatusUnauthorized})
		end(t, began, all, overs)
	})
}
