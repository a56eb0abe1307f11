// Signing in by a browser: what the page is asked for, what a browser brings back,
// and what other pages can do to a command that waits.

package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// waiting is a command that waits for a browser.
type waiting struct {
	t     *testing.T
	page  url.Values // what the page of Atoll is asked for
	said  *spoken
	ended chan error
	err   error
}

// spoken is what a command has said so far.
type spoken struct {
	mu   sync.Mutex
	text bytes.Buffer
	came chan struct{}
}

func (s *spoken) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.came <- struct{}{}:
	default:
	}
	return s.text.Write(p)
}

func (s *spoken) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

var pageAddress = regexp.MustCompile(`(http://\S+)/authorize\?(\S+)\n`)

// atBrowser begins a sign-in and waits until the command waits.
func (w *world) atBrowser(args ...string) *waiting {
	w.t.Helper()
	w.t.Setenv("DISPLAY", "")
	w.t.Setenv("WAYLAND_DISPLAY", "")
	x := &waiting{t: w.t, said: &spoken{came: make(chan struct{}, 1)}, ended: make(chan error, 1)}
	root := newRoot()
	root.SetArgs(append([]string{"login", w.url, "--browser"}, args...))
	root.SetIn(strings.NewReader(""))
	root.SetOut(x.said)
	root.SetErr(x.said)
	ctx, stop := context.WithCancel(context.Background())
	go func() { x.ended <- root.ExecuteContext(ctx) }()
	w.t.Cleanup(stop)
	for {
		select {
		case <-x.said.came:
		case err := <-x.ended:
			w.t.Fatalf("it ended with %v: %s", err, x.said)
		case <-time.After(2 * time.Minute):
			w.t.Fatalf("it said %q", x.said)
		}
		if found := pageAddress.FindStringSubmatch(x.said.String()); found != nil {
			query, err := url.ParseQuery(found[2])
			if err != nil || found[1] != w.url {
				w.t.Fatalf("%v in %s", err, found[0])
			}
			x.page = query
			return x
		}
	}
}

// get asks the command as a browser does.
func (x *waiting) get(address string) (int, string) {
	x.t.Helper()
	res, err := http.Get(address)
	if err != nil {
		x.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	if res.Header.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Referrer-Policy") != "no-referrer" {
		x.t.Errorf("the page has %v", res.Header)
	}
	return res.StatusCode, string(text)
}

// answer confirms or declines as the page of Atoll does, and goes where it sends
// the browser.
func (w *world) answer(x *waiting, verb string) (int, string) {
	w.t.Helper()
	api, err := endpoint{server: w.url}.client()
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := api.begin(w.t.Context(), signInBody{Username: "admin", Password: adminPassword}); err != nil {
		w.t.Fatal(err)
	}
	// The session stays: a code is good in its session alone.
	body := map[string]any{"redirectURI": x.page.Get("redirectURI"), "state": x.page.Get("state")}
	if verb == "authorize" {
		body["name"], body["expiresIn"], body["codeChallenge"], body["readOnly"] = x.page.Get("name"), x.page.Get("expiresIn"), x.page.Get("codeChallenge"), x.page.Get("readOnly") == "true"
	}
	var to struct{ RedirectURL string }
	if err := api.call(w.t.Context(), http.MethodPost, "/api/v1/tokens:"+verb, body, &to); err != nil {
		w.t.Fatal(err)
	}
	return x.get(to.RedirectURL)
}

// end is how the command ended.
func (x *waiting) end() (string, error) {
	x.t.Helper()
	select {
	case err := <-x.ended:
		return x.said.String(), err
	case <-time.After(2 * time.Minute):
		x.t.Fatalf("it does not end: %s", x.said)
		return "", nil
	}
}

