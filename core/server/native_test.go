// The JSON route of extension hello as a native handler, behind the middleware
// that hello's own stands behind: what the sandbox is measured against. It is
// seen here to answer as the guest does. core/server/bench runs the test binary
// as a server that has this route; what is shipped knows nothing of it:
//
//	go test -c -o native ./core/server && ./native -serve atoll.yaml -native
package server

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"syscall"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/server/problem"
)

var (
	serveFile   = flag.String("serve", "", "do not test: serve with this configuration file until SIGTERM")
	serveNative = flag.Bool("native", false, "with -serve: hello's JSON route is the native handler")
	serveCPU    = flag.String("profile", "", "with -serve: keep a CPU profile in this file")
)

func TestMain(m *testing.M) {
	RunChild()
	flag.Parse()
	if *serveFile == "" {
		os.Exit(m.Run())
	}
	if err := serveInstead(*serveFile, *serveNative, *serveCPU); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serveInstead is `atoll serve`, with the native route where it is wanted.
func serveInstead(file string, native bool, profile string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c, err := LoadConfig(file, func(*Config) {})
	if err != nil {
		return err
	}
	s, err := New(ctx, c, Build{Version: "0.1.0"}, c.Log.Logger(os.Stderr))
	if err != nil {
		return err
	}
	if native {
		h, err := s.nativeHandler()
		if err != nil {
			return err
		}
		for _, server := range s.doors.servers {
			server.Handler = h
		}
	}
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	fmt.Printf("Atoll answers at %s\n", s.URL())
	return s.Run(ctx)
}

// nativeHandler is the whole server with hello's JSON route in Echo itself.
func (s *Server) nativeHandler() (http.Handler, error) {
	e, err := s.routes()
	if err != nil {
		return nil, err
	}
	greeting := s.below(nativeGreeting)
	e.GET("/x/hello/greetings/:language", func(c echo.Context) error {
		r := c.Request()
		r.SetPathValue("language", c.Param("language"))
		greeting.ServeHTTP(c.Response(), r)
		return nil
	})
	return s.guarded(e), nil
}

var nativeHellos = []struct{ language, text string }{
	{"Deutsch", "Hallo"}, {"English", "Hello"}, {"Español", "Hola"}, {"Français", "Bonjour"},
	{"Türkçe", "Merhaba"}, {"Tiếng Việt", "Xin chào"}, {"中文", "你好"}, {"日本語", "こんにちは"},
}

// nativeGreeting is hello's handler in the words of this side. The route is in
// the platform's scope and needs no permission but to be signed in.
func nativeGreeting(w http.ResponseWriter, r *http.Request) {
	who, ok := access.SubjectFrom(r.Context())
	if !ok || who.UID == "" {
		fail(w, r, problem.New(http.StatusForbidden, "Sign in first."))
		return
	}
	name := r.URL.Query().Get("name")
	if name == "" {
		name = who.Name
	}
	for _, g := range nativeHellos {
		if g.language == r.PathValue("language") {
			w.Header().Set("Content-Type", "application/json")
			type greeting struct {
				Language string `json:"language"`
				Text     string `json:"text"`
			}
			_ = json.NewEncoder(w).Encode(greeting{g.language, g.text + ", " + name + "!"}) // the client may be gone
			return
		}
	}
	http.Error(w, "a language that it does not speak", http.StatusNotFound)
}

func TestNativeRouteAnswersAsTheGuest(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a guest")
	}
	tar, err := helloPackage()
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, nil)
	admin := r.admin()
	var review struct{ Consent string }
	admin.send("/api/v1/extensions:review", tar).json(&review)
	if a := admin.send("/api/v1/extensions?consent="+review.Consent, tar); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	h, err := r.nativeHandler()
	if err != nil {
		t.Fatal(err)
	}
	native := httptest.NewServer(h)
	t.Cleanup(native.Close)
	behind := *r
	behind.url = native.URL
	bearer := admin.newToken()
	for _, one := range []struct {
		path string
		who  *browser
		want int
	}{
		{"/x/hello/greetings/English", bearer, 200},
		{"/x/hello/greetings/English?name=Jane", bearer, 200},
		{"/x/hello/greetings/T%C3%BCrk%C3%A7e", bearer, 200},
		{"/x/hello/greetings/Klingon", bearer, 404},
		{"/x/hello/greetings/English", nil, 401},
	} {
		theirs, ours := r.do(one.who, "GET", one.path, nil, nil), behind.do(one.who, "GET", one.path, nil, nil)
		if theirs.status != one.want || ours.status != one.want {
			t.Errorf("%s: the guest answers %d %s, the native handler %d %s", one.path, theirs.status, theirs.body, ours.status, ours.body)
		}
		if one.who != nil && !bytes.Equal(theirs.body, ours.body) {
			t.Errorf("%s: the guest answers %q, the native handler %q", one.path, theirs.body, ours.body)
		}
		for _, h := range []http.Header{theirs.header, ours.header} {
			if h.Get(requestIDHeader) == "" {
				t.Errorf("%s: no request id in %v", one.path, h)
			}
			h.Del(requestIDHeader)
			h.Del("Date")
		}
		if !maps.EqualFunc(theirs.header, ours.header, slices.Equal) {
			t.Errorf("%s: the guest's headers are %v, the native handler's %v", one.path, theirs.header, ours.header)
		}
	}
}
