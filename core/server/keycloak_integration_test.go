//go:build integration

// Single sign-on by a real Keycloak, as a browser goes through it. Needs `make
// build/backends/keycloak/start`.

package server

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
	"html"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const keycloakPassword = "correct horse battery" // of everybody in realm.json

// keycloak is a running one.
type keycloak struct {
	issuer, caFile string
	roots          *x509.CertPool
}

// startKeycloak starts one that ends with the test, and sends browsers back to
// an Atoll.
func startKeycloak(t *testing.T, callback string) *keycloak {
	t.Helper()
	program, err := filepath.Abs("../../build/backends/keycloak/start")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("there is no Keycloak: run `make build/backends/keycloak/start` (%v)", err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	certificate, key := selfSigned(t)
	cmd := exec.Command(program, strconv.Itoa(port), certificate, key, callback)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	alive, err := cmd.StdinPipe() // it ends when this does, however we end
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	over := false
	t.Cleanup(func() {
		alive.Close()
		if !over {
			<-ended
		}
	})
	k := &keycloak{issuer: "https://127.0.0.1:" + strconv.Itoa(port) + "/realms/corp", caFile: certificate, roots: x509.NewCertPool()}
	text, err := os.ReadFile(certificate)
	if err != nil || !k.roots.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	client := k.browser(t)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(8 * time.Minute); ; {
		select {
		case err := <-ended:
			over = true
			t.Fatalf("Keycloak did not come up: %v\n%s", err, &said)
		case <-deadline:
			t.Fatal("Keycloak does not come up")
		case <-tick.C:
		}
		res, err := client.Get(k.issuer + "/.well-known/openid-configuration")
		if err != nil {
			continue
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return k
		}
	}
}

// selfSigned makes a certificate of 127.0.0.1 and its key, as files.
func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for file, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// browser keeps cookies and follows redirects.
func (k *keycloak) browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: k.roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, Timeout: time.Minute}
}

// visit asks for a page and reads it.
func visit(t *testing.T, client *http.Client, method, address string, form url.Values) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

var formAction = regexp.MustCompile(`<form[^>]*id="kc-form-login"[^>]*action="([^"]+)"`)

// signInAt goes through Keycloak's page as somebody, and gives the last answer.
func signInAt(t *testing.T, client *http.Client, start, name, password string) (*http.Response, string) {
	t.Helper()
	res, page := visit(t, client, http.MethodGet, start, nil)
	action := formAction.FindStringSubmatch(page)
	if res.StatusCode != http.StatusOK || action == nil {
		t.Fatalf("%d, no page to sign in at: %s", res.StatusCode, page)
	}
	return visit(t, client, http.MethodPost, html.UnescapeString(action[1]), url.Values{"username": {name}, "password": {password}})
}

func TestIntegrationKeycloakSignsPeopleIn(t *testing.T) {
	// Keycloak is told where to send browsers back to and Atoll where Keycloak
	// is: Atoll's address comes first, and it asks when it is asked.
	listening, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listening.Addr().String()
	listening.Close()
	k := startKeycloak(t, "http://"+address+"/auth/oidc/*")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("of-the-client-atoll\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, func(c *Config) {
		c.Listen.HTTP = address
		of := func(name, groups string) Provider {
			return Provider{Name: name, Create: true, OIDC: &OIDC{Issuer: k.issuer, ClientID: "atoll", ClientSecretFile: secret, CAFile: k.caFile, GroupsClaim: groups}}
		}
		c.Identity.Providers = []Provider{of("sso", "groups"), of("roles", "realm_access.roles")}
	})
	admin := r.admin()
	admin.must("POST", "/api/v1/groups", map[string]any{"name": "developers", "origin": "sso", "externalID": "developers"}, 201)
	begin := r.url + "/auth/oidc/sso/start?next=/workspaces"

	jane := k.browser(t)
	if res, page := signInAt(t, jane, begin, "jane", "wrong"); res.Request.URL.Host == address || !strings.Contains(page, "kc-form-login") {
		t.Errorf("a wrong password leads to %s: %s", res.Request.URL, page)
	}
	res, page := signInAt(t, jane, begin, "jane", keycloakPassword)
	if on := refresh.FindStringSubmatch(page); res.StatusCode != 200 || res.Request.URL.Host != address || on == nil || on[1] != "/workspaces" {
		t.Fatalf("%d at %s: %s", res.StatusCode, res.Request.URL, page)
	}
	came := res.Request.URL
	res, page = visit(t, jane, http.MethodGet, r.url+"/api/v1/users/me", nil)
	var me struct {
		Name, DisplayName, Provider string
		Groups, PlatformRoles       []string
	}
	if err := json.Unmarshal([]byte(page), &me); err != nil || res.StatusCode != 200 {
		t.Fatalf("%d %s", res.StatusCode, page)
	}
	if me.Name != "jane" || me.DisplayName != "Jane Doe" || me.Provider != "sso" || !slices.Equal(me.Groups, []string{"developers"}) || len(me.PlatformRoles) != 0 {
		t.Errorf("got %+v", me)
	}
	if res, page := visit(t, jane, http.MethodGet, came.String(), nil); res.StatusCode != 409 {
		t.Errorf("the way back twice: %d %s", res.StatusCode, page)
	}
	// Keycloak knows jane still: no password is asked for.
	if res, page := visit(t, jane, http.MethodGet, begin, nil); res.StatusCode != 200 || refresh.FindString(page) == "" {
		t.Errorf("again: %d %s", res.StatusCode, page)
	}
	_, page = visit(t, jane, http.MethodGet, r.url+"/api/v1/sessions/current", nil)
	var session struct{ ProviderSignOutURL string }
	if err := json.Unmarshal([]byte(page), &session); err != nil || !strings.HasPrefix(session.ProviderSignOutURL, k.issuer+"/") {
		t.Errorf("%v in %s", err, page)
	}
	if res, page := visit(t, jane, http.MethodGet, session.ProviderSignOutURL, nil); res.StatusCode != 200 || !strings.Contains(page, "kc-logout") {
		t.Errorf("signing out at Keycloak: %d %s", res.StatusCode, page)
	}
	// Realm roles are said at the userinfo endpoint alone, one claim in another.
	admin.must("POST", "/api/v1/groups", map[string]any{"name": "operators", "origin": "roles", "externalID": "ops"}, 201)
	if res, page := signInAt(t, k.browser(t), r.url+"/auth/oidc/roles/start", "ann", keycloakPassword); res.StatusCode != 200 || refresh.FindString(page) == "" {
		t.Errorf("ann, by the roles: %d %s", res.StatusCode, page)
	}
	var ann struct{ Groups []string }
	if admin.must("GET", "/api/v1/users/ann", nil, 200).json(&ann); !slices.Equal(ann.Groups, []string{"operators"}) {
		t.Errorf("ann is in %q", ann.Groups)
	}
	for name, status := range map[string]int{"admin": 409, "system:masters": 422, "system:kube-controller-manager": 422} {
		client := k.browser(t)
		res, page := signInAt(t, client, begin, name, keycloakPassword)
		if res.Request.URL.Host != address || res.StatusCode != status || !strings.Contains(page, "Not signed in") {
			t.Errorf("%s: %d at %s: %s", name, res.StatusCode, res.Request.URL, page)
		}
		if res, _ := visit(t, client, http.MethodGet, r.url+"/api/v1/users/me", nil); res.StatusCode != 401 {
			t.Errorf("%s is signed in: %d", name, res.StatusCode)
		}
	}
}
