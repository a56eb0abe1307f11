// What outlives its maker is noted, whatever its client does meanwhile.

package kube

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
)

// book is a ledger of a few lines.
type book struct {
	mu      sync.Mutex
	full    bool  // it refuses
	broken  error // it cannot note
	begun   int
	entries []string // as "jane alpha ServiceAccount name uid"; "-" for nothing made
}

func (b *book) Begin(_ context.Context, by access.Subject, p access.Project) (func(context.Context, *Made) error, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full {
		return nil, errors.New("there are enough")
	}
	b.begun++
	return func(ctx context.Context, m *Made) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		line := "-"
		if m != nil {
			line = strings.TrimSpace(fmt.Sprintln(by.Name, p.Name, m.Kind, m.Name, m.UID))
		}
		b.entries = append(b.entries, line)
		return errors.Join(b.broken, ctx.Err())
	}, nil
}

func (b *book) read() (begun int, entries []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.begun, slices.Clone(b.entries)
}

const (
	accounts = "/api/v1/namespaces/alpha/serviceaccounts"
	bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/alpha/rolebindings"
)

func TestWhatOutlivesItsMakerIsNoted(t *testing.T) {
	h := newHouse(t)
	b := &book{}
	h.proxy.ledger = b
	token := "x." + base64.RawURLEncoding.EncodeToString([]byte(`{"kubernetes.io":{"serviceaccount":{"name":"a","uid":"u3"}}}`)) + ".y"
	answer := func(code int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept") != "application/json" || r.Header.Get("Accept-Encoding") != "" {
				t.Errorf("%s %s asks for %q, %q", r.Method, r.URL, r.Header.Get("Accept"), r.Header.Get("Accept-Encoding"))
			}
			w.WriteHeader(code)
			io.WriteString(w, text)
		}
	}
	var current atomic.Pointer[http.HandlerFunc]
	h.up.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { (*current.Load())(w, r) })
	one := `{"metadata":{"name":"made-x","uid":"u1"}}`
	plain := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
	}
	secrets := "/api/v1/namespaces/alpha/secrets"
	for _, c := range []struct {
		request string
		handler http.HandlerFunc
		want    string // "": the ledger is not asked
	}{
		{"POST " + accounts, answer(201, one), "jane alpha ServiceAccount made-x u1"},
		{"POST " + accounts + "?dryRun=", answer(201, one), "jane alpha ServiceAccount made-x u1"},
		{"POST " + accounts + "?dryRun=All", plain(one), ""},
		{"POST " + accounts + "?fieldManager=a&dryRun=All", plain(one), ""},
		{"POST " + accounts + "?dryrun=All", answer(201, one), "jane alpha ServiceAccount made-x u1"},
		{"POST " + accounts + "?dryRun=All&dryRun=None", answer(201, one), "jane alpha ServiceAccount made-x u1"},
		{"POST " + accounts + "?dryRun=All&x;y", answer(201, one), "jane alpha ServiceAccount made-x u1"},
		{"PATCH " + bindings + "/b?dryRun=All", plain(one), ""},
		{"POST " + accounts, answer(409, one), "-"},
		{"PATCH " + accounts + "/a", answer(201, one), "jane alpha ServiceAccount made-x u1"},
		{"PATCH " + accounts + "/a", answer(200, one), "-"},
		{"PUT " + accounts + "/a", answer(200, one), "-"},
		{"POST " + accounts + "/a/token", answer(201, `{"metadata":{"name":"a"},"status":{"token":"`+token+`","expirationTimestamp":"2026-11-30T12:00:00Z"}}`), "jane alpha Token a u3"},
		{"POST " + bindings, answer(201, one), "jane alpha RoleBinding made-x u1"},
		{"PUT " + bindings + "/b", answer(200, one), "jane alpha RoleBinding made-x u1"},
		{"PATCH " + bindings + "/b", answer(200, one), "jane alpha RoleBinding made-x u1"},
		{"POST " + secrets, answer(201, `{"metadata":{"name":"s","uid":"u2"},"type":"kubernetes.io/service-account-token"}`), "jane alpha Secret s u2"},
		{"POST " + secrets, answer(201, `{"metadata":{"name":"s","uid":"u2"},"type":"Opaque"}`), "-"},
		{"GET " + accounts + "/a", plain(one), ""},
		{"DELETE " + accounts + "/a", plain(one), ""},
		{"POST /api/v1/namespaces/alpha/configmaps", plain(one), ""},
		{"POST /api/v1/namespaces/elsewhere/serviceaccounts", plain(one), ""},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		before, entries := b.read()
		current.Store(&c.handler)
		_, _, text := h.ask(t, "jane", method, path, "{}", "Accept", "application/vnd.kubernetes.protobuf", "Accept-Encoding", "gzip")
		begun, now := b.read()
		if c.want == "" {
			if begun != before {
				t.Errorf("%s is noted", c.request)
			}
			continue
		}
		if got := now[len(entries):]; len(got) != 1 || got[0] != c.want || !strings.Contains(text, "metadata") {
			t.Errorf("%s is noted as %q, want %q; answered %s", c.request, got, c.want, text)
		}
	}
}

