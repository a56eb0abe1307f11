//go:build unix

// The sandbox's process: it makes machines in a room of its own and serves them
// to the core, on the lines that come through its door.
package machine

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const (
	processWork = "sandbox"
	doorFD      = 3 // where a child finds its door
)

func init() { children[processWork] = serveProcess }

// serveProcess is the process's main function.
func serveProcess() int {
	// Who stops a whole control group stops the core first, which lets its
	// requests end; this process ends when its door is closed.
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	door, lacking, err := enter()
	if err == nil {
		err = serve(door, lacking, func(o Options) (Room, error) {
			o.Logger = logger
			return NewLocal(context.Background(), o)
		})
	}
	if err != nil {
		logger.Error("the sandbox's process gives up", slog.Any("error", err))
		return 1
	}
	return 0
}

// enter takes the process's door and what comes through it first, and puts up the
// process's own part of the wall. The core can look into it until then, and no longer.
func enter() (door *net.UnixConn, lacking []string, err error) {
	if door, err = polled(doorFD); err != nil {
		return nil, nil, err
	}
	fd, _, err := throughDoor(door)
	if err != nil {
		return nil, nil, err
	}
	if fd >= 0 {
		givenPagemap = os.NewFile(uintptr(fd), "pagemap")
	}
	return door, hardenSelf(), nil
}

// server is what the process serves.
type server struct {
	clock  clock
	room   Room
	frames int // the most that a turn's answer may have
	asked  int // the largest question

	mu       sync.RWMutex
	last     uint64 // the last id
	codes    map[uint64]Code
	machines map[uint64]*servedMachine
}

// servedMachine is a machine that may be killed until it is closed.
type servedMachine struct {
	Machine
	mu     sync.Mutex
	closed bool
}

// serve answers until the door is closed. The first line brings the settings.
func serve(door *net.UnixConn, lacking []string, open func(Options) (Room, error)) error {
	defer door.Close()
	s := &server{clock: clock{time.Now()}, codes: map[uint64]Code{}, machines: map[uint64]*servedMachine{}}
	broken := make(chan error, 1) // what a line ended with that must not happen
	for n := 0; ; n++ {
		l, err := lineThroughDoor(door)
		switch {
		case err != nil && len(broken) > 0:
			return <-broken
		case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET):
			return nil // the core is gone
		case err != nil:
			return fmt.Errorf("taking a line: %w", err)
		case n == 0:
			if err := s.greet(l, lacking, open); err != nil {
				return err
			}
		}
		go func() {
			defer l.close()
			if err := s.line(l); errors.Is(err, errProtocol) {
				select {
				case broken <- err:
				default:
				}
				_ = door.Close()
			}
		}()
	}
}

// lineThroughDoor takes the next line: a byte that says whether it is direct, and
// its descriptor.
func lineThroughDoor(door *net.UnixConn) (*line, error) {
	fd, what, err := throughDoor(door)
	if err != nil {
		return nil, err
	}
	if fd < 0 {
		return nil, malformed("a line without a descriptor")
	}
	return newLine(fd, what == directLine)
}

// throughDoor takes what comes next, and its descriptor; -1: it has none.
func throughDoor(door *net.UnixConn) (fd int, what byte, err error) {
	var b [1]byte
	oob := make([]byte, syscall.CmsgSpace(4))
	n, noob, _, _, err := door.ReadMsgUnix(b[:], oob)
	if err != nil || n == 0 {
		return -1, 0, errors.Join(err, io.EOF)
	}
	messages, err := syscall.ParseSocketControlMessage(oob[:noob])
	if err != nil || len(messages) > 1 {
		return -1, 0, malformed("%d control messages at the door (%v)", len(messages), err)
	}
	if len(messages) == 0 {
		return -1, b[0], nil
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1, 0, malformed("%d descriptors at the door (%v)", len(fds), err)
	}
	syscall.CloseOnExec(fds[0])
	return fds[0], b[0], nil
}

// greet makes the room as the first question says.
func (s *server) greet(l *line, lacking []string, open func(Options) (Room, error)) error {
	h, body, _, err := l.receive(nil, maxText)
	if err != nil {
		return fmt.Errorf("reading the settings: %w", err)
	}
	var o settings
	if err := json.Unmarshal(body, &o); err != nil || h.kind != askHello || o.Version != protocolVersion {
		return malformed("settings of version %d (%v)", o.Version, err)
	}
	g, class, text := greeting{Version: protocolVersion, Lacking: lacking}, uint8(0), ""
	s.room, err = open(o.Options)
	if err != nil {
		class, text = classOf(err)
		return errors.Join(err, s.answer(l, head{kind: askHello, class: class}, []byte(text)))
	}
	s.frames, s.asked = o.MaxFrames, max(o.MaxModule, maxBatch)+maxText
	g.Interpreted = s.room.Interpreted()
	return s.answerJSON(l, head{kind: askHello}, g)
}

