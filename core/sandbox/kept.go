// Kept bodies: what of a request's body has been read is kept for a while, so
// that the request can be run again, and read on from where the first run stopped.
package sandbox

import (
	"io"
	"sync"
	"sync/atomic"
)

const (
	maxKept    = 64 << 10 // bytes of one body
	maxKeptAll = 32 << 20 // bytes of all bodies of one engine
)

// keptBody is a body of which the readers of several runs read in turn. Nil is
// one that was not there.
type keptBody struct {
	from io.Reader
	all  *atomic.Int64 // bytes that the engine keeps

	reading sync.Mutex // who holds it reads from the body; it comes before mu
	mu      sync.Mutex
	kept    []byte
	counted int  // what of it counts in all
	keeping bool // kept is everything so far
	closed  bool
	err     error // the body's end
	latest  *keptReader
}

// keptReader reads for one run.
type keptReader struct {
	body *keptBody
	at   int // in what is kept
}

// keep begins to keep the body of a request. It gives nil where there is none, or
// one that is a conversation and cannot be said again.
func (e *Engine) keep(r *Request) *keptBody {
	if _, framed := r.Body.(FrameReader); r.Body == nil || framed || r.Protocol != "" {
		return nil
	}
	return &keptBody{from: r.Body, all: &e.kept, keeping: true}
}

// reader is the body for the next run. What the one before is reading right now
// is not lost.
func (b *keptBody) reader() *keptReader {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.latest = &keptReader{body: b}
	return b.latest
}

// whole tells whether the body can be read from its beginning.
func (b *keptBody) whole() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.keeping
}

// done keeps no more: there is no further run.
func (b *keptBody) done() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stop()
}

// stop keeps no more; what the latest run has yet to read stays. b.mu is held.
func (b *keptBody) stop() {
	b.keeping = false
	b.all.Add(-int64(b.counted))
	b.counted = 0
	b.dropRead()
}

// close closes the body, for nobody wants the rest.
func (b *keptBody) close() {
	if b != nil {
		_ = b.latest.Close()
	}
}

// dropRead frees what the latest run has read too, when no other run is to come.
// b.mu is held.
func (b *keptBody) dropRead() {
	if !b.keeping && b.latest.at == len(b.kept) {
		b.kept, b.latest.at = nil, 0
	}
}

// Read implements io.Reader.
func (c *keptReader) Read(p []byte) (int, error) {
	b := c.body
	if n, err := c.again(p); n > 0 || err != nil {
		return n, err
	}
	b.reading.Lock()
	defer b.reading.Unlock()
	if n, err := c.again(p); n > 0 || err != nil { // read by the run before, meanwhile
		return n, err
	}
	n, err := b.from.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
	switch {
	case c != b.latest: // for the run that has taken over
		b.kept = append(b.kept, p[:n]...)
	case b.keeping && len(b.kept)+n <= maxKept && b.all.Load()+int64(n) <= maxKeptAll:
		b.kept = append(b.kept, p[:n]...)
		b.all.Add(int64(n))
		b.counted += n
		c.at += n
	default:
		b.stop()
	}
	return n, err
}

// again reads what is kept, and the body's end after it.
func (c *keptReader) again(p []byte) (int, error) {
	b := c.body
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.at < len(b.kept) {
		n := copy(p, b.kept[c.at:])
		c.at += n
		b.dropRead()
		return n, nil
	}
	return 0, b.err
}

// Close closes the body, unless a later run reads it.
func (c *keptReader) Close() error {
	b := c.body
	b.mu.Lock()
	closes := c == b.latest && !b.closed
	if closes {
		b.closed = true
		if b.err == nil { // the rest is lost
			b.stop()
		}
	}
	b.mu.Unlock()
	if from, ok := b.from.(io.Closer); ok && closes {
		return from.Close()
	}
	return nil
}
