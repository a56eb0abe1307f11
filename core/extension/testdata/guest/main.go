// Guest of the host's tests: well-behaved and hostile answers, one route each.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go"
)

func main() {}

// build is changed in the compiled module to make another build.
const build = "build:1;"

func init() {
	mux := http.NewServeMux()
	const project = "/clusters/{cluster}/projects/{project}"
	mux.HandleFunc("GET "+project+"/seen", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"header": r.Header, "caller": atoll.Caller(r.Context()), "target": r.URL.RequestURI()})
	})
	mux.HandleFunc("GET "+project+"/kubernetes", func(w http.ResponseWriter, r *http.Request) {
		resp, err := atoll.Client.Get(r.Context(), "http://kubernetes"+r.URL.Query().Get("path"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusTeapot)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	})
	// Asks the upstream store exactly what it is told to ask.
	mux.HandleFunc("POST "+project+"/upstream", func(w http.ResponseWriter, r *http.Request) {
		resp, err := atoll.Client.Do((&http.Request{
			Method: r.URL.Query().Get("method"), Body: r.Body, Header: http.Header{"Content-Type": {r.Header.Get("Content-Type")}},
			URL: &url.URL{Scheme: "http", Host: "store.upstream", Opaque: r.URL.Query().Get("target")},
		}).WithContext(r.Context()))
		if err != nil {
			http.Error(w, err.Error(), http.StatusTeapot)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	})
	// Says one line, then waits until nobody listens.
	mux.HandleFunc("GET "+project+"/stream", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "first")
		<-r.Context().Done()
	})
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("<script>alert(1)</script>") })
	for _, place := range []string{"", project} {
		mux.HandleFunc("GET "+place+"/die", func(http.ResponseWriter, *http.Request) { os.Exit(1) })
	}
	mux.HandleFunc("GET /loop", func(http.ResponseWriter, *http.Request) {
		for {
		}
	})
	mux.HandleFunc("GET /headers", func(w http.ResponseWriter, r *http.Request) {
		for _, h := range []string{"Set-Cookie", "Service-Worker-Allowed", "Access-Control-Allow-Origin", "Content-Security-Policy", "Location", "Refresh", "Clear-Site-Data", "Link"} {
			w.Header().Set(h, "evil")
		}
		w.Header().Set("ETag", `"1"`)
		status, _ := strconv.Atoi(r.URL.Query().Get("status"))
		w.WriteHeader(status)
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	// Says which build it is before and after it repeats what it is told.
	mux.HandleFunc("POST /framed", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, build)
		io.Copy(w, r.Body)
		io.WriteString(w, build)
	})
	// Joins its client with a session in Kubernetes.
	mux.HandleFunc("GET "+project+"/session", func(w http.ResponseWriter, r *http.Request) {
		pod, _, err := atoll.Dial(r.Context(), "websocket", "http://kubernetes/api/v1/namespaces/demo/pods/a/exec", nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusTeapot)
			return
		}
		if client, err := atoll.Upgrade(w, r); err == nil {
			_ = client.Join(pod)
		}
	})
	// Repeats what it is told, until it is told to do something else.
	mux.HandleFunc("GET /talk", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Sec-WebSocket-Protocol", r.Header.Get("Sec-WebSocket-Protocol"))
		client, err := atoll.Upgrade(w, r)
		if err != nil {
			return
		}
		for {
			message, text, err := client.ReadMessage()
			var end *atoll.CloseError
			switch {
			case errors.As(err, &end):
				fmt.Println("closed with", end.Code, end.Text)
				return
			case err != nil:
				return
			case string(message) == "close":
				client.Close(4321, "as you wish")
				return
			case string(message) == "panic":
				panic("as you wish")
			case string(message) == "die":
				os.Exit(1)
			}
			client.WriteMessage(message, text)
		}
	})
	fragment := func(name, body string) {
		mux.HandleFunc("GET /fragments/"+name, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) })
	}
	fragment("page", `{"ui":"v1","title":{"t":"title"},"data":{"pods":{"from":"k8s","gvr":"v1/pods"},"seen":{"from":"ext","path":"/clusters/{cluster}/projects/{project}/seen"}},
		"actions":[{"id":"a","label":"A","requires":[{"verb":"get","gvr":"v1/pods"}],"run":{"do":"copy","value":1}}],"body":{"is":"Text","text":"x"}}`)
	fragment("script", `{"ui":"v1","body":{"is":"Link","text":"x","to":"javascript:alert(1)"}}`)
	fragment("secrets", `{"ui":"v1","data":{"s":{"from":"k8s","gvr":"v1/secrets"}},"body":{"is":"Text","text":"x"}}`)
	fragment("large", `{"ui":"v1","body":{"is":"Text","text":"`+strings.Repeat("x", 1<<20)+`"}}`)
	atoll.Serve(mux)
}