func (s *server) answer(l *line, h head, body []byte) error {
	h.size = uint32(len(body))
	l.out = appendHead(l.out[:0], h)
	return l.send(body)
}

func (s *server) answerJSON(l *line, h head, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.answer(l, h, body)
}

// line answers one line's questions until it ends.
func (s *server) line(l *line) error {
	var buf []byte
	var t Turn
	for {
		h, body, next, err := l.receive(buf, s.asked)
		if err != nil {
			return err
		}
		if h.kind == askTurn {
			err = s.turn(l, h, body, &t)
		} else {
			err = s.other(l, h, body)
		}
		if err != nil {
			return err
		}
		buf = fit(next, headSize+len(body))
	}
}

// turn is the path that must be short.
func (s *server) turn(l *line, h head, body []byte, t *Turn) error {
	m, err := s.machine(h.id)
	if err != nil {
		return err
	}
	*t = Turn{}
	if err := s.clock.readTurn(h, body, t); err != nil {
		return err
	}
	class, text := classOf(m.Turn(t))
	rest := t.Frames
	if class != 0 {
		rest = []byte(text)
	} else if len(rest) > s.frames {
		rest = rest[:s.frames+1]
	}
	l.out = s.clock.appendTold(l.out[:0], t, class, m.Memory(), len(rest))
	return l.send(rest)
}

func (s *server) machine(id uint64) (*servedMachine, error) {
	s.mu.RLock()
	m := s.machines[id]
	s.mu.RUnlock()
	if m == nil {
		return nil, malformed("there is no machine %d", id)
	}
	return m, nil
}

// other answers whatever is no turn.
func (s *server) other(l *line, h head, body []byte) error {
	switch h.kind {
	case askPing:
		return s.answer(l, head{kind: askPing}, nil)
	case askPrepare:
		report, err := s.room.Prepare(context.Background(), body)
		return s.judged(l, h, 0, report, err)
	case askLoad:
		return s.load(l, h, body)
	case askUnload:
		s.mu.Lock()
		code := s.codes[h.id]
		delete(s.codes, h.id)
		s.mu.Unlock()
		if code != nil {
			code.Close()
		}
		return s.answer(l, head{kind: askUnload}, nil)
	case askStart:
		return s.start(l, h, body)
	case askKill:
		if m, err := s.machine(h.id); err == nil { // else it was closed meanwhile
			m.kill()
		}
		return s.answer(l, head{kind: askKill}, nil)
	case askClose:
		return s.close(l, h)
	}
	return malformed("a question of kind %d", h.kind)
}

// load gives a code an id.
func (s *server) load(l *line, h head, wasm []byte) error {
	code, report, err := s.room.Load(context.Background(), wasm)
	if err != nil {
		return s.judged(l, h, 0, report, err)
	}
	s.mu.Lock()
	s.last++
	id := s.last
	s.codes[id] = code
	s.mu.Unlock()
	return s.judged(l, h, id, report, nil)
}

func (s *server) judged(l *line, h head, id uint64, report Report, err error) error {
	class, text := classOf(err)
	return s.answerJSON(l, head{kind: h.kind, class: class, id: id}, judgement{Report: report, Error: text})
}

// start gives a machine an id.
func (s *server) start(l *line, h head, body []byte) error {
	s.mu.RLock()
	code := s.codes[h.id]
	s.mu.RUnlock()
	if code == nil {
		return malformed("there is no code %d", h.id)
	}
	begin, err := s.clock.readStart(h, body)
	if err != nil {
		return err
	}
	var used Usage
	begin.Used = &used
	run, err := code.Start(context.Background(), begin)
	if err != nil {
		class, text := classOf(err)
		return s.answer(l, head{kind: askStart, class: class}, append(appendUsage(nil, used), text...))
	}
	m := &servedMachine{Machine: run}
	s.mu.Lock()
	s.last++
	id := s.last
	s.machines[id] = m
	s.mu.Unlock()
	return s.answer(l, head{kind: askStart, id: id}, binary.LittleEndian.AppendUint64(appendUsage(nil, used), run.Memory()))
}

func (s *server) close(l *line, h head) error {
	s.mu.Lock()
	m := s.machines[h.id]
	delete(s.machines, h.id)
	s.mu.Unlock()
	if m == nil {
		return malformed("there is no machine %d", h.id)
	}
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.Close()
	return s.answer(l, head{kind: askClose}, nil)
}

func (m *servedMachine) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.Kill()
	}
}
