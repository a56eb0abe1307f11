// That the demo's programs log, serve and fail as the demo says.

package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func TestAccessIsLoggedButProbesAreNot(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	server := httptest.NewServer(logged(log, http.NotFoundHandler()))
	defer server.Close()
	for _, path := range []string{"/healthz", "/nothing"} {
		response, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	server.Close() // waits for the requests, and so for their lines
	text := out.String()
	if strings.Contains(text, "/healthz") || !strings.Contains(text, `"level":"WARN"`) || !strings.Contains(text, `"path":"/nothing"`) {
		t.Fatal(text)
	}
}

func TestProgramsEndWhenAsked(t *testing.T) {
	for _, name := range []string{"ticker", "app", "sidecar", "crasher"} {
		stop := make(chan os.Signal, 1)
		stop <- os.Interrupt
		if err := programs[name](stop); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHostileContentTriesToRun(t *testing.T) {
	for path, c := range content {
		if path != "/sw.js" && !strings.Contains(c.body, "HOSTILE RAN") {
			t.Errorf("%s leaves no proof when it runs", path)
		}
	}
}

func TestTerminalRepeatsAndLeaves(t *testing.T) {
	var out bytes.Buffer
	if code := converse(strings.NewReader("hello\nexit 3\nnever\n"), &lines{to: &out}); code != 3 || out.String() != "you said hello\n" {
		t.Errorf("left with %d after %q", code, out.String())
	}
}
