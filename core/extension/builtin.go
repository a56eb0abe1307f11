// The packages that the binary carries.
package extension

import (
	"embed"
	"io/fs"
)

//go:embed builtin
var builtin embed.FS

// Builtin is the folder of embedded packages; without any it holds no .tar.
func Builtin() fs.FS {
	sub, err := fs.Sub(builtin, "builtin")
	if err != nil {
		panic(err) // the name is a constant and valid
	}
	return sub
}
