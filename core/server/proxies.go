// Proxies in front of Atoll: of those that are trusted, and of no other, what
// they say about who asked is believed. Back-off, history, log and audit go by
// the address that is found here.

package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// maxHops is how many addresses of X-Forwarded-For are looked at.
const maxHops = 16

// proxies are the networks whose X-Forwarded-For is believed.
type proxies []netip.Prefix

// newProxies reads addresses and networks. ErrConfig.
func newProxies(list []string) (proxies, error) {
	var all proxies
	for i, text := range list {
		prefix, err := netip.ParsePrefix(text)
		if addr, e := netip.ParseAddr(text); err != nil && e == nil {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		switch {
		case err != nil || prefix != prefix.Masked():
			return nil, fmt.Errorf("%w: /listen/trustedProxies/%d: %q is no address and no network, such as 10.1.0.0/16", ErrConfig, i, text)
		case prefix.Bits() == 0:
			return nil, fmt.Errorf("%w: /listen/trustedProxies/%d: %q trusts everybody, who could then say to be anybody", ErrConfig, i, text)
		}
		all = append(all, prefix)
	}
	return all, nil
}

func (p proxies) trusts(addr netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// client is the address of whoever asked: that of the connection, or, where it
// is a trusted proxy's, the nearest one in X-Forwarded-For that is not. What
// stands before that one anybody may have written.
func (p proxies) client(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !p.trusts(peer.Addr().Unmap()) {
		return r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	found := r.RemoteAddr
	for i := len(hops) - 1; i >= 0 && len(hops)-i <= maxHops; i-- {
		addr, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = addr.Unmap().WithZone("")
		found = net.JoinHostPort(addr.String(), "0")
		if !p.trusts(addr) {
			break
		}
	}
	return found
}

// behind gives requests the address of whoever asked.
func (p proxies) behind(next http.Handler) http.Handler {
	if len(p) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from := p.client(r); from != r.RemoteAddr {
			c := *r
			c.RemoteAddr = from
			r = &c
		}
		next.ServeHTTP(w, r)
	})
}
