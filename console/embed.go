// Package console holds the browser console as it is embedded into the binary: the built files of dist, or one small page that says
// how to build them, so that `go build ./...` works without npm. It serves nothing; core/server does.
package console

import (
	"embed"
	"io/fs"
)

// The pattern `all:*` would embed the sources too; naming a folder that may be missing does not compile. So the folder that is always
// there is named, and `dist*` matches dist where it was built and dist.md always.
//
//go:embed all:dist* placeholder
var files embed.FS

// Files returns the console as a file system whose root holds index.html and assets/. Files with a Brotli sidecar have it beside them,
// named with the suffix ".br". It is safe for concurrent use.
func Files() fs.FS {
	root := "placeholder"
	if Built() {
		root = "dist"
	}
	sub, err := fs.Sub(files, root)
	if err != nil {
		panic("console: embedded folder " + root + " is missing: " + err.Error()) // the compiler embedded it; cannot happen
	}
	return sub
}

// Built reports whether the binary carries the real console, and not only the placeholder page.
func Built() bool {
	_, err := fs.Stat(files, "dist/index.html")
	return err == nil
}
