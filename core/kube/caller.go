// Who a request goes out as: the one function that writes Impersonate-*.

package kube

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/atoll-platform/atoll/core/access"
)

// UserPrefix stands before every name and group that Atoll gives to Kubernetes,
// so that none of them can be one of Kubernetes' own ("system:...").
const UserPrefix = "atoll:"

const prefix = UserPrefix

// extraPrefix stands before every key of what a request carries besides.
const extraPrefix = "atoll.dev/"

// Keys of what a request carries besides name and groups; they show in the
// cluster's audit log.
const (
	ExtraUID       = "atoll.dev/uid"       // the person's immutable id
	ExtraExtension = "atoll.dev/extension" // the extension that asked on the person's behalf
	ExtraVersion   = "atoll.dev/version"   // and its version
)

// Caller is who a request to Kubernetes is made as.
type Caller struct {
	User   string              // with its prefix, "atoll:jane"
	UID    string              // the person's immutable id
	Groups []string            // each with its prefix
	Extra  map[string][]string // keys as the audit log shows them
}

// Via names the extension on whose behalf a person's request is made; the zero
// value is none.
type Via struct{ Extension, Version string }

// callerOf is the caller that a subject is, in Kubernetes, with these groups.
func callerOf(s access.Subject, groups []string) Caller {
	return Caller{User: prefix + s.Name, UID: s.UID, Groups: groups}
}

// Header names in the form in which net/http keeps them.
const (
	headerUser         = "Impersonate-User"
	headerGroup        = "Impersonate-Group"
	headerExtraPrefix  = "Impersonate-Extra-"
	headerExtraUID     = "Impersonate-Extra-Atoll.dev%2fuid"
	headerExtraExt     = "Impersonate-Extra-Atoll.dev%2fextension"
	headerExtraVersion = "Impersonate-Extra-Atoll.dev%2fversion"
)

// impersonate writes who the request is made as into h, from which every
// Impersonate-* must be gone already. It refuses names and groups without the
// prefix: nothing else in Atoll writes these headers.
func (c Caller) impersonate(h http.Header, via Via) error {
	if !ours(c.User) {
		return fmt.Errorf("%w: user %q does not begin with %q", ErrCaller, c.User, prefix)
	}
	for _, g := range c.Groups {
		if !ours(g) {
			return fmt.Errorf("%w: group %q does not begin with %q", ErrCaller, g, prefix)
		}
	}
	for key := range c.Extra {
		if name, ok := strings.CutPrefix(key, extraPrefix); !ok || !token(name) {
			return fmt.Errorf("%w: extra %q does not begin with %q", ErrCaller, key, extraPrefix)
		}
	}
	h[headerUser] = []string{c.User}
	if len(c.Groups) > 0 {
		h[headerGroup] = c.Groups
	}
	if c.UID != "" {
		h[headerExtraUID] = []string{c.UID}
	}
	if via.Extension != "" {
		h[headerExtraExt] = []string{via.Extension}
	}
	if via.Version != "" {
		h[headerExtraVersion] = []string{via.Version}
	}
	for key, values := range c.Extra {
		h[http.CanonicalHeaderKey(headerExtraPrefix+"atoll.dev%2f"+strings.TrimPrefix(key, extraPrefix))] = values
	}
	return nil
}

// ours tells whether a name is one that Atoll may give out: the prefix and
// something behind it, in visible ASCII.
func ours(name string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	return ok && rest != "" && plain(rest)
}

// token tells whether s can be the end of a header's name.
func token(s string) bool {
	for i := range len(s) {
		if b := s[i]; !('a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '-' || b == '.') {
			return false
		}
	}
	return s != ""
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}
