// Upgrades on both sides: messages, closes, refusals.
package atoll_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// socket is a handler that upgrades.
func socket(t *testing.T, f func(c *atoll.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := atoll.Upgrade(w, r)
		if err != nil {
			t.Error(err)
			return
		}
		f(c)
	}
}

func TestWebsocketIsAcceptedWithItsSubprotocol(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := atoll.Protocol(r.Context()); p != "websocket" {
			t.Errorf("it asks for %q", p)
		}
		w.Header().Set("Sec-WebSocket-Protocol", strings.Split(r.Header.Get("Sec-WebSocket-Protocol"), ", ")[1])
		c, err := atoll.Upgrade(w, r)
		if err != nil || c.Subprotocol() != "b" || c.Protocol() != "websocket" {
			t.Errorf("%+v, %v", c, err)
		}
		for {
			m, text, err := c.ReadMessage()
			if err != nil {
				var closed *atoll.CloseError
				if !errors.As(err, &closed) || closed.Code != 4001 || closed.Text != "bye" {
					t.Errorf("it ended with %v", err)
				}
				return
			}
			if err := c.WriteMessage(append(m, '!'), text); err != nil {
				t.Error(err)
			}
		}
	}), func(c *talk) {
		c.expect(c.say(upgrade(1, "/", "Sec-Websocket-Protocol", "a, b")), "HEAD 1 200 Sec-Websocket-Protocol: b")
		c.expect(c.say(flagged(wire.Data, wire.Text|wire.Message, 1, "one"), flagged(wire.Data, wire.Message, 1, "")),
			"DATA 1 one! text message", "DATA 1 ! message")
		c.expect(c.say(flagged(wire.Data, wire.Text, 1, "in ")))
		c.expect(c.say(flagged(wire.Data, wire.Text, 1, "parts "), flagged(wire.Data, wire.Text, 1, "")))
		c.expect(c.say(flagged(wire.Data, wire.Text|wire.Message, 1, ""), flagged(wire.Data, wire.Message, 1, "two")),
			"DATA 1 in parts ! text message", "DATA 1 two! message")
		c.expect(c.say(closing(1, 4001, "bye")), "END 1")
	})
}

func TestWhoDoesNotKnowAnUpgradeDoesNotAcceptIt(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			if b, err := io.ReadAll(r.Body); len(b) > 0 || err != nil {
				t.Errorf("the bytes of an upgrade are a body: %q, %v", b, err)
			}
			http.Error(w, "not here", http.StatusForbidden)
			return
		}
		io.WriteString(w, "hello")
	}), func(c *talk) {
		c.expect(c.say(upgrade(1, "/")), "RESET 1 unsupported an upgrade to websocket")
		c.expect(c.say(reset(1, wire.Cancelled), upgrade(3, "/refuse"), flagged(wire.Data, wire.Message, 3, "early")),
			"HEAD 3 403 Content-Type: text/plain; charset=utf-8 X-Content-Type-Options: nosniff", "DATA 3 not here\n", "STOP 3 cancelled", "END 3")
	})
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := atoll.Upgrade(w, r); !errors.Is(err, atoll.ErrNotUpgrade) {
			t.Errorf("an upgrade of what is none: %v", err)
		}
	}), func(c *talk) { c.expect(c.say(get(1, "/")), "HEAD 1 200", "END 1") })
}

func TestClosesAreToldBothWays(t *testing.T) {
	converse(t, socket(t, func(c *atoll.Conn) {
		if err := c.Close(1006, ""); err == nil {
			t.Error("1006 is sent")
		}
		if err := c.Close(1000, strings.Repeat("x", 124)); err == nil {
			t.Error("a text of 124 bytes is sent")
		}
		if err := c.Close(4000, "enough"); err != nil {
			t.Error(err)
		}
		if err := c.WriteMessage(nil, false); err == nil {
			t.Error("it writes after its end")
		}
		if _, _, err := c.ReadMessage(); err == nil {
			t.Error("it reads after its end")
		}
	}), func(c *talk) {
		c.expect(c.say(upgrade(1, "/")), "HEAD 1 200", "END 1 4000 enough", "STOP 1 cancelled")
		c.expect(c.say(end(1)))
	})
	for name, one := range map[string]struct {
		close []byte
		code  int
		first bool
	}{
		"without a code":       {end(1), 1005, false},
		"after our own":        {end(1), 1000, true},
		"with one":             {closing(1, 1001, "away"), 1001, false},
		"the connection broke": {reset(1, wire.Unavailable), 1006, false},
	} {
		t.Run(name, func(t *testing.T) {
			converse(t, socket(t, func(c *atoll.Conn) {
				if one.first {
					c.CloseWrite()
				}
				_, _, err := c.ReadMessage()
				var closed *atoll.CloseError
				want := one.code
				if one.first { // without a code, so neither side has said one
					want = atoll.CloseNoStatus
				}
				if !errors.As(err, &closed) || closed.Code != want {
					t.Errorf("it ended with %v, want %d", err, want)
				}
			}), func(c *talk) {
				c.say(upgrade(1, "/"))
				c.say(one.close)
			})
		})
	}
}