func TestBrowserSignsTheCommandIn(t *testing.T) {
	w := newWorld(t)
	x := w.atBrowser("--expires-in", "2h")
	host, _ := os.Hostname()
	if x.page.Get("name") != "atoll login on "+host || x.page.Get("expiresIn") != "2h" || x.page.Get("readOnly") != "false" || len(x.page) != 6 {
		t.Errorf("the page is asked for %v", x.page)
	}
	if status, text := w.answer(x, "authorize"); status != http.StatusOK || !strings.Contains(text, "Go on at the terminal") {
		t.Errorf("%d %s", status, text)
	}
	out, err := x.end()
	if err != nil || !strings.Contains(out, "Signed in to "+w.url+" as admin, until ") {
		t.Fatalf("%v: %s", err, out)
	}
	if out := w.must("", "whoami"); !strings.Contains(out, "admin") {
		t.Errorf("got %s", out)
	}
	kept, err := readSignIns()
	if err != nil {
		t.Fatal(err)
	}
	s, _ := kept.find("")
	if left := time.Until(s.ExpiresAt); s.TokenID == "" || left <= 0 || left > 2*time.Hour || strings.Contains(out, s.Token) {
		t.Errorf("kept %+v", s)
	}
	// Again, for reading only: the token before is revoked all the same.
	x = w.atBrowser("--read-only")
	w.answer(x, "authorize")
	if out, err := x.end(); err != nil || strings.Contains(out, "could not be revoked") {
		t.Fatalf("%v: %s", err, out)
	}
	if err := whoIs(t, s); exitCode(err) != exitSignedOut {
		t.Errorf("the token of the sign-in before: %v", err)
	}
	w.fails(exitDenied, "", "token", "create", "more")
	kept, err = readSignIns()
	if err != nil {
		t.Fatal(err)
	}
	s, _ = kept.find("")
	w.must("", "logout") // what may only read may end itself
	if err := whoIs(t, s); exitCode(err) != exitSignedOut {
		t.Errorf("after signing out: %v", err)
	}
}

func TestDeclinedSignInIsToldAtTheTerminal(t *testing.T) {
	w := newWorld(t)
	x := w.atBrowser()
	if status, text := w.answer(x, "decline"); status != http.StatusOK || !strings.Contains(text, "Declined") {
		t.Errorf("%d %s", status, text)
	}
	if out, err := x.end(); exitCode(err) != exitDenied || !strings.Contains(err.Error(), "declined in the browser") {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := os.Stat(w.file); err == nil {
		t.Error("something was kept")
	}
}

func TestOtherPagesDoNotAnswerForTheBrowser(t *testing.T) {
	w := newWorld(t)
	x := w.atBrowser()
	here, state := x.page.Get("redirectURI"), x.page.Get("state")
	for _, path := range []string{
		"", "?code=x", "?error=access_denied", "?code=x&state=", "?code=x&state=" + state[1:], "?state=" + state, "?code=x&error=y&state=" + state,
		"other?code=x&state=" + state, "favicon.ico",
	} {
		if status, text := x.get(here + path); status != http.StatusNotFound || strings.Contains(text, "Confirmed") {
			t.Errorf("%q: %d %s", path, status, text)
		}
	}
	if res, err := http.Post(here+"?code=x&state="+state, "text/plain", nil); err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("a POST: %+v %v", res, err)
	}
	w.answer(x, "authorize") // none of these has ended it
	if out, err := x.end(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	x = w.atBrowser()
	x.get(x.page.Get("redirectURI") + "?code=" + strings.Repeat("A", 43) + "&state=" + x.page.Get("state"))
	if out, err := x.end(); exitCode(err) != exitSignedOut || !strings.Contains(err.Error(), "begin again") {
		t.Errorf("a code that is none: %v: %s", err, out)
	}
}

func TestNothingIsTypedForABrowser(t *testing.T) {
	w := newWorld(t)
	for _, flag := range []string{"--user=jane", "--provider=corp", "--password-stdin", "--token-stdin", "--set-up-second-factor"} {
		if out := w.fails(exitUsage, "x\n", "login", w.url, "--browser", flag); !strings.Contains(out, "none of the others can be") {
			t.Errorf("%s: %s", flag, out)
		}
	}
}
