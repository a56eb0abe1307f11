// A binding: the address and the credential that an administrator gives to the
// name of an upstream, and the connections to it.
package capability

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"code.dny.dev/ssrf"
)

// ErrBinding is wrapped when an upstream cannot be bound as it is said.
var ErrBinding = errors.New("the upstream cannot be bound")

// Binding binds the name of an extension's upstream. It holds a credential.
type Binding struct {
	Extension, Name string
	// WorkspaceUID is the one workspace that it is for; empty: all that have no
	// binding of their own.
	WorkspaceUID string
	// URL is http or https, with a host and perhaps a path under which everything
	// lies. A credential is sent over http to this machine only.
	URL string
	// Username with Password, or Token, or none of them.
	Username, Password, Token string
	// RootCAs signs the upstream's certificate; nil: whom this machine trusts.
	RootCAs *x509.CertPool
	// AllowAddresses are addresses that may be reached although they are private,
	// loopback, link-local or otherwise special.
	AllowAddresses []netip.Prefix
}

// String is whose binding it is. Nothing prints the rest by accident.
func (b Binding) String() string { return b.Name + " of " + b.Extension }

// GoString is String.
func (b Binding) GoString() string { return b.String() }

// MarshalText implements encoding.TextMarshaler, for logs and JSON.
func (b Binding) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// upstream is a binding at work.
type upstream struct {
	base          *url.URL
	authorization string // header; empty: none
	transport     *http.Transport

	mu    sync.Mutex
	taken map[string]int // requests in flight by workspace
}

// take counts a request of a workspace, until done is called; false: it has as
// many as it may, and the others' are not kept waiting by it.
func (b *upstream) take(workspaceUID string) (done func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.taken[workspaceUID] >= maxOfWorkspace {
		return nil, false
	}
	b.taken[workspaceUID]++
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.taken[workspaceUID]--; b.taken[workspaceUID] == 0 {
			delete(b.taken, workspaceUID)
		}
	}), true
}

// Times and numbers of connections to one upstream.
const (
	dialTime         = 5 * time.Second
	headTime         = 60 * time.Second // from the request to the answer's head, unless the request's own time ends before
	idleTime         = 30 * time.Second
	maxConnections   = 64 // and requests at the same time; others wait
	maxOfWorkspace   = 24 // requests of one workspace at the same time; more are refused
	maxIdle          = 8
	maxHead          = 32 << 10 // bytes
	leastPrefix4     = 8        // bits: what is shorter names nothing
	leastPrefix6     = 32
	uniqueLocalBits6 = 7 // but fc00::/7
)

// reserved are addresses with which clouds talk to their machines, outside the
// ranges that are special everywhere.
var reserved = []netip.Prefix{netip.MustParsePrefix("168.63.129.16/32")}

func (b *Binding) open() (*upstream, error) {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s of %s: %s", ErrBinding, b.Name, b.Extension, fmt.Sprintf(format, args...))
	}
	u, err := url.Parse(b.URL)
	if err != nil { // its text may hold a password that somebody wrote into the address
		return nil, wrong("its url cannot be read")
	}
	switch {
	case u.User != nil:
		return nil, wrong("its url holds a credential: put it into a file of its own")
	case (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.RawPath != "":
		return nil, wrong("its url is not of the form https://host:port/path")
	case (b.Username == "") != (b.Password == ""):
		return nil, wrong("a user name and a password belong together")
	case b.Username != "" && b.Token != "":
		return nil, wrong("it has both a user name and a token")
	case strings.Contains(b.Username, ":"):
		return nil, wrong("a user name has no colon")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	bound := &upstream{base: u, taken: map[string]int{}}
	if b.Username != "" {
		bound.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(b.Username+":"+b.Password))
	}
	if b.Token != "" {
		bound.authorization = "Bearer " + b.Token
	}
	if ip, err := netip.ParseAddr(u.Hostname()); bound.authorization != "" && u.Scheme == "http" && (err != nil || !ip.IsLoopback()) {
		return nil, wrong("a credential is not sent over plain http to another machine: use https")
	}
	guard, err := guardOf(b.AllowAddresses)
	if err != nil {
		return nil, wrong("%s", err)
	}
	protocols := &http.Protocols{} // of which a connection carries one request at a time
	protocols.SetHTTP1(true)
	bound.transport = &http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTime, Control: guard.Safe}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: b.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTime,
		ResponseHeaderTimeout:  headTime,
		IdleConnTimeout:        idleTime,
		MaxConnsPerHost:        maxConnections,
		MaxIdleConnsPerHost:    maxIdle,
		MaxResponseHeaderBytes: maxHead,
		DisableCompression:     true, // bytes go to the guest as they came
		Protocols:              protocols,
	}
	return bound, nil
}

// guardOf checks each address when it is dialled, after its name was resolved.
func guardOf(allow []netip.Prefix) (*ssrf.Guardian, error) {
	var v4, v6 []netip.Prefix
	for _, p := range allow {
		least := leastPrefix6
		if p.Addr().Is4() {
			least = leastPrefix4
		} else if p.Addr().IsPrivate() {
			least = uniqueLocalBits6
		}
		switch {
		case !p.IsValid() || p.Addr().Is4In6():
			return nil, fmt.Errorf("%s is no range of addresses", p)
		case p.Bits() < least:
			return nil, fmt.Errorf("the addresses %s are too many to be meant: at least /%d", p, least)
		case p.Addr().Is4():
			v4 = append(v4, p)
		default:
			v6 = append(v6, p)
		}
	}
	return ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...), ssrf.WithDeniedV4Prefixes(reserved...)), nil
}
