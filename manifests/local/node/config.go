// Configuration of the node's programs. All is written anew at each start.
package node

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// PauseImage holds the namespaces of each pod.
const PauseImage = "atoll.local/pause:1"

// WriteConfig writes the configuration of containerd, of the pods' network, of
// the kubelet and of kube-proxy.
func (n Node) WriteConfig() error {
	if err := os.MkdirAll(n.Dir.Config("cni"), 0o700); err != nil {
		return fmt.Errorf("writing the node's configuration: %w", err)
	}
	if err := os.WriteFile(n.Dir.Config("containerd.toml"), []byte(n.containerd()), 0o600); err != nil {
		return fmt.Errorf("writing the node's configuration: %w", err)
	}
	resolver, err := n.resolver()
	if err != nil {
		return err
	}
	if err := os.WriteFile(n.Dir.Config("resolv.conf"), []byte(resolver), 0o644); err != nil {
		return fmt.Errorf("writing the node's configuration: %w", err)
	}
	for name, value := range map[string]any{
		filepath.Join("cni", "10-bridge.conflist"): n.network(),
		"kubelet.json":    n.kubelet(),
		"kube-proxy.json": n.proxy(),
	} {
		text, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			return fmt.Errorf("writing the node's configuration: %w", err)
		}
		if err := os.WriteFile(n.Dir.Config(name), append(text, '\n'), 0o600); err != nil {
			return fmt.Errorf("writing the node's configuration: %w", err)
		}
	}
	return nil
}

func (n Node) containerd() string {
	return fmt.Sprintf(`version = 3
root = %[1]q
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.snapshotter.v1.blockfile", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]

[grpc]
  address = %[2]q

[plugins."io.containerd.internal.v1.opt"]
  path = %[3]q

[plugins."io.containerd.cri.v1.images"]
  snapshotter = %[4]q
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = %[5]q

[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = %[6]t
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = [%[7]q]
    conf_dir = %[8]q
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = false
`, n.Dir.Node("containerd"), Socket, n.Dir.Node("opt"), n.snapshotter(), PauseImage, !mayRaiseOOMScore(), Plugins(), n.Dir.Config("cni"))
}

// snapshotter is overlayfs where a file system can be laid over another one
// here, else plain copies.
func (n Node) snapshotter() string {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "overlayfs"
	}
	best, kind := "", ""
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		dash := 0
		for i, f := range fields {
			if f == "-" {
				dash = i
			}
		}
		if dash == 0 || dash+1 >= len(fields) || len(fields) < 5 {
			continue
		}
		point := fields[4]
		if point != "/" && !strings.HasPrefix(string(n.Dir)+"/", point+"/") {
			continue
		}
		if len(point) >= len(best) {
			best, kind = point, fields[dash+1]
		}
	}
	if kind == "overlay" {
		return "native"
	}
	return "overlayfs"
}

// mayRaiseOOMScore tells whether this process may protect others from the
// kernel's out-of-memory killer. Without, runc fails when it tries.
func mayRaiseOOMScore() bool {
	const sysResource = 24
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "CapEff:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			return err == nil && set&(1<<sysResource) != 0
		}
	}
	return false
}

// resolver is the machine's resolv.conf without name servers on loopback, which
// no pod reaches.
func (n Node) resolver() (string, error) {
	for _, name := range []string{"/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"} {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		var kept []string
		servers := 0
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) > 1 && fields[0] == "nameserver" {
				if strings.HasPrefix(fields[1], "127.") || fields[1] == "::1" {
					continue
				}
				servers++
			}
			kept = append(kept, line)
		}
		if servers > 0 {
			return strings.Join(kept, ""), nil
		}
	}
	return "", nil
}

// Forwards tells whether there is a name server to which pods' questions about
// names outside the cluster can go.
func (n Node) Forwards() bool {
	text, err := os.ReadFile(n.Dir.Config("resolv.conf"))
	return err == nil && strings.Contains(string(text), "nameserver")
}

