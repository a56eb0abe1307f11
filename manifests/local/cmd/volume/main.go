// Command volume makes and removes the folder of a persistent volume on its
// node; local-path-provisioner starts it there, as /setup or /teardown, with the
// folder as -p.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	folder := flag.String("p", "", "the volume's folder, absolute")
	_ = flag.String("s", "", "the volume's size in bytes; a folder has no limit")
	_ = flag.String("m", "", "the volume's mode")
	_ = flag.String("a", "", "the action")
	flag.Parse()
	if err := work(filepath.Base(os.Args[0]), *folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func work(action, folder string) error {
	// A volume's folder always lies in the folder of all volumes.
	if !filepath.IsAbs(folder) || filepath.Dir(filepath.Clean(folder)) == "/" {
		return fmt.Errorf("%q is no folder of a volume", folder)
	}
	switch action {
	case "setup":
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return fmt.Errorf("making the volume's folder: %w", err)
		}
		// Pods run as any user; the folder's parent is closed to the machine's other users.
		if err := os.Chmod(folder, 0o777); err != nil {
			return fmt.Errorf("opening the volume's folder: %w", err)
		}
		return nil
	case "teardown":
		if err := os.RemoveAll(folder); err != nil {
			return fmt.Errorf("removing the volume's folder: %w", err)
		}
		return nil
	}
	return fmt.Errorf("%q is neither setup nor teardown", action)
}
