// Command testpod is what runs in the pods of this package's integration
// tests: it writes lines and serves, and is gone into in the ways that kubectl
// goes into a pod. Called as tar it packs and unpacks, for kubectl cp.
package main

import (
	"archive/tar"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	name := filepath.Base(os.Args[0])
	args := os.Args[1:]
	if name == "testpod" && len(args) > 0 {
		name, args = args[0], args[1:]
	}
	if err := run(name, args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(name string, args []string) error {
	switch name {
	case "serve":
		return serve()
	case "echo":
		_, err := fmt.Println(strings.Join(args, " "))
		return err
	case "greet": // and say what is said
		fmt.Println("in")
		_, err := io.Copy(os.Stdout, os.Stdin)
		return err
	case "through": // and fail, in every way that can be told apart
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			return err
		}
		fmt.Println("done")
		fmt.Fprintln(os.Stderr, "wrong")
		os.Exit(3)
	case "tar":
		if slices.ContainsFunc(args, func(a string) bool {
			return strings.Contains(strings.TrimLeft(a, "-"), "x") && !strings.HasPrefix(a, "--")
		}) {
			return unpack(os.Stdin, args[slices.Index(args, "-C")+1])
		}
		return pack(os.Stdout, args[len(args)-1])
	}
	return fmt.Errorf("%q is not known here", name)
}

func serve() error {
	http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "served by the pod\n") })
	go func() {
		for i := 0; ; i++ {
			fmt.Println("line", i)
			time.Sleep(time.Second)
		}
	}()
	return http.ListenAndServe(":8080", nil)
}

func unpack(from io.Reader, dir string) error {
	for in := tar.NewReader(from); ; {
		h, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		out, err := os.Create(filepath.Join(dir, filepath.Base(h.Name)))
		if err != nil {
			return err
		}
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
		if err := out.Close(); err != nil {
			return err
		}
	}
}

func pack(to io.Writer, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	out := tar.NewWriter(to)
	if err := out.WriteHeader(&tar.Header{Name: strings.TrimPrefix(name, "/"), Mode: 0o644, Size: int64(len(text))}); err != nil {
		return err
	}
	if _, err := out.Write(text); err != nil {
		return err
	}
	return out.Close()
}
