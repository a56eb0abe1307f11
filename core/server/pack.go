// Packing an extension's folder, for the command line.

package server

import (
	"fmt"
	"os"

	"github.com/atoll-platform/atoll/core/extension"
)

// MaxPackage is the largest package that is taken, in bytes.
const MaxPackage = extension.MaxPackage

// PackFolder makes a package of an extension's folder and returns the bytes of
// its tar. The module lies in the folder under the manifest's name, or is the
// file that module names; "" for the first.
func PackFolder(folder, module string) ([]byte, error) {
	var wasm []byte
	if module != "" {
		var err error
		if wasm, err = os.ReadFile(module); err != nil {
			return nil, fmt.Errorf("reading the module: %w", err)
		}
	}
	p, err := extension.Pack(os.DirFS(folder), wasm)
	if err != nil {
		return nil, err
	}
	return p.Bytes, nil
}
