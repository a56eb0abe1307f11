// The joint of a watch that spans projects: the events of its parts, one after the
// other in one stream, with bookmarks that hold for all of them.

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

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

const (
	maxEvent      = 8 << 20 // bytes; an object has 1.5 MiB at most in etcd
	watchAtLeast  = 30 * time.Minute
	watchLastWord = time.Second // how long a slow client may take to hear why it ends
)

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
