// The connections of all tabs.

package stream

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/atoll-platform/atoll/core/access"
)

// Limits of a connection.
const (
	maxMessage       = 16 << 10         // bytes of a message of the tab
	maxCredit        = 4 << 20          // bytes of one subscription's credit
	maxPath          = 4 << 10          // bytes of a path with its query
	maxPiece         = 32 << 10         // bytes of one data message
	writeTimeout     = 20 * time.Second // for one message to a tab that does not read
	defaultSubs      = 256
	defaultPerPerson = 64
	defaultPing      = 30 * time.Second
)

// Options of a hub. Handler and Allowed are wanted, the rest has defaults.
type Options struct {
	// Handler answers the requests of subscriptions. It is given the subject
	// in the context (access.WithSubject) and a ResponseWriter that blocks
	// while there is no credit.
	Handler http.Handler
	// Allowed tells whether the page that connects may: its Origin.
	Allowed func(*http.Request) bool
	// Alive tells whether a credential is still good; nil: always.
	Alive func(access.Subject) bool
	// Logger hears of connections that break the protocol.
	Logger *slog.Logger
	// Subscriptions of one connection at once; 256.
	Subscriptions int
	// Connections of one person at once; 64.
	Connections int
	// Ping is how often a connection is asked whether it is there; 30 s.
	Ping time.Duration
}

// Hub holds the connections. It is safe for concurrent use.
type Hub struct {
	o Options

	mu        sync.Mutex
	closed    bool
	all       map[*connection]struct{}
	perPerson map[string]int
	gone      sync.WaitGroup
}

// New makes a hub.
func New(o Options) *Hub {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Alive == nil {
		o.Alive = func(access.Subject) bool { return true }
	}
	if o.Subscriptions <= 0 {
		o.Subscriptions = defaultSubs
	}
	if o.Connections <= 0 {
		o.Connections = defaultPerPerson
	}
	if o.Ping <= 0 {
		o.Ping = defaultPing
	}
	return &Hub{o: o, all: map[*connection]struct{}{}, perPerson: map[string]int{}}
}

// Why a connection was not taken; the text is for people.
var (
	ErrOrigin  = errors.New("the page that asked is of another origin")
	ErrTooMany = errors.New("this person has as many live connections as one may")
	ErrClosing = errors.New("the server is stopping")
)

// Serve takes the connection of a tab and returns when it is over. The subject
// is who signed in. An error means that nothing was written and that the caller
// answers: ErrOrigin, ErrTooMany or ErrClosing.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, s access.Subject) error {
	if !h.o.Allowed(r) {
		return ErrOrigin
	}
	// The connection outlives the request in net/http's eyes, but not in ours.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.Context()))
	defer cancel(nil)
	c := &connection{hub: h, subject: s, request: r, ctx: ctx, cancel: cancel, subs: map[int64]*subscription{}}
	if err := h.join(c); err != nil {
		return err
	}
	defer h.leave(c)
	// Origin was checked, by the same list as for every other request.
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return nil // it has answered
	}
	socket.SetReadLimit(maxMessage)
	c.socket = socket
	c.run()
	return nil
}

func (h *Hub) join(c *connection) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosing
	}
	if h.perPerson[c.subject.UID] >= h.o.Connections {
		return ErrTooMany
	}
	h.perPerson[c.subject.UID]++
	h.all[c] = struct{}{}
	h.gone.Add(1)
	return nil
}

func (h *Hub) leave(c *connection) {
	h.mu.Lock()
	delete(h.all, c)
	if h.perPerson[c.subject.UID]--; h.perPerson[c.subject.UID] <= 0 {
		delete(h.perPerson, c.subject.UID)
	}
	h.mu.Unlock()
	h.gone.Done()
}

// Recheck ends the connections whose credential is not good any more; call it
// when one was revoked.
func (h *Hub) Recheck() {
	for _, c := range h.connections() {
		if !h.o.Alive(c.subject) {
			c.cancel(errSignedOut)
		}
	}
}

// Count is how many connections and how many subscriptions there are.
func (h *Hub) Count() (connections, subscriptions int) {
	for _, c := range h.connections() {
		connections++
		subscriptions += c.count()
	}
	return connections, subscriptions
}

// Close tells every tab that the server goes, and waits for the connections to
// end until ctx does. None is taken after it.
func (h *Hub) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	for _, c := range h.connections() {
		c.cancel(errGoing)
	}
	done := make(chan struct{})
	go func() { h.gone.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Hub) connections() []*connection {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*connection, 0, len(h.all))
	for c := range h.all {
		all = append(all, c)
	}
	return all
}
