// Following: events forwards, as they come.

package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
)

// maxReaders is how many may read forwards at once.
const maxReaders = 64

// ErrTooMany is when as many read as may.
var ErrTooMany = errors.New("as many read the audit log as may at once")

// Batch is what has come since the one before.
type Batch struct {
	Events  []Event // the oldest first
	Damaged int     // lines that could not be read
	Missed  bool    // some events were removed before they were read
}

// End is the place after all events that were taken before the call.
func (l *Log) End(ctx context.Context) (Position, error) {
	if err := l.settle(ctx); err != nil {
		return Position{}, fmt.Errorf("reading the audit log: %w", err)
	}
	all, err := listSegments(l.out.dir)
	if err != nil || len(all) == 0 {
		return Position{}, err
	}
	last := all[len(all)-1]
	return Position{last.number, last.size}, nil
}

// Reader reads the log forwards, from a position on. It is one of a bounded
// number, so it must be closed. Not safe for concurrent use.
type Reader struct {
	log    *Log
	filter compiled
	at     Position
	file   *os.File // of at.Segment; nil where it is not open
	closed bool
}

// Reader begins to read what fits a filter. ErrTooMany.
func (l *Log) Reader(f Filter, from Position) (*Reader, error) {
	select {
	case l.readers <- struct{}{}:
		return &Reader{log: l, filter: f.compile(), at: from}, nil
	default:
		return nil, ErrTooMany
	}
}

// Close ends the reading. A second call does nothing.
func (r *Reader) Close() {
	r.leave()
	if !r.closed {
		r.closed = true
		<-r.log.readers
	}
}

// leave closes the segment that is open.
func (r *Reader) leave() {
	if r.file != nil {
		_ = r.file.Close() // it was only read
		r.file = nil
	}
}

// Read gives what there is to take, and with follow what comes later, until ctx
// or the log ends. It returns what take returns, or ctx's cause. Whoever is slow
// is overtaken by the bounds of the log, and keeps nobody waiting.
func (r *Reader) Read(ctx context.Context, follow bool, take func(Batch) error) error {
	if err := r.log.settle(ctx); err != nil {
		return fmt.Errorf("reading the audit log: %w", err)
	}
	for {
		changed := r.log.news.wait() // before reading, so that nothing comes between
		for more := true; more; {
			var batch Batch
			var err error
			if batch, more, err = r.next(); err != nil {
				return fmt.Errorf("reading the audit log: %w", err)
			}
			if len(batch.Events) > 0 || batch.Damaged > 0 || batch.Missed {
				if err := take(batch); err != nil {
					return err
				}
			}
			if err := context.Cause(ctx); err != nil {
				return err
			}
		}
		if !follow {
			return nil
		}
		select {
		case <-changed:
		case <-r.log.done:
			follow = false // once more, for the last ones
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// next reads one block; more is false at the end.
func (r *Reader) next() (batch Batch, more bool, err error) {
	if r.file == nil {
		if batch.Missed, err = r.open(); err != nil || r.file == nil {
			return batch, false, err
		}
	}
	b, err := blockAfter(r.file, r.at.Offset)
	if err != nil {
		return batch, false, err
	}
	if b.end == r.at.Offset {
		return r.onward(batch)
	}
	r.take(&batch, b)
	return batch, true, nil
}

// take takes over a block.
func (r *Reader) take(batch *Batch, b block) {
	batch.Damaged += b.damaged
	for _, line := range b.lines {
		e, found, readable := r.filter.line(line)
		if !readable {
			batch.Damaged++
		} else if found {
			batch.Events = append(batch.Events, e)
		}
	}
	r.at.Offset = b.end
}

// open opens the segment of the position, or the next one that there is; missed
// tells that it is not the one that was meant. No file is left where there is
// none yet.
func (r *Reader) open() (missed bool, err error) {
	all, err := listSegments(r.log.out.dir)
	if err != nil {
		return false, err
	}
	for _, s := range all {
		if s.number < r.at.Segment || r.at.Segment == 0 && !r.filter.since.IsZero() && s.last.Before(r.filter.since.Add(-disorder)) {
			continue
		}
		if r.file, err = openSegment(r.log.out.dir, s.number); err != nil {
			return false, err
		}
		if r.file == nil { // removed in this moment
			missed = true
			continue
		}
		if s.number != r.at.Segment {
			missed = missed || r.at.Segment != 0
			r.at = Position{Segment: s.number}
		}
		return missed, nil
	}
	return false, nil
}

// onward goes on with the next segment when this one is complete.
func (r *Reader) onward(batch Batch) (Batch, bool, error) {
	all, err := listSegments(r.log.out.dir)
	if err != nil {
		return batch, false, err
	}
	next := slices.IndexFunc(all, func(s segment) bool { return s.number > r.at.Segment })
	if next < 0 {
		return batch, false, nil
	}
	// Its last lines may have been written before the next one was begun and
	// after this one was read.
	b, err := blockAfter(r.file, r.at.Offset)
	if err != nil {
		return batch, false, err
	}
	if b.end > r.at.Offset {
		r.take(&batch, b)
		return batch, true, nil
	}
	batch.Missed = batch.Missed || all[next].number > r.at.Segment+1
	r.leave()
	r.at = Position{Segment: all[next].number}
	return batch, true, nil
}

// news wakes everybody who waits for the log to grow. The zero value is ready.
type news struct {
	mu sync.Mutex
	ch chan struct{}
}

// wait is closed at the next tell.
func (n *news) wait() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch == nil {
		n.ch = make(chan struct{})
	}
	return n.ch
}

func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch != nil {
		close(n.ch)
		n.ch = nil
	}
}
