// Who talks to whom with which certificate, and the kubeconfigs made of them.
package cluster

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/atoll-platform/atoll/manifests/local/node"
	"github.com/atoll-platform/atoll/manifests/local/pki"
)

// clients are those with a kubeconfig of their own: file, user and groups.
func clients(kind string) []pki.Leaf {
	all := []pki.Leaf{
		{Name: "admin", CommonName: "kubernetes-admin", Organization: []string{"system:masters"}},
		{Name: "kube-controller-manager", CommonName: "system:kube-controller-manager"},
		{Name: "kube-scheduler", CommonName: "system:kube-scheduler"},
	}
	if kind == Real {
		return append(all,
			pki.Leaf{Name: "kubelet", CommonName: "system:node:" + node.Name, Organization: []string{"system:nodes"}},
			pki.Leaf{Name: "kube-proxy", CommonName: "system:kube-proxy"})
	}
	return append(all, pki.Leaf{Name: "kwok", CommonName: "kwok", Organization: []string{"system:masters"}})
}

// writeCertificates makes what is missing or close to its end, and writes the kubeconfigs.
func (c *Cluster) writeCertificates() error {
	folder := c.Dir.PKI()
	loopback := net.IPv4(127, 0, 0, 1)
	host := net.ParseIP(c.host())
	service := c.addr.Service(1)
	names := []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost"}
	ips := []net.IP{service.AsSlice(), loopback}
	if !host.Equal(loopback) {
		ips = append(ips, host)
	}
	leaves := map[string][]pki.Leaf{
		"ca": {
			{Name: "apiserver", CommonName: "kube-apiserver", DNSNames: names, IPs: ips, Server: true},
			{Name: "apiserver-kubelet", CommonName: "kube-apiserver-kubelet-client", Organization: []string{"system:masters"}, Client: true},
			{Name: "loopback", CommonName: "loopback", IPs: []net.IP{loopback}, Server: true},
			{Name: "metrics-server", CommonName: "metrics-server", DNSNames: []string{"metrics-server.kube-system.svc"}, Server: true},
		},
		"front-proxy-ca": {{Name: "front-proxy", CommonName: "front-proxy-client", Client: true}},
		"etcd-ca": {
			{Name: "etcd", CommonName: "etcd", DNSNames: []string{"localhost"}, IPs: []net.IP{loopback}, Server: true, Client: true},
			{Name: "apiserver-etcd", CommonName: "kube-apiserver", Client: true},
		},
	}
	for _, client := range clients(c.kind) {
		client.Client = true
		leaves["ca"] = append(leaves["ca"], client)
	}
	if c.kind == Real {
		leaves["ca"] = append(leaves["ca"], pki.Leaf{Name: "kubelet-server", CommonName: "system:node:" + node.Name,
			Organization: []string{"system:nodes"}, DNSNames: []string{node.Name}, IPs: []net.IP{host}, Server: true})
	}
	for authority, wanted := range leaves {
		a, err := pki.Open(folder, authority)
		if err != nil {
			return err
		}
		for _, leaf := range wanted {
			if _, err := a.Issue(leaf); err != nil {
				return err
			}
		}
	}
	if err := pki.SigningKey(folder, "service-account"); err != nil {
		return err
	}
	for _, client := range clients(c.kind) {
		if err := c.writeKubeconfig(client.Name, c.Dir.Config(client.Name+".kubeconfig")); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) server() string {
	return "https://" + net.JoinHostPort(c.host(), strconv.Itoa(c.addr.Ports["kube-apiserver"]))
}

// writeKubeconfig writes a kubeconfig that holds all it needs. JSON is YAML.
func (c *Cluster) writeKubeconfig(user, to string) error {
	read := func(name string) (string, error) {
		text, err := os.ReadFile(filepath.Join(c.Dir.PKI(), name))
		if err != nil {
			return "", fmt.Errorf("writing the kubeconfig of %s: %w", user, err)
		}
		return base64.StdEncoding.EncodeToString(text), nil
	}
	ca, err := read("ca.crt")
	if err != nil {
		return err
	}
	cert, err := read(user + ".crt")
	if err != nil {
		return err
	}
	key, err := read(user + ".key")
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(map[string]any{
		"apiVersion":      "v1",
		"kind":            "Config",
		"current-context": "local",
		"clusters":        []any{map[string]any{"name": "local", "cluster": map[string]any{"server": c.server(), "certificate-authority-data": ca}}},
		"users":           []any{map[string]any{"name": user, "user": map[string]any{"client-certificate-data": cert, "client-key-data": key}}},
		"contexts":        []any{map[string]any{"name": "local", "context": map[string]any{"cluster": "local", "user": user}}},
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the kubeconfig of %s: %w", user, err)
	}
	if err := os.WriteFile(to+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig of %s: %w", user, err)
	}
	if err := os.Rename(to+".new", to); err != nil {
		return fmt.Errorf("writing the kubeconfig of %s: %w", user, err)
	}
	return nil
}
