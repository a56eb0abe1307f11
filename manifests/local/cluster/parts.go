// The daemons of a cluster: how each is started and how one sees that it works.
package cluster

import (
	"context"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/manifests/local/node"
	"github.com/atoll-platform/atoll/manifests/local/process"
)

// daemon is one program of the cluster.
type daemon struct {
	name, title string
	program     string // in the cluster's bin folder
	args        []string
	env         []string
	inNode      bool // sees the node's mounts
	keeper      bool // holds them
	grace       time.Duration
	healthy     func(context.Context) bool
}

func (c *Cluster) pidFile(name string) string { return c.Dir.Run(name + ".pid") }
func (c *Cluster) logFile(name string) string { return c.Dir.Logs(name + ".log") }

// listeners are the names of all who need a port on loopback.
func listeners() []string {
	return []string{
		"etcd", "etcd-peer", "kube-apiserver", "kube-controller-manager", "kube-scheduler",
		"kubelet", "kubelet-health", "kube-proxy-health", "kube-proxy-metrics", "kwok",
	}
}

// portOwner is the daemon that listens on a port of the given name.
func portOwner(listener string) string {
	switch {
	case strings.HasPrefix(listener, "etcd"):
		return "etcd"
	case strings.HasPrefix(listener, "kubelet"):
		return "kubelet"
	case strings.HasPrefix(listener, "kube-proxy"):
		return "kube-proxy"
	}
	return listener
}

func (c *Cluster) port(name string) string { return strconv.Itoa(c.addr.Ports[name]) }

// daemons lists the programs of the kind of cluster that was chosen, in the
// order in which they depend on each other.
func (c *Cluster) daemons() []daemon {
	all := []daemon{c.keeperDaemon()}
	if c.kind == Real {
		all = append(all, c.containerd())
	}
	all = append(all, c.etcd(), c.apiserver(), c.controllers(), c.scheduler())
	if c.kind == Real {
		return append(all, c.kubelet(), c.proxy())
	}
	return append(all, c.kwok())
}

// daemon returns one of them.
func (c *Cluster) daemon(name string) daemon {
	for _, d := range c.daemons() {
		if d.name == name {
			return d
		}
	}
	return daemon{name: name}
}

func (c *Cluster) keeperDaemon() daemon {
	return daemon{
		name: "keeper", title: "Keeper of the cluster", program: "local-keeper", keeper: c.kind == Real,
		args:  []string{"keep", "--dir", string(c.Dir), "--nodes", c.kind, "--status-file", c.StatusFile},
		grace: 2 * time.Second,
		healthy: func(context.Context) bool {
			text, err := os.ReadFile(c.Dir.Run("keeper.ready"))
			return err == nil && string(text) == strconv.Itoa(process.Alive(c.pidFile("keeper")))
		},
	}
}

func (c *Cluster) containerd() daemon {
	return daemon{
		name: "containerd", title: "containerd", program: "containerd", inNode: true, grace: 5 * time.Second,
		args: []string{"--config", c.Dir.Config("containerd.toml"), "--log-level", "warn"},
		// It finds its shim by PATH.
		env: []string{"PATH=" + c.Dir.Bin() + ":" + os.Getenv("PATH") + ":/usr/sbin:/sbin"},
		healthy: func(context.Context) bool {
			// The socket by way of the keeper's root: its own path may be too long for a socket.
			keeper := process.Alive(c.pidFile("keeper"))
			conn, err := net.DialTimeout("unix", "/proc/"+strconv.Itoa(keeper)+"/root"+node.Socket, time.Second)
			if err != nil {
				return false
			}
			conn.Close()
			return true
		},
	}
}

