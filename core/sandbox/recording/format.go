// The format of a recording, version 1:
//
//	"atollrec" version
//	kind length payload        a record; kind is a byte, length a varint
//	...
//	the CRC-32 (IEEE) of all before it, 4 bytes, little endian
//
// Records are one `start`, the turns in their order, and one `end`. Their payload
// is a fixed list of values: numbers are varints (signed ones zigzag), times
// nanoseconds, texts and bytes a length and as many bytes.
package recording

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"
)

const (
	magic   = "atollrec"
	version = 1

	recordStart = 'S'
	recordTurn  = 'T'
	recordEnd   = 'E'

	// maxRecord is more than a turn's batches, text and log together.
	maxRecord = 4 << 20
	// maxRecording is the most that is read, in bytes.
	maxRecording = 1 << 30
)

// ErrFormat is wrapped when bytes are no recording that this version reads.
var ErrFormat = errors.New("not a recording")

// Write writes a recording.
func (r *Recording) Write(w io.Writer) error {
	sum := crc32.NewIEEE()
	out := bufio.NewWriter(io.MultiWriter(w, sum))
	out.WriteString(magic)
	out.WriteByte(version)
	write := func(kind byte, payload encoder) {
		out.WriteByte(kind)
		out.Write(binary.AppendUvarint(nil, uint64(len(payload))))
		out.Write(payload)
	}
	write(recordStart, r.encodeStart())
	for n := range r.Turns {
		write(recordTurn, r.Turns[n].encode())
	}
	var end encoder
	end.text(r.Ended)
	end.int(int64(r.Used.CPU))
	end.uint(r.Used.Units)
	write(recordEnd, end)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the recording: %w", err)
	}
	if _, err := w.Write(binary.LittleEndian.AppendUint32(nil, sum.Sum32())); err != nil {
		return fmt.Errorf("writing the recording: %w", err)
	}
	return nil
}

// Read reads a recording, of at most a gigabyte. An error wraps ErrFormat, or is
// in's.
func Read(in io.Reader) (*Recording, error) {
	sum := crc32.NewIEEE()
	// The sum stands behind what it is of, so the reader must not run ahead.
	src := &summed{in: bufio.NewReader(io.LimitReader(in, maxRecording)), sum: sum}
	head := make([]byte, len(magic)+1)
	if _, err := io.ReadFull(src, head); err != nil {
		return nil, cutShort(err)
	}
	if string(head[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: it does not begin with %q", ErrFormat, magic)
	}
	if head[len(magic)] != version {
		return nil, fmt.Errorf("%w of version %d: it is of version %d", ErrFormat, version, head[len(magic)])
	}
	r := &Recording{}
	for n := 0; ; n++ {
		kind, d, err := readRecord(src)
		if err != nil {
			return nil, err
		}
		switch {
		case (n == 0) != (kind == recordStart):
			return nil, fmt.Errorf("%w: record %d is of kind %q", ErrFormat, n, kind)
		case kind == recordStart:
			r.decodeStart(d)
		case kind == recordTurn:
			r.Turns = append(r.Turns, decodeTurn(d))
		case kind == recordEnd:
			r.Ended, r.Used.CPU, r.Used.Units = d.text(), time.Duration(d.int()), d.uint()
		default:
			return nil, fmt.Errorf("%w: record %d is of kind %q", ErrFormat, n, kind)
		}
		if d.broken || len(d.b) > 0 {
			return nil, fmt.Errorf("%w: record %d is broken", ErrFormat, n)
		}
		if kind == recordEnd {
			break
		}
	}
	want := sum.Sum32()
	var got [4]byte
	if _, err := io.ReadFull(src, got[:]); err != nil {
		return nil, cutShort(err)
	}
	if binary.LittleEndian.Uint32(got[:]) != want {
		return nil, fmt.Errorf("%w: its sum does not match, it was changed or damaged", ErrFormat)
	}
	return r, nil
}

// cutShort says that the end came too early.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut short", ErrFormat)
	}
	return fmt.Errorf("reading the recording: %w", err)
}

// readRecord reads a record. Its payload grows with what comes, not with what it
// says it is.
func readRecord(src *summed) (byte, *decoder, error) {
	kind, err := src.ReadByte()
	if err != nil {
		return 0, nil, cutShort(err)
	}
	n, err := binary.ReadUvarint(src)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) || n > maxRecord {
		return 0, nil, fmt.Errorf("%w: a record of more than %d bytes", ErrFormat, maxRecord)
	} else if err != nil {
		return 0, nil, cutShort(err)
	}
	var payload bytes.Buffer
	if _, err := io.CopyN(&payload, src, int64(n)); err != nil {
		return 0, nil, cutShort(err)
	}
	return kind, &decoder{b: payload.Bytes()}, nil
}

