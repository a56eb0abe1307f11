// Extension hostile answers with a page, a script, an SVG and a service worker
// that each try to prove that they ran with the console's rights: they mark the
// window, and ask the API for the session. It exists for the test of origins.
package main

import (
	"net/http"

	"github.com/atoll-platform/atoll/sdk/go"
)

const proof = `try { globalThis.owned = true; document.title = "owned" } catch (e) {}
try { fetch("/api/v1/sessions/current", { credentials: "include" }).then(r => { if (r.ok) globalThis.session = true }) } catch (e) {}
try { localStorage.setItem("owned", "yes") } catch (e) {}
try { parent.owned = true; parent.document.title = "owned" } catch (e) {}
`

var files = map[string]struct{ kind, body string }{
	"page.html": {"text/html; charset=utf-8", "<!doctype html><title>page</title><script>" + proof + "</script><script src=\"script.js\"></script>"},
	"script.js": {"text/javascript", proof},
	"image.svg": {"image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"><script>` + proof + `</script></svg>`},
	"sw.js":     {"text/javascript", `self.addEventListener("fetch", e => e.respondWith(new Response("<title>owned</title>", { headers: { "Content-Type": "text/html" } })));`},
	"style.css": {"text/css", `body { display: none }`},
}

func main() {}

func init() {
	atoll.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, ok := files[r.URL.Path[1:]]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", file.kind)
		h.Set("Set-Cookie", "atoll_session=stolen; Path=/")
		h.Set("Service-Worker-Allowed", "/")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Content-Security-Policy", "script-src * 'unsafe-inline'")
		w.Write([]byte(file.body))
	}))
}
