// API servers that hang, come back, show old certificates or do not know Atoll
// any more: people read what is wrong, nothing hangs, and all recovers alone.

package kube

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// authority signs certificates of any age.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t}
	a.cert, a.key = a.sign(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, time.Hour)
	return a
}

// sign makes a certificate that ends so long from now.
func (a *authority) sign(template *x509.Certificate, life time.Duration) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.Subject.CommonName == "" {
		template.Subject.CommonName = template.SerialNumber.String() // another than its authority's
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-24*time.Hour), time.Now().Add(life)
	parent, by := template, key
	if a.cert != nil {
		parent, by = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// serving is a certificate of a server on loopback.
func (a *authority) serving(life time.Duration) tls.Certificate {
	cert, key := a.sign(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, life)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// client writes a client's certificate and key to files.
func (a *authority) client(certFile, keyFile string, life time.Duration) {
	a.t.Helper()
	cert, key := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "atoll", Organization: []string{"system:masters"}}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, life)
	a.write(certFile, keyFile, tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key})
}

// write writes a certificate and its key to files.
func (a *authority) write(certFile, keyFile string, c tls.Certificate) {
	a.t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		a.t.Fatal(err)
	}
	replace(a.t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	replace(a.t, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))
}

func replace(t testing.TB, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// aged is an API server whose certificates grow old.
type aged struct {
	*httptest.Server
	*authority
	dir     string
	mu      sync.Mutex
	current tls.Certificate
}

func newAged(t *testing.T) *aged {
	s := &aged{authority: newAuthority(t), dir: t.TempDir()}
	s.current = s.serving(time.Hour)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// As an API server does it: whoever shows no good certificate is let
		// in, and is nobody.
		if certs := r.TLS.PeerCertificates; len(certs) == 0 || time.Now().After(certs[0].NotAfter) {
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}`)
			return
		}
		if r.URL.Path == "/api/v1" {
			io.WriteString(w, `{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","kind":"Pod","namespaced":true}]}`)
			return
		}
		io.WriteString(w, `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}`)
	}))
	s.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return &tls.Config{ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{s.current}}, nil
	}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	s.StartTLS()
	t.Cleanup(s.Close)
	s.client(s.file("cert"), s.file("key"), time.Hour)
	replace(t, s.file("ca"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.authority.cert.Raw}))
	replace(t, s.file("kubeconfig"), fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q, certificate-authority: ca}}]
