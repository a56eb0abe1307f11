// The state table of the specification, as a guest sees it: every state, every
// frame that a host can say.
package atoll_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// patient waits for the end of its request; /ask asks with a body that does not
// end before.
var patient = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/ask" {
		body, writer := io.Pipe()
		defer writer.Close()
		req, _ := http.NewRequestWithContext(r.Context(), "POST", "http://kubernetes/x", body)
		resp, err := atoll.Client.Do(req)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer resp.Body.Close()
	}
	<-r.Context().Done()
})

// fault, in the table: the guest takes the frame for a broken wire.
const fault = "fault"

func TestEveryFrameInEveryState(t *testing.T) {
	const opened = "OPEN 2 kubernetes POST /x for 1"
	for _, state := range []struct {
		name   string
		stream uint32
		begin  func(c *talk)
		// What is said to: OPEN, HEAD, DATA, END, STOP, RESET, WINDOW, SPLICE,
		// unknown, unknown and critical.
		want [10]string
	}{
		{"never, the host's", 3, func(c *talk) { c.expect(c.say(get(1, "/"))) },
			[10]string{"", fault, fault, fault, fault, fault, fault, fault, fault, fault}},
		{"never, ours", 4, func(c *talk) { c.expect(c.say(get(1, "/ask")), opened) },
			[10]string{fault, fault, fault, fault, fault, fault, fault, fault, fault, fault}},
		{"asked", 2, func(c *talk) { c.expect(c.say(get(1, "/ask")), opened) },
			[10]string{fault, "", fault, fault, "END 2", "RESET 2 cancelled\nRESET 1 internal the handler gave up", "", fault, "",
				"RESET 2 unsupported an unknown critical frame\nRESET 1 internal the handler gave up"}},
		{"answering", 2, func(c *talk) {
			c.expect(c.say(get(1, "/ask")), opened)
			c.expect(c.say(head(2, 200)))
		}, [10]string{fault, fault, "", "", "END 2", "RESET 2 cancelled", "", fault, "", "RESET 2 unsupported an unknown critical frame"}},
		{"asking", 1, func(c *talk) { c.expect(c.say(open(1, "POST", "/"))) },
			[10]string{fault, fault, "", "", "HEAD 1 200\nEND 1\nSTOP 1 cancelled", "RESET 1 cancelled", "", fault, "",
				"RESET 1 unsupported an unknown critical frame"}},
		{"heard", 1, func(c *talk) { c.expect(c.say(get(1, "/"))) },
			[10]string{fault, fault, fault, fault, "HEAD 1 200\nEND 1", "RESET 1 cancelled", "", fault, "",
				"RESET 1 unsupported an unknown critical frame"}},
		{"heard, of ours", 2, func(c *talk) {
			c.expect(c.say(get(1, "/ask")), opened)
			c.expect(c.say(head(2, 200), end(2)))
		}, [10]string{fault, fault, fault, fault, "END 2", "RESET 2 cancelled", "", fault, "", "RESET 2 unsupported an unknown critical frame"}},
		{"resetting", 1, func(c *talk) {
			c.expect(c.say(open(1, "POST", "/"), unknown(1, wire.Critical)), "RESET 1 unsupported an unknown critical frame")
		}, [10]string{fault, "", "", "", "", "", "", fault, "", ""}},
		{"resetting, ours", 2, func(c *talk) {
			c.expect(c.say(get(1, "/ask")), opened)
			c.expect(c.say(head(2, 200)))
			c.expect(c.say(unknown(2, wire.Critical)), "RESET 2 unsupported an unknown critical frame")
		}, [10]string{fault, "", "", "", "", "", "", fault, "", ""}},
		{"gone", 1, func(c *talk) {
			c.expect(c.say(get(1, "/"), stop(1)), "HEAD 1 200", "END 1")
		}, [10]string{fault, fault, fault, fault, "", "RESET 1 cancelled", "", fault, "", ""}},
		{"gone, ours", 2, func(c *talk) {
			c.expect(c.say(get(1, "/ask")), opened)
			c.expect(c.say(head(2, 200), end(2), stop(2)), "END 2")
		}, [10]string{fault, fault, fault, fault, "", "RESET 2 cancelled", "", fault, "", ""}},
		{"gone by reset", 1, func(c *talk) {
			c.expect(c.say(get(1, "/")))
			c.expect(c.say(reset(1, wire.Cancelled)), "RESET 1 cancelled")
		}, [10]string{fault, fault, fault, fault, "", "RESET 1 cancelled", "", fault, "", ""}},
	} {
		id := state.stream
		frames := map[string][]byte{
			"OPEN": open(id, "POST", "/"), "HEAD": head(id, 200), "DATA": data(id, "x"), "END": end(id), "STOP": stop(id),
			"RESET": reset(id, wire.Cancelled), "WINDOW": window(id, 1), "SPLICE": wire.AppendSplice(nil, id, id),
			"unknown": unknown(id, 0), "unknown, critical": unknown(id, wire.Critical),
		}
		names := []string{"OPEN", "HEAD", "DATA", "END", "STOP", "RESET", "WINDOW", "SPLICE", "unknown", "unknown, critical"}
		check := func(name, want string, f []byte) {
			t.Run(state.name+"/"+name, func(t *testing.T) {
				converse(t, patient, func(c *talk) {
					state.begin(c)
					if want == fault {
						if !c.breaks(f) {
							t.Errorf("it is let pass; the guest said %q", lines(t, c.last))
						}
						return
					}
					if got := strings.Join(c.say(f), "\n"); got != want {
						t.Errorf("the guest said\n%s\nwant\n%s", got, want)
					}
				})
			})
		}
		for n, name := range names {
			check(name, state.want[n], frames[name])
		}
		for _, ty := range []wire.Type{wire.Hello, wire.Wake, wire.Log, wire.Drain} {
			check(ty.String(), fault, frame(ty, id, ""))
		}
	}
}

