// How the core and the sandbox's process speak.
//
// Both are the same program; greeting.Version catches a mistake. The core asks
// and the process answers, one at a time on each of as many connections as there
// are questions in flight. All numbers are little-endian. Both ways a message is
// a head of 16 bytes and a body:
//
//	kind   u8    what is asked; an answer repeats it
//	class  u8    of an answer: how it failed (classes); 0: it did not.
//	             Of a turn's question: 1 when the guest keeps its buffer; of
//	             a start's: 1 when the machine is apart.
//	zero   u16
//	size   u32   of the body, in bytes
//	id     u64   of the code or the machine; in a turn's answer its memory in bytes
//
// Bodies:
//
//	          asked                                       answered
//	hello     settings, JSON                              greeting, JSON
//	ping      -                                           -
//	prepare   the module                                  report, JSON
//	load      the module                                  report, JSON; id: the code
//	unload    -                                           -
//	start     id: the code; memory, seed, now, wall,      cpu, units, memory u64;
//	          cpu, size of tenant u32, tenant, extension  id: the machine
//	turn      id: the machine; now, wall, cpu, batch      wake, cpu, units, unsaid u32,
//	                                                      size of said u32, said, frames
//	kill      id: the machine                             -
//	close     id: the machine                             -
//
// Times are nanoseconds in 64 bits: now and wake since a moment of the core's
// monotonic clock (wake: noWake for none), wall since 1970, cpu a duration. An
// answer whose class is not 0 has the error's text as its body; that of a turn
// has it where frames would be, that of a start where memory would be, and those
// of prepare and load in the report.
//
// What the process answers is hostile: whoever breaks out of a guest speaks
// here. Every size is held against a limit before it is used, and an answer that
// is not one ends the process.
package machine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

const protocolVersion = 1

// question is what a message is about.
type question uint8

const (
	askHello question = iota + 1
	askPing
	askPrepare
	askLoad
	askUnload
	askStart
	askTurn
	askKill
	askClose
)

const (
	headSize  = 16
	askedSize = 24 // of a turn, before the batch
	toldSize  = 32 // of a turn's answer, before what was said
	startSize = 8 + 32 + 24 + 4
	usageSize = 16       // in the answers of turns and starts
	maxText   = 64 << 10 // of an error, settings, a greeting
	maxBatch  = 16 << 20
	noWake    = math.MinInt64
	flagKeep  = 1
	flagApart = 1
)

// head begins every message.
type head struct {
	kind  question
	class uint8
	size  uint32
	id    uint64
}

// errProtocol is wrapped by everything that is wrong with a message.
var errProtocol = errors.New("the sandbox's process and the core do not understand each other")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errProtocol, fmt.Sprintf(format, args...))
}

func appendHead(b []byte, h head) []byte {
	b = append(b, byte(h.kind), h.class, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, h.size)
	return binary.LittleEndian.AppendUint64(b, h.id)
}

// readHead reads a head of headSize bytes.
func readHead(b []byte) (head, error) {
	h := head{kind: question(b[0]), class: b[1], size: binary.LittleEndian.Uint32(b[4:]), id: binary.LittleEndian.Uint64(b[8:])}
	if b[2] != 0 || b[3] != 0 {
		return h, malformed("a head that is none")
	}
	return h, nil
}

// settings are what the process is told first.
type settings struct {
	Version int
	Options
}

// greeting is what it says of itself.
type greeting struct {
	Version     int
	Interpreted bool
	// Lacking are the parts of its wall that this system does not have.
	Lacking []string
}

// judgement is the body of prepare's and load's answers.
type judgement struct {
	Report Report
	Error  string
}

// moment is a time as it crosses: of the monotonic clock and of the wall.
type moment struct{ now, wall int64 }

// clock turns times into moments and back. Each process has one; the core's zero
// is the process's zero.
type clock struct{ zero time.Time }

func (c clock) moment(t time.Time) moment { return moment{int64(t.Sub(c.zero)), t.UnixNano()} }

func (c clock) time(now int64) time.Time { return c.zero.Add(time.Duration(now)) }

func (c clock) wake(t time.Time) int64 {
	if t.IsZero() {
		return noWake
	}
	return max(noWake+1, int64(t.Sub(c.zero)))
}

func appendTimes(b []byte, m moment, cpu time.Duration) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(m.now))
	b = binary.LittleEndian.AppendUint64(b, uint64(m.wall))
	return binary.LittleEndian.AppendUint64(b, uint64(cpu))
}

func readTimes(b []byte) (moment, time.Duration) {
	return moment{int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))}, time.Duration(binary.LittleEndian.Uint64(b[16:]))
}

// appendTurn appends a turn's question up to its batch, which follows.
func (c clock) appendTurn(b []byte, id uint64, t *Turn) []byte {
	h := head{kind: askTurn, size: uint32(askedSize + len(t.Batch)), id: id}
	if t.Keep {
		h.class = flagKeep
	}
	return appendTimes(appendHead(b, h), c.moment(t.Now), t.CPU)
}

