// One line of a log: bounded, printable as JSON, with the severity that it says.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// kindNotice marks a remark about a pod or container.
const kindNotice = "notice"

// line is what a client gets, one JSON object a line.
type line struct {
	Time      string `json:"time,omitempty"` // RFC 3339 with nanoseconds, in UTC
	Pod       string `json:"pod,omitempty"`
	Container string `json:"container,omitempty"`
	Line      string `json:"line"`
	Severity  string `json:"severity,omitempty"` // error, warning, info, debug
	Kind      string `json:"kind,omitempty"`     // notice, or nothing

	at time.Time
}

// maxLine bounds a line in bytes; what is longer is cut, and says so.
const maxLine = 16 << 10

// lines reads a container's log with timestamps. Its buffer is all that it holds.
type lines struct {
	r *bufio.Reader
}

func newLines(r io.Reader) *lines { return &lines{bufio.NewReaderSize(r, 4<<10)} }

// next reads a line: its time, and its text without what does not print. io.EOF
// ends it; a last line without an end is a line.
func (l *lines) next() (at time.Time, text string, err error) {
	var whole []byte
	dropped := 0
	for {
		piece, err := l.r.ReadSlice('\n')
		if room := maxLine - len(whole); len(piece) > room {
			dropped += len(piece) - room
			piece = piece[:room]
		}
		whole = append(whole, piece...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && (len(whole) == 0 || !errors.Is(err, io.EOF)) {
			return at, "", err
		}
		break
	}
	whole = bytes.TrimRight(whole, "\r\n")
	// Kubernetes writes the time before each line, and a space.
	if stamp, rest, ok := bytes.Cut(whole, []byte(" ")); ok && len(stamp) <= 40 {
		if t, err := time.Parse(time.RFC3339Nano, string(stamp)); err == nil {
			at, whole = t.UTC(), rest
		}
	} else if t, err := time.Parse(time.RFC3339Nano, string(whole)); err == nil {
		at, whole = t.UTC(), nil // an empty line
	}
	text = printable(whole)
	if dropped > 0 {
		text += fmt.Sprintf(" … (%d bytes more)", dropped)
	}
	return at, text, nil
}

// printable makes text of bytes: what is no UTF-8 is replaced, and what steers a
// terminal is left out.
func printable(b []byte) string {
	clean := true
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f || c >= utf8.RuneSelf {
			clean = false
			break
		}
	}
	if clean {
		return string(b)
	}
	var s strings.Builder
	s.Grow(len(b))
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r == 0x1b:
			i += escapeLength(b[i:])
			continue
		case r == utf8.RuneError, r < ' ' && r != '\t', r >= 0x7f && r < 0xa0:
			s.WriteRune(utf8.RuneError)
		default:
			s.WriteRune(r)
		}
		i += n
	}
	return s.String()
}

// escapeLength is the length of a terminal's escape sequence at the beginning of b.
func escapeLength(b []byte) int {
	if len(b) < 2 || b[1] != '[' {
		return 1
	}
	for i := 2; i < len(b) && i < 32; i++ {
		if b[i] >= 0x40 && b[i] <= 0x7e {
			return i + 1
		}
	}
	return 2
}

// severities by the words that programs use for them.
var severities = map[string]string{
	"FATAL": "error", "PANIC": "error", "CRITICAL": "error", "CRIT": "error", "EMERG": "error", "ALERT": "error", "ERROR": "error", "ERR": "error", "SEVERE": "error",
	"WARNING": "warning", "WARN": "warning",
	"INFO": "info", "NOTICE": "info", "INFORMATION": "info",
	"DEBUG": "debug", "TRACE": "debug", "VERBOSE": "debug",
}

// severity reads what a line says of itself: klog's first letter, a level field,
// or a word near its beginning. Nothing when it says nothing.
func severity(text string) string {
	if len(text) > 5 && text[5] == ' ' && digits(text[1:5]) { // klog: E1123 14:07:00.000000
		switch text[0] {
		case 'E', 'F':
			return "error"
		case 'W':
			return "warning"
		case 'I':
			return "info"
		}
	}
	for _, key := range []string{`"level":`, `"severity":`, `"lvl":`, "level=", "lvl=", "severity="} {
		if i := strings.Index(text[:min(len(text), 4<<10)], key); i >= 0 {
			if s := word(strings.TrimLeft(text[i+len(key):], `" `)); s != "" {
				return s
			}
		}
	}
	head := text[:min(len(text), 96)]
	for i := 0; i < len(head); i++ {
		if upper(head[i]) && (i == 0 || !letter(head[i-1])) {
			if s := word(head[i:]); s != "" && shouted(head[i:]) {
				return s
			}
		}
	}
	return ""
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func upper(c byte) bool  { return c >= 'A' && c <= 'Z' }
func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= '0' && c <= '9' }

// word is the severity of the word that s begins with.
func word(s string) string {
	n := 0
	for n < len(s) && n < 12 && letter(s[n]) {
		n++
	}
	return severities[strings.ToUpper(s[:n])]
}

// shouted tells whether the word that s begins with is in capitals: in the middle
// of a sentence only those are levels.
func shouted(s string) bool { return len(s) > 1 && upper(s[1]) }

// appendJSON writes the line and its end.
func (l *line) appendJSON(b *bytes.Buffer) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(l) // a struct of texts into memory
}
