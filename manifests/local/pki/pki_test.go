// That certificates are what Kubernetes asks for, and renewed in time.

package pki

import (
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func authority(t *testing.T, folder string) *Authority {
	t.Helper()
	a, err := Open(folder, "ca")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func issue(t *testing.T, a *Authority, l Leaf) bool {
	t.Helper()
	made, err := a.Issue(l)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestCertificateIsKeptWhileItFits(t *testing.T) {
	folder := t.TempDir()
	server := Leaf{Name: "server", CommonName: "server", DNSNames: []string{"a"}, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}, Server: true}
	if !issue(t, authority(t, folder), server) {
		t.Fatal("the first certificate was not made")
	}
	if issue(t, authority(t, folder), server) {
		t.Fatal("a certificate that fits was made anew")
	}
	server.IPs = []net.IP{net.IPv4(10, 1, 0, 1)}
	if !issue(t, authority(t, folder), server) {
		t.Fatal("a certificate for another address was kept")
	}
}

func TestNewAuthorityMakesEverythingAnew(t *testing.T) {
	folder := t.TempDir()
	client := Leaf{Name: "client", CommonName: "somebody", Organization: []string{"group"}, Client: true}
	issue(t, authority(t, folder), client)
	for _, name := range []string{"ca.crt", "ca.key"} {
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	if !issue(t, authority(t, folder), client) {
		t.Fatal("a certificate of an authority that is gone was kept")
	}
}

func TestCertificateCloseToItsEndIsRenewed(t *testing.T) {
	a := authority(t, t.TempDir())
	l := Leaf{CommonName: "x", Client: true}
	issue(t, a, Leaf{Name: "x", CommonName: "x", Client: true})
	cert, _, err := read(a.folder, "x")
	if err != nil {
		t.Fatal(err)
	}
	if !a.fits(cert, l) {
		t.Fatal("a new certificate does not fit")
	}
	cert.NotAfter = time.Now().Add(renewBefore - time.Hour)
	if a.fits(cert, l) {
		t.Fatal("a certificate that ends in less than 30 days fits")
	}
}

func TestClientCertificateServesNobody(t *testing.T) {
	a := authority(t, t.TempDir())
	issue(t, a, Leaf{Name: "c", CommonName: "c", Client: true, DNSNames: []string{"host"}})
	cert, _, err := read(a.folder, "c")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: "host"}); err == nil {
		t.Fatal("a client's certificate is accepted for a server")
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Fatal(err)
	}
}

func TestKeysAreForTheirOwnerAlone(t *testing.T) {
	folder := t.TempDir()
	issue(t, authority(t, folder), Leaf{Name: "c", CommonName: "c", Client: true})
	if err := SigningKey(folder, "tokens"); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(filepath.Join(folder, "tokens.key"))
	if err := SigningKey(folder, "tokens"); err != nil {
		t.Fatal(err)
	}
	after, _ := os.ReadFile(filepath.Join(folder, "tokens.key"))
	if string(before) != string(after) {
		t.Fatal("the key of tokens was made anew")
	}
	keys, _ := filepath.Glob(filepath.Join(folder, "*.key"))
	if len(keys) != 3 {
		t.Fatalf("want 3 keys, have %v", keys)
	}
	for _, name := range keys {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}