func TestWhatCannotBeNotedIsRefusedOrTold(t *testing.T) {
	h := newHouse(t)
	b := &book{full: true}
	h.proxy.ledger = b
	h.up.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"metadata":{"name":"x"}}`)
	})
	if code, _, text := h.ask(t, "jane", "POST", accounts, "{}"); code != http.StatusForbidden || !strings.Contains(text, "there are enough") || h.up.count() != 0 {
		t.Errorf("%d %s, and %d requests went out", code, text, h.up.count())
	}
	b.full = false
	if code, _, text := h.ask(t, "jane", "POST", accounts, "{}"); code != http.StatusInternalServerError || !strings.Contains(text, "could not note") {
		t.Errorf("without an id: %d %s", code, text)
	}
	if code, _, _ := h.ask(t, "joe", "POST", accounts, "{}", "X-Test-Read-Only", "yes"); code != http.StatusForbidden {
		t.Errorf("a token for reading: %d", code)
	}
	b.broken = errors.New("the store is gone")
	if code, _, text := h.ask(t, "jane", "DELETE", accounts+"/x", ""); code != http.StatusCreated {
		t.Errorf("what is not noted: %d %s", code, text)
	}
	if code, _, text := h.ask(t, "jane", "PATCH", accounts+"/x", "{}"); code != http.StatusInternalServerError {
		t.Errorf("a ledger that cannot write: %d %s", code, text)
	}
}

// An API server has done what it was asked, and then the client hangs up, or
// loses the right, before the answer.
func TestWhatWasDoneIsNotedThoughNobodyWaits(t *testing.T) {
	for name, leave := range map[string]func(h *house, hangUp func()){
		"the client hangs up": func(_ *house, hangUp func()) { hangUp() },
		"the right is lost":   func(h *house, _ func()) { h.law.remove("jane", "alpha") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			b := &book{}
			h.proxy.ledger = b
			arrived, goOn := make(chan struct{}), make(chan struct{})
			h.up.mux.HandleFunc(accounts, func(w http.ResponseWriter, r *http.Request) {
				close(arrived)
				select {
				case <-goOn:
				case <-r.Context().Done():
					t.Error("the write was cut")
				}
				w.WriteHeader(http.StatusCreated)
				io.WriteString(w, `{"metadata":{"name":"x","uid":"u"}}`)
			})
			ctx, hangUp := context.WithCancel(t.Context())
			defer hangUp()
			req, err := http.NewRequestWithContext(ctx, "POST", h.URL+"/clusters/local"+accounts, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Test-Person", "jane")
			over := make(chan struct{})
			go func() {
				defer close(over)
				if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
					res.Body.Close()
				}
			}()
			<-arrived
			epoch := h.proxy.live.epoch.Load()
			leave(h, hangUp)
			if name == "the right is lost" {
				await(t, "the right is looked at", func() bool { return h.proxy.live.epoch.Load() > epoch })
			} else {
				<-over
			}
			close(goOn)
			await(t, "it is noted", func() bool {
				_, entries := b.read()
				return slices.Equal(entries, []string{"jane alpha ServiceAccount x u"})
			})
			<-over
		})
	}
}

func TestTokensWhoseOwnerCannotBeReadAreNoTokens(t *testing.T) {
	for _, token := range []string{"", "a", "a.b.c", "a." + base64.RawURLEncoding.EncodeToString([]byte(`[]`)) + ".c"} {
		text := fmt.Sprintf(`{"status":{"token":%q,"expirationTimestamp":%q}}`, token, time.Now().Format(time.RFC3339))
		res := jsonResponse(http.StatusCreated, []byte(text))
		if m, err := readMade(&target{resource: "serviceaccounts", subresource: "token", name: "a"}, res); err == nil {
			t.Errorf("%q: %+v", token, m)
		}
	}
}
