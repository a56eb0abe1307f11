// Accounting: what a guest's work takes, and for whom it was done.
//
// Each turn is billed to the requests that had a part in it: those for which
// frames went in, and those for which the guest said something, their children's
// frames among them. They share the turn's processor time evenly, for nobody can
// look into a guest. A turn without any such request, as when a timer has run
// out, is the one's that the instance carries alone; where it carries several, it
// is billed to their tenants and counts for no request. What an instance does
// before its first request is billed to who had it started, and counts for none.
package sandbox

import (
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// ledger is what an instance has not yet billed.
type ledger struct {
	account *account      // of whoever it works for; nil: of several, or nobody yet
	turn    uint64        // counted from 1
	owed    machine.Usage // of turns
	parties []*stream     // those with a part in this turn
	memory  uint64        // as it was billed
}

// bill is what one stream's part in turns came to.
type bill struct {
	account *account
	turn    uint64 // the last one that it had a part in
	counted bool   // as a request
	since   time.Time
	used    machine.Usage
	over    time.Duration // what of used was over the budget when it was reset
	asked   int64         // bytes of the request's body so far
	said    int64         // bytes of the answer's body so far
	endless bool          // which do not count
	in, out int           // bytes not yet on the account
	calls   uint64        // not yet on the account
}

// open finds the account of a stream of the host's. i.mu is held.
func (l *ledger) open(i *instance, s *stream, now time.Time) {
	c := &s.request.Caller
	s.bill.since, s.bill.endless = now, s.request.Endless
	if at := l.account; at != nil && at.folded.Load() == nil {
		s.bill.account = at
		return
	}
	s.bill.account = i.guest.accounts.of(s.tenant, c, now)
	if i.guest.spec.Isolation != IsolateShared {
		l.account.holds(l.memory, 0)
		l.account = s.bill.account
		l.account.holds(0, l.memory)
	}
}

// party is the stream to whose bill another's frames go. What is left of a
// child that has died is its own.
func (s *stream) party() *stream {
	if s.parent != nil && s.err == nil {
		return s.parent
	}
	return s
}

// takesPart notes that the turn that runs, or else the next one, has to do with a
// stream. i.mu is held.
func (i *instance) takesPart(s *stream) *bill {
	s = s.party()
	if b := &s.bill; b.turn != i.ledger.turn && b.account != nil {
		b.turn = i.ledger.turn
		i.ledger.parties = append(i.ledger.parties, s)
	}
	return &s.bill
}

// handsOver notes for whom the frames are that go into the guest. i.mu is held.
func (i *instance) handsOver(batch []byte) {
	var at *stream
	for len(batch) > 0 {
		f, rest, err := wire.NextFrame(batch)
		if err != nil {
			return
		}
		if at == nil || at.id != f.Stream {
			at = i.streams[f.Stream]
		}
		if at != nil {
			i.takesPart(at)
		}
		batch = rest
	}
}

// settleUp bills the turn that has ended, and holds those whom it was for to their
// budgets. i.mu is held.
func (i *instance) settleUp(now time.Time) {
	l := &i.ledger
	used := l.owed
	l.owed = machine.Usage{}
	i.share.computed(used.CPU, now)
	silent := len(l.parties) == 0
	if silent && (l.account == nil || i.carried() == 1) {
		for _, s := range i.streams {
			if !s.guestOpened() {
				i.takesPart(s)
			}
		}
		silent = len(l.parties) != 1
	}
	if n := len(l.parties); n > 0 {
		share := machine.Usage{CPU: used.CPU / time.Duration(n), Units: used.Units / uint64(n)}
		rest := machine.Usage{CPU: used.CPU % time.Duration(n), Units: used.Units % uint64(n)}
		for _, s := range l.parties {
			part := share
			part.Add(rest)
			rest = machine.Usage{}
			s.bill.settle(part, now, !silent)
			if err := i.holdToBudget(s, now); err != nil {
				i.end(err)
			}
		}
	} else if used != (machine.Usage{}) {
		at := i.payer().lock()
		at.pay(used, now)
		at.mu.Unlock()
	}
	clear(l.parties)
	l.parties = l.parties[:0]
	if n := i.log.lost; n > 0 {
		i.log.lost = 0
		at := i.payer().lock()
		at.used.LogLinesDropped += uint64(n)
		at.mu.Unlock()
	}
	if m := i.run.Memory(); m != l.memory {
		i.billMemory(m)
	}
	l.turn++
}

// settle puts a stream's part in a turn on its account.
func (b *bill) settle(part machine.Usage, now time.Time, counts bool) {
	at := b.account.lock()
	at.pay(part, now)
	at.used.BytesIn += uint64(b.in)
	at.used.BytesOut += uint64(b.out)
	at.used.HostCalls += b.calls
	if !b.counted {
		b.counted = true
		at.used.Requests++
	}
	at.mu.Unlock()
	b.in, b.out, b.calls = 0, 0, 0
	if counts {
		b.used.Add(part)
	}
}

// billStart bills what the start of an instance took, with its HELLO, to whoever
// had it started: it counts for no request. What is shared with others, as a
// snapshot is, is the first one's.
func (i *instance) billStart(used machine.Usage) {
	used.Add(i.ledger.owed)
	i.ledger.owed = machine.Usage{}
	now := time.Now()
	at := i.guest.accounts.of(i.guest.tenantOf(&i.aboard.caller), &i.aboard.caller, now).lock()
	at.pay(used, now)
	at.mu.Unlock()
}

// payer is whose account takes what no request of the instance's can be billed
// for.
func (i *instance) payer() *account {
	if i.ledger.account != nil {
		return i.ledger.account
	}
	return &i.guest.accounts.others
}

// billMemory notes what the instance's memory takes from now on, in bytes.
func (i *instance) billMemory(m uint64) {
	before := i.ledger.memory
	i.ledger.memory = m
	i.guest.memory.change(before, m)
	i.ledger.account.holds(before, m)
}
