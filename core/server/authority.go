// Atoll's own certificate authority, and the certificate that it serves HTTPS
// with. client-go sends no credentials over plain HTTP, so kubectl needs both.

package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	authorityYears = 10
	leafLife       = 90 * 24 * time.Hour
	leafRenew      = 30 * 24 * time.Hour // before it ends
)

// authority is the certificate authority of one dataDir.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte // of the certificate, for kubeconfigs
}

// openAuthority reads the authority of a folder, or makes it.
func openAuthority(dir string) (*authority, error) {
	if err := ensureDir(dir); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "authority.pem")
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return newAuthority(name)
	case err != nil:
		return nil, fmt.Errorf("reading the certificate authority: %w", err)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("reading the certificate authority: others may read %s (mode %04o), and its key with it: make it 0600, or delete it so that a new one is made", name, info.Mode().Perm())
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate authority: %w", err)
	}
	a, err := parseAuthority(text)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate authority %s: %w", name, err)
	}
	return a, nil
}

func parseAuthority(text []byte) (*authority, error) {
	a := &authority{}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, err
			}
			a.cert, a.pem = cert, pem.EncodeToMemory(block)
		case "EC PRIVATE KEY":
			key, err := x509.ParseECPrivateKey(block.Bytes)
			if err != nil {
				return nil, err
			}
			a.key = key
		}
	}
	if a.cert == nil || a.key == nil || !a.key.PublicKey.Equal(a.cert.PublicKey) {
		return nil, errors.New("it does not hold a certificate and its key")
	}
	if time.Now().After(a.cert.NotAfter) {
		return nil, fmt.Errorf("it ended on %s: delete it so that a new one is made, and hand out new kubeconfigs", a.cert.NotAfter.Format(time.DateOnly))
	}
	return a, nil
}

// newAuthority makes an authority and keeps it in one file, so that a process
// killed in between leaves all of it or nothing.
func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a certificate authority: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: fmt.Sprintf("Atoll %x", serial.Bytes()[:4]), Organization: []string{"Atoll"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(authorityYears, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate authority: %w", err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate authority: %w", err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})...)
	if err := writeWhole(name, text); err != nil {
		return nil, fmt.Errorf("keeping the certificate authority: %w", err)
	}
	return parseAuthority(text)
}

// writeWhole replaces a file of mode 0600 in one step, durably.
func writeWhole(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func newSerial() (*big.Int, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("making a serial number: %w", err)
	}
	return serial.SetBit(serial, 126, 1), nil // never short
}

// issue signs a certificate for names and addresses, with a key that lives in
// memory only.
func (a *authority) issue(hosts []string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	end := now.Add(leafLife)
	if end.After(a.cert.NotAfter) {
		end = a.cert.NotAfter
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "atoll", Organization: []string{"Atoll"}},
		NotBefore: now.Add(-time.Hour), NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// certificates hands out the certificate that is valid now. Safe for
// concurrent use.
type certificates struct {
	issue func() (*tls.Certificate, error)
	now   func() time.Time

	mu      sync.Mutex
	current *tls.Certificate
}

// get is for tls.Config.GetCertificate.
func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil && c.now().Before(c.current.Leaf.NotAfter.Add(-leafRenew)) {
		return c.current, nil
	}
	next, err := c.issue()
	if err != nil {
		if c.current != nil && c.now().Before(c.current.Leaf.NotAfter) {
			return c.current, nil
		}
		return nil, err
	}
	c.current = next
	return next, nil
}

// readOwn reads the operator's own certificate, anew when it is nearly over.
func readOwn(t TLS) func() (*tls.Certificate, error) {
	return func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("reading listen.tls: %w", err)
		}
		return &pair, nil
	}
}
