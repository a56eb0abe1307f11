// Extension logging: the logs of containers, read from Kubernetes as the person
// who asks, of one pod or of many, merged by time and followed while they grow; and
// searched where they are stored.
package main

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/atoll-platform/atoll/sdk/go"
)

func main() {}

func init() { atoll.Serve(handler(atoll.Transport, atoll.Caller)) }

// handler answers routes and fragments; door leads to Kubernetes and to the store,
// caller tells for whom a request is.
func handler(door http.RoundTripper, caller func(context.Context) atoll.Identity) http.Handler {
	k := &kubernetes{door}
	a := newArchive(door, caller)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /clusters/{cluster}/projects/{project}/pods", k.servePods)
	mux.HandleFunc("GET /clusters/{cluster}/projects/{project}/logs", k.serveLogs)
	mux.HandleFunc("GET /clusters/{cluster}/projects/{project}/search", a.serveProject)
	mux.HandleFunc("GET /workspaces/{workspace}/search", a.serveWorkspace)
	mux.HandleFunc("GET /fragments/logs", serveLogsPage)
	mux.HandleFunc("GET /fragments/object", serveObjectTab)
	return mux
}

// problem is an RFC 9457 answer.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

func fail(w http.ResponseWriter, status int, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{"about:blank", title, status, detail}) // the client may be gone
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
