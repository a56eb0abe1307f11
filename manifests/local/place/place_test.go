// Choosing ports and networks, and keeping secrets to their owner.
package place

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func folder(t *testing.T) Dir {
	t.Helper()
	d, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func choose(t *testing.T, d Dir, running func(string) bool) Addresses {
	t.Helper()
	a, err := d.Choose([]string{"one", "two"}, running, "none")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func nobody(string) bool { return false }

func TestAddressesStayFromStartToStart(t *testing.T) {
	d := folder(t)
	first, second := choose(t, d, nobody), choose(t, d, nobody)
	if first.Ports["one"] != second.Ports["one"] || first.Ports["two"] != second.Ports["two"] || first.Block != second.Block {
		t.Fatalf("%v, then %v", first, second)
	}
	if first.Ports["one"] == first.Ports["two"] {
		t.Fatalf("both got port %d", first.Ports["one"])
	}
}

func TestTakenPortIsChosenAnewUnlessItIsOurs(t *testing.T) {
	d := folder(t)
	first := choose(t, d, nobody)
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(first.Ports["one"]))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if same := choose(t, d, func(name string) bool { return name == "one" }); same.Ports["one"] != first.Ports["one"] {
		t.Error("the port of a running part was given up")
	}
	if other := choose(t, d, nobody); other.Ports["one"] == first.Ports["one"] || other.Ports["two"] != first.Ports["two"] {
		t.Errorf("%v, then %v", first, other)
	}
}

func TestNetworksOfABlockDoNotOverlap(t *testing.T) {
	a := choose(t, folder(t), nobody)
	if a.Pods().Overlaps(a.Services()) || !a.Block.Contains(a.Pods().Addr()) || !a.Block.Contains(a.Services().Addr()) {
		t.Errorf("block %s, pods %s, services %s", a.Block, a.Pods(), a.Services())
	}
	if !a.Pods().Contains(a.Gateway()) || !a.Services().Contains(a.Service(10)) {
		t.Errorf("gateway %s, service %s", a.Gateway(), a.Service(10))
	}
}

func TestBlockAvoidsTheNetworksOfTheMachine(t *testing.T) {
	whole := []network{{netip.MustParsePrefix("10.0.0.0/8"), "vpn0"}}
	block, err := findBlock(7, whole)
	if err != nil {
		t.Fatal(err)
	}
	if device, taken := overlap(block, whole); taken {
		t.Errorf("%s overlaps the network of %s", block, device)
	}
	if _, err := findBlock(7, []network{{netip.MustParsePrefix("0.0.0.0/1"), "a"}, {netip.MustParsePrefix("128.0.0.0/1"), "b"}}); err == nil {
		t.Error("a network was found where none is free")
	}
}

func TestNetworkTakenBySomebodyElseIsAnError(t *testing.T) {
	d := folder(t)
	a := choose(t, d, nobody)
	a.Block = netip.MustParsePrefix("127.0.0.0/16") // the loopback device has it
	text := `{"ports":{},"block":"` + a.Block.String() + `"}`
	if err := os.WriteFile(d.Run("addresses.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Choose(nil, nobody, "none"); err == nil {
		t.Error("two networks overlap, and nobody says so")
	}
}

func TestFolderReachedByALinkIsTheSameCluster(t *testing.T) {
	d := folder(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(string(d), link); err != nil {
		t.Fatal(err)
	}
	other, err := New(link)
	if err != nil {
		t.Fatal(err)
	}
	if other != d || other.ID() != d.ID() {
		t.Errorf("%s and %s", d, other)
	}
}

func TestSecretsAreForTheirOwnerAlone(t *testing.T) {
	d := folder(t)
	for _, name := range []string{d.PKI(), d.Config(), d.Run(), d.Node(), d.Join("etcd")} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}