users: [{name: u, user: {client-certificate: cert, client-key: key}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
`, s.URL))
	return s
}

func (s *aged) file(name string) string { return filepath.Join(s.dir, name) }

// show makes the server show another certificate to whoever comes anew.
func (s *aged) show(c tls.Certificate) {
	s.mu.Lock()
	s.current = c
	s.mu.Unlock()
	s.CloseClientConnections()
}

// says waits until the cluster is in a phase for a reason, and asks as a person,
// who must read the reason too.
func (h *house) says(t *testing.T, code int, reason metav1.StatusReason, why string) {
	t.Helper()
	await(t, "the cluster's message is "+why, func() bool {
		s := h.registry.List()[0]
		return s.Phase == PhaseUnreachable && strings.Contains(s.Message, why)
	})
	for _, path := range []string{"/api/v1/namespaces/alpha/pods", "/api/v1/pods", "/api/v1/pods?watch=true"} {
		got, header, text := h.ask(t, "jane", "GET", path, "")
		s := status(t, text)
		if got != code || s.Reason != reason || !strings.Contains(s.Message, `the cluster "local"`) || !strings.Contains(s.Message, why) || header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s, want %d %s because %q", path, got, text, code, reason, why)
		}
		if strings.Contains(text, "127.0.0.1") {
			t.Errorf("%s tells people where the API server is: %s", path, text)
		}
	}
}

func (h *house) recovers(t *testing.T) {
	t.Helper()
	await(t, "the cluster is ready again", func() bool { return h.registry.List()[0].Phase == PhaseReady })
	for _, path := range []string{"/api/v1/namespaces/alpha/pods", "/api/v1/pods"} {
		if code, _, text := h.ask(t, "jane", "GET", path, ""); code != http.StatusOK {
			t.Errorf("after it came back: %s: %d %s", path, code, text)
		}
	}
}

func TestExpiredCertificatesAreNamedAndRenewedOnesUsed(t *testing.T) {
	up := newAged(t)
	h := newHouseAt(t, up.file("kubeconfig"), hasty)
	await(t, "the cluster is ready", func() bool { return h.registry.List()[0].Phase == PhaseReady })

	old := up.serving(-time.Hour)
	leaf, _ := x509.ParseCertificate(old.Certificate[0])
	up.show(old)
	h.says(t, 503, metav1.StatusReasonServiceUnavailable, "shows a certificate that expired at "+leaf.NotAfter.UTC().Format(time.RFC3339))
	up.show(up.serving(time.Hour))
	h.recovers(t)

	up.show(newAuthority(t).serving(time.Hour))
	h.says(t, 503, metav1.StatusReasonServiceUnavailable, "shows a certificate of another authority")
	up.show(up.serving(time.Hour))
	h.recovers(t)

	// Atoll's own certificate, renewed where it lies: the kubeconfig stays.
	up.client(up.file("cert"), up.file("key"), -time.Hour)
	h.says(t, 503, metav1.StatusReasonServiceUnavailable, "the client certificate in its kubeconfig expired at")
	up.client(up.file("cert"), up.file("key"), time.Hour)
	h.recovers(t)
}

// wall is a TCP way to a server that can hang: it takes connections and bytes,
// and lets nothing through, as the kernel does for a process that is stopped.
type wall struct {
	net.Listener
	mu   sync.Mutex
	cond *sync.Cond
	up   bool
}

func newWall(t *testing.T, to string) *wall {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wall{Listener: listener}
	w.cond = sync.NewCond(&w.mu)
	t.Cleanup(func() { listener.Close(); w.set(false) })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				w.pass()
				far, err := net.Dial("tcp", to)
				if err != nil {
					near.Close()
					return
				}
				go w.copy(far, near)
				w.copy(near, far)
			}()
		}
	}()
	return w
}

func (w *wall) set(up bool) {
	w.mu.Lock()
	w.up = up
	w.mu.Unlock()
	w.cond.Broadcast()
}

func (w *wall) pass() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.up {
		w.cond.Wait()
	}
}

func (w *wall) copy(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 4<<10)
	for {
		n, err := from.Read(buffer)
		w.pass()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func TestAClusterThatHangsHoldsNobody(t *testing.T) {
	up := newUpstream(t)
	up.mux.HandleFunc("/api/v1/namespaces/alpha/pods/x/log", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "line\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	up.mux.HandleFunc("/api/v1/namespaces/alpha/pods/x/exec", func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		rw.Flush()
		io.Copy(conn, rw)
	})
	up.mux.HandleFunc("/api/v1/namespaces/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") == "" {
			io.WriteString(w, `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}`)
			return
		}
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	between := newWall(t, up.Listener.Addr().String())
	name := filepath.Join(t.TempDir(), "kubeconfig")
	writeKubeconfigAt(t, name, up.Server, "https://"+between.Addr().String())
	h := newHouseAt(t, name, hasty)
	await(t, "the cluster is ready", func() bool { return h.registry.List()[0].Phase == PhaseReady })

	// What was begun before: two watches, a log, a terminal.
	var open []io.Reader
	for _, path := range []string{"/api/v1/namespaces/alpha/pods?watch=1", "/api/v1/pods?watch=1&resourceVersion=0", "/api/v1/namespaces/alpha/pods/x/log?follow=true"} {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", h.URL+"/clusters/local"+path, nil)
		req.Header.Set("X-Test-Person", "jane")
		res, err := http.DefaultClient.Do(req)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v %v", path, res, err)
		}
		defer res.Body.Close()
		open = append(open, res.Body)
	}
	terminal, err := net.Dial("tcp", h.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	fmt.Fprint(terminal, "GET /clusters/local/api/v1/namespaces/alpha/pods/x/exec HTTP/1.1\r\nHost: x\r\nX-Test-Person: jane\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nsaid")
	for heard := []byte{}; !bytes.HasSuffix(heard, []byte("said")); {
		more := make([]byte, 1)
		if _, err := terminal.Read(more); err != nil {
			t.Fatalf("%v after %q", err, heard)
		}
		heard = append(heard, more...)
	}

	between.set(true)
	// And a request on its way.
	code, _, text := h.ask(t, "jane", "GET", "/api/v1/namespaces/alpha/pods", "")
	if s := status(t, text); code != http.StatusGatewayTimeout || s.Reason != metav1.StatusReasonTimeout || !strings.Contains(s.Message, `the cluster "local"`) {
		t.Errorf("a request on its way: %d %s", code, text)
	}
	for i, body := range open {
		if _, err := io.Copy(io.Discard, body); err == nil {
			t.Errorf("stream %d ended as if it were complete", i)
		}
	}
	_, _ = io.Copy(io.Discard, terminal) // ends
	await(t, "nothing is in flight", func() bool { return h.proxy.InFlight() == 0 })
	h.says(t, 503, metav1.StatusReasonServiceUnavailable, "no sign of life since")

	between.set(false)
	h.recovers(t)
}

func TestASlowClusterIsNotCutOff(t *testing.T) {
	h := newHouse(t)
	begun := make(chan struct{})
	h.up.mux.HandleFunc("/api/v1/namespaces/alpha/pods", func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		close(begun)
		<-r.Context().Done()
	})
	req, _ := http.NewRequestWithContext(t.Context(), "GET", h.URL+"/clusters/local/api/v1/namespaces/alpha/pods?watch=1", nil)
	req.Header.Set("X-Test-Person", "jane")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	<-begun
	// It answers no question about its health any more, but greets.
	asked := h.up.hold()
	await(t, "the cluster is unreachable", func() bool {
		s := h.registry.List()[0]
		return s.Phase == PhaseUnreachable && strings.Contains(s.Message, "did not answer in time")
	})
	for range 3 { // longer than one may be silent
		<-asked
	}
	if h.proxy.InFlight() != 1 {
		t.Errorf("%d in flight, want the watch", h.proxy.InFlight())
	}
	h.up.release()
	await(t, "the cluster is ready again", func() bool { return h.registry.List()[0].Phase == PhaseReady })
}

func TestNobodysForbiddenIsMadeOfAnOutage(t *testing.T) {
	h := newHouse(t)
	h.up.mux.HandleFunc("/apis/apps/v1", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	h.up.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(forbidden(accessOf("jane"), &target{}, "in the whole cluster").status())
	})
	// Whether deployments lie in namespaces is not known at the moment.
	code, _, text := h.ask(t, "jane", "GET", "/apis/apps/v1/deployments", "")
	if s := status(t, text); code != http.StatusServiceUnavailable || !strings.Contains(s.Message, `the cluster "local"`) {
		t.Errorf("%d %s", code, text)
	}
}
