// A recording as text, for people.
package recording

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// WriteText writes a recording as text: a line for each turn, and one for each
// frame that went in (>) or came out (<).
func (r *Recording) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s %s %s\nbegan %s, memory %d\n", r.Extension, r.Version, r.Digest, r.Start.Now.Format("2006-01-02T15:04:05.000000000Z07:00"), r.Start.Memory)
	for n := range r.Turns {
		t := &r.Turns[n]
		fmt.Fprintf(out, "\nturn %d, after %v: used %v, %d units\n", n, t.Now, t.Used.CPU, t.Used.Units)
		writeFrames(out, ">", t.Batch, t.Cut)
		writeFrames(out, "<", t.Frames, nil)
		if t.More > 0 {
			fmt.Fprintf(out, "  < %d bytes more than a batch may have\n", t.More)
		}
		if len(t.Said) > 0 {
			fmt.Fprintf(out, "  wrote %s\n", show(t.Said))
		}
		if t.Wakes {
			fmt.Fprintf(out, "  wants a turn in %v\n", t.Wake-t.Now)
		}
		if t.Other != "" {
			fmt.Fprintf(out, "  really said something else, for what was cut: %s\n", t.Other)
		}
		if t.Failure != "" {
			fmt.Fprintf(out, "  failed: %s %s\n", t.Failure, t.Detail)
		}
	}
	fmt.Fprintf(out, "\nended: %s; used %v, %d units\n", r.Ended, r.Used.CPU, r.Used.Units)
	return out.Flush()
}

func writeFrames(out io.Writer, mark string, b []byte, cut []int) {
	for n := 1; len(b) > 0; n++ {
		f, rest, err := wire.NextFrame(b)
		if err != nil {
			fmt.Fprintf(out, "  %s broken: %s\n", mark, show(b))
			return
		}
		b = rest
		fmt.Fprintf(out, "  %s %s", mark, frameName(&f))
		if f.Flags != 0 {
			fmt.Fprintf(out, " flags %#x", f.Flags)
		}
		if slices.Contains(cut, n) {
			fmt.Fprint(out, " (cut)")
		}
		fmt.Fprintf(out, "%s\n", frameText(f))
	}
}

// frameText shows what a frame holds.
func frameText(f wire.Frame) string {
	var s strings.Builder
	switch {
	case hasFields(f.Type):
		fields(f.Payload, func(field wire.Field) { fmt.Fprintf(&s, " %s %s", fieldName(&field), fieldValue(field)) })
		return s.String()
	case f.Type == wire.Reset, f.Type == wire.Stop:
		if code, text, ok := f.Code(); ok {
			return fmt.Sprintf(" %v %s", code, show(text))
		}
	case f.Type == wire.Window, f.Type == wire.Splice, f.Type == wire.Wake:
		if v, ok := f.U32(); ok {
			return fmt.Sprintf(" %d", v)
		}
	}
	if len(f.Payload) == 0 {
		return ""
	}
	return " " + show(f.Payload)
}
