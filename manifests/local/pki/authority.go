// Package pki makes the keys and certificates of a cluster. Every part has its
// own; nothing talks in clear text or without a certificate.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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
	"slices"
	"time"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 365 * 24 * time.Hour
	// renewBefore is how long before its end a certificate is made anew.
	renewBefore = 30 * 24 * time.Hour
)

// Authority signs certificates. Its files are NAME.crt and NAME.key in a folder.
type Authority struct {
	folder, name string
	cert         *x509.Certificate
	key          crypto.Signer
}

// Leaf says what a certificate is for.
type Leaf struct {
	Name         string   // of its files, NAME.crt and NAME.key
	CommonName   string   // for clients: the user
	Organization []string // for clients: the groups
	DNSNames     []string // for servers
	IPs          []net.IP // for servers
	Server       bool
	Client       bool
}

// Open reads an authority or makes it. An authority close to its end is made
// anew, and with it everything that it signs.
func Open(folder, name string) (*Authority, error) {
	a := &Authority{folder: folder, name: name}
	cert, key, err := read(folder, name)
	switch {
	case err == nil && time.Until(cert.NotAfter) > renewBefore+leafLife:
		a.cert, a.key = cert, key
		return a, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("reading the authority %s: %w", name, err)
	}
	serial, err := serialNumber()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-5 * time.Minute),
		NotAfter:              time.Now().Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key of %s: %w", name, err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, fmt.Errorf("making the authority %s: %w", name, err)
	}
	if err := write(folder, name, der, private); err != nil {
		return nil, err
	}
	a.cert, a.key, err = read(folder, name)
	return a, err
}

// CertFile names the authority's certificate, which is no secret.
func (a *Authority) CertFile() string { return filepath.Join(a.folder, a.name+".crt") }

// KeyFile names the authority's key.
func (a *Authority) KeyFile() string { return filepath.Join(a.folder, a.name+".key") }

// Issue makes sure that a certificate is there, says what it shall say, is
// signed by this authority, and is not close to its end. It tells whether it
// had to be made.
func (a *Authority) Issue(l Leaf) (made bool, err error) {
	if cert, _, err := read(a.folder, l.Name); err == nil && a.fits(cert, l) {
		return false, nil
	}
	serial, err := serialNumber()
	if err != nil {
		return false, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: l.CommonName, Organization: l.Organization},
		NotBefore:    time.Now().Add(-5 * time.Minute),
		NotAfter:     time.Now().Add(leafLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  l.usages(),
		DNSNames:     l.DNSNames,
		IPAddresses:  l.IPs,
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return false, fmt.Errorf("making the key of %s: %w", l.Name, err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, private.Public(), a.key)
	if err != nil {
		return false, fmt.Errorf("making the certificate of %s: %w", l.Name, err)
	}
	return true, write(a.folder, l.Name, der, private)
}

// fits tells whether a certificate can stay.
func (a *Authority) fits(cert *x509.Certificate, l Leaf) bool {
	if time.Until(cert.NotAfter) < renewBefore || cert.CheckSignatureFrom(a.cert) != nil {
		return false
	}
	sameIPs := slices.EqualFunc(cert.IPAddresses, l.IPs, net.IP.Equal)
	return cert.Subject.CommonName == l.CommonName && slices.Equal(cert.Subject.Organization, l.Organization) &&
		slices.Equal(cert.DNSNames, l.DNSNames) && sameIPs && slices.Equal(cert.ExtKeyUsage, l.usages())
}

func (l Leaf) usages() []x509.ExtKeyUsage {
	var usages []x509.ExtKeyUsage
	if l.Server {
		usages = append(usages, x509.ExtKeyUsageServerAuth)
	}
	if l.Client {
		usages = append(usages, x509.ExtKeyUsageClientAuth)
	}
	return usages
}

func serialNumber() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("making a serial number: %w", err)
	}
	return n, nil
}

func read(folder, name string) (*x509.Certificate, crypto.Signer, error) {
	certText, err := os.ReadFile(filepath.Join(folder, name+".crt"))
	if err != nil {
		return nil, nil, err
	}
	keyText, err := os.ReadFile(filepath.Join(folder, name+".key"))
	if err != nil {
		return nil, nil, err
	}
	certBlock, _ := pem.Decode(certText)
	keyBlock, _ := pem.Decode(keyText)
	if certBlock == nil || keyBlock == nil {
		return nil, nil, fmt.Errorf("%s.crt or %s.key in %s holds no PEM block", name, name, folder)
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s.crt: %w", name, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s.key: %w", name, err)
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("reading %s.key: a %T cannot sign", name, parsed)
	}
	return cert, key, nil
}

// write puts the key first: a certificate without its key is worth nothing.
func write(folder, name string, der []byte, key crypto.Signer) error {
	if err := writeKey(filepath.Join(folder, name+".key"), key); err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(filepath.Join(folder, name+".crt"), text, 0o644); err != nil {
		return fmt.Errorf("writing the certificate of %s: %w", name, err)
	}
	return nil
}

func writeKey(name string, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(name, text, 0o600); err != nil {
		return fmt.Errorf("writing a key: %w", err)
	}
	return nil
}
