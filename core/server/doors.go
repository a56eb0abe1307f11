// Where Atoll listens: loopback HTTP for browsers on this machine, HTTPS for
// kubectl and for everybody else.

package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// doors are the listeners and their HTTP servers.
type doors struct {
	plain, secure net.Listener // nil where there is none
	authority     []byte       // PEM; nil with the operator's own certificate
	tls           *tls.Config
	servers       []*http.Server
	listeners     []net.Listener
}

// openDoors takes the addresses.
func openDoors(c Config) (_ *doors, err error) {
	d := &doors{}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if c.Listen.HTTP != "" {
		if d.plain, err = listen("http", c.Listen.HTTP); err != nil {
			return nil, err
		}
	}
	if c.Listen.HTTPS == "" {
		return d, nil
	}
	certs := &certificates{now: time.Now}
	if own := c.Listen.TLS; own != nil {
		certs.issue = readOwn(*own)
	} else {
		a, err := openAuthority(filepath.Join(c.DataDir, "authority"))
		if err != nil {
			return nil, err
		}
		d.authority = a.pem
		names := newHosts(c.Listen).names
		certs.issue = func() (*tls.Certificate, error) { return a.issue(names) }
	}
	if _, err = certs.get(nil); err != nil { // at once, not at the first handshake
		return nil, err
	}
	d.tls = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certs.get, NextProtos: []string{"h2", "http/1.1"}}
	if d.secure, err = listen("https", c.Listen.HTTPS); err != nil {
		return nil, err
	}
	return d, nil
}

func listen(key, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen.%s: %s cannot be taken: %w", key, address, err)
	}
	return corkListener{netutil.LimitListener(l, maxConnections)}, nil
}

// maxConnections bounds those of one listener; further ones wait.
const maxConnections = 16 << 10

// prepare makes the HTTP servers. Answers may stream for ever, so there is no
// limit on writing; bodies are bounded where they are read.
func (d *doors) prepare(h http.Handler, log *slog.Logger) {
	add := func(l net.Listener, config *tls.Config) {
		d.servers = append(d.servers, &http.Server{
			Handler: h, TLSConfig: config, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader,
			ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), ConnContext: withCork,
		})
		d.listeners = append(d.listeners, l)
	}
	if d.plain != nil {
		add(d.plain, nil)
	}
	if d.secure != nil {
		add(d.secure, d.tls)
	}
}

// serve begins to answer; the channel tells when one cannot go on.
func (d *doors) serve() <-chan error {
	failed := make(chan error, len(d.servers))
	for i, server := range d.servers {
		go func() {
			var err error
			if server.TLSConfig != nil {
				err = server.ServeTLS(d.listeners[i], "", "")
			} else {
				err = server.Serve(d.listeners[i])
			}
			if !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serving on %s: %w", d.listeners[i].Addr(), err)
			}
		}()
	}
	return failed
}

// shutdown takes no new requests and waits for those in flight until ctx ends.
func (d *doors) shutdown(ctx context.Context) error {
	errs := make([]error, len(d.servers))
	var wait sync.WaitGroup
	for i, server := range d.servers {
		wait.Go(func() { errs[i] = server.Shutdown(ctx) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

// close drops what is left.
func (d *doors) close() {
	for _, server := range d.servers {
		_ = server.Close()
	}
	for _, l := range []net.Listener{d.plain, d.secure} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// url is where browsers on this machine find Atoll, or else where all do.
func (d *doors) url() string {
	if d.plain != nil {
		return "http://" + d.plain.Addr().String()
	}
	return "https://" + d.secure.Addr().String()
}

// kubeURL is the address that goes into kubeconfigs: the first configured name,
// or else the address that is listened on.
func (d *doors) kubeURL(l Listen) string {
	if d.secure == nil {
		return ""
	}
	host, port, err := net.SplitHostPort(d.secure.Addr().String())
	if err != nil {
		return ""
	}
	if ip, err := netip.ParseAddr(host); len(l.Hosts) > 0 && (err != nil || !ip.IsLoopback()) {
		host = l.Hosts[0]
	}
	return "https://" + net.JoinHostPort(host, port)
}
