// An instance whose ids come near their end is replaced, and no request notices.
package sandbox

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// echoing is a script that answers each request at once, and counts.
func echoing(answered *atomic.Int64) script {
	return saysHello(func(f wire.Frame) []byte {
		if f.Type != wire.Open {
			return nil
		}
		answered.Add(1)
		return join(sayHead(f.Stream), sayData(f.Stream, 0, "x"), sayEnd(f.Stream))
	})
}

func TestIdsNearTheirEndLoseNoRequest(t *testing.T) {
	e := engineFor(t, nil)
	var instances, answers atomic.Int64
	g := loadNative(e, Spec{Name: "old", Isolation: IsolateShared}, func() script {
		instances.Add(1)
		return echoing(&answers)
	})
	g.firstID = lastIDs - 2*50 + 1 // fifty streams an instance
	var wg sync.WaitGroup
	const callers, each = 8, 100
	for n := range callers {
		wg.Go(func() {
			var x Exchange
			x.Request.Authority = "route"
			for k := range each {
				if n%2 == 0 {
					if err := g.Exchange(t.Context(), &x); err != nil || string(x.Body) != "x" {
						t.Errorf("call %d of %d: %q, %v", k, n, x.Body, err)
					}
					continue
				}
				resp, err := g.Do(t.Context(), &Request{Authority: "route"})
				if err != nil {
					t.Errorf("call %d of %d: %v", k, n, err)
					continue
				}
				if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "x" {
					t.Errorf("call %d of %d: %q, %v", k, n, b, err)
				}
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
	if a, n := answers.Load(), instances.Load(); a != callers*each || n != callers*each/50+1 && n != callers*each/50 {
		t.Errorf("%d answers of %d instances", a, n)
	}
	eventuallyTrue(t, "the old ones are gone", func() bool { return g.Stats().Instances <= 1 })
	if s := g.Stats(); s.Faults != 0 || s.Requests != callers*each {
		t.Errorf("%+v", s)
	}
}

func TestDrainIsSaidOnceAndTheOldInstanceFinishes(t *testing.T) {
	for _, why := range []string{"the guest's ids", "the host's ids", "closed"} {
		t.Run(why, func(t *testing.T) {
			p := play(t, Limits{}, func(string) Door {
				return DoorFunc(fuzzDoors("1").Open)
			})
			if why == "the host's ids" {
				p.g.firstID = lastIDs - 1
			}
			c := p.ask(t.Context(), &Request{})
			eventuallyTrue(t, "it is open", func() bool { return p.g.Stats().Streams == 1 })
			old := p.instance()
			id := p.g.firstID
			p.hears(wire.Open, id)
			p.g.firstID = 1
			child := uint32(lastIDs) // the guest jumps its ids
			if why != "the guest's ids" {
				child = 2
			}
			p.say(sayOpen(child, id, "door", ""))
			closed := make(chan error, 1)
			if why == "closed" {
				go func() { closed <- p.g.Close(t.Context()) }()
			}
			p.hears(wire.Drain, 0)
			// What is open may still open streams, and a new request goes elsewhere.
			p.say(sayOpen(child+2, id, "door", ""))
			p.hears(wire.Head, child+2)
			if why != "closed" {
				next := p.ask(t.Context(), &Request{})
				eventuallyTrue(t, "a successor carries it", func() bool { s := p.g.Stats(); return s.Instances == 2 && s.Streams == 2 })
				defer func() { (<-next).Body.Close() }()
				old.mu.Lock()
				key := old.key.kind
				old.mu.Unlock()
				if key != "retired" {
					t.Errorf("the old one answers to %q", key)
				}
			}
			old.mu.Lock()
			if err := old.receive(join(sayHead(id), sayData(id, 0, "last"), sayEnd(id))); err != nil {
				t.Error(err)
			}
			for _, s := range old.streams { // its children, which it lets go
				if err := old.receive(wire.AppendReset(nil, s.id, wire.Cancelled, "")); err != nil {
					t.Error(err)
				}
			}
			old.mu.Unlock()
			a := <-c
			if b, err := io.ReadAll(a.Body); err != nil || string(b) != "last" {
				t.Errorf("%q, %v", b, err)
			}
			<-old.done
			if n := len(p.has(wire.Drain, 0)); n != 1 {
				t.Errorf("DRAIN is said %d times", n)
			}
			if why == "closed" {
				if err := <-closed; err != nil {
					t.Error(err)
				}
			} else {
				p.say(join(sayHead(1), sayEnd(1)))
			}
			if n := p.faults.Load(); n != 0 {
				t.Error(fmt.Sprint(n, " faults"))
			}
		})
	}
}
