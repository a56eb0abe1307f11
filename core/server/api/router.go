// How operations become routes of Echo.

package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
)

// router is an Echo whose routes have something before them.
type router struct {
	*echo.Echo
	before Handler
}

// metaStream is Metadata: the answer is passed on as it comes, without an ETag.
const metaStream = "stream"

// adapter is humaecho's, with two differences: a colon inside a path segment
// stays a colon (in /users/me:changePassword it begins an action and not a
// parameter), and each operation has its guards before it.
type adapter struct {
	huma.Adapter
	routes *router
}

// Handle adds a route.
func (a adapter) Handle(op *huma.Operation, handler func(huma.Context)) {
	if a.routes == nil {
		return
	}
	routed := *op
	routed.Path = strings.ReplaceAll(op.Path, ":", `\:`)
	public, _ := op.Metadata[metaPublic].(bool)
	streams, _ := op.Metadata[metaStream].(bool)
	limit, ok := op.Metadata[metaMaxBody].(int64)
	if !ok {
		limit = maxBody
	}
	before := a.routes.before
	a.Adapter.Handle(&routed, func(c huma.Context) {
		ec := humaecho.Unwrap(c)
		guarded := before(public, limit, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ec.SetRequest(r.WithContext(withRequest(r.Context(), r)))
			ec.SetResponse(echo.NewResponse(w, a.routes.Echo))
			if op.Method == http.MethodGet && !streams && r.URL.Query().Get("watch") == "" {
				tagged(ec, func() { handler(c) })
				return
			}
			handler(c)
		}))
		guarded.ServeHTTP(ec.Response().Writer, ec.Request())
	})
}

// maxTagged bounds what is kept to make an ETag of it.
const maxTagged = 4 << 20

// tagged runs a handler whose answer gets an ETag, and is left out when the
// client has it already.
func tagged(c echo.Context, run func()) {
	real := c.Response()
	kept := &keptWriter{ResponseWriter: real.Writer}
	c.SetResponse(echo.NewResponse(kept, c.Echo()))
	run()
	if kept.passed {
		return
	}
	h := real.Writer.Header()
	if kept.status == http.StatusOK {
		sum := sha256.Sum256(kept.body.Bytes())
		tag := hex.EncodeToString(sum[:16])
		if version := strings.Trim(h.Get(headerETag), `"`); version != "" {
			tag = version + tagSeparator + tag
		}
		tag = `"` + tag + `"`
		h.Set(headerETag, tag)
		h.Set("Cache-Control", "private, no-cache")
		for given := range strings.SplitSeq(c.Request().Header.Get(headerIfNoneMatch), ",") {
			if given = strings.TrimPrefix(strings.TrimSpace(given), "W/"); given == tag {
				h.Del("Content-Type")
				real.Writer.WriteHeader(http.StatusNotModified)
				return
			}
		}
	}
	if kept.status == 0 {
		kept.status = http.StatusOK
	}
	if kept.status != http.StatusOK {
		h.Del(headerETag) // of what was to be answered
	}
	real.Writer.WriteHeader(kept.status)
	_, _ = real.Writer.Write(kept.body.Bytes()) // the client may have gone
}

// keptWriter keeps an answer, until it is too large to.
type keptWriter struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
	passed bool // on to the client, without a tag
}

func (k *keptWriter) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
}

func (k *keptWriter) Write(p []byte) (int, error) {
	if !k.passed && k.body.Len()+len(p) > maxTagged {
		k.passed = true
		if k.status == 0 {
			k.status = http.StatusOK
		}
		k.ResponseWriter.WriteHeader(k.status)
		if _, err := k.ResponseWriter.Write(k.body.Bytes()); err != nil {
			return 0, err
		}
		k.body.Reset()
	}
	if k.passed {
		return k.ResponseWriter.Write(p)
	}
	return k.body.Write(p)
}
