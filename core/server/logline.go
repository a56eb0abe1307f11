// The log: one line for each thing that is said, whatever is in it, and no
// longer than a line may be.

package server

import (
	"log/slog"
	"os"
	"strings"
)

// maxLogged bounds one value of a line, in bytes, before what cannot be seen is
// written out. A stack fits.
const maxLogged = 16 << 10

// Logger writes the log as the configuration says. Both formats write ends of
// lines, and what else would move a terminal's cursor, as escapes.
func (l Log) Logger(out *os.File) *slog.Logger {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	o := &slog.HandlerOptions{Level: levels[l.Level], ReplaceAttr: boundedAttribute}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(out, o))
	}
	return slog.New(slog.NewTextHandler(out, o))
}

// boundedAttribute cuts what is too long: a name that somebody sent, the text of
// an error that repeats it.
func boundedAttribute(_ []string, a slog.Attr) slog.Attr {
	text := ""
	switch a.Value.Kind() {
	case slog.KindString:
		text = a.Value.String()
	case slog.KindAny:
		err, ok := a.Value.Any().(error)
		if !ok {
			return a
		}
		text = err.Error()
	}
	if len(text) > maxLogged {
		a.Value = slog.StringValue(strings.ToValidUTF8(clip(text, maxLogged), ""))
	}
	return a
}
