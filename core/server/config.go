// atoll.yaml: what it may say, its defaults, and what of it cannot be.

package server

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/atoll-platform/atoll/core/audit"
	"github.com/atoll-platform/atoll/core/extension"
	"github.com/atoll-platform/atoll/core/kube"
)

// Config is atoll.yaml. Paths are as they were written until LoadConfig has
// made them absolute.
type Config struct {
	Listen        Listen        `json:"listen"`
	DataDir       string        `json:"dataDir"`
	Clusters      []ClusterFile `json:"clusters"`
	Upstreams     []Upstream    `json:"upstreams"`
	Administrator Administrator `json:"administrator"`
	Identity      Identity      `json:"identity"`
	Tenancy       Tenancy       `json:"tenancy"`
	Sandbox       Sandbox       `json:"sandbox"`
	Audit         Audit         `json:"audit"`
	Metrics       Metrics       `json:"metrics"`
	Log           Log           `json:"log"`
}

// Listen is where Atoll is reached.
type Listen struct {
	HTTP    string   `json:"http"`
	HTTPS   string   `json:"https"`
	TLS     *TLS     `json:"tls,omitempty"`
	Hosts   []string `json:"hosts"`
	Origins []string `json:"origins"`

	TrustedProxies []string `json:"trustedProxies"`
}

// TLS names a certificate of the operator's own.
type TLS struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

// ClusterFile is one cluster of the configuration.
type ClusterFile struct {
	Name       string `json:"name"`
	Title      string `json:"title"`
	Kubeconfig string `json:"kubeconfig"`
	StatusFile string `json:"statusFile"`
}

// Administrator is the first one, made at the first start.
type Administrator struct {
	Name         string `json:"name"`
	PasswordFile string `json:"passwordFile"`
}

// Tenancy is what the clusters have in common that projects live with.
type Tenancy struct {
	// IngressNamespaces are those of ingress controllers and gateways.
	IngressNamespaces []string `json:"ingressNamespaces"`
}

// Sandbox says where extensions run.
type Sandbox struct {
	// InProcess has them run in Atoll's own process, instead of one of their own
	// that has none of Atoll's credentials and files.
	InProcess bool `json:"inProcess"`
	// Limits are what no extension's own limits go beyond.
	Limits extension.Limits `json:"limits"`
}

// Audit bounds the audit log.
type Audit struct {
	MaxSize string `json:"maxSize"`
	MaxAge  string `json:"maxAge"`
}

// Metrics says who may read /metrics.
type Metrics struct {
	OpenOnLoopback bool `json:"openOnLoopback"`
}

// Log says what is written to the log, and how.
type Log struct {
	Level  string `json:"level"`
	Format string `json:"format"`
}

// ExampleConfig is atoll.yaml with every key, its default and what it is for.
//
//go:embed atoll.example.yaml
var ExampleConfig string

// ErrConfig is wrapped by everything that is wrong with a configuration.
var ErrConfig = errors.New("the configuration cannot be used")

// DefaultConfig is what holds where atoll.yaml says nothing.
func DefaultConfig() Config {
	return Config{
		Listen:        Listen{HTTP: "127.0.0.1:8380", HTTPS: "127.0.0.1:8343", Hosts: []string{}, Origins: []string{}, TrustedProxies: []string{}},
		DataDir:       "atoll-data",
		Clusters:      []ClusterFile{},
		Upstreams:     []Upstream{},
		Administrator: Administrator{Name: "admin"},
		Identity:      Identity{RequireSecondFactor: "none", InvitedBy: "any", Providers: []Provider{}},
		Tenancy:       Tenancy{IngressNamespaces: []string{}},
		Audit:         Audit{MaxSize: "256Mi", MaxAge: "2160h"},
		Log:           Log{Level: "info", Format: "text"},
	}
}

// LoadConfig reads atoll.yaml; an empty name gives the defaults. Relative paths
// begin at the file, or at the working directory where there is none. Change is
// called on what was read, before it is checked: for flags.
func LoadConfig(name string, change func(*Config)) (Config, error) {
	c := DefaultConfig()
	base := "."
	if name != "" {
		text, err := os.ReadFile(name)
		if err != nil {
			return Config{}, fmt.Errorf("%w: reading it: %w", ErrConfig, err)
		}
		if err := decodeConfig(name, text, &c); err != nil {
			return Config{}, err
		}
		base = filepath.Dir(name)
	}
	base, err := filepath.Abs(base)
	if err != nil {
		return Config{}, fmt.Errorf("%w: finding its folder: %w", ErrConfig, err)
	}
	c.resolve(base)
	if change != nil {
		change(&c)
	}
	working, err := filepath.Abs(".")
	if err != nil {
		return Config{}, fmt.Errorf("%w: finding the working directory: %w", ErrConfig, err)
	}
	c.resolve(working) // what flags said
	return c, c.check()
}

