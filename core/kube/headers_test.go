// The law of headers and of callers.

package kube

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
)

func TestWhatSaysWhoAsksNeverPasses(t *testing.T) {
	in := http.Header{
		"Accept": {"application/json"}, "X-Custom": {"kept"}, "User-Agent": {"kubectl"}, "If-None-Match": {"x"},
		"Authorization": {"Bearer other"}, "Cookie": {"atoll_session=1"}, "Impersonate-User": {"system:admin"}, "Impersonate-Group": {"system:masters"},
		"Impersonate-Extra-Scopes": {"all"}, "Impersonate-Uid": {"0"}, "impersonate-user": {"system:admin"}, "IMPERSONATE-GROUP": {"system:masters"},
		"X-Remote-User": {"root"}, "X-Remote-Group": {"system:masters"}, "x-remote-extra-a": {"b"}, "X-Forwarded-For": {"10.0.0.1"}, "X-Forwarded-Proto": {"https"},
		"Forwarded": {"for=x"}, "X-Atoll-Csrf": {"t"}, "Connection": {"keep-alive, X-Hop, Impersonate-User"}, "X-Hop": {"gone"}, "Keep-Alive": {"1"},
		"X-Http-Method-Override": {"DELETE"}, "x-method-override": {"DELETE"}, "X-HTTP-Method": {"DELETE"},
		"Te": {"trailers"}, "Trailer": {"Impersonate-User"}, "Transfer-Encoding": {"chunked"}, "Upgrade": {"websocket"}, "Proxy-Authorization": {"Basic x"},
		"Expect": {"100-continue"}, "Sec-Websocket-Protocol": {"v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.c3lzdGVt", "BASE64URL.bearer.authorization.k8s.io.x"},
	}
	got := requestHeader(in)
	want := map[string]string{"Accept": "application/json", "X-Custom": "kept", "User-Agent": "kubectl", "If-None-Match": "x", "Sec-Websocket-Protocol": "v5.channel.k8s.io"}
	for name, value := range want {
		if got.Get(name) != value {
			t.Errorf("%s = %q, want %q", name, got.Get(name), value)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s passed: %q", name, got[name])
		}
	}
}

func TestOnlyNamesWithThePrefixAreImpersonated(t *testing.T) {
	for _, c := range []Caller{
		{User: "jane"}, {User: "system:masters"}, {User: "atoll:"}, {User: ""}, {User: "atoll:a b"}, {User: "atoll:a\nX: y"}, {User: "Atoll:jane"},
		{User: "atoll:jane", Groups: []string{"system:masters"}}, {User: "atoll:jane", Groups: []string{"atoll:platform:admin", "admins"}},
		{User: "atoll:jane", Groups: []string{""}}, {User: "atoll:jane", Extra: map[string][]string{"scopes": {"all"}}},
	} {
		h := http.Header{}
		if err := c.impersonate(h, Via{}); !errors.Is(err, ErrCaller) {
			t.Errorf("%+v: %v, want ErrCaller", c, err)
		}
		if len(h) != 0 {
			t.Errorf("%+v: refused, but wrote %v", c, h)
		}
	}
}

func TestTheCallerIsWritten(t *testing.T) {
	h := http.Header{}
	c := callerOf(access.Subject{Name: "jane", UID: "u-1"}, []string{"atoll:platform:member", "atoll:project:p-1:admin"})
	if err := c.impersonate(h, Via{Extension: "logging", Version: "1.2.3"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"Impersonate-User": {"atoll:jane"}, "Impersonate-Group": {"atoll:platform:member", "atoll:project:p-1:admin"},
		"Impersonate-Extra-Atoll.dev%2fuid": {"u-1"}, "Impersonate-Extra-Atoll.dev%2fextension": {"logging"}, "Impersonate-Extra-Atoll.dev%2fversion": {"1.2.3"},
	} {
		if !slices.Equal(h[http.CanonicalHeaderKey(name)], want) {
			t.Errorf("%s = %q, want %q", name, h[name], want)
		}
	}
	if len(h) != 5 {
		t.Errorf("more was written: %v", h)
	}
}
