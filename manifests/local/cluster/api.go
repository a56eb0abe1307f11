// Asking the parts how they are, over HTTP, with the cluster's certificates.
package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// client makes an HTTP client that trusts one authority and shows one
// certificate; both may be empty.
func (c *Cluster) client(authority, certificate string) (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if authority != "" {
		text, err := os.ReadFile(c.Dir.PKI(authority))
		if err != nil {
			return nil, fmt.Errorf("reading the authority: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(text)
	}
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(c.Dir.PKI(certificate+".crt"), c.Dir.PKI(certificate+".key"))
		if err != nil {
			return nil, fmt.Errorf("reading the certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	// No proxy: all is on this machine.
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}, nil
}

// answers tells whether an address answers with 200.
func (c *Cluster) answers(ctx context.Context, url, authority, certificate string) bool {
	client, err := c.client(authority, certificate)
	if err != nil {
		return false
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<16))
	return response.StatusCode == http.StatusOK
}

// get reads an object from the API server as the administrator.
func (c *Cluster) get(ctx context.Context, path string, into any) error {
	client, err := c.client("ca.crt", "admin")
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server()+path, nil)
	if err != nil {
		return fmt.Errorf("asking the API server: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking the API server: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 32<<20))
	if err != nil {
		return fmt.Errorf("asking the API server: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking the API server for %s: %s", path, response.Status)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("asking the API server for %s: %w", path, err)
	}
	return nil
}
