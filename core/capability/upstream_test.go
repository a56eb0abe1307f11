// The door to upstreams: what reaches a back end through it and what comes back.
package capability

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

const (
	password = "a-password-of-the-back-end"
	user     = "the-user-of-the-back-end"
)

// backEnd is a server with TLS that only the bound user may ask; answer says what
// it answers.
func backEnd(t testing.TB, answer http.HandlerFunc) (*httptest.Server, Binding) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != user || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="back end"`)
			http.Error(w, "unknown user "+u, http.StatusUnauthorized)
			return
		}
		answer(w, r)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, Binding{
		Extension: "sample", Name: "store", URL: server.URL, Username: user, Password: password,
		RootCAs: roots, AllowAddresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	}
}

func upstreams(t testing.TB, log io.Writer, bindings ...Binding) *Upstreams {
	t.Helper()
	u, err := NewUpstreams(bindings, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	return u
}

// asks is a request of the extension sample's on somebody's behalf.
func asks(t testing.TB, u *Upstreams, c sandbox.Caller, r sandbox.Request) (*sandbox.Response, error) {
	t.Helper()
	r.Caller, r.RequestID = c, "req-7"
	if r.Authority == "" {
		r.Authority = "store.upstream"
	}
	call := &Call{Subject: vera, Upstreams: map[string][]Template{"store": templates(t, searchTemplate, "GET /health"), "spare": templates(t, "GET /health")}}
	return u.Doors(r.Authority).Open(t.Context(), parent(call), &r)
}

func resetOf(t testing.TB, err error) *sandbox.ResetError {
	t.Helper()
	var reset *sandbox.ResetError
	if !errors.As(err, &reset) {
		t.Fatalf("no reset: %v", err)
	}
	return reset
}

func TestUpstreamGetsTheCredentialAndTheGuestNeverDoes(t *testing.T) {
	var seen *http.Request
	var body []byte
	server, binding := backEnd(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		for _, h := range []string{"Set-Cookie", "Location", "Server", "Via", "X-Served-By", "Www-Authenticate", "Alt-Svc", "Content-Location"} {
			w.Header().Set(h, "secret")
		}
		fmt.Fprint(w, `{"hits":1}`)
	})
	binding.URL += "/base/"
	var log bytes.Buffer
	u := upstreams(t, &log, binding)
	response, err := asks(t, u, ours, sandbox.Request{
		Method: "POST", Target: "/items-wshop-%2A/_search?size=5", Body: strings.NewReader(`{"query":{}}`),
		Header: []wire.Header{
			{Name: "content-type", Value: "application/json"}, {Name: "Content-Length", Value: "12"}, {Name: "Authorization", Value: "Bearer x"},
			{Name: "Host", Value: "evil.example"}, {Name: "Cookie", Value: "c"}, {Name: "X-Forwarded-For", Value: "1.2.3.4"}, {Name: "Connection", Value: "upgrade"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil || string(got) != `{"hits":1}` || response.Status != 200 {
		t.Errorf("%d %s, %v", response.Status, got, err)
	}
	if fmt.Sprint(response.Header) != "[{Content-Type application/json}]" {
		t.Errorf("headers to the guest: %v", response.Header)
	}
	if seen.RequestURI != "/base/items-wshop-*/_search?size=5" || string(body) != `{"query":{}}` || seen.ContentLength != 12 || seen.Host != strings.TrimPrefix(server.URL, "https://") {
		t.Errorf("the back end was asked %s of %s, %d bytes: %s", seen.RequestURI, seen.Host, seen.ContentLength, body)
	}
	for name := range seen.Header {
		switch name {
		case "Authorization", "Content-Type", "Content-Length", "User-Agent":
		default:
			t.Errorf("the header %s reached the back end", name)
		}
	}
	for _, want := range []string{"level=DEBUG", "extension=sample", "version=1.0.0", "upstream=store", "request=req-7", "status=200"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the record lacks %s: %s", want, &log)
		}
	}
	hidden(t, &log)
}

// hidden checks that no credential was recorded.
func hidden(t testing.TB, log *bytes.Buffer) {
	t.Helper()
	for _, secret := range []string{password, user, "Basic "} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the record holds %q: %s", secret, log)
		}
	}
}

func TestUpstreamThatNobodyBoundIsUnavailable(t *testing.T) {
	_, binding := backEnd(t, func(w http.ResponseWriter, r *http.Request) {})
	elsewhere := binding
	elsewhere.Extension = "other"
	onlyTheirs := binding
	onlyTheirs.WorkspaceUID = theirs.WorkspaceUID
	for name, bindings := range map[string][]Binding{"nothing": nil, "another extension": {elsewhere}, "another workspace": {onlyTheirs}} {
		_, err := asks(t, upstreams(t, io.Discard, bindings...), ours, sandbox.Request{Method: "GET", Target: "/health"})
		if reset := resetOf(t, err); reset.Code != wire.Unavailable || !strings.Contains(reset.Text, `"store"`) {
			t.Errorf("%s is bound: %v", name, reset)
		}
	}
	u := upstreams(t, io.Discard, onlyTheirs)
	if !u.Bound("sample", "store") || u.Bound("sample", "spare") || u.Bound("other", "store") {
		t.Error("what is bound is not known")
	}
}

func TestAWorkspacesOwnBindingGoesFirst(t *testing.T) {
	var asked []string
	answer := func(name string) http.HandlerFunc {
		return func(http.ResponseWriter, *http.Request) { asked = append(asked, name) }
	}
	_, everybodys := backEnd(t, answer("everybody's"))
	_, own := backEnd(t, answer("its own"))
	own.WorkspaceUID = ours.WorkspaceUID
	u := upstreams(t, io.Discard, everybodys, own)
	for _, c := range []sandbox.Caller{ours, theirs, {UserUID: "u1"}} {
		if _, err := asks(t, u, c, sandbox.Request{Method: "GET", Target: "/health"}); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(asked) != "[its own everybody's everybody's]" {
		t.Errorf("%v", asked)
	}
}

func TestUpstreamRefusesWithoutAskingTheBackEnd(t *testing.T) {
	_, binding := backEnd(t, func(w http.ResponseWriter, r *http.Request) { t.Errorf("asked for %s %s", r.Method, r.RequestURI) })
	u := upstreams(t, io.Discard, binding)
	for name, test := range map[string]struct {
		caller    sandbox.Caller
		authority string
		method    string
		target    string
	}{
		"another workspace":         {ours, "", "POST", "/items-wother-*/_search"},
		"a path of dots":            {ours, "", "POST", "/items-wshop-a/../items-wother-a/_search"},
		"an unknown request":        {ours, "", "DELETE", "/items-wshop-a"},
		"no workspace":              {sandbox.Caller{UserUID: "u"}, "", "POST", "/items-wshop-a/_search"},
		"another upstream's name":   {ours, "other.upstream", "GET", "/health"},
		"no name":                   {ours, ".upstream", "GET", "/health"},
		"a request of another name": {ours, "spare.upstream", "POST", "/items-wshop-a/_search"},
	} {
		_, err := asks(t, u, test.caller, sandbox.Request{Authority: test.authority, Method: test.method, Target: test.target})
		if reset := resetOf(t, err); reset.Code != wire.Denied {
			t.Errorf("%s: %v", name, reset)
		}
	}
	if _, err := u.Open(t.Context(), parent(nil), &sandbox.Request{Authority: "store.upstream", Method: "GET", Target: "/health"}); resetOf(t, err).Code != wire.Denied {
		t.Errorf("nobody asks: %v", err)
	}
	if u.Doors("kubernetes") != nil || u.Doors("upstream") != nil {
		t.Error("it answers for another door")
	}
}

func TestWhatABackEndSaysOfItselfStaysBehindTheDoor(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		code   wire.Code // 0: the answer goes through
	}{
		"a redirect":         {302, wire.Denied},
		"a lasting redirect": {308, wire.Denied},
		"choices":            {300, wire.Denied},
		"a forbidden":        {403, wire.Denied},
		"an unknown user":    {401, wire.Unavailable},
		"a proxy's question": {407, wire.Unavailable},
		"not modified":       {304, 0},
		"an error":           {400, 0},
		"a failure":          {500, 0},
	} {
		asked := 0
		server, binding := backEnd(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			w.Header().Set("Location", "https://internal.example/")
			w.WriteHeader(test.status)
			if test.status != 304 {
				fmt.Fprint(w, "see https://internal.example/")
			}
		})
		var log bytes.Buffer
		response, err := asks(t, upstreams(t, &log, binding), ours, sandbox.Request{Method: "GET", Target: "/health"})
		if asked != 1 {
			t.Errorf("%s: asked %d times", name, asked)
		}
		if test.code == 0 {
			if err != nil || response.Status != test.status {
				t.Errorf("%s: %v, %v", name, response, err)
			} else {
				response.Body.Close()
			}
			continue
		}
		reset := resetOf(t, err)
		if reset.Code != test.code || strings.Contains(reset.Text, "internal") || strings.Contains(reset.Text, server.URL) {
			t.Errorf("%s: %v", name, reset)
		}
		hidden(t, &log)
	}
	_, binding := backEnd(t, func(w http.ResponseWriter, r *http.Request) {})
	binding.Password = "wrong"
	_, err := asks(t, upstreams(t, io.Discard, binding), ours, sandbox.Request{Method: "GET", Target: "/health"})
	if reset := resetOf(t, err); reset.Code != wire.Unavailable || strings.Contains(reset.Text, user) {
		t.Errorf("a wrong password: %v", reset)
	}
}

func TestUpstreamThatCannotBeReachedIsUnavailable(t *testing.T) {
	server, binding := backEnd(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "half")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	address := strings.TrimPrefix(server.URL, "https://")
	response, err := asks(t, upstreams(t, io.Discard, binding), ours, sandbox.Request{Method: "GET", Target: "/health"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(response.Body)
	if reset := resetOf(t, err); reset.Code != wire.Unavailable || strings.Contains(reset.Text, address) {
		t.Errorf("an answer that breaks off: %v", reset)
	}
	response.Body.Close()

	stranger := binding
	stranger.RootCAs = x509.NewCertPool()
	nobody := binding
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.URL = "https://" + listener.Addr().String()
	listener.Close()
	for name, b := range map[string]Binding{"a certificate of a stranger's": stranger, "nobody there": nobody} {
		_, err := asks(t, upstreams(t, io.Discard, b), ours, sandbox.Request{Method: "GET", Target: "/health"})
		if reset := resetOf(t, err); reset.Code != wire.Unavailable || strings.Contains(reset.Text, "127.0.0.1") {
			t.Errorf("%s: %v", name, reset)
		}
	}
}

func TestUpstreamTakesNoMoreThanItsTimeAndSize(t *testing.T) {
	_, binding := backEnd(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	u := upstreams(t, io.Discard, binding)
	endless := func() io.Reader { return io.LimitReader(zeros{}, maxUpstreamBody+1) }
	for name, test := range map[string]struct {
		header []wire.Header
		body   io.Reader
		code   wire.Code
	}{
		"a body without end":        {nil, endless(), wire.TooLarge},
		"an announcement too large": {[]wire.Header{{Name: "Content-Length", Value: fmt.Sprint(maxUpstreamBody + 1)}}, strings.NewReader(""), wire.TooLarge},
		"more than announced":       {[]wire.Header{{Name: "Content-Length", Value: "1"}}, strings.NewReader("abc"), wire.Invalid},
		"less than announced":       {[]wire.Header{{Name: "Content-Length", Value: "9"}}, strings.NewReader("abc"), wire.Invalid},
		"announced and not there":   {[]wire.Header{{Name: "Content-Length", Value: "9"}}, nil, wire.Invalid},
		"no number":                 {[]wire.Header{{Name: "Content-Length", Value: "-1"}}, strings.NewReader("a"), wire.Invalid},
	} {
		response, err := asks(t, u, ours, sandbox.Request{Method: "POST", Target: "/items-wshop-a/_search", Header: test.header, Body: test.body})
		if err == nil {
			response.Body.Close()
			t.Errorf("%s: answered %d", name, response.Status)
			continue
		}
		if reset := resetOf(t, err); reset.Code != test.code {
			t.Errorf("%s: %v", name, reset)
		}
	}
}

// One workspace's requests keep no other's waiting, and each is counted until its
// answer was read.
func TestAWorkspaceTakesAnUpstreamOnlyForItsShare(t *testing.T) {
	_, binding := backEnd(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "begun")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	u := upstreams(t, io.Discard, binding)
	var open []*sandbox.Response
	ask := func(c sandbox.Caller) error {
		response, err := asks(t, u, c, sandbox.Request{Method: "GET", Target: "/health"})
		if err == nil {
			open = append(open, response)
		}
		return err
	}
	for range maxOfWorkspace {
		if err := ask(ours); err != nil {
			t.Fatal(err)
		}
	}
	if reset := resetOf(t, ask(ours)); reset.Code != wire.RateLimited {
		t.Errorf("%v", reset)
	}
	if err := ask(theirs); err != nil {
		t.Errorf("another workspace: %v", err)
	}
	open[0].Body.Close()
	open[0].Body.Close()
	if err := ask(ours); err != nil {
		t.Errorf("after one has ended: %v", err)
	}
	if reset := resetOf(t, ask(ours)); reset.Code != wire.RateLimited {
		t.Errorf("%v", reset)
	}
	for _, response := range open {
		response.Body.Close()
	}
	if taken := u.find("sample", "store", "").taken; len(taken) > 0 {
		t.Errorf("still counted: %v", taken)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A back end that takes a request and says nothing: its time is the door's.
func TestUpstreamThatSaysNothingIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		go io.Copy(io.Discard, far)
		binding := Binding{Extension: "sample", Name: "store", URL: "http://203.0.113.1"}
		u := upstreams(t, io.Discard, binding)
		u.find("sample", "store", "").transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return near, nil }
		began := time.Now()
		_, err := asks(t, u, ours, sandbox.Request{Method: "GET", Target: "/health"})
		if reset := resetOf(t, err); reset.Code != wire.Deadline {
			t.Errorf("%v", reset)
		}
		if took := time.Since(began); took != headTime {
			t.Errorf("after %s", took)
		}
		synctest.Wait()
	})
}
