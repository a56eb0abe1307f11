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
//
// A handler asks the platform through Client or Transport, whose URLs name an
// authority instead of a host:
//
//	req, _ := http.NewRequestWithContext(r.Context(), "GET", "http://kubernetes/api/v1/namespaces/demo/pods", nil)
//	resp, err := atoll.Client.Do(req)
//
// The context carries on whose behalf the question is asked, so it must come
// from the request that is being answered.
//
// Fragments are asked of the same handler as GET /fragments/{path}; Authority
// tells them from routes.
//
// The package links neither http.Client nor http.Server: they would double a
// guest. Outside a sandbox everything compiles, Serve does nothing, and
// Transport fails.
package atoll
