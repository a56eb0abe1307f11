// A queue: what one side has sent and nobody has read yet, with the ends of its
// messages.
package sandbox

import "github.com/atoll-platform/atoll/sdk/go/wire"

// bodyFlags are the flags of DATA that go along with its bytes.
const bodyFlags = wire.Message | wire.Text

// cost is what n bytes of DATA with these flags count in windows. The end of a
// message counts too, so that empty ones are not for nothing.
func cost(n int, flags wire.Flags) int {
	if flags&wire.Message != 0 {
		n += wire.MessageCost
	}
	return n
}

// queue is bytes in order. Its zero value is empty.
type queue struct {
	buf []byte // buf[off:] is unread
	off int
	// runs are the unread bytes cut by their flags. Without any, all of them
	// have none: bodies that are no messages pay nothing for those that are.
	runs  []run
	first int // runs[first:] are unread
	cost  int // of all that is unread
}

// run is bytes with the same flags, of at most one message: size<<2 | flags.
type run uint32

func (r run) size() int         { return int(r >> 2) }
func (r run) flags() wire.Flags { return wire.Flags(r & 3) }

// add appends one DATA.
func (q *queue) add(p []byte, flags wire.Flags) {
	flags &= bodyFlags
	if q.off > 0 {
		q.buf = q.buf[:copy(q.buf, q.buf[q.off:])]
		q.off = 0
	}
	if q.first > 0 {
		q.runs = q.runs[:copy(q.runs, q.runs[q.first:])]
		q.first = 0
	}
	if flags != 0 || len(q.runs) > 0 {
		q.mark(len(p), flags)
	}
	q.buf = append(q.buf, p...)
	q.cost += cost(len(p), flags)
}

// mark notes the flags of n bytes that are about to be added.
func (q *queue) mark(n int, flags wire.Flags) {
	if n == 0 && flags&wire.Message == 0 {
		return
	}
	if len(q.runs) == 0 && len(q.buf) > 0 {
		q.runs = append(q.runs, run(len(q.buf)<<2))
	}
	if last := len(q.runs) - 1; last >= 0 {
		if r := q.runs[last]; r.flags()&wire.Message == 0 && r.flags()&wire.Text == flags&wire.Text {
			q.runs[last] = run((r.size()+n)<<2) | run(flags)
			return
		}
	}
	q.runs = append(q.runs, run(n<<2)|run(flags))
}

// take takes bytes into p and says what they counted: 0 when there is nothing.
// As a frame, they are of one run, and its flags are given; else they are as
// many as there are, and the ends of messages pass unseen.
func (q *queue) take(p []byte, frame bool) (n int, flags wire.Flags, counted int) {
	for {
		size, last := len(q.buf)-q.off, true
		flags = 0
		if q.first < len(q.runs) {
			r := q.runs[q.first]
			size, flags = r.size(), r.flags()
			if last = size <= len(p)-n; last {
				q.first++
			} else {
				q.runs[q.first] = run((size-len(p)+n)<<2) | run(flags)
				flags &^= wire.Message
			}
		}
		some := copy(p[n:], q.buf[q.off:q.off+size])
		n += some
		q.off += some
		counted += cost(some, flags)
		if frame || !last || q.first == len(q.runs) {
			break
		}
	}
	q.cost -= counted
	if q.off == len(q.buf) && q.first == len(q.runs) {
		q.buf, q.off, q.runs, q.first = q.buf[:0], 0, q.runs[:0], 0
	}
	return n, flags, counted
}

// clear throws everything away. A large buffer goes too.
func (q *queue) clear() {
	*q = queue{buf: q.buf[:0]}
	if cap(q.buf) > 2*wire.StreamWindow {
		q.buf = nil
	}
}
