// What one tenant's requests leave behind, sought by a guest that keeps all it is
// sent and reads all of its memory, on behalf of another tenant.
package hostile

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// who asks for something.
func who(user, workspace string) sandbox.Caller {
	return sandbox.Caller{User: user, UserUID: "u-" + user, Workspace: workspace, WorkspaceUID: "w-" + workspace}
}

// secrets are told to a guest in one request, each in a place of its own.
type secrets map[string]string

func newSecrets() secrets {
	s := secrets{}
	for _, place := range []string{"target", "header", "body", "user", "group", "project", "cluster", "request id"} {
		var b strings.Builder
		for range 24 { // letters that are letters with their last bit turned, too
			b.WriteByte(byte('b' + rand.IntN('y'-'b'+1)))
		}
		s[place] = b.String()
	}
	return s
}

// request tells the secrets on somebody's behalf; path is what it asks for.
func (s secrets) request(c sandbox.Caller, path string) *sandbox.Request {
	c.User, c.Groups, c.Project, c.Cluster = s["user"], []string{s["group"]}, s["project"], s["cluster"]
	return &sandbox.Request{
		Authority: "route", Method: "POST", Target: path + "?" + s["target"], Caller: c, RequestID: s["request id"],
		Header: []wire.Header{{Name: "X-Secret", Value: s["header"]}}, Body: strings.NewReader(s["body"]),
	}
}

// leaked tells whether a text holds one of the secrets.
func (s secrets) leaked(text string) bool {
	for _, secret := range s {
		if strings.Contains(text, secret) {
			return true
		}
	}
	return false
}

// ask gives the whole answer of a guest that answers.
func ask(t *testing.T, g *sandbox.Guest, r *sandbox.Request) string {
	t.Helper()
	resp, err := g.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.Status != 200 {
		t.Fatalf("it answered %d %q, %v", resp.Status, body, err)
	}
	return string(body)
}

// seek has a guest look through its memory on somebody's behalf, and gives the
// places whose secrets it finds.
func (s secrets) seek(t *testing.T, g *sandbox.Guest, c sandbox.Caller) (places []string) {
	t.Helper()
	for place, secret := range s {
		masked := []byte(secret)
		for n := range masked {
			masked[n] ^= 1
		}
		if ask(t, g, &sandbox.Request{Authority: "route", Method: "GET", Target: "/" + string(masked), Caller: c}) != "0" {
			places = append(places, place)
		}
	}
	return places
}

// TestNobodyFindsAnotherTenantsSecrets plants secrets in requests of alice's in
// the workspace north and seeks them on behalf of others. Under isolations that
// share a memory with them they are all found, or else the test would not see.
func TestNobodyFindsAnotherTenantsSecrets(t *testing.T) {
	names := []string{"peek", "go-peek"}
	if testing.Short() {
		names = names[:1]
	}
	seekers := []sandbox.Caller{who("bob", "south"), who("alice", "south"), who("bob", "north"), who("alice", "north")}
	for room, open := range rooms() {
		h := house(t, open)
		for isolation, finds := range map[sandbox.Isolation][]bool{ // by seeker
			sandbox.IsolateRequest:   {false, false, false, false},
			sandbox.IsolateUser:      {false, false, false, true},
			sandbox.IsolateWorkspace: {false, false, true, true},
			sandbox.IsolateShared:    {true, true, true, true},
		} {
			for _, name := range names {
				t.Run(fmt.Sprintf("%s/%s/%s", room, isolation, name), func(t *testing.T) {
					g := h.Load(sandbox.Spec{Name: name, Version: version, Isolation: isolation, Wasm: named(t, name).Wasm})
					s := newSecrets()
					for range 3 {
						ask(t, g, s.request(who("alice", "north"), "/"))
					}
					for n, c := range seekers {
						places, want := s.seek(t, g, c), 0
						if finds[n] {
							want = len(s)
						}
						if len(places) != want {
							t.Errorf("%s in %s finds %d secrets, not %d: %q", c.User, c.Workspace, len(places), want, places)
						}
					}
					trapped(t, g, s)
					for _, c := range seekers[:3] {
						if places := s.seek(t, g, c); isolation != sandbox.IsolateWorkspace && len(places) > 0 {
							t.Errorf("after a fault %s in %s finds secrets: %q", c.User, c.Workspace, places)
						}
					}
					if s.leaked(h.Log()) {
						t.Error("secrets stand in the log")
					}
				})
			}
		}
	}
}

// trapped lets a request with secrets end its instance, and looks at what is said
// of that.
func trapped(t *testing.T, g *sandbox.Guest, s secrets) {
	t.Helper()
	_, err := g.Do(t.Context(), s.request(who("alice", "north"), "/!"))
	var fault *sandbox.Fault
	if !errors.As(err, &fault) || fault.Class != sandbox.FaultTrap {
		t.Fatalf("it ended with %v", err)
	}
	if s.leaked(err.Error()) || s.leaked(fault.Detail) || s.leaked(fmt.Sprintf("%+v", g.Stats())) {
		t.Errorf("the fault tells secrets: %v: %s", err, fault.Detail)
	}
}

// named gives the guest of this name.
func named(t *testing.T, name string) Guest {
	t.Helper()
	all, err := Corpus(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range all {
		if g.Name == name {
			return g
		}
	}
	t.Fatalf("there is no hostile guest %q", name)
	return Guest{}
}

// TestCopiesShareNoSeed draws numbers in many copies of one snapshot: what was
// drawn before it is the same, what is drawn after it comes nowhere else.
func TestCopiesShareNoSeed(t *testing.T) {
	for room, open := range rooms() {
		t.Run(room, func(t *testing.T) {
			g := house(t, open).Load(sandbox.Spec{Name: "seed", Version: version, Isolation: sandbox.IsolateRequest, Wasm: named(t, "seed").Wasm})
			const copies = 50
			before, after := map[string]bool{}, map[string]bool{}
			for range copies {
				drawn := ask(t, g, &sandbox.Request{Authority: "route", Method: "GET", Target: "/draw", Caller: who("alice", "north")})
				if len(drawn) != 64 {
					t.Fatalf("it answered %q", drawn)
				}
				before[drawn[:32]], after[drawn[32:]] = true, true
			}
			if len(before) != 1 || len(after) != copies {
				t.Errorf("%d copies drew %d numbers before their snapshot and %d after it", copies, len(before), len(after))
			}
			for first := range before {
				if after[first] {
					t.Error("a copy draws what the snapshot has drawn")
				}
			}
		})
	}
}
