// Warming up: a guest is initialized once, and its instances are copies of what
// that leaves behind. So what a first request costs more than others, for spans of
// the heap, grown stacks and a worker, is paid then, and by no instance.
package atoll

import (
	"net/http"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// warm has the session answer a request that nobody made, without the extension's
// handler, and makes it as new again but for the worker, which waits for others.
// Where nobody answers for the idle descriptor yet, it stays cold.
func warm() {
	idled = false
	if idle.Read(waited) != nil {
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{warm}", func(w http.ResponseWriter, r *http.Request) {
		_ = r.URL.Query().Get(r.Header.Get("Accept"))
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte(r.PathValue("warm")))
	})
	root.handler = mux
	ask := wire.AppendText(nil, wire.TagAuthority, "route")
	ask = wire.AppendText(wire.AppendText(ask, wire.TagMethod, http.MethodGet), wire.TagTarget, "/up?warm=")
	ask = wire.AppendPair(wire.AppendText(ask, wire.TagUser, "nobody"), wire.TagHeader, "accept", "*/*")
	_ = root.poll(wire.AppendFrame(nil, wire.Hello, 0, 0, nil))
	_ = root.poll(wire.AppendFrame(wire.AppendFrame(nil, wire.Open, 0, 1, ask), wire.End, 0, 1, nil))
	settle, workers := root.settle, root.workers
	*root = *newSession()
	root.settle, root.workers = settle, workers
}
