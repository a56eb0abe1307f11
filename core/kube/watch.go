// Watches that span projects: one impersonated watch for each project, joined
// to one stream.
//
// The events of several projects come in no common order, so the resource
// version of an event says nothing of the other projects. Such a watch
// therefore begins at the resource version of a list or a bookmark of Atoll's
// only (see view.stamp); from any other, clients are told to list again. A
// joined bookmark is as old as the oldest of its parts: events of the others
// that are younger come again after it, and none is lost.

package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/atoll-platform/atoll/core/access"
)

const (
	maxWatches       = 8000 // of projects, for all watches across them together
	maxWatchesPerson = 1000 // of one person
)

// watches counts the watches of projects that joined ones consist of.
type watches struct {
	mu    sync.Mutex
	all   int
	byUID map[string]int
}

// take counts n more for a person, or says that they are too many.
func (w *watches) take(uid string, n int) (give func(), f *failure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all+n > maxWatches || w.byUID[uid]+n > maxWatchesPerson {
		return nil, &failure{code: http.StatusTooManyRequests, reason: metav1.StatusReasonTooManyRequests, details: &metav1.StatusDetails{RetryAfterSeconds: 10},
			message: fmt.Sprintf("too many projects are watched at a time: %d by this person, who may watch %d; name a namespace", w.byUID[uid], maxWatchesPerson)}
	}
	if w.byUID == nil {
		w.byUID = map[string]int{}
	}
	w.all += n
	w.byUID[uid] += n
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.all -= n
		if w.byUID[uid] -= n; w.byUID[uid] == 0 {
			delete(w.byUID, uid)
		}
	}, nil
}

// watchAcross answers a watch: of each project, or of the namespaces.
func (p *Proxy) watchAcross(ctx context.Context, sp *spanning, namespaces bool) *http.Response {
	j, f := newJoint(sp)
	if f != nil {
		return f.response()
	}
	v, s, cluster := sp.view, sp.in.subject, sp.cluster.config.Name
	if len(p.index.Groups(s, access.Scope{Cluster: cluster})) == 0 {
		return forbidden(s, sp.target, noRole).response()
	}
	parts := len(v.projects)
	if namespaces {
		parts = min(parts, 1)
		j.own = ownNamespaces(v.projects)
	}
	give, f := p.watches.take(s.UID, parts)
	if f != nil {
		return f.response()
	}
	same := func() bool { return p.view(s, cluster).mark == v.mark }
	ctx, forget := p.live.beginSpanning(ctx, s, same)
	done := sync.OnceFunc(func() { forget(); give() })
	if p.live.epoch.Load() != v.epoch && !same() {
		done()
		return expired(projectsChanged).response()
	}
	streams, f := p.openEach(ctx, sp, parts, namespaces)
	switch {
	case errors.Is(context.Cause(ctx), errProjectsChanged):
		f = expired(projectsChanged)
	case f == nil && len(streams) == 0 && parts > 0:
		f = forbidden(s, sp.target, "not in any of this person's projects")
	}
	if f != nil {
		closeAll(streams)
		done()
		return f.response()
	}
	contentType := "application/json"
	if len(streams) > 0 {
		contentType = streams[0].Header.Get("Content-Type")
	}
	body := j.run(ctx, streams, sp)
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1,
		Header: http.Header{"Content-Type": {contentType}, "Cache-Control": {"no-cache, private"}},
		Body:   &held{ReadCloser: body, ctx: ctx, done: done, streams: true},
	}
}

// openEach begins the parts. Projects in which the resource may not be watched
// are left out; any other failure fails the whole.
func (p *Proxy) openEach(ctx context.Context, sp *spanning, parts int, namespaces bool) ([]*http.Response, *failure) {
	query := sp.query.Encode()
	opened := make([]*http.Response, parts)
	var opening errgroup.Group // without a context of its own, which would end the watches with it
	opening.SetLimit(acrossParallel)
	for i := range opened {
		opening.Go(func() error {
			var res *http.Response
			switch {
			case namespaces:
				res = p.allNamespaces(ctx, sp)
			case len(sp.view.groups[i]) == 0:
				return nil
			default:
				res = p.one(ctx, sp, i, query)
			}
			if res.StatusCode == http.StatusOK {
				opened[i] = res
				return nil
			}
			defer res.Body.Close()
			if res.StatusCode == http.StatusForbidden {
				return nil
			}
			text, err := io.ReadAll(io.LimitReader(res.Body, maxReview))
			if err != nil {
				return unavailable(fmt.Sprintf("reading the cluster's answer: %v", err))
			}
			return failureIn(res.StatusCode, text)
		})
	}
	err := opening.Wait()
	var streams []*http.Response
	for _, res := range opened {
		if res != nil {
			streams = append(streams, res)
		}
	}
	if err != nil {
		closeAll(streams)
		return nil, failureOf(err)
	}
	return streams, nil
}

func closeAll(streams []*http.Response) {
	for _, res := range streams {
		res.Body.Close()
	}
}
