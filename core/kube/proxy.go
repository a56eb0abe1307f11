// The proxy: every request of a person to a cluster, as that person.

package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/atoll-platform/atoll/core/access"
)

// ProxyOptions are the proxy's knobs; the zero value works.
type ProxyOptions struct {
	Logger *slog.Logger
	// Alive tells whether the credential of a subject is good still; nil means
	// that it always is. It is asked once for each request, and for those in
	// flight by Recheck; it must be quick.
	Alive func(access.Subject) bool
	// Ledger notes what outlives who makes it; nil: nobody does.
	Ledger Ledger
}

// Law is what the proxy asks of access.Index.
type Law interface {
	// Can decides a permission in a scope.
	Can(access.Subject, access.Permission, access.Scope) access.Decision
	// Groups are the Kubernetes groups of a subject in a scope; none for a
	// person without any role.
	Groups(access.Subject, access.Scope) []string
	// Projects are those of a cluster that a subject may read.
	Projects(s access.Subject, cluster string) []access.Project
	// Project is the one that a namespace is, whoever may see it.
	Project(cluster, namespace string) (access.Project, bool)
	// Changed receives after something changed that Groups depends on.
	Changed(context.Context) <-chan struct{}
}

// Proxy sends requests of people on to API servers, impersonating them with
// the groups that they have in the request's scope. Safe for concurrent use.
type Proxy struct {
	registry *Registry
	index    Law
	live     *live
	ledger   Ledger
	watches  watches
	logger   *slog.Logger
	stop     context.CancelFunc
}

// NewProxy makes a proxy to the registry's clusters under a law, which is an
// access.Index.
// Close ends it.
func NewProxy(registry *Registry, index Law, o ProxyOptions) *Proxy {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &Proxy{
		registry: registry, index: index, ledger: o.Ledger, logger: o.Logger, stop: stop,
		live: &live{groups: index.Groups, alive: o.Alive, entries: map[*entry]struct{}{}},
	}
	go p.follow(ctx)
	return p
}

// Close stops following the index. Requests in flight end by their contexts.
func (p *Proxy) Close() { p.stop() }

// Recheck ends the requests in flight whose right or credential is gone. The
// index's changes do it by themselves; call it when a credential is revoked.
func (p *Proxy) Recheck() { p.live.recheck() }

// InFlight is how many requests to clusters are in flight, watches and
// sessions included.
func (p *Proxy) InFlight() int { return p.live.count() }

// follow looks at the requests in flight after each change of the index and of
// a cluster's health.
func (p *Proxy) follow(ctx context.Context) {
	changed, news := p.index.Changed(ctx), p.registry.Watch(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			p.live.recheck()
		case <-news:
			p.live.endHung()
		}
	}
}

// incoming is a request on its way in, wherever it came from.
type incoming struct {
	subject access.Subject
	cluster string
	method  string
	path    string // escaped, after /clusters/{cluster}
	query   string
	header  http.Header
	body    io.ReadCloser
	length  int64 // of the body; -1 when unknown
	upgrade string
	via     Via
	whole   bool // it is seen to its end, also when the right is lost meanwhile
}

// ServeHTTP answers a request under /clusters/{cluster}. The path is the rest
// of the request's escaped path (as r.URL.EscapedPath gives it), beginning with
// a slash; the query is the request's own. Answers stream: each piece of a watch
// or a log is flushed as it comes, upgrades (SPDY and WebSocket) become byte
// streams, and the request's context ends all of it. Failures of Atoll itself
// are Kubernetes Status objects.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request, subject access.Subject, cluster, path string) {
	in := incoming{
		subject: subject, cluster: cluster, method: r.Method, path: path, query: r.URL.RawQuery,
		header: r.Header, body: r.Body, length: r.ContentLength, upgrade: upgradeOf(r.Header),
	}
	res := p.answer(r.Context(), &in)
	if res.StatusCode == http.StatusSwitchingProtocols {
		p.join(w, r, res)
		return
	}
	deliver(w, r, res)
}

