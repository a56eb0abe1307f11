// Children: streams that the guest opened, and the answers that they bring.
package atoll

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// child is a stream that we opened.
type child struct {
	stream
	parent     *served
	prev, next *child // of the parent's children
	head       *http.Response
	ctx        context.Context
	unhook     func() bool // takes it off ctx
}

// join makes the child known to its parent, which throws away at its end what
// nobody has read: who forgets to close a body must not keep the instance's
// window closed. s.mu is held.
func (c *child) join(parent *served) {
	c.parent, c.next = parent, parent.children
	if c.next != nil {
		c.next.prev = c
	}
	parent.children = c
}

// leave undoes join. s.mu is held.
func (c *child) leave() {
	if c.parent == nil {
		return
	}
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		c.parent.children = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.parent, c.prev, c.next = nil, nil, nil
}

// because is what a reader is told: where the context has ended, that says why.
func (c *child) because(err error) error {
	if why := c.ctx.Err(); why != nil {
		return why
	}
	return err
}

// hook lets the end of the stream's context reset it. Where that is its parent's
// own the host does it, and nothing has to be kept for it.
func (c *child) hook() {
	ctx := c.ctx
	if _, own := ctx.(*requestContext); own {
		return
	}
	if own := &servedOf(ctx).ctx; ctx.Done() == own.Done() { // with values of its own, and nothing else
		return
	}
	c.unhook = context.AfterFunc(ctx, func() {
		why, code := ctx.Err(), wire.Cancelled
		if why == context.DeadlineExceeded {
			code = wire.Deadline
		}
		s := c.session
		s.lock()
		defer s.unlock()
		s.giveUp(c, code, why)
	})
}

func (c *child) unhookContext() {
	if c.unhook != nil {
		c.unhook()
	}
}

// giveUp ends a stream of ours that nobody wants any more. s.mu is held.
func (s *session) giveUp(c *child, code wire.Code, why error) {
	if c.gone { // it had ended; what of it is unread is not wanted
		s.die(&c.stream, why)
		return
	}
	s.resetStream(&c.stream, code, "", why)
}

// response is the answer, whose head has come.
func (c *child) response(r *http.Request) *http.Response {
	head := c.head
	head.Request = r
	head.Status = strconv.Itoa(head.StatusCode) + " " + http.StatusText(head.StatusCode)
	head.ContentLength = contentLength(head.Header)
	head.Trailer = declaredTrailer(head.Header)
	head.Body = (*answerBody)(c)
	return head
}

// answerBody is the body of an answer to a request of ours.
type answerBody child

// Read waits for what the other side sends.
func (b *answerBody) Read(p []byte) (int, error) {
	n, ended, err := b.stream.read(p)
	if ended {
		(*child)(b).finish()
		return 0, io.EOF
	}
	if err != nil {
		err = (*child)(b).because(err)
	}
	return n, err
}

// WriteTo lets io.Copy do without a buffer of its own.
func (b *answerBody) WriteTo(w io.Writer) (int64, error) {
	n, ended, err := b.stream.writeTo(w.Write)
	if ended {
		(*child)(b).finish()
	}
	return n, err
}

// Close resets the stream if it has not ended.
func (b *answerBody) Close() error {
	c := (*child)(b)
	c.unhookContext()
	s := c.session
	s.lock()
	defer s.unlock()
	if c.ended && (c.sentEnd || c.spliced) {
		s.drop(&c.stream)
		return nil
	}
	s.resetStream(&c.stream, wire.Cancelled, "", http.ErrBodyReadAfterClose)
	return nil
}

// finish is done when a body has been read to its end.
func (c *child) finish() (trailer http.Header) {
	c.unhookContext()
	s := c.session
	s.lock()
	trailer, c.trailer = c.trailer, nil
	c.leave()
	s.unlock()
	fillTrailer(&c.head.Trailer, trailer)
	return trailer
}
