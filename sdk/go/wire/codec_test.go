// The codec gives back what it was given, refuses what lies, and never reads
// past its bytes.
package wire

import (
	"bytes"
	"errors"
	"testing"
)

func TestFramesComeBackAsTheyWent(t *testing.T) {
	var b []byte
	b = AppendFrame(b, Data, Message|Text, 7, []byte("hello"))
	at := len(b)
	b = BeginFrame(b, Open, 0, 9)
	b = AppendText(b, TagMethod, "GET")
	b = AppendPair(b, TagHeader, "Accept", "text/plain")
	b = AppendU64(b, TagDeadline, 30_000)
	b = EndFrame(b, at)
	b = AppendReset(b, 11, Denied, "no")
	b = AppendWindow(b, 0, 4096)

	f, rest, err := NextFrame(b)
	if err != nil || f.Type != Data || f.Flags != Message|Text || f.Stream != 7 || string(f.Payload) != "hello" {
		t.Fatalf("DATA came back as %+v, %v", f, err)
	}
	f, rest, err = NextFrame(rest)
	if err != nil || f.Type != Open || f.Stream != 9 {
		t.Fatalf("OPEN came back as %+v, %v", f, err)
	}
	field, fields, err := NextField(f.Payload)
	if err != nil || field.Tag != TagMethod || string(field.Value) != "GET" {
		t.Fatalf("method came back as %+v, %v", field, err)
	}
	field, fields, _ = NextField(fields)
	if name, value, ok := field.Pair(); !ok || string(name) != "Accept" || string(value) != "text/plain" {
		t.Fatalf("header came back as %q %q", name, value)
	}
	field, fields, _ = NextField(fields)
	if ms, ok := field.U64(); !ok || ms != 30_000 || len(fields) != 0 {
		t.Fatalf("deadline came back as %d, %d bytes left", ms, len(fields))
	}
	f, rest, _ = NextFrame(rest)
	if code, text, ok := f.Code(); !ok || code != Denied || string(text) != "no" || f.Stream != 11 {
		t.Fatalf("RESET came back as %v %q", code, text)
	}
	f, rest, _ = NextFrame(rest)
	if n, ok := f.U32(); !ok || n != 4096 || len(rest) != 0 {
		t.Fatalf("WINDOW came back as %d, %d bytes left", n, len(rest))
	}
}

// The bytes themselves: whoever changes a number breaks every guest.
func TestBytesAreThoseOfTheSpecification(t *testing.T) {
	got := AppendFrame(nil, Head, Critical, 0x01020304, AppendU16(nil, TagStatus, 200))
	want := []byte{
		10, 0, 0, 0, 3, 0x80, 0, 0, 4, 3, 2, 1,
		48, 0, 0, 0, 2, 0, 0, 0, 200, 0,
	}
	if !bytes.Equal(got, want) {
		t.Errorf("a HEAD is\n%v, want\n%v", got, want)
	}
}

