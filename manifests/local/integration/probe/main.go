// Command probe is what the integration tests run in pods: it looks at the
// cluster from inside. It is built and packed by the tests.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		args = []string{"serve"}
	}
	switch args[0] {
	case "serve":
		fmt.Println("probe serves")
		return http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "probe answers") }))
	case "get":
		client := http.Client{Timeout: 5 * time.Second}
		response, err := client.Get(args[1])
		if err != nil {
			return err
		}
		defer response.Body.Close()
		_, err = io.Copy(os.Stdout, response.Body)
		return err
	case "resolve":
		addresses, err := net.LookupHost(args[1])
		if err != nil {
			return err
		}
		fmt.Println(addresses)
		return nil
	case "write":
		return os.WriteFile(args[1], []byte(args[2]), 0o644)
	case "read":
		text, err := os.ReadFile(args[1])
		fmt.Println(string(text))
		return err
	}
	return fmt.Errorf("unknown: %v", args)
}
