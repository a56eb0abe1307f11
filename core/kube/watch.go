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
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/atoll-platform/atoll/core/access"
)

const (
	maxWatches       = 8000    // of projects, for all watches across them together
	maxWatchesPerson = 1000    // of one person
	maxEvent         = 8 << 20 // bytes; an object has 1.5 MiB at most in etcd
	watchAtLeast     = 30 * time.Minute
	watchLastWord    = time.Second // how long a slow client may take to hear why it ends
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

// joint is where the events of several watches become one stream.
type joint struct {
	view      *view
	own       func(row bool, element json.RawMessage) bool // nil unless namespaces are watched
	bookmarks bool                                         // the client wants them
	lifetime  time.Duration

	mu      sync.Mutex // held while an event is written
	out     *io.PipeWriter
	seen    []string // of each part, the resource version of its last bookmark
	initial int      // parts whose initial events have not all come
	told    string   // the resource version of the last bookmark that went out
}

// newJoint reads where a watch begins and how long it shall last, and writes
// into the query what each part is asked.
func newJoint(sp *spanning) (*joint, *failure) {
	q := sp.query
	j := &joint{view: sp.view, bookmarks: asked(q.Encode(), "allowWatchBookmarks")}
	q.Set("watch", "true") // the path may have said it
	q.Del("limit")
	q.Del("continue")
	initial := asked(q.Encode(), "sendInitialEvents")
	own, mark := unstamp(q.Get("resourceVersion"))
	switch {
	case initial, own == "", own == "0":
		// It begins with all that there is.
	case mark == "":
		return nil, expired("the events of several projects cannot be resumed from the resource version of an object")
	case mark != sp.view.mark:
		return nil, expired(projectsChanged)
	}
	if q.Has("resourceVersion") {
		q.Set("resourceVersion", own)
	}
	if initial {
		j.initial = -1 // until the parts are counted
	}
	seconds, err := strconv.Atoi(q.Get("timeoutSeconds"))
	if err != nil || seconds <= 0 {
		// Left to themselves, the parts would end one after the other.
		seconds = int((watchAtLeast + rand.N(watchAtLeast)) / time.Second)
		q.Set("timeoutSeconds", strconv.Itoa(seconds))
	}
	j.lifetime = time.Duration(seconds) * time.Second
	return j, nil
}

// run begins to join and returns the stream. It ends when the first part does,
// since what follows would lack that part; when its lifetime is over; and when
// ctx ends.
func (j *joint) run(ctx context.Context, streams []*http.Response, sp *spanning) io.ReadCloser {
	in, out := io.Pipe()
	j.out = out
	j.seen = make([]string, len(streams))
	if j.initial != 0 && len(streams) > 0 {
		j.initial = len(streams)
	}
	ctx, over := context.WithTimeoutCause(ctx, j.lifetime+watchLastWord, io.EOF)
	context.AfterFunc(ctx, func() {
		over()
		j.end(context.Cause(ctx))
		closeAll(streams)
	})
	if len(streams) == 0 && j.initial != 0 {
		go j.nothing(sp)
	}
	for i, res := range streams {
		go func() {
			err := j.copy(ctx, i, res)
			if errors.Is(err, errRightLost) {
				// The right to one project is gone. The whole is about to hear
				// of it too, by its own entry.
				err = errProjectsChanged
			}
			j.end(err)
			over()
		}()
	}
	return in
}

// nothing ends the initial events of a person without projects.
func (j *joint) nothing(sp *spanning) {
	kind, apiVersion := sp.kind, sp.target.apiVersion()
	if sp.shape == shapeMetadata {
		kind, apiVersion = "PartialObjectMetadata", "meta.k8s.io/v1"
	}
	frame, _ := json.Marshal(map[string]any{"type": "BOOKMARK", "object": map[string]any{"kind": kind, "apiVersion": apiVersion,
		"metadata": map[string]any{"resourceVersion": "", "annotations": map[string]string{metav1.InitialEventsAnnotationKey: "true"}}}})
	j.mu.Lock()
	defer j.mu.Unlock()
	_, _ = j.out.Write(append(frame, '\n'))
}

// end ends the stream with what the client must know; the first one counts.
func (j *joint) end(cause error) {
	// A client that does not read would hold the lock for ever.
	cut := time.AfterFunc(watchLastWord, func() { j.out.CloseWithError(cause) })
	defer cut.Stop()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !errors.Is(cause, errProjectsChanged) {
		j.out.CloseWithError(cause)
		return
	}
	frame, _ := json.Marshal(map[string]any{"type": "ERROR", "object": expired(projectsChanged).status()})
	_, _ = j.out.Write(append(frame, '\n'))
	j.out.Close()
}

// copy sends the events of one part on, until it ends.
func (j *joint) copy(ctx context.Context, i int, res *http.Response) error {
	lines := bufio.NewReaderSize(res.Body, 4<<10)
	for {
		frame, err := readFrame(lines)
		if err != nil {
			return err
		}
		if err := j.send(ctx, i, frame); err != nil {
			return err
		}
	}
}

// readFrame reads one event, which is a line.
func readFrame(lines *bufio.Reader) ([]byte, error) {
	var frame []byte
	for {
		piece, err := lines.ReadSlice('\n')
		if len(frame)+len(piece) > maxEvent {
			return nil, fmt.Errorf("an event is larger than %d MiB", maxEvent>>20)
		}
		frame = append(frame, piece...)
		switch {
		case err == nil && len(frame) == 1:
			frame = frame[:0] // an empty line
		case err == nil:
			return frame, nil
		case errors.Is(err, io.EOF) && len(frame) > 0:
			return nil, io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// send writes one event of a part, or what becomes of it.
func (j *joint) send(ctx context.Context, i int, frame []byte) error {
	bookmark := bytes.HasPrefix(frame, []byte(`{"type":"BOOKMARK"`))
	if !bookmark && j.own != nil && !j.ownEvent(frame) {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := context.Cause(ctx); err != nil {
		return err // what it was begun with is gone
	}
	if bookmark {
		if frame = j.bookmark(i, frame); frame == nil {
			return nil
		}
	}
	_, err := j.out.Write(frame)
	return err
}

// bookmark is what the client is told after a bookmark of one part: nothing
// (nil), or that all parts have come that far. A bookmark in a form without a
// resource version, which Tables may have, is dropped.
func (j *joint) bookmark(i int, frame []byte) []byte {
	var event struct {
		Type   string         `json:"type"`
		Object map[string]any `json:"object"`
	}
	if json.Unmarshal(frame, &event) != nil {
		return nil
	}
	metadata, _ := event.Object["metadata"].(map[string]any)
	version, _ := metadata["resourceVersion"].(string)
	if !number(version) {
		return nil
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	ends := annotations[metav1.InitialEventsAnnotationKey] == "true"
	if j.initial > 0 {
		switch begun := j.seen[i] == ""; {
		case begun && ends:
			j.initial--
		case begun:
			return nil // not all of its initial events are told
		}
	}
	j.seen[i] = version
	if j.initial > 0 {
		return nil
	}
	lowest := version
	for _, other := range j.seen {
		if other == "" {
			return nil
		}
		if order, err := resourceversion.CompareResourceVersion(other, lowest); err == nil && order < 0 {
			lowest = other
		}
	}
	if !j.bookmarks || lowest == j.told {
		return nil
	}
	j.told = lowest
	metadata["resourceVersion"] = j.view.stamp(lowest)
	out, err := json.Marshal(&event)
	if err != nil {
		return nil
	}
	return append(out, '\n')
}

// ownEvent tells whether an event is about a namespace of the person's, or
// about the watch itself.
func (j *joint) ownEvent(frame []byte) bool {
	var event struct {
		Type   string          `json:"type"`
		Object json.RawMessage `json:"object"`
	}
	var table struct {
		Kind string            `json:"kind"`
		Rows []json.RawMessage `json:"rows"`
	}
	if json.Unmarshal(frame, &event) != nil || json.Unmarshal(event.Object, &table) != nil {
		return false
	}
	switch {
	case event.Type == "ERROR":
		return true
	case table.Kind != "Table":
		return j.own(false, event.Object)
	}
	for _, row := range table.Rows {
		if !j.own(true, row) {
			return false
		}
	}
	return true
}
