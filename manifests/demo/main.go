// Command demo is the programs of the demo workspace in one small static
// binary: they log, serve, fail and finish as programs in a real cluster do, so
// that a person who tries Atoll has something to look at. It knows nothing of Atoll.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// programs are chosen by the first argument. Each returns when stop is closed.
var programs = map[string]func(stop <-chan os.Signal) error{
	"web":      web,
	"ticker":   ticker,
	"app":      app,
	"sidecar":  sidecar,
	"crasher":  crasher,
	"report":   report,
	"hostile":  hostile,
	"terminal": terminal,
}

func main() {
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	program, ok := programs[name]
	if !ok {
		var names []string
		for n := range programs {
			names = append(names, n)
		}
		slices.Sort(names)
		fmt.Fprintf(os.Stderr, "the first argument names a program: %s\n", strings.Join(names, ", "))
		os.Exit(2)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	if err := program(stop); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