// summed is a reader that adds up what was read.
type summed struct {
	in  *bufio.Reader
	sum io.Writer
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	_, _ = s.sum.Write(p[:n])
	return n, err
}

func (s *summed) ReadByte() (byte, error) {
	b, err := s.in.ReadByte()
	if err == nil {
		_, _ = s.sum.Write([]byte{b})
	}
	return b, err
}

func (r *Recording) encodeStart() (e encoder) {
	e.text(r.Extension)
	e.text(r.Version)
	e.text(r.Digest)
	e.uint(r.Start.Memory)
	e.bytes(r.Start.Seed[:])
	e.int(r.Start.Now.UnixNano())
	e.int(int64(r.Start.CPU))
	return e
}

func (r *Recording) decodeStart(d *decoder) {
	r.Extension, r.Version, r.Digest = d.text(), d.text(), d.text()
	r.Start.Memory = d.uint()
	seed := d.bytes()
	d.broken = d.broken || copy(r.Start.Seed[:], seed) != len(r.Start.Seed) || len(seed) != len(r.Start.Seed)
	r.Start.Now = time.Unix(0, d.int()).UTC()
	r.Start.CPU, r.Start.Apart = time.Duration(d.int()), true
}

func (t *Turn) encode() (e encoder) {
	e.int(int64(t.Now))
	e.bytes(t.Batch)
	e.bool(t.Keep)
	e.int(int64(t.CPU))
	e.bytes(t.Frames)
	e.uint(uint64(t.More))
	e.bool(t.Wakes)
	e.int(int64(t.Wake))
	e.bytes(t.Said)
	e.uint(uint64(t.Unsaid))
	e.int(int64(t.Used.CPU))
	e.uint(t.Used.Units)
	e.text(string(t.Failure))
	e.text(t.Detail)
	e.uint(uint64(len(t.Cut)))
	for _, n := range t.Cut {
		e.uint(uint64(n))
	}
	e.text(t.Other)
	return e
}

func decodeTurn(d *decoder) (t Turn) {
	t.Now, t.Batch, t.Keep, t.CPU = time.Duration(d.int()), d.bytes(), d.bool(), time.Duration(d.int())
	t.Frames, t.More = d.bytes(), d.count(math.MaxInt32)
	t.Wakes, t.Wake = d.bool(), time.Duration(d.int())
	t.Said, t.Unsaid = d.bytes(), d.count(math.MaxInt32)
	t.Used.CPU, t.Used.Units = time.Duration(d.int()), d.uint()
	t.Failure, t.Detail = Failure(d.text()), d.text()
	for range d.count(len(d.b)) {
		t.Cut = append(t.Cut, d.count(math.MaxInt32))
	}
	t.Other = d.text()
	return t
}

// encoder appends values.
type encoder []byte

func (e *encoder) uint(v uint64) { *e = binary.AppendUvarint(*e, v) }
func (e *encoder) int(v int64)   { *e = binary.AppendVarint(*e, v) }
func (e *encoder) bytes(b []byte) {
	e.uint(uint64(len(b)))
	*e = append(*e, b...)
}
func (e *encoder) text(s string) { e.bytes([]byte(s)) }
func (e *encoder) bool(v bool) {
	if v {
		e.uint(1)
	} else {
		e.uint(0)
	}
}

// decoder reads values; when one cannot be read, it and all after it are zero.
type decoder struct {
	b      []byte
	broken bool
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	return took(d, v, n)
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	return took(d, v, n)
}

// took takes a value of n bytes; n below 1: there is none.
func took[T uint64 | int64](d *decoder, v T, n int) T {
	if n <= 0 || d.broken {
		d.broken, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count is a number that is at most so large.
func (d *decoder) count(most int) int {
	v := d.uint()
	if v > uint64(most) {
		d.broken, d.b = true, nil
		return 0
	}
	return int(v)
}

func (d *decoder) bytes() []byte {
	n := d.count(len(d.b))
	if d.broken || n > len(d.b) {
		d.broken, d.b = true, nil
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) text() string { return string(d.bytes()) }
func (d *decoder) bool() bool   { return d.count(1) == 1 }