func TestMessageOverTheLimitClosesWithItsCode(t *testing.T) {
	converse(t, socket(t, func(c *atoll.Conn) {
		c.SetReadLimit(10)
		if m, _, err := c.ReadMessage(); len(m) != 10 || err != nil {
			t.Errorf("at the limit: %q, %v", m, err)
		}
		if _, _, err := c.ReadMessage(); !errors.Is(err, atoll.ErrMessageTooLarge) {
			t.Errorf("over it: %v", err)
		}
	}), func(c *talk) {
		c.expect(c.say(upgrade(1, "/"), flagged(wire.Data, wire.Message, 1, "0123456789")), "HEAD 1 200")
		c.expect(c.say(flagged(wire.Data, 0, 1, "01234567890")), "END 1 1009", "STOP 1 cancelled")
		c.expect(c.say(end(1)))
	})
}

func TestEmptyMessagesCostTheirWindow(t *testing.T) {
	converse(t, socket(t, func(c *atoll.Conn) {
		for range wire.StreamWindow/wire.MessageCost + 1 {
			if err := c.WriteMessage(nil, false); err != nil {
				t.Error(err)
			}
		}
		for n := range wire.StreamWindow / wire.MessageCost {
			if _, _, err := c.ReadMessage(); err != nil {
				t.Fatal(n, err)
			}
		}
	}), func(c *talk) {
		empty := flagged(wire.Data, wire.Message, 1, "")
		if got := c.say(upgrade(1, "/"), bytesOf(wire.StreamWindow/wire.MessageCost*len(empty)-1, empty)); len(got) != 1+wire.StreamWindow/wire.MessageCost {
			t.Errorf("%d frames", len(got))
		}
		c.expect(c.say(window(1, 15)))
		c.expect(c.say(window(1, 1)), "DATA 1  message", "WINDOW 1 16384", "WINDOW 1 16384", "STOP 1 cancelled", "END 1")
	})
}

func TestLargeMessagesStream(t *testing.T) {
	const size = 1 << 20
	converse(t, socket(t, func(c *atoll.Conn) {
		r, text, err := c.NextReader()
		if err != nil || !text {
			t.Error(text, err)
			return
		}
		w := c.NextWriter(true)
		n, err := io.Copy(w, r)
		if n != size || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
		w.Close()
		// What is left of a message is skipped.
		if _, _, err := c.NextReader(); err != nil {
			t.Error(err)
		}
		if r, _, err = c.NextReader(); err != nil {
			t.Error(err)
		}
		if b, err := io.ReadAll(r); string(b) != "last" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
	}), func(c *talk) {
		c.say(upgrade(1, "/"), window(1, 2*size), window(0, 2*size))
		part, got, ends := strings.Repeat("x", wire.StreamWindow/2), 0, 0
		count := func() {
			for b := c.last; len(b) > 0; {
				f, rest, _ := wire.NextFrame(b)
				b = rest
				if f.Type == wire.Data {
					got += len(f.Payload)
					if f.Flags&wire.Text == 0 {
						t.Error("a part of a text is none")
					}
					if f.Flags&wire.Message != 0 {
						ends++
					}
				}
			}
		}
		for n := range size / len(part) {
			flags := wire.Text
			if n == size/len(part)-1 {
				flags |= wire.Message
			}
			c.say(flagged(wire.Data, flags, 1, part))
			count()
		}
		if got != size || ends != 1 {
			t.Errorf("%d bytes and %d ends came back", got, ends)
		}
		c.say(flagged(wire.Data, wire.Message, 1, "skipped"), flagged(wire.Data, wire.Message, 1, "last"))
	})
}