// readTurn reads a turn's question into t. Batch is a view of the body.
func (c clock) readTurn(h head, body []byte, t *Turn) error {
	if len(body) < askedSize || h.class > flagKeep {
		return malformed("a turn's question of %d bytes", len(body))
	}
	m, cpu := readTimes(body)
	t.Now, t.wall, t.CPU, t.Keep, t.Batch = c.time(m.now), m.wall, cpu, h.class == flagKeep, body[askedSize:]
	return nil
}

// appendTold appends a turn's answer up to its frames, or to the error's text.
func (c clock) appendTold(b []byte, t *Turn, class uint8, memory uint64, rest int) []byte {
	b = appendHead(b, head{kind: askTurn, class: class, size: uint32(toldSize + len(t.Said) + rest), id: memory})
	b = binary.LittleEndian.AppendUint64(b, uint64(c.wake(t.Wake)))
	b = appendUsage(b, t.Used)
	b = binary.LittleEndian.AppendUint32(b, uint32(min(t.Unsaid, math.MaxInt32)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(t.Said)))
	return append(b, t.Said...)
}

// readTold reads a turn's answer into t; Frames and Said are views of the body.
// failed is the guest's error, err the process's.
func (c clock) readTold(h head, body []byte, t *Turn) (failed, err error) {
	if len(body) < toldSize {
		return nil, malformed("a turn's answer of %d bytes", len(body))
	}
	wake, said := int64(binary.LittleEndian.Uint64(body)), binary.LittleEndian.Uint32(body[28:])
	rest := body[toldSize:]
	used := readUsage(body[8:])
	unsaid := binary.LittleEndian.Uint32(body[24:])
	if said > maxSaid || int(said) > len(rest) || used.CPU < 0 || unsaid > math.MaxInt32 {
		return nil, malformed("a turn's answer whose numbers cannot be")
	}
	t.Said, t.Unsaid, t.Used = rest[:said:said], int(unsaid), used
	if t.Wake = (time.Time{}); wake != noWake {
		t.Wake = c.time(wake)
	}
	if t.Frames = rest[said:]; h.class != 0 {
		failed, err = readError(h.class, t.Frames)
		t.Frames = nil
	}
	return failed, err
}

func appendUsage(b []byte, u Usage) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, uint64(u.CPU)), u.Units)
}

// readUsage reads a usage of usageSize bytes. Its time may be less than nothing,
// which is a lie.
func readUsage(b []byte) Usage {
	return Usage{CPU: time.Duration(binary.LittleEndian.Uint64(b)), Units: binary.LittleEndian.Uint64(b[8:])}
}

// appendStart appends the question that makes a machine of a code.
func (c clock) appendStart(b []byte, id uint64, s Start) []byte {
	h := head{kind: askStart, size: uint32(startSize + len(s.Tenant) + len(s.Extension)), id: id}
	if s.Apart {
		h.class = flagApart
	}
	b = appendHead(b, h)
	b = binary.LittleEndian.AppendUint64(b, s.Memory)
	b = append(b, s.Seed[:]...)
	b = appendTimes(b, c.moment(s.Now), s.CPU)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s.Tenant)))
	return append(append(b, s.Tenant...), s.Extension...)
}

// readStart reads that question.
func (c clock) readStart(h head, body []byte) (s Start, err error) {
	if s.Apart = h.class == flagApart; len(body) < startSize || h.class > flagApart {
		return s, malformed("a start's question of %d bytes", len(body))
	}
	s.Memory = binary.LittleEndian.Uint64(body)
	copy(s.Seed[:], body[8:])
	m, cpu := readTimes(body[40:])
	s.Now, s.wall, s.CPU = c.time(m.now), m.wall, cpu
	tenant, names := binary.LittleEndian.Uint32(body[64:]), string(body[startSize:])
	if int64(tenant) > int64(len(names)) {
		return s, malformed("a start's question with a tenant of %d bytes", tenant)
	}
	s.Tenant, s.Extension = names[:tenant], names[tenant:]
	return s, nil
}

// classes are the errors that keep their identity when they cross: by the
// class of an answer. Class 1 is any other: what a guest trapped with.
var classes = [...]error{2: ErrModule, 3: ErrStart, 4: ErrStopped, 5: ErrMemory, 6: ErrStack}

const classOther = 1

// classOf gives the class of an error and its text, cut to maxText.
func classOf(err error) (class uint8, text string) {
	if err == nil {
		return 0, ""
	}
	class, text = classOther, err.Error()
	for n, of := range classes {
		if of != nil && errors.Is(err, of) {
			class = uint8(n)
			break
		}
	}
	return class, text[:min(len(text), maxText)]
}

// readError makes the error of an answer: failed. err is an answer that is none.
func readError(class uint8, text []byte) (failed, err error) {
	switch {
	case len(text) > maxText || int(class) >= len(classes):
		return nil, malformed("an error of class %d and %d bytes", class, len(text))
	case class == 0:
		return nil, nil
	case class == classOther:
		return errors.New(string(text)), nil
	}
	of := classes[class]
	if string(text) == of.Error() {
		return of, nil
	}
	return &crossed{of, string(text)}, nil
}

// crossed is an error that has come out of the process.
type crossed struct {
	of   error
	text string
}

func (e *crossed) Error() string { return e.text }
func (e *crossed) Unwrap() error { return e.of }
