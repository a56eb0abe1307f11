// Answers that go on, and sessions: how they arrive, and what ends them.

package kube

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
)

func TestWatchesArriveEventByEvent(t *testing.T) {
	h := newHouse(t)
	next := h.up.says("/api/v1/namespaces/alpha/pods")
	defer close(next)
	req, _ := http.NewRequestWithContext(t.Context(), "GET", h.URL+"/clusters/local/api/v1/namespaces/alpha/pods?watch=true", nil)
	req.Header.Set("X-Test-Person", "jane")
	res, err := http.DefaultClient.Do(req) // returns before the first event
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for i := range 3 {
		want := fmt.Sprintf("event %d", i)
		next <- want
		if line, err := lines.ReadString('\n'); err != nil || line != want+"\n" {
			t.Fatalf("%q %v", line, err)
		}
	}
}

func TestCancellingARequestCancelsItUpstream(t *testing.T) {
	h := newHouse(t)
	begun, ended := make(chan struct{}), make(chan struct{})
	h.up.mux.HandleFunc("/api/v1/namespaces/alpha/pods/x/log", func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(ended)
	})
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", h.URL+"/clusters/local/api/v1/namespaces/alpha/pods/x/log?follow=true", nil)
	req.Header.Set("X-Test-Person", "jane")
	go http.DefaultClient.Do(req)
	<-begun
	cancel()
	<-ended
	await(t, "nothing is in flight", func() bool { return h.proxy.InFlight() == 0 })
}

func TestLosingTheRightEndsWhatWasBegunWithIt(t *testing.T) {
	h := newHouse(t)
	begun, ended := make(chan struct{}, 2), make(chan string, 2)
	h.up.mux.HandleFunc("/api/v1/namespaces/", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		begun <- struct{}{}
		<-r.Context().Done()
		ended <- r.URL.Path
	})
	bodies := make(chan io.ReadCloser, 2)
	for _, path := range []string{"/api/v1/namespaces/alpha/pods", "/api/v1/namespaces/beta/pods"} {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", h.URL+"/clusters/local"+path+"?watch=1", nil)
		req.Header.Set("X-Test-Person", "jane")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		bodies <- res.Body
		<-begun
	}
	h.law.remove("jane", "alpha")
	if path := <-ended; path != "/api/v1/namespaces/alpha/pods" {
		t.Errorf("%s was ended", path)
	}
	if _, err := io.ReadAll(<-bodies); err == nil {
		t.Error("the answer looks complete to the client")
	}
	if h.proxy.InFlight() != 1 {
		t.Errorf("%d in flight, want the other one", h.proxy.InFlight())
	}
}

func TestUpgradesBecomeByteStreams(t *testing.T) {
	for _, protocol := range []string{"SPDY/3.1", "websocket"} {
		h := newHouse(t)
		closed := make(chan struct{})
		h.up.mux.HandleFunc("/api/v1/namespaces/alpha/pods/x/exec", func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\nX-Stream-Protocol-Version: v5\r\n\r\n", r.Header.Get("Upgrade"))
			rw.Flush()
			io.Copy(conn, rw) // echo, until the client closes
			conn.Close()
			close(closed)
		})
		conn, err := net.Dial("tcp", h.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		// The first bytes come with the request.
		fmt.Fprintf(conn, "POST /clusters/local/api/v1/namespaces/alpha/pods/x/exec?command=id HTTP/1.1\r\nHost: x\r\nX-Test-Person: jane\r\nConnection: Upgrade\r\nUpgrade: %s\r\nContent-Length: 0\r\n\r\nearly", protocol)
		reader := bufio.NewReader(conn)
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != 101 || res.Header.Get("Upgrade") != protocol || res.Header.Get("X-Stream-Protocol-Version") != "v5" {
			t.Fatalf("%s: %d %v", protocol, res.StatusCode, res.Header)
		}
		io.WriteString(conn, " and late")
		got := make([]byte, len("early and late"))
		if _, err := io.ReadFull(reader, got); err != nil || string(got) != "early and late" {
			t.Fatalf("%s: %q %v", protocol, got, err)
		}
		if got := h.up.last(t).header; got.Get("Impersonate-User") != "atoll:jane" {
			t.Errorf("%v", got)
		}
		conn.Close()
		<-closed
		await(t, "nothing is in flight", func() bool { return h.proxy.InFlight() == 0 })
	}
}

func TestLosingTheRightEndsASession(t *testing.T) {
	h := newHouse(t)
	h.up.mux.HandleFunc("/api/v1/namespaces/alpha/pods/x/exec", func(w http.ResponseWriter, r *http.Request) {
		conn, rw, _ := http.NewResponseController(w).Hijack()
		io.WriteString(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello")
		rw.Flush()
		io.Copy(io.Discard, conn)
		conn.Close()
	})
	conn, err := net.Dial("tcp", h.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /clusters/local/api/v1/namespaces/alpha/pods/x/exec HTTP/1.1\r\nHost: x\r\nX-Test-Person: jane\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	reader := bufio.NewReader(conn)
	if res, err := http.ReadResponse(reader, nil); err != nil || res.StatusCode != 101 {
		t.Fatalf("%v %v", res, err)
	}
	if _, err := io.ReadFull(reader, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	h.law.remove("jane", "alpha")
	if _, err := reader.ReadByte(); err == nil {
		t.Error("the session goes on")
	}
}

func TestARefusedUpgradeIsAnOrdinaryAnswer(t *testing.T) {
	h := newHouse(t)
	h.up.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"kind":"Status"}`)
	})
	code, _, text := h.ask(t, "jane", "GET", "/api/v1/namespaces/beta/pods/x/exec", "", "Connection", "Upgrade", "Upgrade", "websocket")
	if code != http.StatusForbidden || text != `{"kind":"Status"}` {
		t.Errorf("%d %s", code, text)
	}
	if code, _, _ := h.ask(t, "jane", "GET", "/api/v1/namespaces/beta/pods/x/exec", "", "Connection", "Upgrade", "Upgrade", "h2c"); code != http.StatusBadRequest {
		t.Errorf("an unknown protocol: %d", code)
	}
}
