// What a guest is asked: golden conversations, written cases, generated ones.
package kit

import (
	"fmt"
	"slices"
	"testing"
	"time"

	spec "github.com/atoll-platform/atoll/sdk/wire"
)

// WithGuest makes a fresh conformance guest, hands it to play and ends it. Pass
// lets time pass for the guest, without polling it. It runs within the test t.
type WithGuest func(t *testing.T, play func(g Guest, pass func(time.Duration)))

// guestCase is one written case.
type guestCase struct {
	name  string
	hello hello
	play  func(s *session)
}

// usual is what the model host says where a case does not care.
var usual = hello{memory: 64 << 20, streams: 100, features: 1}

// small is an instance whose windows are quickly used up: 256 KiB each way.
var small = hello{memory: 1 << 20, streams: 100}

// TestGuest runs everything over a guest, and so many generated conversations: a
// failure is a *Violation's report.
func TestGuest(t *testing.T, generated int, with WithGuest) {
	all, err := spec.LoadConversations()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if !c.Tests("guest") {
			continue
		}
		t.Run("golden/"+c.Name, func(t *testing.T) {
			with(t, func(g Guest, pass func(time.Duration)) {
				over(t, g, pass, func(s *session) { s.playGolden(c) })
			})
		})
	}
	for _, c := range slices.Concat(guestCasesOfBodies, guestCasesOfEnds, guestCasesOfChildren, guestCasesOfMore) {
		t.Run("case/"+c.name, func(t *testing.T) {
			with(t, func(g Guest, pass func(time.Duration)) {
				over(t, g, pass, func(s *session) {
					h := c.hello
					if h.memory == 0 {
						h = usual
					}
					s.begin(h)
					c.play(s)
					s.finish()
				})
			})
		})
	}
	for seed := range seeds(generated) {
		t.Run(fmt.Sprintf("generated/seed=%d", seed), func(t *testing.T) {
			with(t, func(g Guest, pass func(time.Duration)) {
				over(t, g, pass, func(s *session) { generate(s, seed) })
			})
		})
	}
}

// over plays a session and reports the rule that the guest broke.
func over(t *testing.T, g Guest, pass func(time.Duration), play func(*session)) {
	t.Helper()
	defer func() {
		t.Helper()
		switch v := recover().(type) {
		case nil:
		case *Violation:
			t.Error(v)
		default:
			panic(v)
		}
	}()
	play(newSession(g, pass))
}
