// Package atoll lets an ordinary net/http program answer for an Atoll
// extension from inside the sandbox.
//
//	func main() {}
//
//	func init() {
//		mux := http.NewServeMux()
//		mux.HandleFunc("GET /clusters/{cluster}/projects/{project}/pods", pods)
//		atoll.Serve(mux)
//	}
//
// built with GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared. Handlers run
// on goroutines of their own, many at once in one instance; a request's context
// ends when its client leaves, its deadline passes, or the handler returns.
// Bodies and trailers stream both ways. Package atolltest runs the same handler
// under go test.
//
// # Asking the platform
//
// A handler asks the platform through Client or Transport, whose URLs name an
// authority instead of a host:
//
//	req, _ := http.NewRequestWithContext(r.Context(), "GET", "http://kubernetes/api/v1/namespaces/demo/pods", nil)
//	resp, err := atoll.Client.Do(req)
//
// The context carries on whose behalf the question is asked, so it must come
// from the request that is being answered. What is asked ends with that request,
// and with its own context. Errors are a *ResetError, whose code is the wire's,
// or the context's.
//
// What only passes through need not come into the guest: Forward hands the rest
// of an answer to the client, a request's body that becomes another request's is
// handed on, and Conn.Join connects two connections; all in the host, which does
// not wake the guest for it.
//
// # Upgrades
//
// Upgrade accepts a websocket that a client asks for, Dial asks for one (or for
// tcp, of an upstream). A terminal is both, joined:
//
//	d, _, err := atoll.Dial(r.Context(), "websocket", "http://kubernetes/api/v1/namespaces/demo/pods/a/exec?...", offered)
//	c, err := atoll.Upgrade(w, r)
//	err = c.Join(d)
//
// # Fragments
//
// Fragments are asked of the same handler as GET /fragments/{path}; Authority
// tells them from routes.
//
// # Instances
//
// Instances are copies of one snapshot. What init made is in all of them: what it
// does once, as a parsed template or a first json.Marshal of a type, no instance
// has to do for its first request. So is every number that it drew: those that
// must differ are drawn while requests are served, from math/rand or Rand, and
// secrets from crypto/rand. A guest has one thread, so a handler that computes for
// long keeps the others waiting; the clock stands still until the guest waits for
// something.
//
// The package links neither http.Client nor http.Server: they would double a
// guest. Outside a sandbox everything compiles, Serve does nothing, and
// Transport fails.
package atoll
