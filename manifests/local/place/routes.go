// Networks that the machine reaches by a route of their own.
package place

import (
	"encoding/hex"
	"net/netip"
	"os"
	"strings"
)

// routes reads the kernel's table of IPv4 routes, except the default route.
// Where there is none to read, the devices' own networks have to do.
func routes(except string) []network {
	text, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return nil
	}
	var found []network
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 8 || fields[0] == except {
			continue
		}
		address, ok1 := littleEndian(fields[1])
		mask, ok2 := littleEndian(fields[7])
		if !ok1 || !ok2 || mask == [4]byte{} {
			continue
		}
		bits := 0
		for _, b := range mask {
			for ; b&0x80 != 0; b <<= 1 {
				bits++
			}
		}
		found = append(found, network{netip.PrefixFrom(netip.AddrFrom4(address), bits).Masked(), fields[0]})
	}
	return found
}

func littleEndian(text string) (b [4]byte, ok bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 4 {
		return b, false
	}
	return [4]byte{raw[3], raw[2], raw[1], raw[0]}, true
}
