// Following: each container of each pod as it starts, ends and starts again.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// following is one request under way.
type following struct {
	*kubernetes
	query
	selector string
	merger   *merger
	notices  *input
	readers  sync.WaitGroup

	mu         sync.Mutex
	containers map[string]*container // by pod uid and name
	reading    map[string]bool       // pods that are read, by uid
	full       bool                  // somebody was told that there are too many
}

// container is one container's reading.
type container struct {
	pod, name string
	run       string // the container id that is or was read
	reading   bool
	waiting   string          // the reason that was told last
	seen      containerStatus // as it was last
	last      time.Time       // of the newest line
}

// notice puts a remark among the lines.
func (f *following) notice(pod, container, format string, args ...any) {
	now := time.Now().UTC()
	f.tell(line{Time: now.Format(time.RFC3339Nano), at: now, Pod: pod, Container: container, Kind: kindNotice, Line: fmt.Sprintf(format, args...)})
}

// tell never waits: remarks beyond what may wait are lost, lines are not.
func (f *following) tell(l line) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = f.notices.put(ended, l)
}

// see looks at a pod and starts to read what can be read of it.
func (f *following) see(ctx context.Context, p *pod) {
	f.mu.Lock()
	defer f.mu.Unlock()
	uid := p.Metadata.UID
	if !f.reading[uid] {
		if len(f.reading) >= maxPods {
			f.tooMany()
			return
		}
		f.reading[uid] = true
	}
	for _, spec := range p.containers() {
		if !f.wants(spec.Name) {
			continue
		}
		key := uid + "/" + spec.Name
		c := f.containers[key]
		if c == nil {
			if len(f.containers) >= maxContainers {
				f.tooMany()
				return
			}
			c = &container{pod: p.Metadata.Name, name: spec.Name}
			f.containers[key] = c
		}
		f.consider(ctx, c, p.status(spec.Name))
	}
}

func (f *following) tooMany() {
	if !f.full {
		f.full = true
		f.notice("", "", "more than %d pods or %d containers: the rest is not read. Choose pods or containers to see them", maxPods, maxContainers)
	}
}

// consider starts to read a container if there is something new to read. Callers
// hold f.mu.
func (f *following) consider(ctx context.Context, c *container, s containerStatus) {
	c.seen = s
	if f.previous {
		if c.run == "" {
			c.run = "previous"
			if s.LastState.Terminated == nil && s.RestartCount == 0 {
				f.notice(c.pod, c.name, "it has no previous run")
				return
			}
			f.start(ctx, c)
		}
		return
	}
	if w := s.State.Waiting; w != nil && s.State.Running == nil {
		if w.Reason != "" && w.Reason != c.waiting && !c.reading {
			c.waiting = w.Reason
			f.notice(c.pod, c.name, "it is not running: %s", w.Reason)
		}
		// What the run before wrote is still there.
		if s.ContainerID == "" || s.ContainerID == c.run {
			return
		}
	}
	if s.State.Running == nil && s.State.Terminated == nil && s.ContainerID == "" {
		return // not started yet; a change of the pod tells
	}
	if c.reading || c.run == s.ContainerID && c.run != "" {
		return
	}
	if c.run != "" {
		how := ""
		if t := s.LastState.Terminated; t != nil {
			how = fmt.Sprintf(", the run before ended with exit code %d (%s)", t.ExitCode, t.Reason)
		}
		f.notice(c.pod, c.name, "it was started again%s", how)
	}
	c.run, c.waiting = s.ContainerID, ""
	f.start(ctx, c)
}

// gone notes that a pod was deleted.
func (f *following) gone(p *pod) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reading[p.Metadata.UID] {
		delete(f.reading, p.Metadata.UID)
		for _, spec := range p.containers() {
			delete(f.containers, p.Metadata.UID+"/"+spec.Name)
		}
		f.notice(p.Metadata.Name, "", "the pod was deleted")
	}
}

// start reads a container on a goroutine of its own. Callers hold f.mu.
func (f *following) start(ctx context.Context, c *container) {
	c.reading = true
	in := f.merger.add()
	last := c.last
	f.readers.Go(func() {
		newest, err := f.read(ctx, c, in, last)
		in.close()
		if err != nil && ctx.Err() == nil {
			f.notice(c.pod, c.name, "%s", reason(err))
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		c.reading = false
		if newest.After(c.last) {
			c.last = newest
		}
		if !f.follow || ctx.Err() != nil {
			return
		}
		if c.seen.ContainerID != c.run {
			f.consider(ctx, c, c.seen) // it was started again while the end was read
		} else if c.seen.State.Running != nil {
			f.readers.Go(func() { f.again(ctx, c) })
		}
	})
}

// reopenAfter is how long a container may be running after its log ended, before
// its log is opened again: as a rule the news that it has ended is on its way.
const reopenAfter = 2 * time.Second

// again opens the log of a container that runs although its log has ended.
func (f *following) again(ctx context.Context, c *container) {
	if !sleep(ctx, reopenAfter) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !c.reading && c.seen.State.Running != nil && c.seen.ContainerID == c.run {
		f.start(ctx, c)
	}
}

// read reads a container's log to its end. Lines that are not newer than last were
// read before.
func (f *following) read(ctx context.Context, c *container, in *input, last time.Time) (newest time.Time, err error) {
	query := url.Values{"container": {c.name}, "timestamps": {"true"}}
	if f.follow {
		query.Set("follow", "true")
	}
	if f.previous {
		query.Set("previous", "true")
	}
	if last.IsZero() {
		query.Set("tailLines", strconv.Itoa(f.tail))
		if f.since > 0 {
			query.Set("sinceSeconds", strconv.Itoa(max(1, int(f.since.Seconds()))))
		}
	} else {
		query.Set("sinceTime", last.Format(time.RFC3339))
	}
	body, err := f.get(ctx, "/api/v1/namespaces/"+f.project+"/pods/"+c.pod+"/log", query)
	if err != nil {
		return newest, err
	}
	defer body.Close()
	in.open()
	for l := newLines(body); ; {
		at, text, err := l.next()
		if errors.Is(err, io.EOF) {
			return newest, nil
		}
		if err != nil {
			return newest, err
		}
		if !last.IsZero() && !at.After(last) {
			continue
		}
		if at.IsZero() {
			at = time.Now().UTC()
		}
		newest = at
		if !f.match(text) {
			continue
		}
		err = in.put(ctx, line{Time: at.Format(time.RFC3339Nano), at: at, Pod: c.pod, Container: c.name, Line: text, Severity: severity(text)})
		if err != nil {
			return newest, err
		}
	}
}

// reason puts into words why a container's log cannot be read.
func reason(err error) string {
	var status *statusError
	var reset *atoll.ResetError
	switch {
	case errors.As(err, &status) && (status.Code == http.StatusForbidden || status.Code == http.StatusUnauthorized):
		return "its log may not be read: " + status.Message
	case errors.As(err, &status):
		return "its log cannot be read: " + status.Message
	case errors.As(err, &reset) && reset.Code == wire.Denied:
		return "its log may not be read: " + reset.Text
	default:
		return "its log broke off: " + err.Error()
	}
}
