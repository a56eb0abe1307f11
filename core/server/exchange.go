// One request and its answer, as the log, the metrics and the audit see them.

package server

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/core/audit"
	"github.com/atoll-platform/atoll/core/capability"
	"github.com/atoll-platform/atoll/core/server/api"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// exchange is a ResponseWriter that remembers what happened.
type exchange struct {
	http.ResponseWriter
	id       string
	status   int
	bytes    int64
	noted    api.Noted               // who asked, once that is known, and more
	audited  audit.Event             // what was known of a write before it was made
	observed *capability.Observation // of a write to a cluster; nil for none
	door     bool                    // it goes through a door as it is
	atDoor   bool                    // and the door has told the audit of it
	connects func()                  // tells the audit of a connection that is handed over; nil for none
	cork     *corkConn               // nil where answers share a connection
	upgraded bool
}

func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && status >= 200 || status == http.StatusSwitchingProtocols {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	if x.bytes == 0 {
		x.cork.answer(x.ResponseWriter.Header(), p)
	}
	n, err := x.ResponseWriter.Write(p)
	x.bytes += int64(n)
	return n, err
}

// FlushError sends what there is.
func (x *exchange) FlushError() error {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	return http.NewResponseController(x.ResponseWriter).Flush()
}

// Hijack hands over the connection.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err == nil {
		x.upgraded, x.status = true, http.StatusSwitchingProtocols
		if x.connects != nil {
			x.connects()
		}
	}
	return conn, buffered, err
}

// Unwrap is for http.ResponseController: deadlines.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// watched gives each request its id, survives panics, and tells what happened
// to log, metrics and audit.
func (s *Server) watched(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		x := &exchange{ResponseWriter: w, id: newRequestID(), cork: corkOf(r)}
		w.Header()[requestIDHeader] = []string{x.id}
		kind := kindOf(r.URL.Path)
		inFlight := s.metrics.kinds[kind].inFlight
		inFlight.Inc()
		aborted := true
		defer func() {
			inFlight.Dec()
			if v := recover(); v != nil {
				aborted = s.survive(x, r, v)
			} else {
				aborted = false
			}
			s.tell(x, r, kind, time.Since(begin), aborted)
			if aborted {
				panic(http.ErrAbortHandler) // net/http drops the connection without a word
			}
		}()
		s.beforeWrite(x, r, kind)
		ctx := api.WithRequest(r.Context(), x.id, &x.noted)
		ctx = context.WithValue(ctx, exchangeKey{}, x)
		next.ServeHTTP(x, r.WithContext(ctx))
	})
}

// survive answers a request whose handler panicked, if it can still be
// answered; true when the connection must go.
func (s *Server) survive(x *exchange, r *http.Request, v any) (abort bool) {
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		return true
	}
	s.log.Error("a handler panicked", "request", x.id, "path", clip(r.URL.Path, 200), "panic", v, "stack", string(debug.Stack()))
	if x.status != 0 {
		return true
	}
	fail(x, r, problem.New(http.StatusInternalServerError, "Something went wrong in Atoll; its log says more under this request id."))
	return false
}

// tell writes the access log, counts, and tells the audit of a write.
func (s *Server) tell(x *exchange, r *http.Request, kind string, took time.Duration, aborted bool) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	s.metrics.count(kind, r.Method, x.status, took)
	level := slog.LevelInfo
	reading := (r.Method == http.MethodGet || r.Method == http.MethodHead) && !x.upgraded && kind != kindSignIn
	if reading && x.status < 500 && kind != kindAPI || kind == kindHealth {
		level = slog.LevelDebug // the many: assets, probes, reads of clusters and extensions
	}
	if s.log.Enabled(r.Context(), level) {
		attributes := []slog.Attr{
			slog.String("request", x.id), slog.String("method", r.Method), slog.String("path", clip(r.URL.Path, 300)), slog.Int("status", x.status),
			slog.Int64("bytes", x.bytes), slog.Duration("took", took), slog.String("remote", r.RemoteAddr),
		}
		if x.noted.Subject.Name != "" {
			attributes = append(attributes, slog.String("user", x.noted.Subject.Name), slog.String("via", x.noted.Subject.Via))
		}
		if aborted {
			attributes = append(attributes, slog.Bool("aborted", true))
		}
		s.log.LogAttrs(r.Context(), level, "request", attributes...)
	}
	if !reading && !x.upgraded {
		s.afterWrite(x, r, kind)
	}
}

func newRequestID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Kinds of requests, for figures and the log.
const (
	kindAPI       = "api"
	kindCluster   = "cluster"
	kindExtension = "extension"
	kindHealth    = "health"
	kindSignIn    = "sign-in"
	kindConsole   = "console"
)

func kindOf(path string) string {
	switch {
	case strings.HasPrefix(path, "/clusters/"):
		return kindCluster
	case strings.HasPrefix(path, "/x/"):
		return kindExtension
	case strings.HasPrefix(path, "/auth/") && strings.HasSuffix(path, "/callback"):
		return kindSignIn
	case strings.HasPrefix(path, "/api/"):
		return kindAPI
	case path == "/healthz", path == "/readyz", path == "/metrics":
		return kindHealth
	}
	return kindConsole
}
