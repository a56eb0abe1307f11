// Splices: the host forwards the rest of one stream's body into another itself,
// without waking the guest for it.
package atoll

import (
	"io"
	"net/http"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// spliceFrame is the size of a SPLICE.
const spliceFrame = wire.FrameHead + 4

// splice is the wish that from be forwarded into to. It waits in session.splices
// until a poll ends: then it is certain which bytes of from the host has handed
// over, and that they leave before it.
type splice struct {
	to, from *stream
	waits    bool
}

// look lets who waits for a splice look. The session's mu is held.
func (sp *splice) look() {
	if sp != nil {
		notify(sp.from.ready)
	}
}

// appendSplices says the splices of which nothing is left to copy, where they
// leave with this poll. s.mu is held.
func (s *session) appendSplices() {
	later := s.splices[:0]
	for _, sp := range s.splices {
		to, from := sp.to, sp.from
		switch {
		case from.readable() || from.ended || from.discard || from.err != nil || to.writable() != nil:
			sp.waits = false // who waits for it has been woken and sees to it
		case s.crowded || len(s.out)+spliceFrame > wire.MaxBatch-wakeFrame:
			later = append(later, sp)
		default:
			s.out = wire.AppendSplice(s.out, to.id, from.id)
			from.into, to.spliced, sp.waits = to, true, false
		}
	}
	clear(s.splices[len(later):])
	s.splices = later
}

// readable tells whether received bytes or messages wait. s.mu is held.
func (st *stream) readable() bool { return int(st.off) < len(st.buf) || st.messages.wait() }

// forward sends what from brings into to: what has come is copied, the rest is
// spliced. It returns when from has ended; then to has been ended by the host,
// unless from ended before it was spliced.
func forward(to, from *stream) error {
	s := to.session
	sp := &splice{to: to, from: from}
	for {
		s.lock()
		if to.err == nil && from.into == nil && from.readable() {
			if err := from.copyInto(to); err != nil {
				return err
			}
			continue
		}
		var err error
		switch {
		case from.into == to && from.ended: // and may have been reset since, with the request that it was for
			s.unlock()
			return nil
		case from.err != nil:
			err = from.err
		case to.stopped:
			err = errStopped
		case from.ended:
			s.unlock()
			return nil
		case from.into == to && to.err != nil:
			err = to.err
		case from.into == to: // only the end is left to hear of
		case from.discard:
			err = http.ErrBodyReadAfterClose
		case from.into != nil:
			err = errEnded
		default:
			err = to.writable()
		}
		if err != nil {
			s.unlock()
			return err
		}
		if from.into == nil && !sp.waits {
			sp.waits, to.splice = true, sp
			s.splices = append(s.splices, sp)
		}
		ready := wait(&from.ready)
		s.unlock()
		<-ready
	}
}

// copyInto copies what has come, with the ends of messages. s.mu is held, and
// released.
func (st *stream) copyInto(to *stream) error {
	if st.messages == nil {
		_, err := st.hand(to.write)
		return err
	}
	p := make([]byte, st.messages.parts[0].size)
	n, text, ends := st.takePart(p)
	st.session.unlock()
	_, err := to.send(p[:n], messageFlags(text, ends))
	return err
}

// Forward sends the rest of an answer's body to the client of the request that w
// answers, and its trailers. The bytes pass through the host alone: the guest is
// not woken, however long it takes, so it is the way to follow a log or to hand
// out a large file. Head and body that the handler has written come first. It
// returns when the body has ended, or with the error that broke it off; whoever
// got the answer closes its body as ever. Nothing may be written after it.
//
// Where w or the body belongs to something else, the body is copied.
func Forward(w http.ResponseWriter, resp *http.Response) error {
	to, body := responseOf(w), (*answerBody)(nil)
	if b, ok := resp.Body.(*answerBody); ok && to != nil && to.served.session == b.session {
		body = b
	}
	if body == nil {
		_, err := io.Copy(w, resp.Body)
		return err
	}
	if !to.wrote {
		to.WriteHeader(http.StatusOK)
	}
	if to.bare {
		return nil
	}
	c := (*child)(body)
	if err := forward(&to.served.stream, &c.stream); err != nil {
		return c.because(err)
	}
	for name, values := range c.finish() {
		to.header[http.TrailerPrefix+name] = values // of no use where the host has sent them
	}
	return nil
}

// responseOf finds the response behind a handler's wrappers.
func responseOf(w http.ResponseWriter) *response {
	for {
		switch v := w.(type) {
		case *response:
			return v
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return nil
		}
	}
}
