// Whatever is sent, a line of the log is one line, and says what it says.

package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
)

// nasty are texts that would begin a line of their own, or be too long for one.
var nasty = []string{
	"a\ntime=2030-01-01T00:00:00Z level=INFO msg=forged user=root", "a\r\n{\"level\":\"INFO\",\"msg\":\"forged\"}", "\x1b[2J\x1b[1;1Hforged", "\u202eforged\u2028forged\u0085forged",
	"\x00\x7f\xff\xfe", `" msg=forged "`, strings.Repeat("forged\n", 2000), strings.Repeat("\x1b", 300),
}

func TestNobodyForgesALineOfTheLog(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		file, err := os.Create(filepath.Join(t.TempDir(), "log"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		logger := Log{Level: "debug", Format: format}.Logger(file)
		s, err := New(t.Context(), testConfig(t, t.TempDir()), Build{Version: "0.1.0", Shipped: fstest.MapFS{}}, logger)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		r := &running{Server: s, t: t, url: s.URL(), cancel: cancel, ended: make(chan error, 1)}
		go func() { r.ended <- s.Run(ctx) }()
		token := r.admin().newToken()
		for _, text := range nasty {
			escaped := url.PathEscape(text[:min(len(text), 3000)])
			r.do(nil, "POST", "/api/v1/sessions", map[string]string{"username": text, "password": "x"}, nil)
			r.do(token, "DELETE", "/api/v1/users/"+escaped, nil, nil)
			r.do(token, "GET", "/x/"+escaped+"/y", nil, nil)
			r.do(token, "POST", "/clusters/"+escaped+"/api/v1/pods", "{}", nil)
			r.do(token, "GET", "/"+escaped, nil, nil)
			logger.Error(text, "error", errors.New(text+strings.Repeat("x", 1<<20)), "name", text, "list", []string{text})
		}
		r.stopAndWait()
		written, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(written), "\n"), "\n")
		if len(lines) < 6*len(nasty) {
			t.Fatalf("%s: only %d lines", format, len(lines))
		}
		for _, line := range lines {
			whole := strings.HasPrefix(line, "time=20") && strings.Contains(line, " level=")
			if format == "json" {
				whole = json.Valid([]byte(line))
			}
			if !whole || len(line) > 256<<10 || strings.HasPrefix(line, "time=2030") {
				t.Errorf("%s: %.300q is no line of ours, or has %d bytes", format, line, len(line))
			}
			for _, c := range line {
				if unicode.Is(unicode.Cc, c) && (format == "text" || c < ' ') || format == "text" && !unicode.IsPrint(c) {
					t.Errorf("%s: %q is written as itself in %.200q", format, c, line)
				}
			}
		}
	}
}
