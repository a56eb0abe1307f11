// The names of fields, for people: those of the specification.
package recording

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// kind is how a field's value is shown.
type kind int

const (
	kindText kind = iota
	kindNumber
	kindPair
	kindBytes
)

// known are the fields of this version.
var known = map[wire.Tag]struct {
	name string
	kind kind
}{
	wire.TagMethod: {"method", kindText}, wire.TagAuthority: {"authority", kindText}, wire.TagTarget: {"target", kindText},
	wire.TagHeader: {"header", kindPair}, wire.TagProtocol: {"protocol", kindText},
	wire.TagUser: {"user", kindText}, wire.TagUserUID: {"user uid", kindText}, wire.TagGroup: {"group", kindText},
	wire.TagWorkspace: {"workspace", kindText}, wire.TagWorkspaceUID: {"workspace uid", kindText},
	wire.TagProject: {"project", kindText}, wire.TagProjectUID: {"project uid", kindText}, wire.TagCluster: {"cluster", kindText},
	wire.TagDeadline: {"deadline", kindNumber}, wire.TagRequestID: {"request id", kindText},
	wire.TagTraceparent: {"traceparent", kindText}, wire.TagLocale: {"locale", kindText},
	wire.TagParent: {"parent", kindNumber}, wire.TagStatus: {"status", kindNumber},
	wire.TagCloseCode: {"close code", kindNumber}, wire.TagCloseText: {"close text", kindText},
	wire.TagLevel: {"level", kindNumber}, wire.TagText: {"text", kindText}, wire.TagAttribute: {"attribute", kindPair}, wire.TagStream: {"stream", kindNumber},
	wire.TagMinor: {"minor version", kindNumber}, wire.TagFeatures: {"features", kindNumber}, wire.TagSeed: {"seed", kindBytes},
	wire.TagSetting: {"setting", kindPair}, wire.TagMemory: {"memory", kindNumber}, wire.TagStreams: {"streams", kindNumber},
}

func kindOf(t wire.Tag) kind {
	if k, ok := known[t]; ok {
		return k.kind
	}
	return kindBytes
}

// fieldValue shows a field's value.
func fieldValue(f wire.Field) string {
	switch kindOf(f.Tag) {
	case kindText:
		return show(f.Value)
	case kindPair:
		name, value, ok := f.Pair()
		if ok {
			return strings.ToValidUTF8(string(name), "\uFFFD") + "=" + show(value)
		}
	case kindNumber:
		switch len(f.Value) {
		case 2:
			return strconv.Itoa(int(binary.LittleEndian.Uint16(f.Value)))
		case 4:
			if f.Tag == wire.TagLevel {
				return strconv.Itoa(int(int32(binary.LittleEndian.Uint32(f.Value))))
			}
			return strconv.FormatUint(uint64(binary.LittleEndian.Uint32(f.Value)), 10)
		case 8:
			return strconv.FormatUint(binary.LittleEndian.Uint64(f.Value), 10)
		}
	}
	if len(f.Value) > maxShown/2 {
		return hex.EncodeToString(f.Value[:maxShown/2]) + "..."
	}
	return hex.EncodeToString(f.Value)
}
