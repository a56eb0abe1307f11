// One tab's connection: reading what it says, and ending it.

package stream

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/atoll-platform/atoll/core/access"
)

// Why a connection ends.
var (
	errSignedOut = errors.New("the session has ended")
	errGoing     = errors.New("the server is stopping")
)

// connection is one WebSocket.
type connection struct {
	hub     *Hub
	subject access.Subject
	request *http.Request // what opened it: host, address, language
	socket  *websocket.Conn
	ctx     context.Context
	cancel  context.CancelCauseFunc

	mu   sync.Mutex
	subs map[int64]*subscription
	wait sync.WaitGroup
}

func (c *connection) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.subs)
}

// run reads until the connection ends, whoever ends it, and returns when all
// its requests have.
func (c *connection) run() {
	if !c.hub.o.Alive(c.subject) { // revoked between signing in and here
		c.cancel(errSignedOut)
	}
	var ends sync.WaitGroup
	ends.Go(c.ping)
	ends.Go(func() {
		<-c.ctx.Done()
		c.sayGoodbye()
	})
	c.cancel(c.read())
	c.wait.Wait()
	ends.Wait()
}

// read takes messages until there are none. The context given to the library
// has no end of its own: the library would drop the connection without a word.
func (c *connection) read() error {
	for {
		kind, text, err := c.socket.Read(context.Background())
		if err != nil {
			return err
		}
		if kind != websocket.MessageText {
			return errProtocol
		}
		m, err := readIncoming(text)
		if err == nil {
			err = c.take(m)
		}
		if err != nil {
			return err
		}
	}
}

// take acts on a message. Credit and close for what is over already crossed the
// end on its way and are fine.
func (c *connection) take(m incoming) error {
	c.mu.Lock()
	s := c.subs[m.ID]
	c.mu.Unlock()
	switch m.Type {
	case "open":
		if s != nil {
			return errors.Join(errProtocol, errors.New("an id is open twice"))
		}
		c.open(m)
	case "credit":
		if s != nil && !s.add(m.Bytes) {
			return errors.Join(errProtocol, errors.New("too much credit"))
		}
	case "close":
		if s != nil {
			s.cancel()
		}
	}
	return nil
}

// open begins a subscription, or says at once why it does not.
func (c *connection) open(m incoming) {
	r, p := c.newRequest(m)
	c.mu.Lock()
	if p == nil && len(c.subs) >= c.hub.o.Subscriptions {
		p = newProblem(http.StatusTooManyRequests, "Too Many Requests", "This connection carries as many subscriptions as it may.")
	}
	if p != nil || c.ctx.Err() != nil {
		c.mu.Unlock()
		c.send(outgoing{Type: "end", ID: m.ID, Problem: p})
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	s := newSubscription(c, m.ID, m.Credit, ctx, cancel)
	c.subs[m.ID] = s
	c.mu.Unlock()
	c.wait.Go(func() { s.run(r.WithContext(ctx)) })
}

// newRequest makes the request that a subscription stands for: the path and
// what may be sent again of the request that opened the connection.
func (c *connection) newRequest(m incoming) (*http.Request, *problem) {
	if len(m.Path) > maxPath || len(m.Accept) > 256 || len(m.Language) > 256 || strings.ContainsAny(m.Accept+m.Language, "\r\n") {
		return nil, newProblem(http.StatusBadRequest, "Bad Request", "The path or what is accepted is too long, or of several lines.")
	}
	u, err := url.ParseRequestURI(m.Path)
	if err != nil || u.Host != "" || u.Scheme != "" || strings.Contains(m.Path, "#") || !ownPath(u.EscapedPath()) {
		return nil, newProblem(http.StatusBadRequest, "Bad Request", "A path begins with /api/, /clusters/ or /x/.")
	}
	h := http.Header{"Sec-Fetch-Dest": {"empty"}}
	for _, name := range []string{"Accept-Language", "User-Agent"} {
		if v := c.request.Header.Get(name); v != "" {
			h.Set(name, v)
		}
	}
	if m.Accept != "" {
		h.Set("Accept", m.Accept)
	}
	if m.Language != "" {
		h.Set("Accept-Language", m.Language)
	}
	r := &http.Request{
		Method: http.MethodGet, URL: u, RequestURI: m.Path, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: http.NoBody, Host: c.request.Host, RemoteAddr: c.request.RemoteAddr, TLS: c.request.TLS,
	}
	return r.WithContext(access.WithSubject(c.ctx, c.subject)), nil
}

// ownPath tells whether a path is one of those that subscriptions may ask for,
// and is not the stream itself.
func ownPath(escaped string) bool {
	if strings.HasPrefix(escaped, "/api/v1/stream") {
		return false
	}
	for _, prefix := range []string{"/api/", "/clusters/", "/x/"} {
		if strings.HasPrefix(escaped, prefix) {
			return true
		}
	}
	return false
}

// forget drops a subscription that is over.
func (c *connection) forget(id int64) {
	c.mu.Lock()
	delete(c.subs, id)
	c.mu.Unlock()
}

// send writes one message. Messages of several subscriptions take turns. The
// error ends the connection: a tab that does not read for so long is gone.
func (c *connection) send(m outgoing) bool {
	text, err := json.Marshal(m)
	if err != nil {
		c.cancel(err)
		return false
	}
	ctx, stop := context.WithTimeout(context.Background(), writeTimeout)
	defer stop()
	if err := c.socket.Write(ctx, websocket.MessageText, text); err != nil {
		c.cancel(err)
		return false
	}
	return true
}

// ping keeps the connection from being closed by what lies between, and finds
// out when nobody is there any more.
func (c *connection) ping() {
	tick := time.NewTicker(c.hub.o.Ping)
	defer tick.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-tick.C:
			ctx, stop := context.WithTimeout(context.Background(), writeTimeout)
			err := c.socket.Ping(ctx)
			stop()
			if err != nil {
				c.cancel(err)
				return
			}
		}
	}
}

// sayGoodbye closes the WebSocket with the reason in the protocol's words.
func (c *connection) sayGoodbye() {
	why := context.Cause(c.ctx)
	switch {
	case errors.Is(why, errSignedOut):
		_ = c.socket.Close(websocket.StatusPolicyViolation, "the session has ended")
	case errors.Is(why, errGoing):
		_ = c.socket.Close(websocket.StatusGoingAway, "the server is stopping")
	case errors.Is(why, errProtocol):
		c.hub.o.Logger.Warn("a live connection broke the protocol", "user", c.subject.Name, "error", why)
		_ = c.socket.Close(websocket.StatusProtocolError, "not the protocol")
	default:
		_ = c.socket.CloseNow()
	}
}
