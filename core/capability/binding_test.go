// Bindings: which addresses are reached, and what cannot be bound.
package capability

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func TestSpecialAddressesAreReachedOnlyWhenTheBindingNamesThem(t *testing.T) {
	prefixes := func(all ...string) (p []netip.Prefix) {
		for _, s := range all {
			p = append(p, netip.MustParsePrefix(s))
		}
		return p
	}
	guard, err := guardOf(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{
		"127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16",
		"192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "fe80::1", "fc00::1", "fd00:ec2::254",
		"2002:7f00:1::", "2001:db8::1", "ff02::1", "fec0::1", "fe80::1%eth0",
		"::127.0.0.1", "64:ff9b:1::7f00:1", "2001:0:7f00:1::", "100::1", "240.0.0.1", "192.0.2.1", "192.88.99.1", "203.0.113.1",
	} {
		if err := guard.Safe("tcp4", net.JoinHostPort(address, "443"), nil); err == nil {
			t.Errorf("%s may be reached", address)
		}
	}
	for _, address := range []string{"8.8.8.8", "2606:4700::1111"} {
		if err := guard.Safe("tcp4", net.JoinHostPort(address, "9200"), nil); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	guard, err = guardOf(prefixes("10.0.0.0/8", "fd00::/8", "169.254.169.254/32"))
	if err != nil {
		t.Fatal(err)
	}
	for address, may := range map[string]bool{"10.1.2.3": true, "fd12::1": true, "169.254.169.254": true, "169.254.1.1": false, "192.168.1.1": false, "127.0.0.1": false} {
		if err := guard.Safe("tcp4", net.JoinHostPort(address, "443"), nil); (err == nil) != may {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, wide := range []string{"0.0.0.0/0", "128.0.0.0/1", "::/0", "2000::/3", "::ffff:0.0.0.0/96"} {
		if _, err := guardOf(prefixes(wide)); err == nil {
			t.Errorf("%s was taken", wide)
		}
	}
}

// Whatever a loopback address is called, the check sees where it leads.
func TestTheAddressIsCheckedWhenItIsDialled(t *testing.T) {
	server, binding := backEnd(t, func(w http.ResponseWriter, r *http.Request) { t.Error("it was reached") })
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(server.URL, "https://"))
	binding.AllowAddresses = nil
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "[::]", "0", "LOCALHOST"} {
		binding.URL = "https://" + host + ":" + port
		var log bytes.Buffer
		_, err := asks(t, upstreams(t, &log, binding), ours, sandbox.Request{Method: "GET", Target: "/health"})
		if reset := resetOf(t, err); reset.Code != wire.Unavailable || strings.Contains(reset.Text, port) {
			t.Errorf("%s: %v", host, reset)
		}
		if host != "0" && !strings.Contains(log.String(), "prohibited IP address") {
			t.Errorf("%s: the record does not say why: %s", host, &log)
		}
	}
}

func TestABindingPrintsNoCredential(t *testing.T) {
	b := Binding{Extension: "sample", Name: "store", Username: user, Password: password, Token: password}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "binding", b, "more", []Binding{b})
	fmt.Fprintf(&log, "%v %+v %#v %s %v", b, b, b, b, []Binding{b})
	if !strings.Contains(log.String(), "store of sample") {
		t.Error(&log)
	}
	hidden(t, &log)
}

func TestBindingsThatCannotBeMeantAreRefused(t *testing.T) {
	good := Binding{Extension: "sample", Name: "store", URL: "https://store.example:9200/base", Username: user, Password: password}
	if _, err := NewUpstreams([]Binding{good}, nil); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Binding){
		"no url":                          func(b *Binding) { b.URL = "" },
		"another scheme":                  func(b *Binding) { b.URL = "file:///etc/passwd" },
		"a credential in the url":         func(b *Binding) { b.URL = "https://a:" + password + "@store.example" },
		"a broken url with a password":    func(b *Binding) { b.URL = "https://a:" + password + "@store.example:x" },
		"a query":                         func(b *Binding) { b.URL += "?a=b" },
		"an encoded path":                 func(b *Binding) { b.URL += "/a%2Fb" },
		"no host":                         func(b *Binding) { b.URL = "https:///a" },
		"a password over plain http":      func(b *Binding) { b.URL = "http://store.example" },
		"a password alone":                func(b *Binding) { b.Username = "" },
		"a user alone":                    func(b *Binding) { b.Password = "" },
		"both credentials":                func(b *Binding) { b.Token = "t" },
		"a user with a colon":             func(b *Binding) { b.Username = "a:b" },
		"everywhere":                      func(b *Binding) { b.AllowAddresses = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} },
		"addresses that are no addresses": func(b *Binding) { b.AllowAddresses = []netip.Prefix{{}} },
	} {
		b := good
		change(&b)
		_, err := NewUpstreams([]Binding{b}, nil)
		if !errors.Is(err, ErrBinding) || strings.Contains(err.Error(), password) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewUpstreams([]Binding{good, good}, nil); !errors.Is(err, ErrBinding) {
		t.Errorf("twice the same: %v", err)
	}
}
