//go:build unix

// Processes that lie: whoever breaks out of a guest speaks with the core.
package machine

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// answer is an answer's bytes.
func answer(h head, body string) []byte {
	h.size = uint32(len(body))
	return append(appendHead(nil, h), body...)
}

// told is a turn's answer as it should be, but for what a test changes.
func told(change func(h *head, body []byte) []byte) []byte {
	body := make([]byte, toldSize)
	body[7] = 0x80 // noWake
	h := head{kind: askTurn, id: 2 << 20, size: toldSize}
	body = change(&h, body)
	return append(appendHead(nil, h), body...)
}

// turnLies are what a process may say to a turn instead of an answer.
var turnLies = map[string][]byte{
	"another kind":    told(func(h *head, b []byte) []byte { h.kind = askPing; return b }),
	"no kind":         told(func(h *head, b []byte) []byte { h.kind = 0; return b }),
	"no head":         []byte(strings.Repeat("\xff", 64)),
	"four gigabytes":  told(func(h *head, b []byte) []byte { h.size = 1<<32 - 1; return b }),
	"a bit too much":  told(func(h *head, b []byte) []byte { h.size = toldSize + maxSaid + 1<<20 + 1 + maxText + 1; return b }),
	"too short":       told(func(h *head, b []byte) []byte { h.size--; return b[1:] }),
	"nothing":         told(func(h *head, b []byte) []byte { h.size = 0; return nil }),
	"more than said":  told(func(_ *head, b []byte) []byte { return append(b, "and more"...) }),
	"said what isn't": told(func(_ *head, b []byte) []byte { b[28] = 1; return b }),
	"said a lot":      told(func(_ *head, b []byte) []byte { b[31] = 0xff; return b }),
	"unsaid a lot":    told(func(_ *head, b []byte) []byte { b[27] = 0xff; return b }),
	"time given back": told(func(_ *head, b []byte) []byte { b[15] = 0xff; return b }),
	"unknown class":   told(func(h *head, b []byte) []byte { h.class = 99; return b }),
	"all the memory":  told(func(h *head, b []byte) []byte { h.id = 1 << 60; return b }),
	"endless error": told(func(h *head, b []byte) []byte {
		h.class, h.size = classOther, toldSize+maxText+1
		return append(b, make([]byte, maxText+1)...)
	}),
	"hangs up": {},
}

// otherLies are answers to other questions.
var otherLies = map[string]map[question][]byte{
	"other":                   {askHello: answer(head{kind: askHello}, `{"Version":2}`)},
	"no JSON":                 {askHello: answer(head{kind: askHello}, `hello`)},
	"no cache":                {askHello: answer(head{kind: askHello, class: classOther}, `there is no room`)},
	"shouting":                {askHello: appendHead(nil, head{kind: askHello, size: 1 << 31})},
	"says twice":              {askHello: append(answer(head{kind: askHello}, `{"Version":1}`), "again"...)},
	"no report":               {askLoad: answer(head{kind: askLoad}, `report`)},
	"endless report":          {askLoad: appendHead(nil, head{kind: askLoad, size: maxReport + 1})},
	"no machine":              {askStart: answer(head{kind: askStart}, strings.Repeat("\x00", usageSize)+"seven b")},
	"too much memory":         {askStart: answer(head{kind: askStart}, strings.Repeat("\x00", usageSize)+"\xff\xff\xff\xff\xff\xff\xff\xff")},
	"no usage":                {askStart: answer(head{kind: askStart}, "eight by")},
	"a start that gives time": {askStart: answer(head{kind: askStart}, strings.Repeat("\xff", usageSize)+"\x00\x00\x00\x00\x00\x00\x00\x00")},
	"a strange start":         {askStart: answer(head{kind: askStart, class: 77}, strings.Repeat("\x00", usageSize))},
	"never answers":           {askTurn: nil},
}

func init() {
	for name, lie := range turnLies {
		children["liar/"+name] = liar{askTurn: lie}.run
	}
	for name, lies := range otherLies {
		children["liar/"+name] = liar(lies).run
	}
}

// liar answers as it should, but for what it holds: nothing there hangs up, nil
// never answers.
type liar map[question][]byte

func (l liar) run() int {
	door, err := polled(doorFD)
	if err != nil {
		return 1
	}
	if _, _, err := throughDoor(door); err != nil {
		return 1
	}
	for {
		line, err := lineThroughDoor(door)
		if err != nil {
			return 0
		}
		go l.line(line)
	}
}

func (l liar) line(line *line) {
	var buf []byte
	for {
		h, _, next, err := line.receive(buf, 1<<30)
		if err != nil {
			return
		}
		buf = next
		lie, lies := l[h.kind]
		switch {
		case lies && lie == nil:
			select {}
		case lies && len(lie) == 0:
			line.close()
			return
		case lies:
			line.out = lie
		default:
			line.out = answer(head{kind: h.kind, id: 1}, map[question]string{
				askHello: `{"Version":1}`, askLoad: `{}`, askStart: string(binary.LittleEndian.AppendUint64(make([]byte, usageSize), 2<<20)),
				askTurn: strings.Repeat("\x00", toldSize),
			}[h.kind])
		}
		if line.send(nil) != nil {
			return
		}
	}
}

func TestLiesEndTheProcess(t *testing.T) {
	for name := range turnLies {
		t.Run(name, func(t *testing.T) {
			r := starts(t, "liar/"+name, hasty)
			m := running(t, r)
			turn, err := say(m, "hello")
			if !errors.Is(err, ErrLost) || len(turn.Frames) > 0 || len(turn.Said) > 0 {
				t.Errorf("it was believed: %+v, %v", turn, err)
			}
			eventually(t, "another has taken its place", func() bool { return r.Life().Restarts == 1 })
		})
	}
	for _, name := range []string{"no report", "endless report", "no machine", "too much memory", "a strange start", "no usage", "a start that gives time"} {
		t.Run(name, func(t *testing.T) {
			r := starts(t, "liar/"+name, hasty)
			code, _, err := r.Load(t.Context(), echoGuest())
			if err == nil {
				defer code.Close()
				_, err = code.Start(t.Context(), beginning())
			}
			if !errors.Is(err, ErrLost) {
				t.Errorf("it was believed: %v", err)
			}
		})
	}
}

func TestReportIsOfTheModuleThatWasGiven(t *testing.T) {
	r := starts(t, "liar/never answers", hasty) // its report is empty
	_, report, err := r.Load(t.Context(), echoGuest())
	if err != nil || report.Digest != Digest(echoGuest()) || report.Size != len(echoGuest()) {
		t.Errorf("%+v, %v", report, err)
	}
}
