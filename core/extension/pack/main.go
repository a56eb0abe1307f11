// Command pack makes the package of an extension from its folder and its
// compiled module: pack FOLDER MODULE.wasm -o PACKAGE.tar
// The same input gives the same bytes. It says what is wrong with file and line.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/atoll-platform/atoll/core/extension"
)

func main() {
	if len(os.Args) != 5 || os.Args[3] != "-o" {
		fmt.Fprintln(os.Stderr, "usage: pack FOLDER MODULE.wasm -o PACKAGE.tar")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(folder, module, out string) error {
	wasm, err := os.ReadFile(module)
	if err != nil {
		return fmt.Errorf("reading the module: %w", err)
	}
	p, err := extension.Pack(os.DirFS(folder), wasm)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return fmt.Errorf("writing the package: %w", err)
	}
	if err := os.WriteFile(out, p.Bytes, 0o644); err != nil {
		return fmt.Errorf("writing the package: %w", err)
	}
	fmt.Printf("%s %s %s\n", p.Manifest.Name, p.Manifest.Version, p.Digest)
	return nil
}
