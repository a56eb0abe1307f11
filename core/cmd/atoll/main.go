// Command atoll is the platform: it serves, and it is the client of its own API.
//
// What belongs here: commands, their flags, help and words on the terminal.
// What does not: anything that a command does, which is in the rooms.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/atoll-platform/atoll/core/server"
)

// Set by the linker.
var (
	version = "0.1.0-dev"
	commit  = ""
)

func main() {
	server.RunChild()
	if err := newRoot().ExecuteContext(context.Background()); err != nil {
		if text := err.Error(); text != "" {
			fmt.Fprintf(os.Stderr, "atoll: %s\n", text)
		}
		os.Exit(exitCode(err))
	}
}
