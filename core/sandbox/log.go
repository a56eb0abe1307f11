// What a guest says: lines on its descriptors 1 and 2 and LOG frames, bounded in
// length and rate, drops counted and said.
package sandbox

import (
	"bytes"
	"context"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

const (
	logLine  = 8 << 10 // bytes of a line; more is cut
	logBurst = 200     // lines at once, and no more than in a minute
)

// guestLog is the log of one instance, for its owner alone.
type guestLog struct {
	to      *slog.Logger
	line    []byte  // an unfinished line of descriptors 1 and 2
	cut     bool    // the rest of it is thrown away
	perMin  float64 // lines
	tokens  float64 // lines that may be logged now
	at      time.Time
	dropped int // and not yet said
	lost    int // dropped, and not yet billed
}

func newGuestLog(to *slog.Logger, perMinute int, now time.Time) *guestLog {
	return &guestLog{to: to, perMin: float64(perMinute), tokens: float64(min(logBurst, perMinute)), at: now}
}

// wrote takes what a turn wrote to descriptors 1 and 2; unsaid bytes more were
// not kept.
func (l *guestLog) wrote(now time.Time, b []byte, unsaid int) {
	l.write(now, b)
	if unsaid > 0 {
		l.cut = true
		l.flush(now)
		l.drop(1 + unsaid/logLine)
	}
}

// write takes bytes of descriptors 1 and 2 and logs the lines in them.
func (l *guestLog) write(now time.Time, b []byte) {
	for len(b) > 0 {
		part, rest, whole := bytes.Cut(b, []byte{'\n'})
		b = rest
		if room := logLine - len(l.line); len(part) > room {
			part, l.cut = part[:room], true
		}
		l.line = append(l.line, part...)
		if whole {
			l.flush(now)
		}
	}
}

// close logs what is left when the guest has ended.
func (l *guestLog) close(now time.Time) {
	l.flush(now)
	l.sayDropped()
}

func (l *guestLog) drop(lines int) {
	l.dropped += lines
	l.lost += lines
}

// sayDropped says how many lines were dropped.
func (l *guestLog) sayDropped() {
	if l.dropped > 0 {
		l.to.Warn("lines of an extension were dropped", slog.Int("dropped", l.dropped))
		l.dropped = 0
	}
}

// flush logs an unfinished line: the guest has ended, or ended the line.
func (l *guestLog) flush(now time.Time) {
	if len(l.line) > 0 {
		text := string(bytes.ToValidUTF8(l.line, []byte("\uFFFD")))
		if l.cut {
			text += " ..."
		}
		l.say(now, slog.LevelInfo, text)
	}
	l.line, l.cut = l.line[:0], false
}

// frame logs a LOG frame; false: it is not one.
func (l *guestLog) frame(now time.Time, payload []byte) bool {
	level, text, attrs := slog.LevelInfo, "", []slog.Attr(nil)
	if len(payload) > wire.MaxFields {
		return false
	}
	var said once
	for len(payload) > 0 {
		f, rest, err := wire.NextField(payload)
		if err != nil {
			return false
		}
		payload = rest
		switch f.Tag {
		case wire.TagLevel, wire.TagText, wire.TagStream:
			if said.twice(f.Tag) {
				return false
			}
		}
		switch f.Tag {
		case wire.TagLevel:
			v, ok := f.U32()
			if !ok {
				return false
			}
			level = slog.Level(int32(v))
		case wire.TagText:
			text = logText(f.Value)
		case wire.TagAttribute:
			name, value, ok := f.Pair()
			if !ok {
				return false
			}
			if len(attrs) < 32 {
				attrs = append(attrs, slog.String(logText(name), logText(value)))
			}
		case wire.TagStream:
			v, ok := f.U32()
			if !ok {
				return false
			}
			attrs = append(attrs, slog.Uint64("stream", uint64(v)))
		default:
			if f.Critical() {
				return false
			}
		}
	}
	l.say(now, level, text, attrs...)
	return true
}

func logText(b []byte) string {
	if len(b) > logLine {
		b = b[:logLine]
	}
	if utf8.Valid(b) {
		return string(b)
	}
	return string(bytes.ToValidUTF8(b, []byte("\uFFFD")))
}

func (l *guestLog) say(now time.Time, level slog.Level, text string, attrs ...slog.Attr) {
	if d := now.Sub(l.at); d > 0 {
		l.tokens, l.at = min(logBurst, l.perMin, l.tokens+d.Minutes()*l.perMin), now
	}
	if l.tokens < 1 {
		l.drop(1)
		return
	}
	l.tokens--
	l.sayDropped()
	// What a guest says stands in a group of its own, where it cannot pass for
	// an attribute of the host's.
	l.to.LogAttrs(context.Background(), level, "extension says", slog.Any("says", slog.GroupValue(append([]slog.Attr{slog.String("text", text)}, attrs...)...)))
}