func (c *Cluster) etcd() daemon {
	url, peer := "https://127.0.0.1:"+c.port("etcd"), "https://127.0.0.1:"+c.port("etcd-peer")
	return daemon{
		name: "etcd", title: "etcd", program: "kube", grace: 10 * time.Second,
		args: []string{
			"etcd", "--name=local", "--data-dir=" + c.Dir.Join("etcd", c.kind),
			"--listen-client-urls=" + url, "--advertise-client-urls=" + url,
			"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=local=" + peer,
			"--client-cert-auth", "--trusted-ca-file=" + c.Dir.PKI("etcd-ca.crt"),
			"--cert-file=" + c.Dir.PKI("etcd.crt"), "--key-file=" + c.Dir.PKI("etcd.key"),
			"--peer-client-cert-auth", "--peer-trusted-ca-file=" + c.Dir.PKI("etcd-ca.crt"),
			"--peer-cert-file=" + c.Dir.PKI("etcd.crt"), "--peer-key-file=" + c.Dir.PKI("etcd.key"),
			// The port of the peer may be another at the next start.
			"--force-new-cluster",
			// A development cluster may lose its last second when the machine loses its power.
			"--unsafe-no-fsync",
			"--auto-compaction-mode=periodic", "--auto-compaction-retention=30m", "--log-level=warn",
		},
		healthy: func(ctx context.Context) bool {
			return c.answers(ctx, url+"/health", "etcd-ca.crt", "apiserver-etcd")
		},
	}
}

