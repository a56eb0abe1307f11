// Command generate writes the Go types, the TypeScript types and the README's
// catalogue from schema.json. Run it in sdk/fragment: go run ./generate
// With -check it writes nothing and fails when a file differs.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
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
	files, err := generate(".")
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
				return fmt.Errorf("%s differs from schema.json: run `go run ./generate` in sdk/fragment", f.name)
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

// generate makes all files from the schema in dir.
func generate(dir string) ([]file, error) {
	raw, err := os.ReadFile(dir + "/schema.json")
	if err != nil {
		return nil, err
	}
	root := &schema{}
	if err := json.Unmarshal(raw, root); err != nil {
		return nil, fmt.Errorf("reading schema.json: %w", err)
	}
	goText, err := goTypes(root)
	if err != nil {
		return nil, err
	}
	readme, err := os.ReadFile(dir + "/README.md")
	if err != nil {
		return nil, err
	}
	readme, err = catalogue(root, readme)
	if err != nil {
		return nil, err
	}
	return []file{{"types.go", goText}, {"fragment.ts", tsTypes(root)}, {"README.md", readme}}, nil
}
