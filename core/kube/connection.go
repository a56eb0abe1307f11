// The connection to one API server, as the platform itself: TLS, credentials
// and a pool of kept-alive connections.

package kube

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/cert"
)

// connection reaches one API server with the platform's own credentials. It is
// replaced as a whole when the kubeconfig changes.
type connection struct {
	config *rest.Config
	host   string // of the API server's URL, for the Host header
	scheme string
	prefix string // of the API server's URL, mostly ""
	pool   *http.Transport
	// express is the short way for reading; nil where a proxy is on the way.
	express *express
	// transport adds the credentials, then goes by express or pool.
	// Impersonation is set before, by the proxy.
	transport http.RoundTripper
	resources *resources
	// expires is when the client certificate of the kubeconfig ends; zero
	// where it has none.
	expires time.Time
}

// connect reads a kubeconfig and prepares a connection; it sends nothing. It
// also names the files that the kubeconfig takes certificates and keys from,
// where it could be read that far.
//
// The pool speaks HTTP/1.1 on purpose: a connection for each request in flight
// lets TCP push back on a watch or log whose reader is slow (an HTTP/2 stream
// would hold up to 4 MiB in this process), a cancelled request closes its
// connection at once, and upgrades need no second kind of connection. It is
// also quicker for small answers.
func connect(kubeconfig string) (c *connection, files []string, err error) {
	raw, err := clientcmd.LoadFromFile(kubeconfig)
	if err != nil {
		return nil, nil, fmt.Errorf("reading kubeconfig: %w", err)
	}
	if err := clientcmd.ResolveLocalPaths(raw); err != nil {
		return nil, nil, fmt.Errorf("reading kubeconfig %s: %w", kubeconfig, err)
	}
	for _, cluster := range raw.Clusters {
		files = append(files, cluster.CertificateAuthority)
	}
	for _, user := range raw.AuthInfos {
		files = append(files, user.ClientCertificate, user.ClientKey)
	}
	files = slices.DeleteFunc(files, func(name string) bool { return name == "" })
	slices.Sort(files)
	config, err := clientcmd.NewDefaultClientConfig(*raw, nil).ClientConfig()
	if err != nil {
		return nil, files, fmt.Errorf("reading kubeconfig %s: %w", kubeconfig, err)
	}
	c, err = newConnection(config)
	return c, files, err
}

func newConnection(config *rest.Config) (*connection, error) {
	// The platform says who asks by impersonation of its own; a kubeconfig
	// that impersonates on top would win over it.
	if config.Impersonate.UserName != "" || len(config.Impersonate.Groups) > 0 || len(config.Impersonate.Extra) > 0 {
		return nil, fmt.Errorf("reading kubeconfig: it impersonates somebody itself, which Atoll's connection may not")
	}
	config = rest.CopyConfig(config)
	config.UserAgent = "atoll"
	// Dynamic clients of the reconcilers: generous, since Atoll bounds itself.
	config.QPS, config.Burst = 200, 400

	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig: the server's address: %w", err)
	}
	tlsConfig, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig: TLS: %w", err)
	}
	proxy := http.ProxyFromEnvironment
	if config.Proxy != nil {
		proxy = config.Proxy
	}
	if tlsConfig != nil {
		tlsConfig = tlsConfig.Clone()
		tlsConfig.NextProtos = []string{"http/1.1"}
	}
	expires, err := certificateEnd(config)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig: the client certificate: %w", err)
	}
	pool := &http.Transport{
		Proxy:                 proxy,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:       tlsConfig,
		TLSHandshakeTimeout:   10 * time.Second,
		MaxIdleConnsPerHost:   128,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
		// What the client asked for is what the API server is asked for: bytes
		// pass as they are, compressed or not.
		DisableCompression: true,
		ForceAttemptHTTP2:  false,
		WriteBufferSize:    16 << 10,
		ReadBufferSize:     16 << 10,
	}
	if config.Dial != nil {
		pool.DialContext = config.Dial
	}
	credentials := rest.CopyConfig(config)
	credentials.UserAgent = "" // the person's own goes through
	c := &connection{config: config, host: base.Host, scheme: base.Scheme, prefix: strings.TrimRight(base.Path, "/"), pool: pool, expires: expires}
	c.transport = pool
	if through, err := proxy(&http.Request{URL: base}); err == nil && through == nil && config.Dial == nil {
		c.express = newExpress(pool, base, tlsConfig)
		c.transport = c.express
	}
	c.transport, err = rest.HTTPWrappersForConfig(credentials, c.transport)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig: credentials: %w", err)
	}
	c.resources = newResources(c)
	return c, nil
}

// certificateEnd is when the client certificate ends; zero where there is none.
func certificateEnd(config *rest.Config) (time.Time, error) {
	config = rest.CopyConfig(config)
	if err := rest.LoadTLSFiles(config); err != nil {
		return time.Time{}, err
	}
	if len(config.CertData) == 0 {
		return time.Time{}, nil
	}
	chain, err := cert.ParseCertsPEM(config.CertData)
	if err != nil {
		return time.Time{}, err
	}
	return chain[0].NotAfter, nil
}

// unauthorized says why the API server may have answered 401, as the end of a
// sentence about it.
func (c *connection) unauthorized() string {
	if !c.expires.IsZero() && time.Now().After(c.expires) {
		return "does not accept Atoll any more: the client certificate in its kubeconfig expired at " + c.expires.UTC().Format(time.RFC3339)
	}
	return "does not accept the credentials of Atoll's kubeconfig (401): they may have expired or been revoked"
}

// url makes the URL for an escaped, canonical path on this API server.
func (c *connection) url(t *target) *url.URL {
	u := &url.URL{Scheme: c.scheme, Host: c.host, Path: c.prefix + t.path, RawQuery: t.query}
	if t.rawPath != "" {
		u.RawPath = c.prefix + t.rawPath
	}
	return u
}

// close lets idle connections go; those in use end with their requests.
func (c *connection) close() {
	c.pool.CloseIdleConnections()
	if c.express != nil {
		c.express.CloseIdleConnections()
	}
}
