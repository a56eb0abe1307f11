// A real directory for the tests here: Debian's slapd, with a certificate of its
// own and a few people.

package ldap_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/identity/providers/ldap"
)

// people of the directory. Groups lie in groups, and two of them in each other.
const people = `dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=com
objectClass: organizationalUnit
ou: groups

dn: cn=reader,dc=example,dc=com
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: the reader's password

dn: uid=jane,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: jane
cn: Jane Doe
sn: Doe
userPassword: jane's own password

dn: uid=John.Smith,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: John.Smith
cn: John (the "great") Smith
sn: Smith
userPassword: john's own password

dn: uid=twin,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: twin
cn: One
sn: Twin
userPassword: twin

dn: cn=other,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: twin
cn: other
sn: Twin
userPassword: twin

dn: cn=masters,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: system:masters
cn: masters
sn: Masters
userPassword: the masters' password

dn: cn=controller,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: system:kube-controller-manager
cn: controller
sn: Controller
userPassword: the controller's password

dn: cn=developers,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: developers
member: uid=jane,ou=people,dc=example,dc=com

dn: cn=engineers,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: engineers
member: cn=developers,ou=groups,dc=example,dc=com
member: cn=everybody,ou=groups,dc=example,dc=com

dn: cn=everybody,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: everybody
member: cn=engineers,ou=groups,dc=example,dc=com

dn: cn=system:masters,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: system:masters
member: uid=jane,ou=people,dc=example,dc=com
`

// elsewhere is a part of the directory that is on another server.
const elsewhere = `
dn: ou=abroad,dc=example,dc=com
objectClass: referral
objectClass: extensibleObject
ou: abroad
ref: ldap://%s/ou=abroad,dc=example,dc=com
`

// directory is one running slapd.
type directory struct {
	t              *testing.T
	secure, plain  string // addresses
	trap           net.Listener
	roots, strange *x509.CertPool
}

var slapdOnce sync.Mutex

// newDirectory starts slapd, and ends it with the test.
func newDirectory(t *testing.T) *directory {
	t.Helper()
	slapd, err := exec.LookPath("slapd")
	if err != nil {
		if slapd = "/usr/sbin/slapd"; exec.Command(slapd, "-VV").Run() != nil {
			t.Skip("OpenLDAP's slapd is missing: `make need-slapd` installs it")
		}
	}
	slapdOnce.Lock() // addresses are free until somebody takes them
	defer slapdOnce.Unlock()
	dir := t.TempDir()
	d := &directory{t: t, secure: freeAddress(t), plain: freeAddress(t), strange: x509.NewCertPool()}
	if d.trap, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.trap.Close() })
	d.certificate(dir)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	conf := write("slapd.conf", fmt.Sprintf(`modulepath /usr/lib/ldap
moduleload back_mdb
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile %[1]s/pid
TLSCertificateFile %[1]s/cert.pem
TLSCertificateKeyFile %[1]s/key.pem
security simple_bind=128
allow bind_anon_cred bind_anon_dn
database mdb
suffix "dc=example,dc=com"
directory %[1]s/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=reader,dc=example,dc=com" read by self read by * none
`, dir))
	ldif := write("people.ldif", people+fmt.Sprintf(elsewhere, d.trap.Addr()))
	add := exec.Command(slapd, "-T", "add", "-f", conf, "-l", ldif)
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("filling the directory: %v\n%s", err, out)
	}
	var log bytes.Buffer
	run := exec.Command(slapd, "-d", "0", "-f", conf, "-h", "ldaps://"+d.secure+" ldap://"+d.plain)
	run.Stdout, run.Stderr = &log, &log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = run.Wait(); close(ended) }()
	t.Cleanup(func() { _ = run.Process.Kill(); <-ended })
	for deadline := time.Now().Add(time.Minute); ; {
		conn, err := net.Dial("tcp", d.plain)
		if err == nil {
			conn.Close()
			return d
		}
		select {
		case <-ended:
			t.Fatalf("slapd ended:\n%s", log.String())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("slapd does not answer: ", err)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// certificate makes the directory's certificate, which signs itself.
func (d *directory) certificate(dir string) {
	d.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		d.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "directory"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		d.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		d.t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{"cert.pem": text, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
	d.roots = x509.NewCertPool()
	d.roots.AppendCertsFromPEM(text)
}

// config asks the directory by TLS from the beginning.
func (d *directory) config() ldap.Config {
	return ldap.Config{
		Name: "corp", Title: "Corporate directory", Create: true, URL: "ldaps://" + d.secure, Roots: d.roots,
		BindDN: "cn=reader,dc=example,dc=com", BindPassword: "the reader's password",
		UserBase: "dc=example,dc=com", GroupBase: "ou=groups,dc=example,dc=com", Nesting: 5,
	}
}

func (d *directory) provider(change func(*ldap.Config)) *ldap.Provider {
	d.t.Helper()
	c := d.config()
	if change != nil {
		change(&c)
	}
	p, err := ldap.New(c)
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

// untouched tells that nobody came to the server that the directory refers to.
func (d *directory) untouched() {
	d.t.Helper()
	d.trap.(*net.TCPListener).SetDeadline(time.Now())
	if conn, err := d.trap.Accept(); err == nil {
		conn.Close()
		d.t.Error("the server that the directory refers to was asked")
	}
}
