// The law of headers: what of a request reaches an API server, and what of an
// answer comes back.

package kube

import (
	"net/http"
	"net/textproto"
	"strings"
)

// bearerProtocol is how a WebSocket client may carry a token to an API server;
// who asks is not the client's to say here.
const bearerProtocol = "base64url.bearer.authorization.k8s.io."

// dropped tells whether a header of a request, by its canonical name, ends at
// Atoll: credentials, what says who somebody is or where they come from, and
// what belongs to one connection only.
func dropped(name string) bool {
	switch name {
	case "X-Http-Method-Override", "X-Http-Method", "X-Method-Override": // what is decided about is what is done
		return true
	case "Authorization", "Cookie", "Forwarded", "Host", "Expect", "X-Real-Ip", "Via",
		"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings", "Content-Length":
		return true
	}
	return hasPrefixFold(name, "impersonate-") || hasPrefixFold(name, "x-remote-") ||
		hasPrefixFold(name, "x-forwarded") || hasPrefixFold(name, "x-atoll-")
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// requestHeader is what of a client's header is sent on; the caller is written
// into it afterwards. The values are shared with in, which nobody changes.
func requestHeader(in http.Header) http.Header {
	out := make(http.Header, len(in)+4)
	for name, values := range in {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if !dropped(canonical) {
			out[canonical] = values
		}
	}
	for _, line := range in["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" {
				delete(out, textproto.CanonicalMIMEHeaderKey(name))
			}
		}
	}
	if protocols, ok := out["Sec-Websocket-Protocol"]; ok {
		var kept []string
		for _, line := range protocols {
			for name := range strings.SplitSeq(line, ",") {
				if name = textproto.TrimString(name); name != "" && !hasPrefixFold(name, bearerProtocol) {
					kept = append(kept, name)
				}
			}
		}
		delete(out, "Sec-Websocket-Protocol")
		if len(kept) > 0 {
			out["Sec-Websocket-Protocol"] = []string{strings.Join(kept, ", ")}
		}
	}
	if _, ok := out["User-Agent"]; !ok {
		out["User-Agent"] = userAgent // or net/http would name itself
	}
	return out
}

var userAgent = []string{"atoll"}

// hopByHop tells whether a header of an answer belongs to the connection with
// the API server only.
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// upgradeOf is the protocol that a request wants to change to; "" for none.
func upgradeOf(h http.Header) string {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(textproto.TrimString(name), "upgrade") {
				return h.Get("Upgrade")
			}
		}
	}
	return ""
}
