//go:build unix

// What the sandbox's process writes: lines of its log, or what Go's runtime says
// as it dies. Nothing of it is believed, and there is a limit to it.
package machine

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"
)

const (
	processLine  = 4 << 10 // bytes of a line; the rest of a longer one is dropped
	processLines = 200     // lines a minute
)

// processLog is the process's standard output and error.
type processLog struct {
	logger *slog.Logger

	mu      sync.Mutex
	line    []byte
	minute  time.Time
	lines   int
	dropped int
}

func newProcessLog(logger *slog.Logger) *processLog {
	return &processLog{logger: logger.With(slog.String("process", "sandbox"))}
}

// Write implements io.Writer.
func (p *processLog) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for rest := b; len(rest) > 0; {
		line, after, ends := bytes.Cut(rest, []byte{'\n'})
		p.line = append(p.line, line[:min(len(line), processLine-len(p.line))]...)
		if rest = after; ends {
			p.say()
			p.line = p.line[:0]
		}
	}
	return len(b), nil
}

func (p *processLog) say() {
	now := time.Now()
	if now.Sub(p.minute) > time.Minute {
		p.minute, p.lines = now, 0
	}
	if p.lines++; p.lines > processLines {
		p.dropped++
		return
	}
	if p.dropped > 0 {
		p.logger.Warn("lines of the sandbox's process were dropped", slog.Int("dropped", p.dropped))
		p.dropped = 0
	}
	var fields map[string]any
	if json.Unmarshal(p.line, &fields) != nil {
		p.logger.Warn("the sandbox's process says", slog.String("text", string(p.line)))
		return
	}
	level, attrs := slog.LevelWarn, []any{}
	for name, value := range fields {
		switch name {
		case slog.TimeKey, slog.MessageKey:
		case slog.LevelKey:
			text, _ := value.(string)
			_ = level.UnmarshalText([]byte(text))
		default:
			attrs = append(attrs, slog.Any(name, value))
		}
	}
	text, _ := fields[slog.MessageKey].(string)
	p.logger.Log(context.Background(), level, text, attrs...)
}