func (n Node) network() map[string]any {
	return map[string]any{
		"cniVersion": "1.0.0",
		"name":       Bridge(n.Dir),
		"plugins": []any{
			map[string]any{
				"type": "bridge", "bridge": Bridge(n.Dir), "isGateway": true, "ipMasq": false,
				// A pod reaches itself through its own service.
				"hairpinMode": true,
				"ipam": map[string]any{
					"type":    "host-local",
					"dataDir": "/run/cni",
					"ranges":  []any{[]any{map[string]any{"subnet": n.Addresses.Pods().String()}}},
					"routes":  []any{map[string]any{"dst": "0.0.0.0/0"}},
				},
			},
			map[string]any{"type": "portmap", "capabilities": map[string]any{"portMappings": true}},
		},
	}
}

func (n Node) kubelet() map[string]any {
	return map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1",
		"kind":       "KubeletConfiguration",
		"address":    n.Addresses.Gateway().String(),
		"port":       n.Addresses.Ports["kubelet"],
		"authentication": map[string]any{
			"anonymous": map[string]any{"enabled": false},
			"webhook":   map[string]any{"enabled": true},
			"x509":      map[string]any{"clientCAFile": n.Dir.PKI("ca.crt")},
		},
		"authorization":     map[string]any{"mode": "Webhook"},
		"tlsCertFile":       n.Dir.PKI("kubelet-server.crt"),
		"tlsPrivateKeyFile": n.Dir.PKI("kubelet-server.key"),
		"readOnlyPort":      0,
		"healthzPort":       n.Addresses.Ports["kubelet-health"],
		"clusterDNS":        []string{n.Addresses.Service(10).String()},
		"clusterDomain":     "cluster.local",
		"resolvConf":        n.Dir.Config("resolv.conf"),

		"containerRuntimeEndpoint": "unix://" + Socket,
		"podLogsDir":               "/var/log/pods",
		"volumePluginDir":          "/var/lib/kubelet/volumeplugins",

		"cgroupDriver":           "cgroupfs",
		"cgroupRoot":             "/" + n.group(),
		"failCgroupV1":           false,
		"failSwapOn":             false,
		"enforceNodeAllocatable": []string{},
		"oomScoreAdj":            oomScore(),

		// Images cannot be fetched again: the kubelet must not remove any, and
		// a disk that is rather full is the machine's own business.
		"imageGCHighThresholdPercent": 100,
		"evictionHard":                map[string]string{"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%", "nodefs.inodesFree": "1%"},

		"maxPods":                   200,
		"serializeImagePulls":       false,
		"nodeStatusUpdateFrequency": "5s",
		"logging":                   map[string]any{"verbosity": 1},
	}
}

// oomScore protects the node's programs from the out-of-memory killer where
// that is allowed.
func oomScore() int {
	if mayRaiseOOMScore() {
		return -999
	}
	return 0
}

func (n Node) proxy() map[string]any {
	_, err := os.Stat("/proc/sys/net/bridge/bridge-nf-call-iptables")
	return map[string]any{
		"apiVersion":       "kubeproxy.config.k8s.io/v1alpha1",
		"kind":             "KubeProxyConfiguration",
		"mode":             "iptables",
		"hostnameOverride": Name,
		"clusterCIDR":      n.Addresses.Pods().String(),
		"clientConnection": map[string]any{"kubeconfig": n.Dir.Config("kube-proxy.kubeconfig")},
		// 0 leaves the kernel's connection tracking as it is.
		"conntrack":          map[string]any{"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
		"healthzBindAddress": "127.0.0.1:" + strconv.Itoa(n.Addresses.Ports["kube-proxy-health"]),
		"metricsBindAddress": "127.0.0.1:" + strconv.Itoa(n.Addresses.Ports["kube-proxy-metrics"]),
		"oomScoreAdj":        oomScore(),
		// Node ports are open on the node's own address only, not on the machine's.
		"nodePortAddresses": []string{n.Addresses.Gateway().String() + "/32"},
		"iptables": map[string]any{
			"localhostNodePorts": false,
			// Where the bridge does not show its traffic to the firewall, an answer
			// finds its way back only through the node.
			"masqueradeAll": err != nil,
			"minSyncPeriod": "200ms",
		},
	}
}