func (c *Cluster) apiserver() daemon {
	pki := c.Dir.PKI
	args := []string{
		"kube-apiserver",
		"--bind-address=" + c.host(), "--advertise-address=" + c.host(), "--secure-port=" + c.port("kube-apiserver"),
		"--cert-dir=" + c.Dir.Run("kube-apiserver"),
		"--tls-cert-file=" + pki("apiserver.crt"), "--tls-private-key-file=" + pki("apiserver.key"),
		"--client-ca-file=" + pki("ca.crt"), "--anonymous-auth=false",
		"--etcd-servers=https://127.0.0.1:" + c.port("etcd"), "--etcd-cafile=" + pki("etcd-ca.crt"),
		"--etcd-certfile=" + pki("apiserver-etcd.crt"), "--etcd-keyfile=" + pki("apiserver-etcd.key"),
		"--service-cluster-ip-range=" + c.addr.Services().String(),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + pki("service-account.pub"), "--service-account-signing-key-file=" + pki("service-account.key"),
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--requestheader-client-ca-file=" + pki("front-proxy-ca.crt"), "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + pki("front-proxy.crt"), "--proxy-client-key-file=" + pki("front-proxy.key"),
		"--kubelet-client-certificate=" + pki("apiserver-kubelet.crt"), "--kubelet-client-key=" + pki("apiserver-kubelet.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--allow-privileged", "--profiling=false",
		"--audit-policy-file=" + c.Dir.Config("audit.yaml"), "--audit-log-path=" + c.Dir.Logs("audit.log"),
		"--audit-log-maxsize=20", "--audit-log-maxbackup=2",
	}
	if c.kind == Real {
		args = append(args, "--kubelet-certificate-authority="+pki("ca.crt"))
	} else {
		// Nobody but this machine reaches a loopback address: there is nothing to publish.
		args = append(args, "--endpoint-reconciler-type=none")
	}
	return daemon{
		name: "kube-apiserver", title: "API server", program: "kube", args: args, grace: 4 * time.Second,
		healthy: func(ctx context.Context) bool { return c.answers(ctx, c.server()+"/readyz", "ca.crt", "admin") },
	}
}

func (c *Cluster) controllers() daemon {
	kubeconfig := c.Dir.Config("kube-controller-manager.kubeconfig")
	return daemon{
		name: "kube-controller-manager", title: "Controllers", program: "kube", grace: 3 * time.Second,
		args: []string{
			"kube-controller-manager", "--kubeconfig=" + kubeconfig,
			"--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
			"--bind-address=127.0.0.1", "--secure-port=" + c.port("kube-controller-manager"),
			"--tls-cert-file=" + c.Dir.PKI("loopback.crt"), "--tls-private-key-file=" + c.Dir.PKI("loopback.key"),
			"--use-service-account-credentials", "--service-account-private-key-file=" + c.Dir.PKI("service-account.key"),
			"--root-ca-file=" + c.Dir.PKI("ca.crt"),
			"--cluster-signing-cert-file=" + c.Dir.PKI("ca.crt"), "--cluster-signing-key-file=" + c.Dir.PKI("ca.key"),
			"--leader-elect=false", "--allocate-node-cidrs=false", "--profiling=false", "--terminated-pod-gc-threshold=200",
		},
		healthy: func(ctx context.Context) bool {
			return c.answers(ctx, "https://127.0.0.1:"+c.port("kube-controller-manager")+"/healthz", "ca.crt", "")
		},
	}
}

func (c *Cluster) scheduler() daemon {
	kubeconfig := c.Dir.Config("kube-scheduler.kubeconfig")
	return daemon{
		name: "kube-scheduler", title: "Scheduler", program: "kube", grace: 3 * time.Second,
		args: []string{
			"kube-scheduler", "--kubeconfig=" + kubeconfig,
			"--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
			"--bind-address=127.0.0.1", "--secure-port=" + c.port("kube-scheduler"),
			"--tls-cert-file=" + c.Dir.PKI("loopback.crt"), "--tls-private-key-file=" + c.Dir.PKI("loopback.key"),
			"--leader-elect=false", "--profiling=false",
		},
		healthy: func(ctx context.Context) bool {
			return c.answers(ctx, "https://127.0.0.1:"+c.port("kube-scheduler")+"/healthz", "ca.crt", "")
		},
	}
}

func (c *Cluster) kubelet() daemon {
	return daemon{
		name: "kubelet", title: "Kubelet", program: "kube", inNode: true, grace: 5 * time.Second,
		args: []string{
			"kubelet", "--config=" + c.Dir.Config("kubelet.json"), "--kubeconfig=" + c.Dir.Config("kubelet.kubeconfig"),
			"--hostname-override=" + node.Name, "--node-ip=" + c.addr.Gateway().String(), "--root-dir=/var/lib/kubelet",
			"--node-labels=node.atoll.dev/kind=real",
		},
		env: []string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin"},
		healthy: func(ctx context.Context) bool {
			return c.answers(ctx, "http://127.0.0.1:"+c.port("kubelet-health")+"/healthz", "", "")
		},
	}
}

func (c *Cluster) proxy() daemon {
	return daemon{
		name: "kube-proxy", title: "Service network", program: "kube", inNode: true, grace: 3 * time.Second,
		args: []string{"kube-proxy", "--config=" + c.Dir.Config("kube-proxy.json")},
		env:  []string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin"},
		healthy: func(ctx context.Context) bool {
			return c.answers(ctx, "http://127.0.0.1:"+c.port("kube-proxy-health")+"/livez", "", "")
		},
	}
}

func (c *Cluster) kwok() daemon {
	return daemon{
		name: "kwok", title: "Simulated nodes", program: "kwok", grace: 3 * time.Second,
		args: []string{
			"--kubeconfig=" + c.Dir.Config("kwok.kubeconfig"), "--config=" + c.Dir.Config("kwok.yaml"), "--manage-all-nodes=false",
			"--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
			"--cidr=" + c.addr.Pods().String(), "--node-ip=" + c.addr.Gateway().String(),
			"--server-address=127.0.0.1:" + c.port("kwok"), "--node-lease-duration-seconds=40",
		},
		// Its own folder, or it would look into the person's home.
		env: []string{"KWOK_WORKDIR=" + c.Dir.Join("kwok"), "HOME=" + c.Dir.Join("kwok")},
		healthy: func(ctx context.Context) bool {
			return c.answers(ctx, "http://127.0.0.1:"+c.port("kwok")+"/healthz", "", "")
		},
	}
}
