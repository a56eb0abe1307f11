// Bodies that a test drives: what a host's user and doors send, and what they
// read.
package kit

import (
	"io"
	"sync"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Close is how a websocket is closed.
type Close struct {
	Code int // 0: none is said
	Text string
}

// Broken is read of a Source that the kit breaks off: the host resets the
// stream with its code.
type Broken struct{ Code wire.Code }

// Error says the code.
func (b *Broken) Error() string { return "the body breaks off: " + b.Code.String() }

// Source is a body that the kit gives to the host piece by piece. It is an
// io.ReadCloser, and reads frames.
type Source struct {
	mu     sync.Mutex
	more   *sync.Cond
	chunks []chunk
	ended  bool
	broken error
	closed bool // by the host: nobody wants more
	close  *Close
	fields []wire.Header
}

func newSource() *Source {
	s := &Source{}
	s.more = sync.NewCond(&s.mu)
	return s
}

// ReadFrame reads up to len(p) bytes of one message; flags stand with its last.
// At the end it gives io.EOF.
func (s *Source) ReadFrame(p []byte) (n int, flags wire.Flags, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.chunks) == 0 && !s.ended && s.broken == nil && !s.closed {
		s.more.Wait()
	}
	switch {
	case len(s.chunks) > 0 && !s.closed:
	case s.broken != nil:
		return 0, 0, s.broken
	case s.closed:
		return 0, 0, io.ErrClosedPipe
	default:
		return 0, 0, io.EOF
	}
	c := &s.chunks[0]
	n = copy(p, c.data)
	flags = c.flags
	if c.data = c.data[n:]; len(c.data) == 0 {
		s.chunks = s.chunks[1:]
	} else {
		flags &^= wire.Message
	}
	return n, flags, nil
}

// Read implements io.Reader.
func (s *Source) Read(p []byte) (int, error) {
	n, _, err := s.ReadFrame(p)
	return n, err
}

// Close is called by the host when nobody wants more.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.more.Broadcast()
	return nil
}

// Trailer gives the trailers, once the body has ended.
func (s *Source) Trailer() []wire.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fields
}

// Closing gives the close of a websocket, once the body has ended; nil: none.
func (s *Source) Closing() *Close {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.close
}

func (s *Source) push(p []byte, flags wire.Flags) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chunks = append(s.chunks, chunk{append([]byte(nil), p...), flags})
	s.more.Broadcast()
}

func (s *Source) end(c *Close, trailer ...wire.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.close, s.fields = true, c, trailer
	s.more.Broadcast()
}

func (s *Source) breakOff(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
	s.more.Broadcast()
}

// Sink is where the host puts what a reader of a body is told.
type Sink struct {
	mu   sync.Mutex
	more *sync.Cond

	// What has come.
	status   int
	header   []wire.Header
	body     []byte
	messages []message
	partial  *message
	ended    bool
	close    *Close
	trailer  []wire.Header
	reset    wire.Code
	text     string
	lost     error

	wants int  // so many more bytes are wanted
	left  bool // nobody reads any more
	gone  chan struct{}
}

func newSink(wants int) *Sink {
	s := &Sink{wants: wants, gone: make(chan struct{})}
	s.more = sync.NewCond(&s.mu)
	return s
}

// everything is more than any body has.
const everything = 1 << 40

// Want gives how many bytes the reader takes next, at most most; it waits until
// there are some. 0: the reader has left.
func (s *Sink) Want(most int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.wants <= 0 && !s.left {
		s.more.Wait()
	}
	if s.left {
		return 0
	}
	return min(most, s.wants)
}

func (s *Sink) read(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wants += n
	s.more.Broadcast()
}

func (s *Sink) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.left {
		s.left = true
		close(s.gone)
	}
	s.more.Broadcast()
}

// Left is closed when the reader leaves: the adapter closes the body.
func (s *Sink) Left() <-chan struct{} { return s.gone }

// Head takes the head of an answer.
func (s *Sink) Head(status int, header []wire.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.header = status, header
}

// Data takes bytes of a body, with the flags that came with them.
func (s *Sink) Data(p []byte, flags wire.Flags) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wants -= len(p)
	s.body = append(s.body, p...)
	if s.partial == nil {
		s.partial = &message{text: flags&wire.Text != 0}
	}
	s.partial.data = append(s.partial.data, p...)
	if flags&wire.Message != 0 {
		s.messages = append(s.messages, *s.partial)
		s.partial = nil
	}
}

// End takes the regular end; close is nil where none was said.
func (s *Sink) End(trailer []wire.Header, close *Close) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.trailer, s.close = true, trailer, close
}

// Reset takes a RESET.
func (s *Sink) Reset(code wire.Code, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reset, s.text = code, text
}

// Lost takes any other end.
func (s *Sink) Lost(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = err
}
