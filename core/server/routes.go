// Which path goes where, and through what.

package server

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/server/api"
	"github.com/atoll-platform/atoll/core/server/problem"
	"github.com/atoll-platform/atoll/core/stream"
)

// handler is everything, in the order that design says: id, recovery, limits,
// names and origins, headers, and then by path.
func (s *Server) handler() (http.Handler, error) {
	e, err := s.routes()
	if err != nil {
		return nil, err
	}
	s.inside = s.watched(securityHeaders(e))
	return s.guarded(e), nil
}

// guarded is what every request from outside goes through before its route.
func (s *Server) guarded(e *echo.Echo) http.Handler {
	return s.watched(securityHeaders(limitHead(s.hosts.check(e))))
}

// routes are the paths, each with what only its kind goes through.
func (s *Server) routes() (*echo.Echo, error) {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.routingError
	api.Register(e, s.services(), func(public bool, limit int64, next http.Handler) http.Handler {
		next = limitBody(limit, next)
		if public {
			return next
		}
		return s.signedIn(s.paced(next))
	})
	var err error
	if s.document, err = api.Document(APIVersion); err != nil {
		return nil, err
	}
	s.addOuters(e)
	return e, nil
}

// below is the way to what is nobody's word but its author's.
func (s *Server) below(next http.HandlerFunc) http.Handler {
	return Untrusted(limitBody(maxProxied, s.signedIn(withoutCredentials(s.untilStop(next)))))
}

// limitHead refuses addresses that are too long to be any.
func limitHead(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.RequestURI) > maxURI {
			fail(w, r, problem.Newf(http.StatusRequestURITooLong, "The address has more than %d bytes.", maxURI))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// routingError answers what no route takes, as Echo found out: paths without a
// route belong to the console.
func (s *Server) routingError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	w, r := c.Response(), c.Request()
	var he *echo.HTTPError
	switch {
	case errors.Is(err, echo.ErrNotFound):
		s.pages.ServeHTTP(w, r)
	case errors.As(err, &he) && he.Code == http.StatusMethodNotAllowed:
		p := problem.Newf(http.StatusMethodNotAllowed, "This does not take %s.", clip(r.Method, 20))
		if allow, ok := c.Get(echo.ContextKeyHeaderAllow).(string); ok {
			p = p.WithHeader("Allow", allow)
		}
		fail(w, r, p)
	default:
		s.log.Error("a route failed", "request", requestID(r), "error", err)
		fail(w, r, problem.New(http.StatusInternalServerError, "Something went wrong in Atoll; its log says more under this request id."))
	}
}

// serveDocument answers the API's description.
func (s *Server) serveDocument(w http.ResponseWriter, _ *http.Request) {
	answerWith(w, http.StatusOK, "application/json", s.document)
}

// alive answers whoever asks whether there is anybody.
func (s *Server) alive(w http.ResponseWriter, _ *http.Request) { sayLine(w, http.StatusOK, "ok") }

// ready tells whether requests are worth sending. Anybody may ask: no names.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	switch {
	case s.draining.Err() != nil:
		sayLine(w, http.StatusServiceUnavailable, "stopping")
		return
	case s.index.Healthy() != nil:
		sayLine(w, http.StatusServiceUnavailable, "the store is lost")
		return
	}
	// Without the sandbox everything but extensions works, without a cluster
	// everything but that cluster, and each comes back by itself: no reason to
	// send people elsewhere.
	var lacks []string
	if p, own := s.sandbox.Process(); own && !p.Up {
		lacks = append(lacks, "the sandbox's process is being started again")
	}
	all, unready := s.clusters.List(), 0
	for _, one := range all {
		if one.Phase != kube.PhaseReady {
			unready++
		}
	}
	if unready > 0 {
		lacks = append(lacks, fmt.Sprintf("clusters that are not ready: %d of %d", unready, len(all)))
	}
	if len(lacks) > 0 {
		sayLine(w, http.StatusOK, "degraded: "+strings.Join(lacks, "; "))
		return
	}
	sayLine(w, http.StatusOK, "ok")
}

