// The console's files. All are known when the server starts; nothing is looked
// up by a path that a client made.

package server

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/atoll-platform/atoll/core/server/problem"
)

// pages serves the console.
type pages struct {
	files map[string]file // by path, beginning with a slash
	index file
}

// file is one file in both forms.
type file struct {
	plain, brotli []byte // brotli is nil where there is no sidecar
	kind, tag     string
}

// newPages reads the console's files.
func newPages(files fs.FS) (*pages, error) {
	p := &pages{files: map[string]file{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".br") {
			return err
		}
		f := file{kind: mime.TypeByExtension(path.Ext(name))}
		if f.kind == "" {
			f.kind = "application/octet-stream"
		}
		if f.plain, err = fs.ReadFile(files, name); err != nil {
			return err
		}
		if small, err := fs.ReadFile(files, name+".br"); err == nil {
			f.brotli = small
		}
		sum := sha256.Sum256(f.plain)
		f.tag = hex.EncodeToString(sum[:16])
		p.files["/"+name] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the console: %w", err)
	}
	var ok bool
	if p.index, ok = p.files["/index.html"]; !ok {
		return nil, fmt.Errorf("reading the console: it has no index.html")
	}
	delete(p.files, "/index.html")
	return p, nil
}

// ServeHTTP answers what is not the API: files, and for people who follow a
// link, the page.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, found := p.files[r.URL.Path]
	page := !found && !isMachinePath(r.URL.Path) && !strings.HasPrefix(r.URL.Path, "/assets/") && navigation(r)
	if !found && !page {
		fail(w, r, problem.New(http.StatusNotFound, "There is nothing here."))
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		fail(w, r, problem.New(http.StatusMethodNotAllowed, "This is only read.").WithHeader("Allow", "GET, HEAD"))
		return
	}
	h := w.Header()
	switch {
	case page:
		f = p.index
		h.Set("Content-Security-Policy", pagePolicy(r))
		h.Set("Cache-Control", "no-cache")
	case strings.HasPrefix(r.URL.Path, "/assets/"):
		// A worker lives by the policy of its own script.
		h.Set("Content-Security-Policy", pagePolicy(r))
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	default:
		h.Set("Cache-Control", "no-cache")
	}
	f.write(w, r)
}

// navigation tells whether a person follows a link, and not a script a path.
func navigation(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return r.URL.Path == "/" || strings.Contains(r.Header.Get("Accept"), "text/html")
}

// write sends the file in the form that the client takes.
func (f file) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	body, tag := f.plain, `"`+f.tag+`"`
	if f.brotli != nil {
		h.Set("Vary", "Accept-Encoding")
		if accepts(r.Header.Get("Accept-Encoding"), "br") {
			body, tag = f.brotli, `"`+f.tag+`-br"`
			h.Set("Content-Encoding", "br")
		}
	}
	h.Set("Etag", tag)
	for given := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(given), "W/") == tag {
			h.Del("Content-Encoding")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.Set("Content-Type", f.kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client may have gone
	}
}

// accepts tells whether an Accept-Encoding takes a coding.
func accepts(header, coding string) bool {
	for item := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(item, ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			q, weighted := strings.CutPrefix(strings.TrimSpace(params), "q=")
			weight, err := strconv.ParseFloat(q, 64)
			return !weighted || err == nil && weight > 0
		}
	}
	return false
}
