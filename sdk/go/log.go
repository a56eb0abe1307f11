// Logging: lines for the platform's log, with the request that they belong to.
package atoll

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Log writes to the platform's log, which names the extension. Given a request's
// context (Log.InfoContext), a line belongs to that request. It is safe for
// concurrent use; the platform bounds lines and rates.
var Log = slog.New(logHandler{})

type logHandler struct {
	attrs []slog.Attr
	group string
}

func (logHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		a.Key = h.group + a.Key
		h.attrs = append(h.attrs, a)
	}
	return h
}

func (h logHandler) WithGroup(name string) slog.Handler {
	if name != "" {
		h.group += name + "."
	}
	return h
}

const maxLogFrame = 16 << 10

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	b := wire.AppendU32(nil, wire.TagLevel, uint32(int32(r.Level)))
	b = wire.AppendText(b, wire.TagText, r.Message[:min(len(r.Message), 8<<10)])
	var add func(prefix string, a slog.Attr)
	add = func(prefix string, a slog.Attr) {
		v := a.Value.Resolve()
		if v.Kind() == slog.KindGroup {
			if a.Key != "" {
				prefix += a.Key + "."
			}
			for _, in := range v.Group() {
				add(prefix, in)
			}
			return
		}
		text := v.String()
		prefix = strings.ReplaceAll(prefix+a.Key, "\x00", "")
		if len(b)+len(prefix)+len(text) < maxLogFrame {
			b = wire.AppendPair(b, wire.TagAttribute, prefix, text)
		}
	}
	for _, a := range h.attrs {
		add("", a)
	}
	r.Attrs(func(a slog.Attr) bool { add(h.group, a); return true })
	s := now()
	if x := servedOf(ctx); x != nil {
		s = x.session
		b = wire.AppendU32(b, wire.TagStream, x.id)
	}
	s.emitLog(b)
	return nil
}

// logRoom is how much output may wait before lines of the log are lost: who
// writes them does not wait.
const logRoom = 2 * wire.MaxBatch

// appendLog says a line, and how many before it were lost.
func (s *session) appendLog(payload []byte) {
	s.lock()
	defer s.unlock()
	if len(s.out) > logRoom {
		s.lostLog++
		return
	}
	if s.lostLog > 0 {
		payload = wire.AppendPair(payload, wire.TagAttribute, "linesLostBefore", strconv.Itoa(s.lostLog))
		s.lostLog = 0
	}
	s.append(wire.Log, 0, payload)
}