// sayLine answers with one line of text.
func sayLine(w http.ResponseWriter, status int, line string) {
	answerWith(w, status, "text/plain; charset=utf-8", []byte(line+"\n"))
}

func answerWith(w http.ResponseWriter, status int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

// serveCluster hands a request to the proxy, with the path as it came.
func (s *Server) serveCluster(w http.ResponseWriter, r *http.Request) {
	cluster, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/clusters/"), "/")
	who, ok := access.SubjectFrom(r.Context())
	if !ok || !placeName(cluster) {
		fail(w, r, problem.New(http.StatusNotFound, "There is no such cluster."))
		return
	}
	leave, ok := s.gate.enter([2]string{cluster + "/" + who.UID, cluster}, [2]int{personInCluster, allInCluster})
	if !ok {
		fail(w, r, problem.New(http.StatusTooManyRequests, "Too many requests to this cluster are in flight.").WithRetryAfter(retrySoon))
		return
	}
	defer leave()
	s.proxy.ServeHTTP(s.observe(w, r, who, cluster, "/"+rest), r, who, cluster, "/"+rest)
}

// serveExtension hands a request to an extension's routes, or to what the core
// keeps for itself below /-/.
func (s *Server) serveExtension(w http.ResponseWriter, r *http.Request) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/x/"), "/")
	rest = "/" + rest
	who, ok := access.SubjectFrom(r.Context())
	if !ok || !placeName(name) {
		fail(w, r, problem.New(http.StatusNotFound, "There is no such extension."))
		return
	}
	if who.ReadOnly && r.Method != http.MethodGet && r.Method != http.MethodHead {
		fail(w, r, problem.New(http.StatusForbidden, "This token is for reading only."))
		return
	}
	own, isOwn := strings.CutPrefix(rest, "/-/")
	switch {
	case rest == "/-" || isOwn && own == "":
		fail(w, r, problem.New(http.StatusNotFound, "There is nothing here."))
	case !isOwn:
		s.extensions.ServeRoute(w, r, who, name, rest)
	case strings.HasPrefix(own, "fragments/"):
		s.extensions.ServeFragment(w, r, who, name, strings.TrimPrefix(own, "fragments"))
	case strings.HasPrefix(own, "kubernetes/"):
		if x := exchangeOf(r.Context()); x != nil {
			x.door = true
		}
		s.extensions.ServeKubernetes(w, r, who, name, strings.TrimPrefix(own, "kubernetes"))
	case own == "icon":
		s.extensions.ServeIcon(w, r, name)
	default:
		fail(w, r, problem.New(http.StatusNotFound, "There is nothing here."))
	}
}

// placeName tells whether a segment may be the name of a cluster or extension.
func placeName(s string) bool {
	if s == "" || len(s) > 63 {
		return false
	}
	for i := range len(s) {
		if b := s[i]; (b < 'a' || b > 'z') && (b < '0' || b > '9') && (b != '-' || i == 0) {
			return false
		}
	}
	return true
}

// serveStream takes the live connection of a tab.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	who, _ := access.SubjectFrom(r.Context())
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		fail(w, r, problem.New(http.StatusUpgradeRequired, "This is a WebSocket.").WithHeader("Upgrade", "websocket"))
		return
	}
	err := s.hub.Serve(w, r, who)
	switch {
	case errors.Is(err, stream.ErrOrigin):
		fail(w, r, problem.New(http.StatusForbidden, "The page that asked for this is of another origin than Atoll."))
	case errors.Is(err, stream.ErrTooMany):
		fail(w, r, problem.New(http.StatusTooManyRequests, "You have as many live connections as one may.").WithRetryAfter(bodyPause))
	case err != nil:
		fail(w, r, problem.New(http.StatusServiceUnavailable, fmt.Sprintf("No live connection now: %v.", err)).WithRetryAfter(retrySoon))
	}
}

// subscription runs the request of a subscription through the same routes as
// any other: as the person whose connection it is, who was recognized when it
// was opened and is watched since.
func (s *Server) subscription(w http.ResponseWriter, r *http.Request) {
	s.inside.ServeHTTP(w, r.WithContext(trust(r.Context())))
}
