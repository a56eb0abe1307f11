// Extension hello: a JSON route through net/http, a route at frame level, and a
// page. Everything that an extension is, in one screenful.
package main

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"net/http"

	"github.com/atoll-platform/atoll/sdk/go"
)

//go:embed greetings.json
var page []byte

type greeting struct {
	Language string `json:"language"`
	Text     string `json:"text"`
}

var hellos = []greeting{
	{"Deutsch", "Hallo"}, {"English", "Hello"}, {"Español", "Hola"}, {"Français", "Bonjour"},
	{"Türkçe", "Merhaba"}, {"Tiếng Việt", "Xin chào"}, {"中文", "你好"}, {"日本語", "こんにちは"},
}

func main() {}

func init() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /greetings", greetings)
	mux.HandleFunc("GET /greetings/{language}", one)
	mux.HandleFunc("GET /clusters/{cluster}/projects/{project}/greetings", greetings)
	mux.HandleFunc("GET /fragments/greetings", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(page)
	})
	atoll.Serve(mux)
	atoll.HandleFrames("GET", "/frame", frame)
	atoll.HandleFrames("POST", "/frame", frame)
	_, _ = json.Marshal(greeting{}) // what is learned of the type here, no instance has to learn
}

// whom is greeted: the name in the query, or else whoever asks.
func whom(r *http.Request) string {
	return cmp.Or(r.URL.Query().Get("name"), atoll.Caller(r.Context()).User, "world")
}

func greetings(w http.ResponseWriter, r *http.Request) {
	items, name := make([]greeting, len(hellos)), whom(r)
	for i, g := range hellos {
		items[i] = greeting{g.Language, g.Text + ", " + name + "!"}
	}
	answer(w, map[string]any{"items": items})
}

func one(w http.ResponseWriter, r *http.Request) {
	for _, g := range hellos {
		if g.Language == r.PathValue("language") {
			answer(w, greeting{g.Language, g.Text + ", " + whom(r) + "!"})
			return
		}
	}
	http.Error(w, "a language that it does not speak", http.StatusNotFound)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

// frame answers without net/http: with the body it got, or a word.
func frame(c *atoll.Call) {
	body := c.Body()
	if len(body) == 0 {
		body = []byte("hello\n")
	}
	c.SetHeader("Content-Type", "text/plain; charset=utf-8")
	c.Respond(http.StatusOK, body)
}