func TestMessagesDoNotMix(t *testing.T) {
	converse(t, socket(t, func(c *atoll.Conn) {
		w := c.NextWriter(false)
		io.WriteString(w, "one ")
		waited := make(chan error, 1)
		go func() { waited <- c.WriteMessage([]byte("two"), false) }()
		if _, _, err := c.ReadMessage(); err != nil { // meanwhile the other waits
			t.Error(err)
		}
		io.WriteString(w, "whole")
		w.Close()
		if err := <-waited; err != nil {
			t.Error(err)
		}
		c.NextWriter(false) // and never ends it
		go func() { waited <- c.WriteMessage([]byte("three"), false) }()
		if err := <-waited; !errors.Is(err, context.Canceled) {
			t.Errorf("who waits when the connection breaks is told %v", err)
		}
	}), func(c *talk) {
		c.expect(c.say(upgrade(1, "/")), "HEAD 1 200", "DATA 1 one ")
		c.expect(c.say(flagged(wire.Data, wire.Message, 1, "go on")), "DATA 1 whole", "DATA 1  message", "DATA 1 two message")
		c.expect(c.say(reset(1, wire.Unavailable)), "RESET 1 cancelled")
	})
}

func TestDialAsksForAnUpgrade(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := http.Header{"Sec-Websocket-Protocol": {"v4"}, "Upgrade": {"websocket"}, "Connection": {"upgrade"}}
		c, resp, err := atoll.Dial(r.Context(), "websocket", "http://kubernetes/exec?command=sh", header)
		if err != nil || resp.StatusCode != 200 || c.Subprotocol() != "v4" {
			t.Errorf("%v, %v", resp, err)
			return
		}
		if err := c.WriteMessage([]byte("ls"), true); err != nil {
			t.Error(err)
		}
		m, text, err := c.ReadMessage()
		fmt.Fprintln(w, string(m), text, err)
		_, _, err = c.ReadMessage()
		fmt.Fprint(w, err)
	}), func(c *talk) {
		c.expect(c.say(get(1, "/")), "OPEN 2 kubernetes GET /exec?command=sh for 1 websocket Sec-Websocket-Protocol: v4")
		c.expect(c.say(head(2, 200, "Sec-Websocket-Protocol", "v4")), "DATA 2 ls text message")
		c.expect(c.say(flagged(wire.Data, wire.Message, 2, "files")),
			"HEAD 1 200 Content-Type: text/plain; charset=utf-8", "DATA 1 files false <nil>\n")
		c.expect(c.say(closing(2, 1000, "")), "DATA 1 the websocket was closed: 1000", "END 1")
		c.expect(c.say(reset(2, wire.Cancelled)), "RESET 2 cancelled")
	})
}

func TestRefusedDialSaysWhy(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, resp, err := atoll.Dial(r.Context(), "tcp", "http://smtp.upstream/", nil)
		var refused *atoll.StatusError
		if c != nil || !errors.As(err, &refused) || refused.Status != 403 || string(refused.Body) != "no" {
			t.Errorf("%v, %v", c, err)
		}
		if b, err := io.ReadAll(resp.Body); string(b) != "no" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
	}), func(c *talk) {
		c.expect(c.say(get(1, "/")), "OPEN 2 smtp.upstream GET / for 1 tcp")
		c.expect(c.say(head(2, 403), data(2, "no"), end(2)), "RESET 2 cancelled", "HEAD 1 200", "END 1")
		c.expect(c.say(reset(2, wire.Cancelled)))
	})
}

func TestTCPIsBytesThatEndOneSideFirst(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		c, _, err := atoll.Dial(ctx, "tcp", "http://db.upstream/", nil)
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(c, "hello")
		c.CloseWrite()
		b, err := io.ReadAll(c)
		if string(b) != "answer" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
		d, _, err := atoll.Dial(ctx, "tcp", "http://db.upstream/", nil)
		if err != nil {
			t.Error(err)
			return
		}
		cancel()
		if _, err := d.Read(make([]byte, 1)); err != context.Canceled {
			t.Errorf("a cancelled connection reads %v", err)
		}
	}), func(c *talk) {
		c.say(get(1, "/"))
		c.expect(c.say(head(2, 200)), "DATA 2 hello", "END 2")
		c.expect(c.say(data(2, "ans")))
		c.expect(c.say(data(2, "wer"), end(2)), "OPEN 4 db.upstream GET / for 1 tcp")
		c.expect(c.say(head(4, 200)), "RESET 4 cancelled", "HEAD 1 200", "END 1")
		c.expect(c.say(reset(4, wire.Cancelled)))
	})
}
