// The audit log from the command line.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/server/api"
)

func TestAuditIsSearched(t *testing.T) {
	w := newWorld(t)
	w.tenants()
	w.signIn("jane")
	w.fails(exitDenied, "", "delete", "workspace", "blue", "--yes")
	w.call(http.MethodPost, "/api/v1/workspaces/red/robots", map[string]any{"name": "ci"}, nil)
	if out := w.must("", "get", "audit", "-w", "red", "--user", "jane", "--since", "1h"); !strings.Contains(out, "/api/v1/workspaces/red/robots/ci") || strings.Contains(out, "blue") {
		t.Errorf("got\n%s", out)
	}
	if out := w.fails(exitDenied, "", "get", "audit"); !strings.Contains(out, "audit.view") {
		t.Errorf("got %s", out)
	}
	w.fails(exitDenied, "", "get", "audit", "-w", "blue")
	w.admin()
	out := w.must("", "get", "audit", "-o", "wide")
	if lines := strings.Split(out, "\n"); !strings.HasPrefix(lines[0], "TIME ") || !strings.Contains(lines[0], "REASON") || !strings.Contains(out, "create") {
		t.Errorf("got\n%s", out)
	}
	out = w.must("", "get", "audit", "--limit", "2", "-o", "json")
	count := 0
	for line := range strings.Lines(out) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Time.IsZero() || e.Verb == "" {
			t.Errorf("%v in %s", err, line)
		}
		count++
	}
	if count != 2 {
		t.Errorf("%d events instead of 2:\n%s", count, out)
	}
	if out := w.must("", "get", "audit", "--until", "2001-01-01T00:00:00Z", "-o", "json"); out != "" {
		t.Errorf("got %s", out)
	}
	for args, want := range map[string]string{
		"--since yesterday": "duration", "--limit 0": "1 or more", "-o yaml": "table, wide, json", "--follow --until 1h": "if any flags", "red": "unknown command", "-p red-1": "CLUSTER/NAME", "--until -1h": "duration",
	} {
		if out := w.fails(exitUsage, "", append([]string{"get", "audit"}, strings.Fields(args)...)...); !strings.Contains(out, want) {
			t.Errorf("%s: %s", args, out)
		}
	}
	w.fails(exitConflict, "", "get", "audit", "--result", "lost")
}

// seenWriter calls back at each line that is written.
type seenWriter struct {
	mu   sync.Mutex
	b    bytes.Buffer
	line func(string)
}

func (s *seenWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b.Write(p)
	s.line(string(p))
	return len(p), nil
}

func TestAuditIsFollowed(t *testing.T) {
	w := newWorld(t)
	w.tenants()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	found := make(chan string, 1)
	out := &seenWriter{line: func(line string) {
		if strings.Contains(line, "/api/v1/workspaces/red/robots/") {
			select {
			case found <- line:
			default:
			}
		}
	}}
	root := newRoot()
	root.SetArgs([]string{"get", "audit", "-w", "red", "--follow", "--since", "0s", "-o", "json"})
	root.SetOut(out)
	root.SetErr(out)
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	w.call(http.MethodPost, "/api/v1/workspaces/red/robots", map[string]any{"name": "ci"}, nil)
	select {
	case line := <-found:
		if !strings.HasPrefix(line, "{") || !strings.Contains(line, `"user":"admin"`) {
			t.Errorf("got %s", line)
		}
	case err := <-ended:
		t.Fatalf("it ended: %v", err)
	case <-ctx.Done():
		t.Fatal("the event does not come")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("after it was told to stop: %v", err)
	}
}

func TestLeftoversAreTold(t *testing.T) {
	at := func(kind, name string, member, revoked bool) api.Leftover {
		return api.Leftover{Cluster: "local", Project: "shop", Kind: kind, Name: name, Member: member, Revoked: revoked}
	}
	for want, answer := range map[string]api.LeftBehind{
		"": {},
		"Left behind, and giving rights yet: ServiceAccount a in local/shop, Token b in local/shop\n": {
			Leftovers: []api.Leftover{at("ServiceAccount", "a", false, false), at("Token", "b", false, false)}},
		"Revoked: Secret \uFFFDa in local/shop\nKept, for the other roles that this person has there: Token b in local/shop\n": {
			Leftovers: []api.Leftover{at("Token", "b", true, false), at("Secret", "\x1ba", false, true)}},
	} {
		text, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		var l leftBehind
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if l.write(&out); out.String() != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
	}
	w := newWorld(t)
	w.tenants()
	if got := w.names("leftovers", "-p", "local/red-1"); len(got) != 0 {
		t.Errorf("got %q", got)
	}
	w.fails(exitNotFound, "", "delete", "leftovers", "jane", "-p", "local/red-1", "--yes")
	w.fails(exitUsage, "", "get", "leftovers", "-w", "red")
}
