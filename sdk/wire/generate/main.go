// Command generate writes the constants of every language and the README's
// tables from wire.json. Run it in sdk/wire: go run ./generate
// With -check it writes nothing and fails when a file differs.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"

	spec "github.com/atoll-platform/atoll/sdk/wire"
)

func main() {
	check := flag.Bool("check", false, "fail when a generated file differs, write nothing")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	files, err := generate()
	if err != nil {
		return err
	}
	for _, f := range files {
		if check {
			old, err := os.ReadFile(f.name)
			if err != nil {
				return err
			}
			if !bytes.Equal(old, f.text) {
				return fmt.Errorf("%s differs from wire.json: run `go run ./generate` in sdk/wire", f.name)
			}
			continue
		}
		if err := os.WriteFile(f.name, f.text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// file is one generated file.
type file struct {
	name string
	text []byte
}

// generate makes all files from the wire.json of this folder.
func generate() ([]file, error) {
	raw, err := os.ReadFile("wire.json")
	if err != nil {
		return nil, err
	}
	s, err := spec.Parse(raw)
	if err != nil {
		return nil, err
	}
	goText, err := golang(s)
	if err != nil {
		return nil, err
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		return nil, err
	}
	if readme, err = tables(s, readme); err != nil {
		return nil, err
	}
	return []file{
		{"../go/wire/numbers.go", goText},
		{"../rust/wire.rs", rust(s)},
		{"../assemblyscript/wire.ts", assemblyScript(s)},
		{"README.md", readme},
	}, nil
}
