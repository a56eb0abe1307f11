// Ports on loopback and networks for pods and services: chosen once, kept for
// the next start, and chosen anew where somebody else has taken one meanwhile.
package place

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
)

// Addresses are the addresses that a cluster uses.
type Addresses struct {
	Ports map[string]int `json:"ports"` // by the name of who listens
	// Block is the /16 that pods and services are in.
	Block netip.Prefix `json:"block"`
}

// Below the range that the kernel takes for outgoing connections and that of
// Kubernetes' node ports.
const firstPort, lastPort = 20000, 29999

// ReadAddresses reads what was chosen before; nothing yet is no error.
func (d Dir) ReadAddresses() (Addresses, error) {
	var a Addresses
	text, err := os.ReadFile(d.Run("addresses.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return Addresses{Ports: map[string]int{}}, nil
	}
	if err != nil {
		return a, fmt.Errorf("reading the addresses: %w", err)
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("reading the addresses: %s: %w", d.Run("addresses.json"), err)
	}
	if a.Ports == nil {
		a.Ports = map[string]int{}
	}
	return a, nil
}

// Choose returns addresses for those who listen. Ports of who is running
// already stay as they are. bridge is the name of the cluster's own network
// device, whose addresses are no reason to look for others.
func (d Dir) Choose(names []string, running func(name string) bool, bridge string) (Addresses, error) {
	a, err := d.ReadAddresses()
	if err != nil {
		return a, err
	}
	taken := map[int]bool{}
	for _, port := range a.Ports {
		taken[port] = true
	}
	for i, name := range names {
		if port := a.Ports[name]; port != 0 && (running(name) || free(port)) {
			continue
		}
		port, err := findPort(firstPort+(d.Seed()+i)%(lastPort-firstPort), taken)
		if err != nil {
			return a, err
		}
		a.Ports[name], taken[port] = port, true
	}
	used, err := networksInUse(bridge)
	if err != nil {
		return a, err
	}
	if !a.Block.IsValid() {
		if a.Block, err = findBlock(d.Seed(), used); err != nil {
			return a, err
		}
	} else if by, ok := overlap(a.Block, used); ok {
		// The services' addresses lie in the cluster's store: they cannot move.
		return a, fmt.Errorf("the network %s of this cluster is now used by %s; `local down --purge` and `local up` make a new cluster", a.Block, by)
	}
	text, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return a, fmt.Errorf("keeping the addresses: %w", err)
	}
	if err := os.WriteFile(d.Run("addresses.json"), append(text, '\n'), 0o600); err != nil {
		return a, fmt.Errorf("keeping the addresses: %w", err)
	}
	return a, nil
}

// Pods is the network of pods.
func (a Addresses) Pods() netip.Prefix { return netip.PrefixFrom(a.Block.Addr(), 24) }

// Gateway is the node's address on the network of pods.
func (a Addresses) Gateway() netip.Addr { return a.Block.Addr().Next() }

// Services is the network of services: the upper half of the block.
func (a Addresses) Services() netip.Prefix {
	if !a.Block.IsValid() {
		return netip.Prefix{} // nothing was chosen yet
	}
	b := a.Block.Addr().As4()
	b[2] = 128
	return netip.PrefixFrom(netip.AddrFrom4(b), 17)
}

// Service is the n-th address of the network of services; the first is Kubernetes' own.
func (a Addresses) Service(n byte) netip.Addr {
	if !a.Block.IsValid() {
		return netip.Addr{}
	}
	b := a.Services().Addr().As4()
	b[3] = n
	return netip.AddrFrom4(b)
}

func free(port int) bool {
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func findPort(from int, taken map[int]bool) (int, error) {
	for i := range lastPort - firstPort {
		port := firstPort + (from-firstPort+i)%(lastPort-firstPort)
		if !taken[port] && free(port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no port between %d and %d is free on loopback", firstPort, lastPort)
}

// network is one that this machine is in.
type network struct {
	prefix netip.Prefix
	device string
}

func networksInUse(except string) ([]network, error) {
	devices, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("listing the machine's networks: %w", err)
	}
	var used []network
	for _, device := range devices {
		if device.Name == except {
			continue
		}
		addresses, err := device.Addrs()
		if err != nil {
			continue // it has gone meanwhile
		}
		for _, address := range addresses {
			if prefix, err := netip.ParsePrefix(address.String()); err == nil {
				used = append(used, network{prefix.Masked(), device.Name})
			}
		}
	}
	return append(used, routes(except)...), nil
}

func overlap(block netip.Prefix, used []network) (device string, ok bool) {
	for _, n := range used {
		if n.prefix.Overlaps(block) {
			return n.device, true
		}
	}
	return "", false
}

// findBlock looks in all of the private ranges, since a machine's own network
// may fill one of them.
func findBlock(seed int, used []network) (netip.Prefix, error) {
	ranges := []struct {
		net, first byte
		count      int
	}{{10, 130, 120}, {172, 20, 12}, {100, 70, 50}}
	for _, r := range ranges {
		for i := range r.count {
			block := netip.PrefixFrom(netip.AddrFrom4([4]byte{r.net, r.first + byte((seed+i)%r.count), 0, 0}), 16)
			if _, taken := overlap(block, used); !taken {
				return block, nil
			}
		}
	}
	return netip.Prefix{}, errors.New("no private network of the size /16 is free on this machine")
}
