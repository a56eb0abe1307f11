// Differences between what a guest said and what it says now, in words.
package recording

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Difference is the first place in which a turn's outcome is another one.
type Difference struct {
	// Turn counts from 0: the turn with HELLO.
	Turn int
	// Where it is: "frame 2 (HEAD on stream 1): status".
	Where string
	// Before and Now are what stands there, shortened.
	Before, Now string
}

// String says it in a line.
func (d *Difference) String() string {
	return fmt.Sprintf("turn %d, %s: %s, now %s", d.Turn, d.Where, d.Before, d.Now)
}

// compare finds the first difference between a turn's outcome and what it is
// now; nil: there is none.
func (t *Turn) compare(now *Turn) *Difference {
	if d := compareFrames(t.Frames, now.Frames); d != nil {
		return d
	}
	failed := func(t *Turn) string {
		if t.Failure == "" {
			return "none"
		}
		return string(t.Failure) + " " + strconv.Quote(t.Detail)
	}
	wakes := func(t *Turn) string {
		if !t.Wakes {
			return "never"
		}
		return "in " + (t.Wake - t.Now).String()
	}
	switch {
	case t.More != now.More:
		return &Difference{Where: "bytes beyond a batch", Before: strconv.Itoa(t.More), Now: strconv.Itoa(now.More)}
	case t.Failure != now.Failure || t.Detail != now.Detail:
		return &Difference{Where: "its failure", Before: failed(t), Now: failed(now)}
	case t.Wakes != now.Wakes || t.Wakes && t.Wake != now.Wake:
		return &Difference{Where: "when it wants its next turn", Before: wakes(t), Now: wakes(now)}
	case !bytes.Equal(t.Said, now.Said) || t.Unsaid != now.Unsaid:
		return textDifference("what it wrote", t.Said, now.Said)
	}
	return nil
}

// compareFrames finds the first difference of two batches.
func compareFrames(before, now []byte) *Difference {
	for n := 1; len(before) > 0 || len(now) > 0; n++ {
		a, restA, errA := next(before, wire.NextFrame)
		b, restB, errB := next(now, wire.NextFrame)
		switch {
		case errA != nil || errB != nil:
			if bytes.Equal(before, now) {
				return nil
			}
			return textDifference(fmt.Sprintf("frame %d, which is broken", n), before, now)
		case a == nil || b == nil || a.Type != b.Type || a.Stream != b.Stream:
			return &Difference{Where: fmt.Sprintf("frame %d", n), Before: frameName(a), Now: frameName(b)}
		}
		if d := compareFrame(*a, *b); d != nil {
			d.Where = fmt.Sprintf("frame %d (%s): %s", n, frameName(a), d.Where)
			return d
		}
		before, now = restA, restB
	}
	return nil
}

// next is wire.NextFrame or wire.NextField that gives nil at the end.
func next[T any](b []byte, read func([]byte) (T, []byte, error)) (*T, []byte, error) {
	if len(b) == 0 {
		return nil, nil, nil
	}
	v, rest, err := read(b)
	return &v, rest, err
}

func frameName(f *wire.Frame) string {
	switch {
	case f == nil:
		return "no frame"
	case f.Stream == 0:
		return f.Type.String()
	}
	return fmt.Sprintf("%v on stream %d", f.Type, f.Stream)
}

// compareFrame compares frames of one type and stream.
func compareFrame(a, b wire.Frame) *Difference {
	switch {
	case a.Flags != b.Flags:
		return &Difference{Where: "flags", Before: fmt.Sprintf("%#x", a.Flags), Now: fmt.Sprintf("%#x", b.Flags)}
	case bytes.Equal(a.Payload, b.Payload):
		return nil
	case hasFields(a.Type):
		return compareFields(a.Payload, b.Payload)
	}
	switch a.Type {
	case wire.Window, wire.Splice, wire.Wake:
		before, ok1 := a.U32()
		now, ok2 := b.U32()
		if ok1 && ok2 {
			return &Difference{Where: "number", Before: strconv.FormatUint(uint64(before), 10), Now: strconv.FormatUint(uint64(now), 10)}
		}
	case wire.Reset, wire.Stop:
		before, _, ok1 := a.Code()
		now, _, ok2 := b.Code()
		if ok1 && ok2 && before != now {
			return &Difference{Where: "code", Before: before.String(), Now: now.String()}
		}
		if ok1 && ok2 {
			return textDifference("text", a.Payload[2:], b.Payload[2:])
		}
	}
	return textDifference("payload", a.Payload, b.Payload)
}

// compareFields finds the first field that is another one.
func compareFields(before, now []byte) *Difference {
	for n := 1; ; n++ {
		a, restA, errA := next(before, wire.NextField)
		b, restB, errB := next(now, wire.NextField)
		switch {
		case errA != nil || errB != nil:
			return textDifference(fmt.Sprintf("field %d, which is broken", n), before, now)
		case a == nil && b == nil:
			return nil
		case a == nil || b == nil || a.Tag != b.Tag:
			return &Difference{Where: fmt.Sprintf("field %d", n), Before: fieldName(a), Now: fieldName(b)}
		case a.Flags != b.Flags:
			return &Difference{Where: "flags of " + fieldName(a), Before: fmt.Sprintf("%#x", a.Flags), Now: fmt.Sprintf("%#x", b.Flags)}
		case !bytes.Equal(a.Value, b.Value):
			if kindOf(a.Tag) == kindText {
				return textDifference(fieldName(a), a.Value, b.Value)
			}
			return &Difference{Where: fieldName(a), Before: fieldValue(*a), Now: fieldValue(*b)}
		}
		before, now = restA, restB
	}
}

func fieldName(f *wire.Field) string {
	if f == nil {
		return "no field"
	}
	if k, ok := known[f.Tag]; ok {
		return k.name
	}
	return fmt.Sprintf("field %d", f.Tag)
}

// maxShown is how much of a text is shown, in bytes.
const maxShown = 60

// textDifference shows two texts from where they part.
func textDifference(where string, a, b []byte) *Difference {
	at := 0
	for at < len(a) && at < len(b) && a[at] == b[at] {
		at++
	}
	if at > 0 {
		where = fmt.Sprintf("%s, from byte %d of %d on", where, at, len(a))
	}
	return &Difference{Where: where, Before: show(a[at:]), Now: show(b[at:])}
}

// show quotes a text and shortens it.
func show(b []byte) string {
	if len(b) > maxShown {
		return strconv.Quote(string(b[:maxShown])) + fmt.Sprintf(" and %d bytes more", len(b)-maxShown)
	}
	return strconv.Quote(string(b))
}
