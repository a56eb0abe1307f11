// The short way: connections are used again, and never when they should not be.

package kube

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// station is a server that counts its connections, and lanes to it.
func station(t *testing.T, handler http.HandlerFunc) (*express, *httptest.Server, *atomic.Int64) {
	t.Helper()
	connections := new(atomic.Int64)
	s := httptest.NewUnstartedServer(handler)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	x := newExpress(nil, base, nil)
	t.Cleanup(x.CloseIdleConnections)
	return x, s, connections
}

func fetch(ctx context.Context, t *testing.T, x *express, method, address string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := x.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res, string(text)
}

func TestAnAnswerReadToItsEndLeavesItsConnectionToTheNext(t *testing.T) {
	x, s, connections := station(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/chunked":
			w.(http.Flusher).Flush()
			io.WriteString(w, strings.Repeat("x", 100_000))
		case "/none":
			w.WriteHeader(http.StatusNoContent)
		case "/hints":
			w.WriteHeader(http.StatusEarlyHints)
			io.WriteString(w, "after hints")
		default:
			io.WriteString(w, "plain")
		}
	})
	for range 3 {
		for path, want := range map[string]int{"/": 5, "/chunked": 100_000, "/none": 0, "/hints": 11} {
			for _, method := range []string{"GET", "HEAD"} {
				if method == "HEAD" {
					want = 0
				}
				if res, text := fetch(t.Context(), t, x, method, s.URL+path); res.StatusCode/100 != 2 || len(text) != want {
					t.Errorf("%s %s: %s, %d bytes", method, path, res.Status, len(text))
				}
			}
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestAnAnswerThatIsLeftClosesItsConnection(t *testing.T) {
	x, s, connections := station(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", 1<<20)) })
	for range 3 {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL, nil)
		res, err := x.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if _, err := res.Body.Read(make([]byte, 1)); err != http.ErrBodyReadAfterClose {
			t.Errorf("reading a closed body: %v", err)
		}
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections", n)
	}
}

func TestConnectionsThatWereClosedMeanwhileAreReplaced(t *testing.T) {
	x, s, connections := station(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x") })
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { fetch(t.Context(), t, x, "GET", s.URL) })
	}
	all.Wait()
	s.CloseClientConnections()
	before := connections.Load()
	if _, text := fetch(t.Context(), t, x, "GET", s.URL); text != "x" {
		t.Errorf("%q", text)
	}
	if n := connections.Load(); n != before+1 {
		t.Errorf("%d connections were made for one request", n-before)
	}
}

func TestACancelledRequestClosesItsConnection(t *testing.T) {
	gone := make(chan struct{}, 2)
	x, s, _ := station(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/begun" {
			io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
		gone <- struct{}{}
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	why := fmt.Errorf("enough")
	req, _ := http.NewRequestWithContext(ctx, "GET", s.URL+"/begun", nil)
	res, err := x.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(res.Body, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	cancel(why)
	if _, err := res.Body.Read(make([]byte, 1)); err != why {
		t.Errorf("reading on: %v", err)
	}
	<-gone
	res.Body.Close()

	ctx, cancel = context.WithCancelCause(t.Context())
	req, _ = http.NewRequestWithContext(ctx, "GET", s.URL+"/never", nil)
	time.AfterFunc(time.Millisecond, func() { cancel(why) })
	if _, err := x.RoundTrip(req); err != why {
		t.Errorf("an answer that does not come: %v", err)
	}
	if len(x.idle) != 0 {
		t.Error("a connection of a cancelled request is kept")
	}
}

func TestClosingABodyEndsItsReading(t *testing.T) {
	x, s, _ := station(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	req, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL, nil)
	res, err := x.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error)
	go func() { _, err := res.Body.Read(make([]byte, 1)); over <- err }()
	res.Body.Close()
	if err := <-over; err == nil || err == io.EOF {
		t.Errorf("%v", err)
	}
}

// An answer behind which more bytes lie, as a broken or hostile server may send
// them, is never the beginning of the next one.
func TestBytesBehindAnAnswerAreNobodys(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for {
					if _, err := http.ReadRequest(in); err != nil {
						return
					}
					io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
				}
			}()
		}
	}()
	x := newExpress(nil, &url.URL{Scheme: "http", Host: listener.Addr().String()}, nil)
	for range 5 {
		if _, text := fetch(t.Context(), t, x, "GET", "http://"+listener.Addr().String()); text != "ok" {
			t.Fatalf("%q", text)
		}
	}
}

func TestCutAnswersAreNotComplete(t *testing.T) {
	for _, head := range []string{"Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			http.ReadRequest(bufio.NewReader(conn))
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+head)
			conn.Close()
		}()
		x := newExpress(nil, &url.URL{Scheme: "http", Host: listener.Addr().String()}, nil)
		req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://"+listener.Addr().String(), nil)
		res, err := x.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(res.Body); err == nil {
			t.Errorf("%q was complete", head)
		}
		listener.Close()
	}
}

// What is written is what was meant: one request, with these headers and no
// others, or none at all.
func FuzzRequestIsWrittenAsItIsMeant(f *testing.F) {
	for _, seed := range [][4]string{
		{"/api/v1/pods/x", "limit=5&watch=false", "Accept", "application/json"}, {"/api/v1/p%20x", "", "Impersonate-Extra-Atoll.dev%2fuid", "u"},
		{"/x", "", "X-Evil", "a\r\nImpersonate-User: root"}, {"/x", "", "X-Evil: y\r\nHost", "a"}, {"/x HTTP/1.1\r\nA: b\r\n\r\nGET /y", "", "A", ""},
		{"/x", "a b", "Content-Length", "7"}, {"/x", "\x7f", "Transfer-Encoding", "chunked"}, {"//other/x", "", "Host", "other"}, {"/x", "", "", "\x00"}, {"/x", "é", "A", "é"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, path, query, name, value string) {
		u := &url.URL{Scheme: "https", Host: "api:6443", Path: path, RawQuery: query}
		var out bytes.Buffer
		w := bufio.NewWriter(&out)
		req := &http.Request{Method: "GET", URL: u, Host: u.Host, Header: http.Header{name: {value, "second"}, "User-Agent": {"me"}}}
		if writeHead(w, req) != nil {
			return // nothing is sent
		}
		w.Flush()
		in := bufio.NewReader(&out)
		got, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("%q: %v", out.String(), err)
		}
		want := http.Header{"User-Agent": {"me"}}
		switch key := http.CanonicalHeaderKey(name); key {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
			want = got.Header // ends here, whatever it says
			if _, ok := got.Header[key]; ok || got.ContentLength > 0 || len(got.TransferEncoding) > 0 {
				t.Fatalf("the header %q was sent", name)
			}
		default:
			want[key] = append(want[key], strings.Trim(value, " \t"), "second")
		}
		if got.Host != "api:6443" || got.RequestURI != u.RequestURI() || !reflect.DeepEqual(got.Header, want) && http.CanonicalHeaderKey(name) != "User-Agent" {
			t.Fatalf("meant %q %v, got %q %q %v", u.RequestURI(), want, got.Host, got.RequestURI, got.Header)
		}
		if _, err := in.ReadByte(); err != io.EOF {
			t.Fatal("something follows the request")
		}
	})
}
