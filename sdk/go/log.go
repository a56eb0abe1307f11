// Logging: lines for the platform's log, with the request that they belong to.
package atoll

import (
	"context"
	"log/slog"
	"slices"

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
		if len(b)+len(prefix)+len(a.Key)+len(text) < maxLogFrame {
			b = wire.AppendPair(b, wire.TagAttribute, prefix+a.Key, text)
		}
	}
	for _, a := range h.attrs {
		add("", a)
	}
	r.Attrs(func(a slog.Attr) bool { add(h.group, a); return true })
	if st := streamOf(ctx); st != nil {
		b = wire.AppendU32(b, wire.TagStream, st.id)
	}
	emitLog(b)
	return nil
}
