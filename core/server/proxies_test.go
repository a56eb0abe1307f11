// Whose word about an address is believed.

package server

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOnlyTrustedProxiesSayWhoAsked(t *testing.T) {
	p, err := newProxies([]string{"10.0.0.0/8", "192.0.2.1", "2001:db8::/32"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		peer string
		said []string
		want string
	}{
		{"203.0.113.1:5", []string{"198.51.100.1"}, "203.0.113.1:5"}, // not trusted
		{"10.1.2.3:5", nil, "10.1.2.3:5"},
		{"10.1.2.3:5", []string{"198.51.100.1"}, "198.51.100.1:0"},
		{"10.1.2.3:5", []string{"127.0.0.1, 198.51.100.1"}, "198.51.100.1:0"}, // the client wrote the first one
		{"10.1.2.3:5", []string{"127.0.0.1", "198.51.100.1"}, "198.51.100.1:0"},
		{"10.1.2.3:5", []string{"198.51.100.1, 10.9.9.9, 192.0.2.1"}, "198.51.100.1:0"}, // two proxies between
		{"10.1.2.3:5", []string{"10.9.9.9"}, "10.9.9.9:0"},
		{"10.1.2.3:5", []string{"198.51.100.1, nonsense"}, "10.1.2.3:5"},
		{"10.1.2.3:5", []string{"198.51.100.1, nonsense, 10.9.9.9"}, "10.9.9.9:0"},
		{"10.1.2.3:5", []string{"::ffff:198.51.100.1"}, "198.51.100.1:0"},
		{"[::ffff:10.1.2.3]:5", []string{"2001:db9::1"}, "[2001:db9::1]:0"},
		{"[2001:db8::7]:5", []string{"198.51.100.1:80"}, "[2001:db8::7]:5"}, // a port is none of it
		{"10.1.2.3:5", []string{"198.51.100.1" + strings.Repeat(", 10.0.0.1", 100)}, "10.0.0.1:0"},
		{"odd", []string{"198.51.100.1"}, "odd"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = c.peer, c.said
		if got := p.client(r); got != c.want {
			t.Errorf("%s with %q: %s, want %s", c.peer, c.said, got, c.want)
		}
	}
	for _, bad := range []string{"", "nonsense", "10.0.0.1/8", "0.0.0.0/0", "::/0", "10.0.0.0/99", "localhost"} {
		if _, err := newProxies([]string{bad}); !errors.Is(err, ErrConfig) {
			t.Errorf("%q is taken: %v", bad, err)
		}
	}
}

func TestBackOffIsByTheAddressBehindATrustedProxy(t *testing.T) {
	guess := func(r *running, from string) int {
		return r.do(&browser{r: r}, "POST", "/api/v1/sessions", map[string]any{"username": "nobody-" + from[len(from)-1:], "password": "wrong"},
			func(q *http.Request) { q.Header.Set("X-Forwarded-For", from) }).status
	}
	for name, trusted := range map[string][]string{"trusted": {"127.0.0.0/8"}, "not trusted": nil} {
		r := start(t, func(c *Config) { c.Listen.TrustedProxies = trusted })
		waits := false
		for i := range 30 { // different names, of one address behind the proxy
			waits = guess(r, "203.0.113.7, 198.51.100."+string(rune('0'+i%10))) == 429 || waits
		}
		elsewhere := guess(r, "198.51.100.99")
		if trusted == nil && elsewhere != 429 {
			t.Errorf("%s: a header of the client's own choosing ends the wait: %d", name, elsewhere)
		}
		if trusted != nil && (waits || elsewhere != 401) {
			t.Errorf("%s: ten addresses with three failures each wait: %v, %d", name, waits, elsewhere)
		}
	}
}