// resolve makes relative paths absolute.
func (c *Config) resolve(base string) {
	paths := []*string{&c.DataDir, &c.Administrator.PasswordFile}
	if c.Listen.TLS != nil {
		paths = append(paths, &c.Listen.TLS.Cert, &c.Listen.TLS.Key)
	}
	for i := range c.Clusters {
		paths = append(paths, &c.Clusters[i].Kubeconfig, &c.Clusters[i].StatusFile)
	}
	for i := range c.Upstreams {
		paths = append(paths, &c.Upstreams[i].PasswordFile, &c.Upstreams[i].TokenFile, &c.Upstreams[i].CAFile)
	}
	for i := range c.Identity.Providers {
		if l := c.Identity.Providers[i].LDAP; l != nil {
			paths = append(paths, &l.CAFile, &l.BindPasswordFile)
		}
		if o := c.Identity.Providers[i].OIDC; o != nil {
			paths = append(paths, &o.CAFile, &o.ClientSecretFile)
		}
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(base, *p)
		}
	}
}

// check says what the schema cannot.
func (c *Config) check() error {
	if c.Listen.HTTP == "" && c.Listen.HTTPS == "" {
		return fmt.Errorf("%w: listen.http and listen.https are both empty, so nobody could reach Atoll", ErrConfig)
	}
	if c.Listen.HTTP != "" && !loopbackAddress(c.Listen.HTTP) {
		return fmt.Errorf("%w: listen.http is %s, and plain HTTP is served on loopback addresses only: use 127.0.0.1 there, and listen.https for other machines", ErrConfig, c.Listen.HTTP)
	}
	if c.Listen.HTTPS != "" {
		host, _, err := net.SplitHostPort(c.Listen.HTTPS)
		if err != nil {
			return fmt.Errorf("%w: listen.https: %w", ErrConfig, err)
		}
		if ip, err := netip.ParseAddr(host); (host == "" || err == nil && ip.IsUnspecified()) && len(c.Listen.Hosts) == 0 {
			return fmt.Errorf("%w: listen.https is %s, which is every address of this machine: say in listen.hosts by which names Atoll is called", ErrConfig, c.Listen.HTTPS)
		}
	}
	if _, err := newProxies(c.Listen.TrustedProxies); err != nil {
		return err
	}
	var wrong error
	c.Sandbox.Limits.Check(func(field, why string) {
		wrong = errors.Join(wrong, fmt.Errorf("%w: sandbox.limits.%s: %s", ErrConfig, field, why))
	})
	if wrong != nil {
		return wrong
	}
	if size, err := resource.ParseQuantity(c.Audit.MaxSize); err != nil || size.Value() < 1<<20 {
		return fmt.Errorf("%w: audit.maxSize: %q is no size such as 256Mi", ErrConfig, c.Audit.MaxSize)
	}
	if age, err := time.ParseDuration(c.Audit.MaxAge); err != nil || age < time.Hour {
		return fmt.Errorf("%w: audit.maxAge: %q is no time such as 2160h", ErrConfig, c.Audit.MaxAge)
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) || !slices.Contains([]string{"text", "json"}, c.Log.Format) {
		return fmt.Errorf("%w: log: %q as %q is not known; level is debug, info, warn or error, format is text or json", ErrConfig, c.Log.Level, c.Log.Format)
	}
	for i, cluster := range c.Clusters {
		if slices.ContainsFunc(c.Clusters[:i], func(o ClusterFile) bool { return o.Name == cluster.Name }) {
			return fmt.Errorf("%w: /clusters/%d/name: there is another cluster %q before it", ErrConfig, i, cluster.Name)
		}
	}
	return nil
}

// loopbackAddress tells whether host:port reaches this machine only.
func loopbackAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// password reads the first administrator's password; "" where none was given.
func (a Administrator) password() (string, error) {
	if a.PasswordFile == "" {
		return "", nil
	}
	password, err := readSecret(a.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("reading the administrator's password: %w", err)
	}
	return password, nil
}

// readSecret reads a file that only its owner may read: one secret, without the
// space around it.
func readSecret(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("others may read %s (mode %04o): make it 0600", name, info.Mode().Perm())
	}
	if info.Size() > 4096 {
		return "", fmt.Errorf("%s has %d bytes, which is no password or token", name, info.Size())
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", fmt.Errorf("%s is empty", name)
	}
	return secret, nil
}

// clusterConfigs is what kube is told.
func (c *Config) clusterConfigs() []kube.Config {
	all := make([]kube.Config, 0, len(c.Clusters))
	for _, f := range c.Clusters {
		all = append(all, kube.Config{Name: f.Name, Title: f.Title, Kubeconfig: f.Kubeconfig, StatusFile: f.StatusFile})
	}
	return all
}

// options is what the audit log is told. The schema has seen to the words.
func (a Audit) options(log *slog.Logger) audit.Options {
	age, _ := time.ParseDuration(a.MaxAge)
	size, _ := resource.ParseQuantity(a.MaxSize)
	return audit.Options{TotalBytes: size.Value(), MaxAge: age, Logger: log}
}

// ensureDir makes a folder that belongs to this user alone.
func ensureDir(name string) error {
	if err := os.MkdirAll(name, 0o700); err != nil {
		return fmt.Errorf("making %s: %w", name, err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", name, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(name, info.Mode().Perm()&fs.FileMode(0o700)); err != nil {
			return fmt.Errorf("closing %s to others: %w", name, err)
		}
	}
	return nil
}
