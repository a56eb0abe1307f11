// The log: events are taken at once and written by one writer behind a bounded
// queue.

package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	queueLength = 4096
	syncEvery   = time.Second
	expireEvery = time.Hour
)

// Options bound the log; zero values are the defaults.
type Options struct {
	SegmentBytes int64         // a segment is closed when it is so large; 0: 16 MiB, or a quarter of the total
	TotalBytes   int64         // the oldest segments go when there is more; 0: 256 MiB
	MaxAge       time.Duration // segments go when all that is in them is older; 0: never
	Logger       *slog.Logger  // for what cannot be written; nil: the default one
}

// Log writes events, and reads them. Safe for concurrent use: reading keeps no
// writer waiting.
type Log struct {
	out    *segments
	logger *slog.Logger
	queue  chan task
	done   chan struct{}
	lost   atomic.Uint64

	closing sync.RWMutex // held for reading while an event is handed over
	closed  bool
	err     error // of Close, set before done is closed

	searches chan struct{} // has as many places as searches may run at once
	readers  chan struct{} // and as many as may read forwards
	news     news
}

// task is what the writer does next: write an event, or say that it has come so
// far.
type task struct {
	event   Event
	reached chan<- struct{} // nil for an event
}

// Open goes on with the log in dir, which is made with mode 0700 where there
// is none. One process has it at a time: the store's lock sees to that.
func Open(dir string, o Options) (*Log, error) {
	if o.TotalBytes <= 0 {
		o.TotalBytes = 256 << 20
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = min(16<<20, o.TotalBytes/4)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	out, err := openSegments(dir, o.SegmentBytes, o.TotalBytes, o.MaxAge)
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	l := &Log{
		out: out, logger: o.Logger, queue: make(chan task, queueLength), done: make(chan struct{}),
		searches: make(chan struct{}, maxSearches), readers: make(chan struct{}, maxReaders),
	}
	go l.run()
	return l, nil
}

// Record takes an event. It returns at once but when the writer is far behind;
// then it waits as long as ctx lasts. An event that was not taken is counted,
// see Lost.
func (l *Log) Record(ctx context.Context, e Event) {
	e.fit()
	switch err := l.hand(ctx, task{event: e}); {
	case err == errClosed:
		l.lose(1, "the log is closed", nil)
	case err != nil:
		l.lose(1, "the writer is behind", err)
	}
}

// hand gives the writer something to do.
func (l *Log) hand(ctx context.Context, t task) error {
	l.closing.RLock()
	defer l.closing.RUnlock()
	if l.closed {
		return errClosed
	}
	select {
	case l.queue <- t:
		return nil
	default:
	}
	select {
	case l.queue <- t:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// settle waits until what was taken before is in the segments.
func (l *Log) settle(ctx context.Context) error {
	reached := make(chan struct{})
	if err := l.hand(ctx, task{reached: reached}); err != nil {
		if err == errClosed {
			<-l.done
			return nil
		}
		return err
	}
	select {
	case <-reached:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Lost is how many events could not be written since the start. It should be
// 0; it is a metric.
func (l *Log) Lost() uint64 { return l.lost.Load() }

// lose counts events that are not in the log, and says so when it begins.
func (l *Log) lose(n int, why string, err error) {
	if before := l.lost.Add(uint64(n)) - uint64(n); before == 0 || before/1000 != (before+uint64(n))/1000 {
		l.logger.Error("audit events are lost", "why", why, "lost", before+uint64(n), "error", err)
	}
}

// run writes what is queued, makes it durable once a second, and lets go of what
// is too old.
func (l *Log) run() {
	defer close(l.done)
	defer l.news.tell()
	tick, hour := time.NewTicker(syncEvery), time.NewTicker(expireEvery)
	defer tick.Stop()
	defer hour.Stop()
	dirty := false
	for {
		select {
		case t, ok := <-l.queue:
			switch {
			case !ok:
				l.err = l.out.close()
				return
			case t.reached != nil:
				close(t.reached)
			default:
				l.write(t.event)
				dirty = true
			}
			if len(l.queue) == 0 {
				l.news.tell()
			}
		case <-tick.C:
			l.news.tell() // while the queue is never empty
			if !dirty {
				continue
			}
			if err := l.out.sync(); err != nil {
				l.logger.Error("the audit log could not be made durable", "error", err)
				continue
			}
			dirty = false
		case <-hour.C:
			if err := l.out.tidy(time.Now()); err != nil {
				l.logger.Error("old audit events could not be removed", "error", err)
			}
		}
	}
}

func (l *Log) write(e Event) {
	line, err := encode(e)
	if err == nil {
		err = l.out.write(line, e.Time)
	}
	if err != nil {
		l.lose(1, "writing failed", err)
	}
}

// encode is a value as a line. Texts are as they are, but for quotes and
// backslashes: an event of nothing but "<" is no longer than another.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	err := out.Encode(v)
	return b.Bytes(), err
}

// Close writes what was taken, makes it durable and ends the log, and whoever
// follows it.
func (l *Log) Close() error {
	l.closing.Lock()
	if !l.closed {
		l.closed = true
		close(l.queue)
	}
	l.closing.Unlock()
	<-l.done
	return l.err
}
