// An answer that is known whole leaves by one system call; everything else as
// it always did.

package server

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// countingListener counts what its connections write, and how often.
type countingListener struct {
	net.Listener
	writes atomic.Int64
}

type countingConn struct {
	net.Conn
	writes *atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{c, &l.writes}, nil
}

func (c countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// corked serves a handler as the doors do; protocols are those of TLS, none for
// plain HTTP.
func corked(t *testing.T, handler http.HandlerFunc, protocols ...string) (*httptest.Server, *countingListener) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler(&exchange{ResponseWriter: w, cork: corkOf(r)}, r)
	}))
	l := &countingListener{Listener: s.Listener}
	s.Listener = corkListener{l}
	s.Config.ConnContext = withCork
	if len(protocols) == 0 {
		s.Start()
	} else {
		s.TLS = &tls.Config{NextProtos: protocols}
		s.EnableHTTP2 = protocols[0] == "h2"
		s.StartTLS()
	}
	t.Cleanup(s.Close)
	return s, l
}

func whole(w http.ResponseWriter, p []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(p)))
	_, _ = w.Write(p)
}

func TestWholeAnswerLeavesAtOnce(t *testing.T) {
	for _, protocols := range [][]string{nil, {"http/1.1"}, {"h2"}} {
		sizes := []int{1, corkFrom - 1, corkFrom, 5000, corkTo, corkTo + 1, 100_000}
		s, l := corked(t, func(w http.ResponseWriter, r *http.Request) {
			n, _ := strconv.Atoi(r.URL.Query().Get("n"))
			whole(w, bytes.Repeat([]byte{'x'}, n))
		}, protocols...)
		get := func(method string, n int) {
			t.Helper()
			req, _ := http.NewRequest(method, s.URL+"/?n="+strconv.Itoa(n), nil)
			res, err := s.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(res.Body)
			res.Body.Close()
			if method == http.MethodHead {
				n = 0
			}
			if err != nil || len(text) != n {
				t.Fatalf("%v: %d bytes of %d, %v", protocols, len(text), n, err)
			}
		}
		get("GET", 200_000) // TLS begins with small records
		for range 3 {       // on one connection
			for _, n := range sizes {
				before := l.writes.Load()
				get("GET", n)
				pieces := l.writes.Load() - before
				if n <= corkTo && pieces != 1 && !slices.Contains(protocols, "h2") {
					t.Fatalf("%v: %d bytes in %d pieces", protocols, n, pieces)
				}
				get("HEAD", n)
			}
		}
	}
}

func TestPartOfAnAnswerIsNotHeldBack(t *testing.T) {
	half := bytes.Repeat([]byte{'x'}, 5000)
	more := make(chan struct{})
	s, _ := corked(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/announced" {
			w.Header().Set("Content-Length", strconv.Itoa(2*len(half)))
		}
		_, _ = w.Write(half)
		_ = http.NewResponseController(w).Flush()
		<-more
		_, _ = w.Write(half)
	}, "http/1.1")
	for _, path := range []string{"/announced", "/chunked"} {
		res, err := s.Client().Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(res.Body, make([]byte, len(half))); err != nil {
			t.Fatal(err)
		}
		more <- struct{}{}
		if rest, err := io.ReadAll(res.Body); err != nil || len(rest) != len(half) {
			t.Fatalf("%d bytes, %v", len(rest), err)
		}
		res.Body.Close()
	}
}

func TestLastAnswerOfAConnectionComesThrough(t *testing.T) {
	s, _ := corked(t, func(w http.ResponseWriter, r *http.Request) {
		whole(w, bytes.Repeat([]byte{'x'}, 5000))
	})
	// By HTTP/1.0, from a client that says at once that nothing more will come.
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil || !bytes.HasSuffix(text, bytes.Repeat([]byte{'x'}, 5000)) {
		t.Fatalf("%d bytes, %v", len(text), err)
	}
}