func TestLyingLengthsAreRefused(t *testing.T) {
	good := AppendFrame(nil, Data, 0, 1, []byte("12345678"))
	for name, c := range map[string]struct {
		change func([]byte) []byte
		want   error
	}{
		"shorter than its head":  {func(b []byte) []byte { return b[:11] }, ErrTruncated},
		"shorter than it says":   {func(b []byte) []byte { return b[:len(b)-1] }, ErrTruncated},
		"longer than the limit":  {func(b []byte) []byte { b[2] = 2; return b }, ErrTooLarge},
		"wraps a 32-bit integer": {func(b []byte) []byte { b[3] = 0xff; return b }, ErrTooLarge},
		"reserved byte in use":   {func(b []byte) []byte { b[6] = 1; return b }, ErrReserved},
	} {
		if _, _, err := NextFrame(c.change(bytes.Clone(good))); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	field := AppendText(nil, TagMethod, "GET")
	field[4] = 4
	if _, _, err := NextField(field); !errors.Is(err, ErrTruncated) {
		t.Errorf("a field that says more than there is: %v", err)
	}
	field[7] = 0xff
	if _, _, err := NextField(field); !errors.Is(err, ErrTruncated) {
		t.Errorf("a field of four gigabytes: %v", err)
	}
}

func TestEveryNumberHasAName(t *testing.T) {
	for ty := Hello; ty <= Drain; ty++ {
		if ty.String() == "" {
			t.Errorf("frame %d has no name", ty)
		}
	}
	for c := Cancelled; c <= Internal; c++ {
		if c.String() == "" {
			t.Errorf("code %d has no name", c)
		}
	}
	if Type(0).Known() || Type(13).Known() || Code(0).Valid() || Code(12).Valid() {
		t.Error("a number outside the tables is taken for known")
	}
}

// FuzzDecode walks arbitrary bytes: no panic, no view outside them, and what is
// understood encodes to the same bytes again.
func FuzzDecode(f *testing.F) {
	f.Add(AppendFrame(nil, Open, 0, 1, AppendPair(AppendText(nil, TagMethod, "GET"), TagHeader, "a", "b")))
	f.Add(AppendReset(AppendWindow(nil, 0, 1), 3, Cancelled, "x"))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, again := b, []byte(nil)
		for len(b) > 0 {
			frame, rest, err := NextFrame(b)
			if err != nil {
				return
			}
			if len(frame.Payload)+len(rest)+FrameHead != len(b) {
				t.Fatal("bytes were lost")
			}
			again = AppendFrame(again, frame.Type, frame.Flags, frame.Stream, frame.Payload)
			frame.Code()
			frame.U32()
			for p := frame.Payload; len(p) > 0; {
				field, more, err := NextField(p)
				if err != nil {
					break
				}
				if len(field.Value)+len(more)+FieldHead != len(p) {
					t.Fatal("bytes were lost in a field")
				}
				field.Pair()
				p = more
			}
			b = rest
		}
		if !bytes.Equal(whole, again) {
			t.Fatal("decoded and encoded again, the bytes differ")
		}
	})
}

// FuzzFields walks arbitrary bytes as a block of fields: no panic, no view
// outside them, every byte in one field, and what is read encodes to the same
// bytes again, flags included.
func FuzzFields(f *testing.F) {
	f.Add(AppendPair(AppendU64(AppendText(nil, TagMethod, "GET"), TagDeadline, 1), TagHeader, "a", "b"))
	f.Add(AppendField(AppendU32(AppendU16(nil, TagStatus, 200), TagParent, 7), 999, CriticalField|1, []byte{0}))
	f.Add([]byte{4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		for rest := b; len(rest) > 0; {
			field, more, err := NextField(rest)
			if err != nil {
				return
			}
			if len(field.Value)+len(more)+FieldHead != len(rest) || cap(field.Value) != len(field.Value) {
				t.Fatal("a view reaches beyond its field")
			}
			if v, ok := field.U16(); ok != (len(field.Value) == 2) || ok && !bytes.Equal(AppendU16(nil, field.Tag, v)[FieldHead:], field.Value) {
				t.Fatal("a number of 16 bits is read wrongly")
			}
			if v, ok := field.U32(); ok != (len(field.Value) == 4) || ok && !bytes.Equal(AppendU32(nil, field.Tag, v)[FieldHead:], field.Value) {
				t.Fatal("a number of 32 bits is read wrongly")
			}
			if v, ok := field.U64(); ok != (len(field.Value) == 8) || ok && !bytes.Equal(AppendU64(nil, field.Tag, v)[FieldHead:], field.Value) {
				t.Fatal("a number of 64 bits is read wrongly")
			}
			if name, value, ok := field.Pair(); ok && !bytes.Equal(AppendPair(nil, field.Tag, string(name), string(value))[FieldHead:], field.Value) {
				t.Fatal("a pair is read wrongly")
			}
			again = AppendField(again, field.Tag, field.Flags, field.Value)
			rest = more
		}
		if !bytes.Equal(b, again) {
			t.Fatal("read and written again, the bytes differ")
		}
	})
}

func BenchmarkFrame(b *testing.B) {
	buf := make([]byte, 0, 1024)
	payload := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = BeginFrame(buf[:0], Open, 0, 1)
		buf = AppendText(buf, TagMethod, "GET")
		buf = AppendText(buf, TagTarget, "/frame")
		buf = EndFrame(buf, 0)
		buf = AppendFrame(buf, Data, 0, 1, payload)
		for rest := buf; len(rest) > 0; {
			_, rest, _ = NextFrame(rest)
		}
	}
}
