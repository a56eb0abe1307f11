// The extension as its author tests it: natively, with no WebAssembly.
package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/atolltest"
)

func TestEverybodyIsGreetedByName(t *testing.T) {
	h := atolltest.Serve(t, nil, nil)
	h.Caller = atoll.Identity{User: "alice"}
	for path, want := range map[string]string{
		"/greetings":                              "Hallo, alice!",
		"/greetings?name=bob":                     "Hallo, bob!",
		"/greetings/Fran%C3%A7ais":                "Bonjour, alice!",
		"/clusters/local/projects/demo/greetings": "Hello, alice!",
	} {
		resp, err := h.Get(path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !json.Valid(b) || !strings.Contains(string(b), want) {
			t.Errorf("%s answers %d %s, %v; want %q in it", path, resp.StatusCode, b, err, want)
		}
	}
	if resp, err := h.Get("/greetings/Klingon"); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("a language that it does not speak: %v, %v", resp, err)
	}
}

func TestFrameRouteGivesBackWhatItGot(t *testing.T) {
	h := atolltest.Serve(t, nil, nil)
	for body, want := range map[string]string{"": "hello\n", "ping": "ping", strings.Repeat("x", 30<<10): strings.Repeat("x", 30<<10)} {
		resp, err := h.Client().Post("http://route/frame", "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(b) != want || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%.10q answers %.10q, %v", body, b, err)
		}
	}
}

func TestPageIsAFragment(t *testing.T) {
	h := atolltest.Serve(t, nil, nil)
	resp, err := h.Client().Get("http://fragment/fragments/greetings")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var page map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil || len(page) == 0 {
		t.Errorf("it is %v, %v", page, err)
	}
}