// RoundTrip does a request under the same law inside this process: for doors
// of extensions and for streams. Of req, the method, the URL's path (after
// /clusters/{cluster}) and query, the header and the body count. The context
// ends the request and the reading of its answer; the answer's body must be
// closed. What Atoll refuses comes as a response with a Kubernetes Status;
// an error means that the context ended. A header that asks to upgrade to
// websocket is followed: the body of a 101 is an io.ReadWriteCloser then. Other
// upgrades are refused.
func (p *Proxy) RoundTrip(ctx context.Context, subject access.Subject, cluster string, req *http.Request, via Via) (*http.Response, error) {
	in := incoming{
		subject: subject, cluster: cluster, method: req.Method, path: req.URL.EscapedPath(), query: req.URL.RawQuery,
		header: req.Header, body: req.Body, length: req.ContentLength, via: via,
	}
	if in.method == "" {
		in.method = http.MethodGet
	}
	if in.body != nil && in.body != http.NoBody && in.length == 0 {
		in.length = -1 // as clients understand it
	}
	if in.upgrade = upgradeOf(req.Header); in.upgrade != "" && !strings.EqualFold(in.upgrade, "websocket") {
		return badRequest("this way to the cluster changes to no protocol but websocket").response(), nil
	}
	res := p.answer(ctx, &in)
	if err := ctx.Err(); err != nil {
		res.Body.Close()
		return nil, context.Cause(ctx)
	}
	res.Request = req
	if res.StatusCode == http.StatusSwitchingProtocols {
		body := res.Body.(*held)
		conn, ok := body.ReadCloser.(io.ReadWriteCloser)
		if !ok {
			body.Close()
			return unavailable("the API server changed protocols in a way that cannot be followed").response(), nil
		}
		res.Body = &heldConn{held: body, Writer: conn, unhook: context.AfterFunc(body.ctx, func() { _ = conn.Close() })}
	}
	return res, nil
}

// answer decides what becomes of a request, and does it.
func (p *Proxy) answer(ctx context.Context, in *incoming) *http.Response {
	if in.body != nil {
		defer in.body.Close() // the transport may not have read all of it
	}
	c, ok := p.registry.Get(in.cluster)
	if !ok {
		return notFound(fmt.Sprintf("there is no cluster %q", in.cluster)).response()
	}
	t, err := parseTarget(in.method, in.path, in.query)
	if err != nil {
		return badRequest(err.Error()).response()
	}
	if f := refuse(in, &t); f != nil {
		return f.response()
	}
	switch {
	case t.discovery():
		return p.forward(ctx, in, c, &t, rights{epoch: p.live.epoch.Load(), scope: access.Scope{Cluster: c.config.Name}})
	case t.selfReview():
		namespace, body, err := reviewScope(&t, in.header.Get("Content-Type"), in.body)
		if err != nil {
			return failureOf(err).response()
		}
		in.body, in.length = io.NopCloser(strings.NewReader(string(body))), int64(len(body))
		send := func() *http.Response {
			return p.forward(ctx, in, c, &t, p.rights(in.subject, access.Scope{Cluster: c.config.Name, Project: namespace}))
		}
		if t.resource == "selfsubjectreviews" || !narrow(in.subject) {
			return send()
		}
		return p.honest(in, &t, send)
	case t.namespace == "" && (t.verb == "list" || t.verb == "watch"):
		return p.across(ctx, in, c, &t)
	case p.ledger != nil && t.outlives():
		return p.noted(ctx, in, c, &t)
	default:
		return p.inScope(ctx, in, c, &t)
	}
}

// refuse says no to what no role and no cluster is asked about.
func refuse(in *incoming, t *target) *failure {
	switch in.method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		return &failure{code: http.StatusMethodNotAllowed, reason: metav1.StatusReasonMethodNotAllowed,
			message: fmt.Sprintf("the method %q is not one of Kubernetes'", in.method)}
	}
	if in.upgrade != "" && !strings.EqualFold(in.upgrade, "websocket") && !strings.EqualFold(in.upgrade, "SPDY/3.1") {
		return badRequest(fmt.Sprintf("an upgrade to %q is not known: websocket and SPDY/3.1 are", in.upgrade))
	}
	if why := refusal(in.subject, in.method, t); why != "" {
		return forbidden(in.subject, t, why)
	}
	return nil
}

// rights are the groups of a subject in a scope, and when they were read.
type rights struct {
	epoch  uint64
	scope  access.Scope
	groups []string
}

func (p *Proxy) rights(s access.Subject, sc access.Scope) rights {
	epoch := p.live.epoch.Load() // before the groups: see live.epoch
	return rights{epoch: epoch, scope: sc, groups: p.index.Groups(s, sc)}
}

// headTime is how long an API server may take to begin an answer that does not
// wait for events. Its own limit is a minute.
const headTime = 75 * time.Second

const noRole = "there is no role for this person"

// inScope sends on what has one scope: a project, or the whole cluster.
func (p *Proxy) inScope(ctx context.Context, in *incoming, c *Cluster, t *target) *http.Response {
	r := p.rights(in.subject, access.Scope{Cluster: c.config.Name, Project: t.namespace})
	if len(r.groups) == 0 {
		return forbidden(in.subject, t, noRole).response()
	}
	return p.forward(ctx, in, c, t, r)
}

// forward sends a request on as its subject, with rights read before.
func (p *Proxy) forward(ctx context.Context, in *incoming, c *Cluster, t *target, r rights) *http.Response {
	return p.send(ctx, in, c, t, r, r.groups)
}

