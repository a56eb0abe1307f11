// Blanks: machines that are as new as on their first day, kept a while for the
// next who start one. Where several start in a short time, one is made in advance.
package machine

import (
	"sync"
	"time"
)

const (
	// mostBlanks is how many machines of one code wait to be used again.
	mostBlanks = 8
	// blankLife is how long one waits.
	blankLife = 10 * time.Second
)

// blanks are the runners of one code that wait. All are reset to its snapshot.
type blanks struct {
	mu      sync.Mutex
	closed  bool
	all     []blank     // the one that has waited longest first
	timer   *time.Timer // nil: none is set
	emptied time.Time   // when somebody who started one left none
	making  bool        // one is made in advance
	made    sync.WaitGroup
}

type blank struct {
	*runner
	since time.Time
}

// take gives the blank that was used last, of those whose memory may grow to
// limit; nil: there is none.
func (b *blanks) take(limit uint64) *runner {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n := len(b.all) - 1; n >= 0; n-- {
		if r := b.all[n].runner; r.linear.limit == limit {
			b.all = append(b.all[:n], b.all[n+1:]...)
			return r
		}
	}
	return nil
}

// advance makes a blank for the next who start one, where somebody has left none
// just now, and not for the first time in a while. Nobody waits for it.
func (b *blanks) advance(make func() (*runner, error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || len(b.all) > 0 {
		return
	}
	often := time.Since(b.emptied) < blankLife
	if b.emptied = time.Now(); !often || b.making {
		return
	}
	b.making = true
	b.made.Go(func() {
		r, err := make()
		b.mu.Lock()
		b.making = false
		b.mu.Unlock()
		if err == nil && !b.give(r) { // an error is told to whoever needs one
			r.Close()
		}
	})
}

// give keeps a runner that has been reset, if there is room.
func (b *blanks) give(r *runner) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || len(b.all) >= mostBlanks {
		return false
	}
	b.all = append(b.all, blank{r, time.Now()})
	if b.timer == nil {
		b.timer = time.AfterFunc(blankLife, b.expire)
	}
	return true
}

// expire frees those that have waited long enough.
func (b *blanks) expire() {
	b.mu.Lock()
	n, now := 0, time.Now()
	for n < len(b.all) && now.Sub(b.all[n].since) >= blankLife {
		n++
	}
	old := append([]blank(nil), b.all[:n]...)
	b.all = append(b.all[:0], b.all[n:]...)
	if b.timer = nil; len(b.all) > 0 {
		b.timer = time.AfterFunc(blankLife-now.Sub(b.all[0].since), b.expire)
	}
	b.mu.Unlock()
	for _, r := range old {
		r.Close()
	}
}

// close frees all, and takes no more. None is being made any more then.
func (b *blanks) close() {
	b.mu.Lock()
	b.closed = true
	all := b.all
	b.all = nil
	if b.timer != nil {
		b.timer.Stop()
	}
	b.mu.Unlock()
	b.made.Wait()
	for _, r := range all {
		r.Close()
	}
}
