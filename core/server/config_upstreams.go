// upstreams of atoll.yaml: what extensions call by a name, and where it is.

package server

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"

	"github.com/atoll-platform/atoll/core/capability"
)

// Upstream binds the name that an extension's manifest gives to a back end. A
// credential lies in a file of its own.
type Upstream struct {
	Extension      string   `json:"extension"`
	Name           string   `json:"name"`
	Workspace      string   `json:"workspace"`
	URL            string   `json:"url"`
	Username       string   `json:"username"`
	PasswordFile   string   `json:"passwordFile"`
	TokenFile      string   `json:"tokenFile"`
	CAFile         string   `json:"caFile"`
	AllowAddresses []string `json:"allowAddresses"`
}

// bindings reads what the configuration binds, with the credentials.
func (c *Config) bindings() (all []capability.Binding, err error) {
	for i, u := range c.Upstreams {
		b := capability.Binding{Extension: u.Extension, Name: u.Name, WorkspaceUID: u.Workspace, URL: u.URL, Username: u.Username}
		wrong := func(key string, err error) error {
			return fmt.Errorf("%w: /upstreams/%d/%s: %w", ErrConfig, i, key, err)
		}
		if u.PasswordFile != "" {
			if b.Password, err = readSecret(u.PasswordFile); err != nil {
				return nil, wrong("passwordFile", err)
			}
		}
		if u.TokenFile != "" {
			if b.Token, err = readSecret(u.TokenFile); err != nil {
				return nil, wrong("tokenFile", err)
			}
		}
		if u.CAFile != "" {
			pem, err := os.ReadFile(u.CAFile)
			if err != nil {
				return nil, wrong("caFile", err)
			}
			b.RootCAs = x509.NewCertPool()
			if !b.RootCAs.AppendCertsFromPEM(pem) {
				return nil, wrong("caFile", fmt.Errorf("%s holds no certificate in PEM", u.CAFile))
			}
		}
		for j, text := range u.AllowAddresses {
			prefix, err := netip.ParsePrefix(text)
			if ip, ipErr := netip.ParseAddr(text); ipErr == nil && ip.Zone() == "" {
				prefix, err = ip.Prefix(ip.BitLen())
			}
			if err != nil {
				return nil, wrong(fmt.Sprintf("allowAddresses/%d", j), fmt.Errorf("%.64q is neither an address nor a range such as 10.0.0.0/8", text))
			}
			b.AllowAddresses = append(b.AllowAddresses, prefix)
		}
		all = append(all, b)
	}
	return all, nil
}
