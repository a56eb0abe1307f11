// The log: events are taken at once and written by one writer behind a bounded
// queue.

package audit

import (
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
)

// Options bound the log; zero values are the defaults.
type Options struct {
	SegmentBytes int64        // a segment is closed when it is so large; 0: 16 MiB
	TotalBytes   int64        // the oldest segments go when there is more; 0: 256 MiB
	Logger       *slog.Logger // for what cannot be written; nil: the default one
}

// Log writes events. Safe for concurrent use.
type Log struct {
	out    *segments
	logger *slog.Logger
	queue  chan Event
	done   chan struct{}
	lost   atomic.Uint64

	closing sync.RWMutex // held for reading while an event is handed over
	closed  bool
	err     error // of Close, set before done is closed
}

// Open goes on with the log in dir, which is made with mode 0700 where there
// is none. One process has it at a time: the store's lock sees to that.
func Open(dir string, o Options) (*Log, error) {
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 16 << 20
	}
	if o.TotalBytes <= 0 {
		o.TotalBytes = 256 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	out, err := openSegments(dir, o.SegmentBytes, o.TotalBytes)
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	l := &Log{out: out, logger: o.Logger, queue: make(chan Event, queueLength), done: make(chan struct{})}
	go l.run()
	return l, nil
}

// Record takes an event. It returns at once but when the writer is far behind;
// then it waits as long as ctx lasts. An event that was not taken is counted,
// see Lost.
func (l *Log) Record(ctx context.Context, e Event) {
	e.fit()
	l.closing.RLock()
	defer l.closing.RUnlock()
	if l.closed {
		l.lose(1, "the log is closed", nil)
		return
	}
	select {
	case l.queue <- e:
		return
	default:
	}
	select {
	case l.queue <- e:
	case <-ctx.Done():
		l.lose(1, "the writer is behind", ctx.Err())
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

// run writes what is queued, and makes it durable once a second.
func (l *Log) run() {
	defer close(l.done)
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	dirty := false
	for {
		select {
		case e, ok := <-l.queue:
			if !ok {
				l.err = l.out.close()
				return
			}
			l.write(e)
			dirty = true
		case <-tick.C:
			if !dirty {
				continue
			}
			if err := l.out.sync(); err != nil {
				l.logger.Error("the audit log could not be made durable", "error", err)
				continue
			}
			dirty = false
		}
	}
}

func (l *Log) write(e Event) {
	line, err := json.Marshal(e)
	if err == nil {
		err = l.out.write(append(line, '\n'))
	}
	if err != nil {
		l.lose(1, "writing failed", err)
	}
}

// Close writes what was taken, makes it durable and ends the log.
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
