// Lines of many containers as one stream, by their times. A line waits for the
// others only as long as that makes a difference, and never long.
package main

import (
	"context"
	"sync"
	"time"
)

const (
	// holdQuiet is how long a line waits for a container that says nothing: long
	// enough for what is on its way, short enough for somebody who watches.
	holdQuiet = 250 * time.Millisecond
	// holdOpening is how long for one whose log has not been opened yet.
	holdOpening = time.Second
	// queueLines and queueBytes bound what waits of one container. A reader that
	// is ahead stops reading, and so does Kubernetes.
	queueLines = 256
	queueBytes = 32 << 10
)

// merger puts the lines of its inputs into their order.
type merger struct {
	mu     sync.Mutex
	inputs map[*input]struct{}
	wake   chan struct{} // something changed
	closed bool          // no further input comes
}

// input is the lines of one container.
type input struct {
	merger *merger
	queue  []line
	bytes  int
	opened bool // its log has been opened
	done   bool
	quiet  time.Time     // since when it says nothing
	room   chan struct{} // there may be room again
}

func newMerger() *merger {
	return &merger{inputs: map[*input]struct{}{}, wake: make(chan struct{}, 1)}
}

// add makes an input; close ends it.
func (m *merger) add() *input {
	in := &input{merger: m, quiet: time.Now(), room: make(chan struct{}, 1)}
	m.mu.Lock()
	m.inputs[in] = struct{}{}
	m.mu.Unlock()
	return in
}

func (m *merger) changed() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// finish says that no further input comes: the stream ends when all have ended.
func (m *merger) finish() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.changed()
}

// open says that the container's log has been opened.
func (in *input) open() {
	in.merger.mu.Lock()
	in.opened, in.quiet = true, time.Now()
	in.merger.mu.Unlock()
	in.merger.changed()
}

// put adds a line, and waits while too many are waiting.
func (in *input) put(ctx context.Context, l line) error {
	for {
		in.merger.mu.Lock()
		if len(in.queue) == 0 || len(in.queue) < queueLines && in.bytes+len(l.Line) <= queueBytes {
			in.queue, in.bytes = append(in.queue, l), in.bytes+len(l.Line)
			first := len(in.queue) == 1
			in.merger.mu.Unlock()
			if first {
				in.merger.changed()
			}
			return nil
		}
		in.merger.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-in.room:
		}
	}
}

// close says that nothing further comes from the container.
func (in *input) close() {
	in.merger.mu.Lock()
	in.done = true
	in.merger.mu.Unlock()
	in.merger.changed()
}

// take gives the lines whose turn it is, at most so many. Without any it says how
// long to wait for the next (0: until something changes), and whether all ended.
func (m *merger) take(most int) (ready []line, wait time.Duration, ended bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for len(ready) < most {
		var first *input
		var hold time.Duration
		for in := range m.inputs {
			switch {
			case len(in.queue) > 0:
				if first == nil || in.queue[0].at.Before(first.queue[0].at) {
					first = in
				}
			case in.done:
				delete(m.inputs, in)
			default:
				patience := holdQuiet
				if !in.opened {
					patience = holdOpening
				}
				hold = max(hold, patience-now.Sub(in.quiet))
			}
		}
		if first == nil {
			return ready, 0, m.closed && len(m.inputs) == 0
		}
		if hold > 0 {
			return ready, hold, false
		}
		ready = append(ready, first.queue[0])
		first.bytes -= len(first.queue[0].Line)
		first.queue = first.queue[1:]
		if len(first.queue) == 0 {
			first.queue, first.quiet = nil, now
		}
		select {
		case first.room <- struct{}{}:
		default:
		}
	}
	return ready, 0, false
}

// run gives lines to write, in batches, until all inputs have ended or ctx has.
func (m *merger) run(ctx context.Context, write func([]line) error) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		ready, wait, ended := m.take(queueLines)
		if len(ready) > 0 {
			if err := write(ready); err != nil {
				return err
			}
			continue
		}
		if ended {
			return nil
		}
		var due <-chan time.Time
		if wait > 0 {
			timer.Reset(wait)
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-m.wake:
		case <-due:
		}
	}
}
