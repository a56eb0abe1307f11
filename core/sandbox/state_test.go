// The state table of the specification, host's side: what it does with every
// frame in every state of a stream, and which fields and frames are faults
// wherever they stand.
package sandbox

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// tableStates are the columns, each with a stream in that state.
var tableStates = []struct {
	name  string
	id    uint32
	reach []byte // what the guest says to get there, in an instance of bare
}{
	{"never", 9, nil},
	{"asked", 1, nil},
	{"answering", 1, sayHead(1)},
	{"asking", 2, sayOpen(2, 1, "door", "")},
	{"heard", 2, join(sayOpen(2, 1, "door", ""), sayEnd(2))},
	{"spliced", 1, join(sayHead(1), sayOpen(4, 1, "door", ""), saySplice(1, 4))},
	{"resetting", 5, nil},
	{"gone", 1, join(sayHead(1), sayEnd(1))},
}

// table is the specification's.
const table = `
OPEN     | opens | fault | fault | fault | fault | fault | fault | fault
HEAD     | fault | answering | fault | fault | fault | fault | ignored | fault
DATA     | fault | fault | taken | taken | fault | fault | credited | fault
END      | fault | fault | heard | heard | fault | fault | ignored | fault
STOP     | fault | ends | ends | ends | ends | ends | ignored | ignored
RESET    | fault | answers | answers | answers | answers | answers | gone | answers
WINDOW   | fault | grows | grows | grows | grows | grows | ignored | ignored
SPLICE   | fault | fault | spliced | spliced | fault | fault | ignored | fault
unknown  | fault | skipped | skipped | skipped | skipped | skipped | ignored | ignored
critical | fault | resets | resets | resets | resets | resets | ignored | ignored
HELLO    | fault | fault | fault | fault | fault | fault | fault | fault
WAKE     | fault | fault | fault | fault | fault | fault | fault | fault
LOG      | fault | fault | fault | fault | fault | fault | fault | fault
DRAIN    | fault | fault | fault | fault | fault | fault | fault | fault`

// tableFrame makes a good frame of a row on a stream.
func tableFrame(row string, id uint32) []byte {
	switch row {
	case "OPEN":
		if id == 9 {
			id = 10 // the guest's to open
		}
		return sayOpen(id, 1, "door", "")
	case "HEAD":
		return sayHead(id)
	case "DATA":
		return sayData(id, 0, "x")
	case "STOP":
		return wire.AppendStop(nil, id, wire.Cancelled)
	case "RESET":
		return wire.AppendReset(nil, id, wire.Cancelled, "text")
	case "WINDOW":
		return wire.AppendWindow(nil, id, 7)
	case "SPLICE":
		return saySplice(id, 7)
	case "unknown":
		return wire.AppendFrame(nil, 13, 0, id, []byte("later"))
	case "critical":
		return wire.AppendFrame(nil, 14, wire.Critical, id, nil)
	}
	for typ := wire.Hello; typ <= wire.Drain; typ++ {
		if typ.String() == row {
			return wire.AppendFrame(nil, typ, 0, id, nil)
		}
	}
	panic(row)
}

func TestEveryStateTakesEveryFrameAsTheTableSays(t *testing.T) {
	for _, line := range strings.Split(strings.TrimSpace(table), "\n") {
		cells := strings.Split(line, "|")
		row := strings.TrimSpace(cells[0])
		for n, state := range tableStates {
			want := strings.TrimSpace(cells[n+1])
			t.Run(row+" on "+state.name, func(t *testing.T) {
				i := bare(t)
				if row == "SPLICE" { // a source for it
					if s, err := i.open(t.Context(), &Request{}, nil, i.active); err != nil || s.id != 7 {
						t.Fatal(s, err)
					}
				}
				if err := i.receive(state.reach); err != nil {
					t.Fatal(err)
				}
				s := i.streams[state.id]
				if s != nil && !s.reset && state.name != "resetting" {
					s.sentEnd = false // the host has still something to say
				}
				i.in = nil
				room, window := 0, i.window+i.credit
				if s != nil {
					room = s.room
				}
				err := i.receive(tableFrame(row, state.id))
				var fault *Fault
				if (want == "fault") != (errors.As(err, &fault) && fault.Class == FaultWire) {
					t.Fatalf("%s: %v, want %s", row, err, want)
				}
				said := map[wire.Type]int{}
				for _, f := range frames(i.in) {
					if f.Stream == state.id {
						said[f.Type]++
					}
				}
				ok := true
				switch want {
				case "opens":
					ok = i.streams[10] != nil && len(i.starts) == 1
				case "answering":
					ok = s.status == 200
				case "taken":
					ok = s.queue.cost == 1 && s.held == 1
				case "credited":
					ok = i.window+i.credit == window && s.queue.cost == 0
				case "heard":
					ok = s.ended
				case "ends":
					// Before our HEAD, which comes first, END has no place.
					ok = s.stopped && (s.sentEnd && said[wire.End] == 1 || s.guestOpened() && said[wire.End] == 0)
				case "answers":
					ok = said[wire.Reset] == 1 && i.streams[state.id] == nil
				case "gone":
					ok = len(said) == 0 && i.streams[state.id] == nil
				case "grows":
					ok = s.room == room+7
				case "spliced":
					ok = s.spliced && s.source == i.streams[7]
				case "resets":
					ok = said[wire.Reset] == 1 && s.reset
				case "ignored", "skipped":
					ok = len(said) == 0 && i.streams[state.id] == s
				}
				if !ok {
					t.Errorf("it is not %s: said %v, %+v", want, said, s)
				}
			})
		}
	}
}

