//go:build unix

// A line: one connection between the core and the sandbox's process, for one
// question at a time.
//
// A few of them are direct: their reader sits in the system call until something
// comes, which halves what a turn costs, and takes a thread (and for a moment a
// processor) as a running guest would. All others go through Go's poller, and
// cost nothing while they wait.
package machine

import (
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
)

// Rooms of a line's buffers, in bytes.
const (
	lineRoom  = 4 << 10  // as they begin
	lineKeeps = 64 << 10 // what is larger goes when it is not needed
	lineCopy  = 16 << 10 // what is smaller is copied, to be written in one go
)

// What goes through a process's door: first the view of its memory, then lines.
const (
	memoryView = 'm' // without a descriptor where there is none
	directLine = 'd'
	polledLine = 'p'
)

type line struct {
	fd   int           // of a direct line
	conn *net.UnixConn // of any other
	out  []byte        // what is written next

	owner any // of the question in flight; nil: nobody's

	// For those who watch over a process.
	asked atomic.Uint64 // odd: a question is in flight
	limit atomic.Int64  // the time that it may take by itself, in nanoseconds
}

// pair makes the two ends of a line; the other one is for another process.
func pair() (ours, theirs int, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return 0, 0, os.NewSyscallError("socketpair", err)
	}
	syscall.CloseOnExec(fds[0])
	syscall.CloseOnExec(fds[1])
	return fds[0], fds[1], nil
}

// newLine takes a descriptor over.
func newLine(fd int, direct bool) (*line, error) {
	if direct {
		if err := syscall.SetNonblock(fd, false); err != nil {
			_ = syscall.Close(fd)
			return nil, os.NewSyscallError("fcntl", err)
		}
		return &line{fd: fd}, nil
	}
	conn, err := polled(fd)
	if err != nil {
		return nil, err
	}
	return &line{conn: conn}, nil
}

// polled gives a descriptor to Go's poller.
func polled(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "sandbox")
	defer f.Close() // FileConn has its own
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

func (l *line) direct() bool { return l.conn == nil }

func (l *line) read(b []byte) (int, error) {
	if l.conn != nil {
		return l.conn.Read(b)
	}
	for {
		n, err := syscall.Read(l.fd, b)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func (l *line) write(b []byte) error {
	if l.conn != nil {
		_, err := l.conn.Write(b)
		return err
	}
	for len(b) > 0 {
		n, err := syscall.Write(l.fd, b)
		if err != nil && err != syscall.EINTR {
			return os.NewSyscallError("write", err)
		}
		b = b[max(n, 0):]
	}
	return nil
}

// send writes what lies in out, then more.
func (l *line) send(more []byte) error {
	if len(more) <= lineCopy {
		l.out, more = append(l.out, more...), nil
	}
	err := l.write(l.out)
	if err == nil && len(more) > 0 {
		err = l.write(more)
	}
	if l.out = l.out[:0]; cap(l.out) > lineKeeps {
		l.out = nil
	}
	return err
}

// receive reads one message into buf, or into a larger one that it gives back. A
// body of more than most bytes is malformed, and so is a second message.
func (l *line) receive(buf []byte, most int) (h head, body, _ []byte, err error) {
	if buf = buf[:cap(buf)]; len(buf) < headSize {
		buf = make([]byte, lineRoom)
	}
	total := headSize
	for n := 0; n < total; {
		k, err := l.read(buf[n:])
		if err != nil {
			if err == io.EOF && n > 0 {
				err = io.ErrUnexpectedEOF
			}
			return h, nil, buf, err
		}
		if n += k; n >= headSize && n-k < headSize {
			if h, err = readHead(buf); err != nil {
				return h, nil, buf, err
			}
			if int64(h.size) > int64(most) {
				return h, nil, buf, malformed("a message of %d bytes where %d may come", h.size, most)
			}
			if total += int(h.size); total > len(buf) {
				larger := make([]byte, total)
				copy(larger, buf[:n])
				buf = larger
			}
		}
		if n > total {
			return h, nil, buf, malformed("%d bytes after the end of a message", n-total)
		}
	}
	return h, buf[headSize:total:total], buf, nil
}

// fit gives a buffer that is not much larger than what it was last needed for.
func fit(buf []byte, used int) []byte {
	if cap(buf) > lineKeeps && used < cap(buf)/8 {
		return nil
	}
	return buf
}

// shut ends the line from anywhere; who reads or writes hears of it.
func (l *line) shut() {
	if l.conn != nil {
		_ = l.conn.Close()
	} else {
		_ = syscall.Shutdown(l.fd, syscall.SHUT_RDWR)
	}
}

// close frees the descriptor. Nobody uses the line any more.
func (l *line) close() {
	if l.conn != nil {
		_ = l.conn.Close()
	} else {
		_ = syscall.Close(l.fd)
	}
}
