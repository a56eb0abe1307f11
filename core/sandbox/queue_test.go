// Queues keep bytes in order, with the ends of messages, and count what they
// hold.
package sandbox

import (
	"bytes"
	"testing"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func TestEmptyMessagesKeepTheirBoundaries(t *testing.T) {
	var q queue
	for _, m := range []message{
		{"plain", 0}, {"", wire.Message}, {"", wire.Message | wire.Text}, {"ab", wire.Text}, {"c", wire.Text | wire.Message}, {"", 0}, {"tail", 0},
	} {
		q.add([]byte(m.text), m.flags)
	}
	if want := 5 + 3 + 4 + 3*wire.MessageCost; q.cost != want {
		t.Errorf("it counts %d, want %d", q.cost, want)
	}
	p := make([]byte, 2)
	for _, want := range []message{
		{"pl", 0}, {"ai", 0}, {"n", wire.Message}, {"", wire.Message | wire.Text}, {"ab", wire.Text}, {"c", wire.Text | wire.Message}, {"ta", 0}, {"il", 0},
	} {
		n, flags, counted := q.take(p, true)
		if string(p[:n]) != want.text || flags != want.flags || counted != cost(n, flags) {
			t.Errorf("it gives %q with %x, counted %d; want %q with %x", p[:n], flags, counted, want.text, want.flags)
		}
	}
	if _, _, counted := q.take(p, true); counted != 0 || q.cost != 0 {
		t.Errorf("an empty queue gives something that counts %d, and holds %d", counted, q.cost)
	}
}

// FuzzQueue adds and takes as the bytes say, against a list of bytes and ends.
func FuzzQueue(f *testing.F) {
	f.Add([]byte{3, 1, 200, 5, 0, 2, 130, 255})
	f.Add([]byte{1, 1, 1, 1, 129, 64, 65, 66, 67, 192})
	f.Fuzz(func(t *testing.T, does []byte) {
		does = does[:min(len(does), 500)]
		var q queue
		var want []message // one a byte, and one an end
		next := byte(0)
		total := func() (n int) {
			for _, m := range want {
				n += cost(len(m.text), m.flags&wire.Message)
			}
			return n
		}
		for _, d := range does {
			if d < 128 { // add d>>2 bytes with flags d&3
				p := make([]byte, d>>2)
				flags := wire.Flags(d & 3)
				for n := range p {
					p[n] = next
					want = append(want, message{string([]byte{next}), flags & wire.Text})
					next++
				}
				if flags&wire.Message != 0 {
					want = append(want, message{"", flags})
				}
				q.add(p, flags)
			} else { // take up to d&63 bytes, as a frame or not
				p := make([]byte, d&63)
				if len(p) == 0 {
					continue
				}
				frame := d&64 != 0
				n, flags, counted := q.take(p, frame)
				got, ends, took := []byte(nil), 0, 0
				for len(want) > 0 && (len(got) < n || want[0].text == "") {
					m := want[0]
					if m.text == "" {
						if frame && flags&wire.Message == 0 || len(got) < n && frame {
							break
						}
						ends++
					}
					if m.flags&wire.Text != flags&wire.Text && frame {
						t.Fatal("a frame mixes text and bytes")
					}
					got = append(got, m.text...)
					took += cost(len(m.text), m.flags&wire.Message)
					want = want[1:]
					if frame && m.text == "" {
						break
					}
				}
				if !bytes.Equal(got, p[:n]) || counted != took || frame && flags&wire.Message != 0 && ends != 1 {
					t.Fatalf("it gives %v (flags %x, counted %d), want %v (%d)", p[:n], flags, counted, got, took)
				}
			}
			if q.cost != total() {
				t.Fatalf("it counts %d, holds %d", q.cost, total())
			}
		}
	})
}
