// Upgrades: streams in both directions beside requests and answers, accepted and
// asked for without hijacking anything.
package atoll

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
)

// ErrNotUpgrade is returned by Upgrade for a request that asks for none.
var ErrNotUpgrade = errors.New("atoll: the request does not ask for an upgrade")

// Upgrade accepts the upgrade that a request asks for (see Protocol) and gives
// the connection, which lives until the handler returns. The header of w goes
// along; a websocket's sub-protocol is chosen there, by Sec-WebSocket-Protocol,
// out of those that r.Header offers. A handler that does not want it answers
// with a status of 300 or more instead. r.Body is the connection's afterwards.
func Upgrade(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	x := servedOf(r.Context())
	switch {
	case x == nil || x.protocol == "":
		return nil, ErrNotUpgrade
	case x.answer.wrote:
		return nil, errors.New("atoll: the request has been answered already")
	}
	x.upgraded = true
	w.WriteHeader(http.StatusOK)
	s := x.session
	s.lock()
	err := x.err
	s.unlock()
	if err != nil {
		return nil, err
	}
	return newConn(&x.stream, x.protocol, x.answer.header.Get("Sec-Websocket-Protocol"), r.Context()), nil
}

// handshake are the headers of a websocket's handshake that the host says
// itself.
var handshake = []string{"Connection", "Upgrade", "Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Extensions"}

// Dial asks for an upgrade to a protocol, "websocket", or "tcp" and "smtp" where
// the authority is an upstream, on behalf of the request of ctx. The
// connection lives at most as long as ctx and that request. A websocket's
// sub-protocols are offered in header, which may be nil.
//
// A refusal is a *StatusError; its answer is returned too, with as much of its
// body as the error holds, and needs no closing.
func Dial(ctx context.Context, protocol, url string, header http.Header) (*Conn, *http.Response, error) {
	if protocol == "" {
		return nil, nil, errors.New("atoll: no protocol to upgrade to")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	if header != nil {
		r.Header = header.Clone()
		for _, name := range handshake {
			r.Header.Del(name)
		}
	}
	c, err := openChild(r, protocol)
	if err != nil {
		return nil, nil, err
	}
	c.hook()
	if err := c.answered(); err != nil {
		return nil, nil, err
	}
	resp := c.response(r)
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		b, _ := io.ReadAll(io.LimitReader(resp.Body, maxStatusBody))
		refusal := *resp
		refusal.Body = io.NopCloser(bytes.NewReader(b))
		return nil, &refusal, &StatusError{Status: resp.StatusCode, Body: b}
	}
	resp.Body = http.NoBody
	conn := newConn(&c.stream, protocol, resp.Header.Get("Sec-Websocket-Protocol"), ctx)
	return conn, resp, nil
}
