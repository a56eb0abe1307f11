// The key pair that signs the tokens of service accounts.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
)

// SigningKey makes sure that NAME.key and NAME.pub are there. The pair is never
// made anew: all tokens would become worthless.
func SigningKey(folder, name string) error {
	private, public := filepath.Join(folder, name+".key"), filepath.Join(folder, name+".pub")
	if _, err := os.Stat(private); err == nil {
		if _, err := os.Stat(public); err == nil {
			return nil
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making the key %s: %w", name, err)
	}
	if err := writeKey(private, key); err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("writing %s: %w", public, err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	if err := os.WriteFile(public, text, 0o644); err != nil {
		return fmt.Errorf("writing a key: %w", err)
	}
	return nil
}