func TestFramesOutsideStreams(t *testing.T) {
	for name, c := range map[string]struct {
		frame []byte
		want  string
	}{
		"a second HELLO": {hello(), fault}, "OPEN": {open(0, "GET", "/"), fault}, "HEAD": {head(0, 200), fault},
		"DATA": {data(0, "x"), fault}, "END": {end(0), fault}, "STOP": {stop(0), fault}, "RESET": {reset(0, wire.Cancelled), fault},
		"WINDOW": {window(0, 1), ""}, "SPLICE": {wire.AppendSplice(nil, 0, 1), fault}, "WAKE": {wire.AppendWake(nil, 1), fault},
		"LOG": {frame(wire.Log, 0, ""), fault}, "DRAIN": {frame(wire.Drain, 0, ""), ""}, "unknown": {unknown(0, 0), ""},
		"unknown, critical": {unknown(0, wire.Critical), fault}, "a window beyond all": {window(0, 1<<31-1), fault},
	} {
		t.Run(name, func(t *testing.T) {
			converse(t, patient, func(talk *talk) {
				if c.want == fault {
					if !talk.breaks(c.frame) {
						t.Error("it is let pass")
					}
					return
				}
				talk.expect(talk.say(c.frame))
			})
		})
	}
}

func TestBrokenFramesEndTheGuest(t *testing.T) {
	field := func(tag wire.Tag, value string) []byte { return wire.AppendText(nil, tag, value) }
	fields := func(ty wire.Type, id uint32, b ...[]byte) []byte {
		return frame(ty, id, string(joined(b)))
	}
	short := open(1, "GET", "/")
	for name, f := range map[string][]byte{
		"cut short":                     short[:len(short)-1],
		"half a head":                   short[:5],
		"reserved bytes in use":         append([]byte{0, 0, 0, 0, 2, 0, 1, 0, 1, 0, 0, 0}, nil...),
		"an even id":                    open(2, "GET", "/"),
		"an id beyond all":              open(1<<30+1, "GET", "/"),
		"a field cut short":             fields(wire.Open, 1, field(wire.TagMethod, "GET")[:9]),
		"a field said twice":            fields(wire.Open, 1, field(wire.TagMethod, "GET"), field(wire.TagMethod, "GET")),
		"a number of another size":      fields(wire.Open, 1, field(wire.TagDeadline, "1234")),
		"too many fields":               fields(wire.Open, 1, field(wire.TagTarget, strings.Repeat("x", wire.MaxFields))),
		"more than a stream's window":   joined([][]byte{open(1, "POST", "/"), data(1, strings.Repeat("x", wire.StreamWindow+1))}),
		"messages over their window":    joined([][]byte{open(1, "POST", "/"), flagged(wire.Data, wire.Message, 1, strings.Repeat("x", wire.StreamWindow-15))}),
		"a WINDOW of nothing":           joined([][]byte{open(1, "POST", "/"), window(1, 0)}),
		"a WINDOW of two bytes":         joined([][]byte{open(1, "POST", "/"), frame(wire.Window, 1, "xx")}),
		"a WINDOW beyond all":           joined([][]byte{open(1, "POST", "/"), window(1, 1<<31-1)}),
		"a RESET without its code":      joined([][]byte{open(1, "POST", "/"), frame(wire.Reset, 1, "x")}),
		"a RESET of too much text":      joined([][]byte{open(1, "POST", "/"), frame(wire.Reset, 1, strings.Repeat("x", 1027))}),
		"a STOP that says more":         joined([][]byte{open(1, "POST", "/"), frame(wire.Stop, 1, "xxx")}),
		"a batch of more than all":      bytesOf(2*wire.MaxBatch, unknown(0, 0)),
		"DATA after END in its batch":   joined([][]byte{get(1, "/"), data(1, "x")}),
		"a DRAIN that says something":   frame(wire.Drain, 0, "x"),
		"DATA over the instance's room": flood(memory/4 + 1),
	} {
		t.Run(name, func(t *testing.T) {
			converse(t, patient, func(c *talk) {
				broken := false
				for len(f) > 0 && !broken { // as many batches as it takes
					batch := f
					if name != "a batch of more than all" {
						batch = f[:cut(f)]
					}
					broken, f = c.breaks(batch), f[len(batch):]
				}
				if !broken {
					t.Errorf("it is let pass; the guest said %q", lines(t, c.last))
				}
			})
		})
	}
}

