// Firewall rules: those of the node's own network, and taking away all that
// came with the cluster.
package node

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/manifests/local/place"
)

// ours tells whether a chain is one that a cluster makes: kube-proxy and the
// kubelet KUBE-, CNI plug-ins CNI-, this package ATOLL-.
func ours(chain string) bool {
	return strings.HasPrefix(chain, "KUBE-") || strings.HasPrefix(chain, "CNI-") || strings.HasPrefix(chain, "ATOLL-")
}

// tool is one of the two commands; IPv6 has chains of the kubelet's too.
var tools = []string{"iptables", "ip6tables"}

// chain is one chain of one table.
type chain struct{ tool, table, name string }

func (c chain) String() string { return c.tool + " " + c.table + " " + c.name }

// saved reads all chains that a cluster makes, and the rules of other chains
// that jump there, as iptables-restore reads them.
func saved(ctx context.Context) (chains []chain, jumps map[chain][]string, err error) {
	jumps = map[chain][]string{}
	for _, tool := range tools {
		output, err := exec.CommandContext(ctx, tool+"-save").Output()
		if err != nil {
			continue // no such family on this machine
		}
		table := ""
		for line := range strings.Lines(string(output)) {
			line = strings.TrimSpace(line)
			switch {
			case strings.HasPrefix(line, "*"):
				table = line[1:]
			case strings.HasPrefix(line, ":"):
				name, _, _ := strings.Cut(line[1:], " ")
				if ours(name) {
					chains = append(chains, chain{tool, table, name})
				}
			case strings.HasPrefix(line, "-A "):
				fields := strings.Fields(line)
				target := slices.Index(fields, "-j")
				if target < 0 || target+1 >= len(fields) || ours(fields[1]) || !ours(fields[target+1]) {
					continue
				}
				c := chain{tool, table, fields[target+1]}
				jumps[c] = append(jumps[c], "-D "+line[3:])
			}
		}
	}
	return chains, jumps, nil
}

// rememberChains writes down what was there before.
func (o *outside) rememberChains(ctx context.Context) error {
	chains, _, err := saved(ctx)
	if err != nil {
		return err
	}
	for _, c := range chains {
		// Chains of this package are never somebody else's: only one real node runs at a time.
		if !strings.HasPrefix(c.name, "ATOLL-") {
			o.Chains = append(o.Chains, c.String())
		}
	}
	return nil
}

// removeChains takes away all chains that were not there before.
func (o *outside) removeChains(ctx context.Context) error {
	chains, jumps, err := saved(ctx)
	if err != nil {
		return err
	}
	type key struct{ tool, table string }
	texts := map[key]*[3]strings.Builder{} // rules that jump, flushes, removals: in this order
	for _, c := range chains {
		if slices.Contains(o.Chains, c.String()) {
			continue
		}
		k := key{c.tool, c.table}
		if texts[k] == nil {
			texts[k] = &[3]strings.Builder{}
		}
		for _, rule := range jumps[c] {
			fmt.Fprintln(&texts[k][0], rule)
		}
		fmt.Fprintf(&texts[k][1], "-F %s\n", c.name)
		fmt.Fprintf(&texts[k][2], "-X %s\n", c.name)
	}
	for k, parts := range texts {
		text := "*" + k.table + "\n" + parts[0].String() + parts[1].String() + parts[2].String() + "COMMIT\n"
		if err := restore(ctx, k.tool, text); err != nil {
			return fmt.Errorf("taking firewall rules away: %w", err)
		}
	}
	return nil
}

// protect writes the rules of the node's own network: pods reach the outside by
// the machine's address; nobody outside reaches pods or the node's own address.
func protect(ctx context.Context, a place.Addresses, bridge string) error {
	block, pods := a.Block.String(), a.Pods().String()
	text := fmt.Sprintf(`*filter
:ATOLL-INPUT - [0:0]
:ATOLL-FORWARD - [0:0]
-F ATOLL-INPUT
-F ATOLL-FORWARD
-A ATOLL-INPUT -d %[1]s ! -i %[3]s -m conntrack --ctstate NEW -m addrtype ! --src-type LOCAL -j DROP
-A ATOLL-FORWARD -i %[3]s -j ACCEPT
-A ATOLL-FORWARD -o %[3]s -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ATOLL-FORWARD -o %[3]s -j DROP
COMMIT
*nat
:ATOLL-POSTROUTING - [0:0]
-F ATOLL-POSTROUTING
-A ATOLL-POSTROUTING -s %[2]s ! -d %[1]s -j MASQUERADE
COMMIT
`, block, pods, bridge)
	if err := restore(ctx, "iptables", text); err != nil {
		return fmt.Errorf("writing the firewall rules of the node's network: %w", err)
	}
	for _, jump := range [][3]string{{"filter", "INPUT", "ATOLL-INPUT"}, {"filter", "FORWARD", "ATOLL-FORWARD"}, {"nat", "POSTROUTING", "ATOLL-POSTROUTING"}} {
		if exec.CommandContext(ctx, "iptables", "-w", "-t", jump[0], "-C", jump[1], "-j", jump[2]).Run() == nil {
			continue
		}
		output, err := exec.CommandContext(ctx, "iptables", "-w", "-t", jump[0], "-I", jump[1], "1", "-j", jump[2]).CombinedOutput()
		if err != nil {
			return fmt.Errorf("writing the firewall rules of the node's network: %w: %s", err, lastLine(output))
		}
	}
	return nil
}

func restore(ctx context.Context, tool, text string) error {
	cmd := exec.CommandContext(ctx, tool+"-restore", "--noflush", "-w")
	cmd.Stdin = strings.NewReader(text)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s-restore: %w: %s", tool, err, lastLine(output))
	}
	return nil
}
