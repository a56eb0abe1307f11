// A reader that does not read: what piles up here is bounded.

package kube

import (
	"net/http"
	"sync/atomic"
	"testing"
)

func TestASlowReaderHoldsBackTheUpstream(t *testing.T) {
	h := newHouse(t)
	const piece, most = 64 << 10, 512 << 20
	var written atomic.Int64
	ended := make(chan struct{})
	h.up.mux.HandleFunc("/api/v1/namespaces/alpha/pods/x/log", func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		text := make([]byte, piece)
		for written.Load() < most {
			if _, err := w.Write(text); err != nil {
				return
			}
			written.Add(piece)
		}
	})
	req, _ := http.NewRequestWithContext(t.Context(), "GET", h.URL+"/clusters/local/api/v1/namespaces/alpha/pods/x/log?follow=true", nil)
	req.Header.Set("X-Test-Person", "jane")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	// Nobody reads. The upstream writes until the sockets on the way are full.
	last, same := int64(-1), 0
	await(t, "the upstream waits", func() bool {
		if now := written.Load(); now != last {
			last, same = now, 0
		}
		same++
		return same > 100
	})
	if n := written.Load(); n > 64<<20 {
		t.Errorf("%d MiB were taken from an upstream whose reader does not read", n>>20)
	}
	res.Body.Close()
	<-ended
}