func TestWhatIsWrongWhereverItStandsIsAFault(t *testing.T) {
	u16 := func(tag wire.Tag, v uint16) []byte { return wire.AppendU16(nil, tag, v) }
	parent := wire.AppendU32(nil, wire.TagParent, 1)
	status := u16(wire.TagStatus, 200)
	field := func(tag wire.Tag, size int) []byte { return wire.AppendField(nil, tag, 0, make([]byte, size)) }
	answering, long := sayHead(1), wire.AppendReset(nil, 1, wire.Cancelled, strings.Repeat("x", 1024))
	binary.LittleEndian.PutUint32(long, 1027)
	for name, says := range map[string][]byte{
		"a parent of another size":       wire.AppendFrame(nil, wire.Open, 0, 2, field(wire.TagParent, 2)),
		"a parent twice":                 wire.AppendFrame(nil, wire.Open, 0, 2, join(parent, parent)),
		"an authority twice":             wire.AppendFrame(nil, wire.Open, 0, 2, join(parent, field(wire.TagAuthority, 1), field(wire.TagAuthority, 1))),
		"a status of another size":       wire.AppendFrame(nil, wire.Head, 0, 1, field(wire.TagStatus, 4)),
		"a status twice":                 wire.AppendFrame(nil, wire.Head, 0, 1, join(status, status)),
		"a close code of another size":   join(answering, wire.AppendFrame(nil, wire.End, 0, 1, field(wire.TagCloseCode, 1))),
		"a close code twice":             join(answering, wire.AppendFrame(nil, wire.End, 0, 1, join(u16(wire.TagCloseCode, 1000), u16(wire.TagCloseCode, 1000)))),
		"a close text that is too long":  join(answering, wire.AppendFrame(nil, wire.End, 0, 1, field(wire.TagCloseText, 124))),
		"a level of another size":        wire.AppendFrame(nil, wire.Log, 0, 0, field(wire.TagLevel, 8)),
		"a level twice":                  wire.AppendFrame(nil, wire.Log, 0, 0, join(field(wire.TagLevel, 4), field(wire.TagLevel, 4))),
		"a stream of another size":       wire.AppendFrame(nil, wire.Log, 0, 0, field(wire.TagStream, 8)),
		"a critical field of a log":      wire.AppendFrame(nil, wire.Log, 0, 0, wire.AppendField(nil, 200, wire.CriticalField, nil)),
		"an attribute without a name":    wire.AppendFrame(nil, wire.Log, 0, 0, wire.AppendField(nil, wire.TagAttribute, 0, []byte("x"))),
		"a field that is cut short":      wire.AppendFrame(nil, wire.Head, 0, 1, status[:9]),
		"a window of nothing":            wire.AppendWindow(nil, 1, 0),
		"an instance window of nothing":  wire.AppendWindow(nil, 0, 0),
		"an instance window beyond":      wire.AppendWindow(nil, 0, 1<<31-1),
		"a wake of nothing":              wire.AppendWake(nil, 0),
		"a wake of another size":         wire.AppendFrame(nil, wire.Wake, 0, 0, []byte{1}),
		"a reset with a long text":       append(long, 'x'),
		"a stop with a text":             wire.AppendFrame(nil, wire.Stop, 0, 1, []byte{1, 0, 'x'}),
		"a second HELLO":                 wire.AppendFrame(nil, wire.Hello, 0, 0, u16(wire.TagMinor, 0)),
		"DRAIN":                          wire.AppendFrame(nil, wire.Drain, 0, 0, nil),
		"OPEN on 0":                      wire.AppendFrame(nil, wire.Open, 0, 0, parent),
		"RESET on 0":                     wire.AppendReset(nil, 0, wire.Cancelled, ""),
		"SPLICE on 0":                    saySplice(0, 1),
		"an unknown critical frame on 0": wire.AppendFrame(nil, 13, wire.Critical, 0, nil),
		"an id at the end":               sayOpen(1<<30, 1, "door", ""),
		"an id that shrinks":             join(sayOpen(4, 1, "door", ""), sayOpen(2, 1, "door", "")),
		"an id of the host's":            sayOpen(7, 1, "door", ""),
		"twice as many streams as allowed": func() (b []byte) {
			for n := range uint32(20) {
				b = append(b, sayOpen(2+2*n, 1, "door", "")...)
			}
			return b
		}(),
	} {
		i := bare(t)
		var fault *Fault
		if err := i.receive(says); !errors.As(err, &fault) || fault.Class != FaultWire {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMessagesCountInTheWindows(t *testing.T) {
	for _, stream := range []uint32{1, 5} { // a reader's, and one that the host has reset
		i := bare(t)
		if err := i.receive(sayHead(1)); err != nil {
			t.Fatal(err)
		}
		empty := sayData(stream, wire.Message, "")
		for n := range wire.StreamWindow / wire.MessageCost {
			if err := i.receive(empty); err != nil {
				t.Fatalf("empty message %d: %v", n, err)
			}
		}
		var fault *Fault
		if err := i.receive(empty); !errors.As(err, &fault) || fault.Class != FaultWindow {
			t.Errorf("one empty message more than the window: %v", err)
		}
	}
}

func TestRefusalsResetTheirStreamAlone(t *testing.T) {
	parent := wire.AppendU32(nil, wire.TagParent, 1)
	head := wire.AppendU16(nil, wire.TagStatus, 200)
	later := wire.AppendField(nil, 201, wire.CriticalField, []byte("x"))
	bad := func(name, value string) []byte { return wire.AppendPair(nil, wire.TagHeader, name, value) }
	for name, c := range map[string]struct {
		says []byte
		id   uint32
		code wire.Code
	}{
		"a critical field in OPEN":  {wire.AppendFrame(nil, wire.Open, 0, 2, join(parent, later)), 2, wire.Unsupported},
		"a critical field in HEAD":  {wire.AppendFrame(nil, wire.Head, 0, 1, join(head, later)), 1, wire.Unsupported},
		"a critical field in END":   {join(sayHead(1), wire.AppendFrame(nil, wire.End, 0, 1, later)), 1, wire.Unsupported},
		"a bad header in OPEN":      {wire.AppendFrame(nil, wire.Open, 0, 2, join(parent, bad("", "x"))), 2, wire.Invalid},
		"a bad header in HEAD":      {wire.AppendFrame(nil, wire.Head, 0, 1, join(head, bad("A:", "x"))), 1, wire.Invalid},
		"a bad trailer":             {join(sayHead(1), wire.AppendFrame(nil, wire.End, 0, 1, bad("A", "x\ny"))), 1, wire.Invalid},
		"a status out of range":     {wire.AppendFrame(nil, wire.Head, 0, 1, wire.AppendU16(nil, wire.TagStatus, 101)), 1, wire.Invalid},
		"no parent":                 {wire.AppendFrame(nil, wire.Open, 0, 2, nil), 2, wire.Denied},
		"a parent to come":          {sayOpen(2, 9, "door", ""), 2, wire.Denied},
		"a parent that has ended":   {join(sayHead(1), sayEnd(1), sayOpen(2, 1, "door", "")), 2, wire.Cancelled},
		"a parent that was reset":   {sayOpen(2, 5, "door", ""), 2, wire.Cancelled},
		"a door that is not there":  {sayOpen(2, 1, "shut", ""), 2, wire.Denied},
		"what the host alone says":  {wire.AppendFrame(nil, wire.Open, 0, 2, join(parent, wire.AppendField(nil, wire.TagUser, wire.CriticalField, []byte("root")))), 2, 0},
		"a field of a later minor":  {wire.AppendFrame(nil, wire.Open, 0, 2, join(parent, wire.AppendField(nil, 200, 0, []byte("x")))), 2, 0},
		"more streams than allowed": {floodOf(11), 22, wire.RateLimited},
	} {
		i := bare(t)
		if err := i.receive(c.says); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		code := wire.Code(0)
		for _, f := range frames(i.in) {
			if f.Type == wire.Reset && f.Stream == c.id {
				code, _, _ = f.Code()
			}
		}
		if code != c.code {
			t.Errorf("%s: reset with %v, want %v", name, code, c.code)
		}
	}
}

// floodOf opens n streams, with doors that answer nothing.
func floodOf(n uint32) (b []byte) {
	for k := range n {
		b = append(b, sayOpen(2+2*k, 1, "door", "")...)
	}
	return b
}
