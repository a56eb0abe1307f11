// The schedule: who of those that want to run may, and for how long.
//
// So many turns run at once as leave the process a processor; the others wait.
// Among those that wait the tenant that has had the least goes first, within a
// tenant the extension that has had the least, and within an extension who came
// first. A turn that lasts gives way at each tick to whoever deserves more, so
// that a guest in a loop delays nobody by more than a slice.
package machine

import (
	"cmp"
	"container/heap"
	"sync"
	"time"
)

// schedule shares out places among seats. It is safe for concurrent use.
type schedule struct {
	mu      sync.Mutex
	free    int // places that nobody has
	tenants map[string]*account
	waiting accounts      // tenants of which somebody waits
	floor   time.Duration // what the tenant that went last had had
	queued  int           // turns that wait
	tickets uint64        // orders given out
}

// account is what a tenant has had, or within it an extension. An account of
// whom nobody has a seat is forgotten.
type account struct {
	name    string
	parent  *account // the tenant of an extension
	seats   int
	had     time.Duration
	place   int                 // in the heap; -1: nobody waits
	order   uint64              // among those that have had as much
	floor   time.Duration       // of a tenant: what its extension that went last had had
	members map[string]*account // of a tenant: its extensions
	waiting accounts            // of a tenant: its extensions of which somebody waits
	line    []*seat             // of an extension: who waits, first come first served
}

// seat is one machine's place in the schedule; it has one turn at a time.
type seat struct {
	schedule *schedule
	account  *account
	called   chan struct{} // it is its turn
}

func newSchedule(places int) *schedule {
	return &schedule{free: places, tenants: map[string]*account{}}
}

// join gives a seat to a machine of a tenant's and an extension's.
func (s *schedule) join(tenant, extension string) *seat {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenants[tenant]
	if t == nil {
		t = &account{name: tenant, place: -1, members: map[string]*account{}}
		s.tenants[tenant] = t
	}
	a := t.members[extension]
	if a == nil {
		a = &account{name: extension, place: -1, parent: t}
		t.members[extension] = a
	}
	t.seats++
	a.seats++
	return &seat{schedule: s, account: a, called: make(chan struct{}, 1)}
}

// leave gives the seat back. It must not wait or run.
func (s *seat) leave() {
	c := s.schedule
	c.mu.Lock()
	defer c.mu.Unlock()
	a, t := s.account, s.account.parent
	if a.seats--; a.seats == 0 {
		delete(t.members, a.name)
	}
	if t.seats--; t.seats == 0 {
		delete(c.tenants, t.name)
	}
}

// take waits until the seat may run.
func (s *seat) take() {
	c := s.schedule
	c.mu.Lock()
	if c.free > 0 { // then nobody waits
		c.free--
		s.account.catchUp(c)
		c.mu.Unlock()
		return
	}
	c.enqueue(s)
	c.mu.Unlock()
	<-s.called
}

// give ends the seat's run, which has taken this long since take or yield.
func (s *seat) give(used time.Duration) {
	c := s.schedule
	c.mu.Lock()
	s.account.charge(c, used)
	if next := c.next(); next != nil {
		next.called <- struct{}{}
	} else {
		c.free++
	}
	c.mu.Unlock()
}

// yield lets somebody else run who deserves it more, and waits until the seat
// may run again; false: nobody did.
func (s *seat) yield(used time.Duration) bool {
	c := s.schedule
	c.mu.Lock()
	s.account.charge(c, used)
	if c.queued == 0 {
		c.mu.Unlock()
		return false
	}
	c.enqueue(s)
	next := c.next()
	if next == s {
		c.mu.Unlock()
		return false
	}
	next.called <- struct{}{}
	c.mu.Unlock()
	<-s.called
	return true
}

// catchUp forgives an account that it has had less than the others while it did
// not want anything: nobody saves up.
func (a *account) catchUp(c *schedule) {
	t := a.parent
	t.had = max(t.had, c.floor)
	a.had = max(a.had, t.floor)
}

// charge notes what an account has had.
func (a *account) charge(c *schedule, used time.Duration) {
	t := a.parent
	a.had += used
	t.had += used
	if a.place >= 0 {
		heap.Fix(&t.waiting, a.place)
	}
	if t.place >= 0 {
		heap.Fix(&c.waiting, t.place)
	}
	if c.queued == 0 { // who runs alone takes nothing from anybody
		c.floor, t.floor = max(c.floor, t.had), max(t.floor, a.had)
	}
}

// enqueue lets a seat wait. mu is held.
func (c *schedule) enqueue(s *seat) {
	a := s.account
	t := a.parent
	if a.place < 0 && t.place < 0 {
		a.catchUp(c)
	}
	a.line = append(a.line, s)
	if a.place < 0 {
		a.order = c.ticket()
		heap.Push(&t.waiting, a)
	}
	if t.place < 0 {
		t.order = c.ticket()
		heap.Push(&c.waiting, t)
	}
	c.queued++
}

// next takes the seat out that runs next; nil: nobody waits. mu is held.
func (c *schedule) next() *seat {
	if len(c.waiting) == 0 {
		return nil
	}
	t := c.waiting[0]
	a := t.waiting[0]
	s := a.line[0]
	a.line[0], a.line = nil, a.line[1:]
	if len(a.line) == 0 {
		heap.Pop(&t.waiting)
	} else { // after the others that have had as much
		a.order = c.ticket()
		heap.Fix(&t.waiting, a.place)
	}
	if len(t.waiting) == 0 {
		heap.Pop(&c.waiting)
	} else {
		t.order = c.ticket()
		heap.Fix(&c.waiting, t.place)
	}
	c.queued--
	c.floor, t.floor = max(c.floor, t.had), max(t.floor, a.had)
	return s
}

// ticket is an order behind all others. mu is held.
func (c *schedule) ticket() uint64 {
	c.tickets++
	return c.tickets
}

// accounts is a heap of those of which somebody waits; the first has had the
// least, or has waited longest among those that have had as much.
type accounts []*account

func (h accounts) Len() int { return len(h) }
func (h accounts) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].had, h[j].had), cmp.Compare(h[i].order, h[j].order)) < 0
}
func (h accounts) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}
func (h *accounts) Push(x any) {
	a := x.(*account)
	a.place = len(*h)
	*h = append(*h, a)
}
func (h *accounts) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	a.place = -1
	return a
}
