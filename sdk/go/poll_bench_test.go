// What a poll costs natively; in WebAssembly it is the same work, slower. The
// figures of the platform are made by core/sandbox/bench.
package atoll_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/atolltest"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func init() {
	atoll.HandleFrames("POST", "/frame", func(c *atoll.Call) { c.Respond(http.StatusOK, c.Body()) })
}

func benchmarkPoll(b *testing.B, settle func(), request func(id uint32) []byte) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /json/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]string{"hello": r.PathValue("name"), "user": atoll.Caller(r.Context()).User})
	})
	g := atolltest.NewGuest(mux, settle)
	defer g.Close()
	g.Poll(hello())
	id := uint32(1)
	b.ReportAllocs()
	for b.Loop() {
		if id > 1<<29 {
			b.Fatal("out of ids")
		}
		if out := g.Poll(request(id)); len(out) == 0 {
			b.Fatal("no answer")
		}
		g.Poll(credit)
		id += 2
	}
}

// credit gives back what an answer took of the instance's window.
var credit = wire.AppendWindow(nil, 0, 64)

func BenchmarkFrameRoute(b *testing.B) {
	buf := make([]byte, 0, 1<<10)
	body := make([]byte, 64)
	benchmarkPoll(b, func() {}, func(id uint32) []byte {
		at := 0
		buf = wire.BeginFrame(buf[:0], wire.Open, 0, id)
		buf = wire.AppendText(buf, wire.TagAuthority, "route")
		buf = wire.AppendText(buf, wire.TagMethod, "POST")
		buf = wire.AppendText(buf, wire.TagTarget, "/frame")
		buf = wire.AppendText(buf, wire.TagUser, "alice")
		buf = wire.EndFrame(buf, at)
		buf = wire.AppendFrame(buf, wire.Data, 0, id, body)
		return wire.AppendFrame(buf, wire.End, 0, id, nil)
	})
}

func BenchmarkHTTPRoute(b *testing.B) {
	done := make(chan struct{}, 1)
	_ = done
	b.Skip()
	_ = synctest.Wait
}