// send is forward with other groups than those that the index gives: only what
// filters the answer may use it so.
func (p *Proxy) send(ctx context.Context, in *incoming, c *Cluster, t *target, r rights, groups []string) *http.Response {
	conn := c.conn.Load()
	if conn == nil {
		return c.unconnected().response()
	}
	header := requestHeader(in.header)
	if err := callerOf(in.subject, groups).impersonate(header, in.via); err != nil {
		p.logger.Error("a request was refused", "cluster", c.config.Name, "error", err)
		return forbidden(in.subject, t, err.Error()).response()
	}
	if in.upgrade != "" {
		header["Connection"], header["Upgrade"] = []string{"Upgrade"}, []string{in.upgrade}
	}
	lively, entry, done := p.live.begin(ctx, c, in, r)
	if c.silent.Load() { // looked at after begin, as endHung does it before
		done()
		return c.hung().response()
	}
	if p.live.alive != nil && !p.live.alive(in.subject) || p.live.epoch.Load() != r.epoch && !p.live.still(in.subject, r.scope, r.groups) {
		done()
		return forbidden(in.subject, t, errRightLost.Error()).response()
	}
	out := (&http.Request{
		Method: in.method, URL: conn.url(t), Host: conn.host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header,
	}).WithContext(lively)
	var sent *sentBody
	if in.length != 0 && in.body != nil {
		sent = &sentBody{ReadCloser: in.body}
		out.Body, out.ContentLength = sent, in.length
	}
	if !t.longRunning() {
		defer time.AfterFunc(headTime, func() { entry.end(errOverdue) }).Stop()
	}
	instead := func(err error) *failure {
		tooLarge := (*http.MaxBytesError)(nil)
		switch cause := context.Cause(lively); {
		case errors.As(err, &tooLarge):
			return &failure{code: http.StatusRequestEntityTooLarge, reason: metav1.StatusReasonRequestEntityTooLarge,
				message: fmt.Sprintf("the request is larger than %d bytes", tooLarge.Limit)}
		case errors.Is(cause, errRightLost):
			return forbidden(in.subject, t, errRightLost.Error())
		case errors.Is(cause, errHung), errors.Is(cause, errOverdue):
			return c.unanswered(cause)
		case sent.failed() != nil && ctx.Err() == nil:
			return badRequest(fmt.Sprintf("the request's body cannot be read: %v", sent.failed()))
		case ctx.Err() != nil:
			return unavailable("the request was ended: " + context.Cause(ctx).Error())
		}
		return c.unanswered(err)
	}
	res, err := conn.transport.RoundTrip(out)
	if err != nil {
		f := instead(err)
		done()
		return f.response()
	}
	if res.StatusCode == http.StatusSwitchingProtocols && in.upgrade == "" {
		res.Body.Close() // nobody asked, and no context ends such a body
		done()
		return (&failure{code: http.StatusBadGateway, reason: metav1.StatusReasonInternalError,
			message: fmt.Sprintf("the cluster %q changed protocols without being asked", c.config.Name)}).response()
	}
	if res.StatusCode == http.StatusUnauthorized && !t.backend() {
		res.Body.Close()
		done()
		return c.unaccepted(conn).response()
	}
	res.Body = &held{ReadCloser: res.Body, ctx: lively, done: done, streams: t.streams(), instead: instead}
	return res
}

// sentBody is a request's body that remembers why it could not be read, which
// is the client's fault and not the cluster's.
type sentBody struct {
	io.ReadCloser
	err atomic.Pointer[error]
}

func (b *sentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.err.CompareAndSwap(nil, &err)
	}
	return n, err
}

// failed is why; nil when it was read, or there was none.
func (b *sentBody) failed() error {
	if b == nil || b.err.Load() == nil {
		return nil
	}
	return *b.err.Load()
}

// held is the body of an answer that is registered as live until it is closed.
type held struct {
	io.ReadCloser
	ctx     context.Context
	done    func()
	streams bool
	instead func(error) *failure // what to say where the answer cannot be read
}

// Read never says that an answer is complete when it was cut: an API server that
// sees its connection close may end the answer properly in the last moment.
func (h *held) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	if cause := context.Cause(h.ctx); err == io.EOF && cause != nil && !errors.Is(cause, errProjectsChanged) { // which was told in the stream
		err = cause
	}
	return n, err
}

func (h *held) Close() error {
	err := h.ReadCloser.Close()
	h.done()
	return err
}

// heldConn is a connection of another protocol that is registered as live until
// it is closed, and is closed when the right to it is lost.
type heldConn struct {
	*held
	io.Writer
	unhook func() bool
}

func (h *heldConn) Close() error {
	h.unhook()
	return h.held.Close()
}

func failureOf(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return badRequest(err.Error())
}