func joined(b [][]byte) []byte { return []byte(strings.Join(strs(b), "")) }

func strs(b [][]byte) (all []string) {
	for _, one := range b {
		all = append(all, string(one))
	}
	return all
}

// bytesOf repeats a frame up to n bytes.
func bytesOf(n int, f []byte) []byte { return []byte(strings.Repeat(string(f), n/len(f)+1)) }

// flood is n bytes of bodies that nobody reads.
func flood(n int) (all []byte) {
	body := strings.Repeat("x", wire.StreamWindow)
	for id := uint32(1); n > 0; id += 2 {
		all = append(append(all, open(id, "POST", "/")...), data(id, body[:min(n, len(body))])...)
		n -= len(body)
	}
	return all
}

// cut is how many bytes of whole frames fit a batch.
func cut(b []byte) int {
	n := 0
	for n < len(b) {
		_, rest, err := wire.NextFrame(b[n:])
		if err != nil {
			return len(b)
		}
		if len(b)-len(rest) > wire.MaxBatch {
			break
		}
		n = len(b) - len(rest)
	}
	return n
}

func TestFirstFrameIsHello(t *testing.T) {
	converseFrom(t, func(c *talk) {
		c.expect(c.say()) // the warm-up before a snapshot
		if !c.breaks(get(1, "/")) {
			t.Error("a request before HELLO is let pass")
		}
	})
}
