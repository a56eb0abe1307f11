// Command run is behind `make run`, `make start` and `make stop`: it puts Atoll
// and, where no KUBECONFIG is given, the local Kubernetes side by side, makes
// the demo workspace, and says where to find them.
//
// Atoll comes first: its address is printed and the console answers before the
// cluster is there, and shows it coming up.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `run puts Atoll and a Kubernetes side by side.

  run [flags] up      start, stay in front until Ctrl-C, then stop all
  run [flags] start   the same in the background; returns when all is ready
  run [flags] stop    end what start (or up) began
  run [flags] status  say what runs

Environment: KUBECONFIG    use this cluster instead of starting a local one
             CLUSTER=simulated  start the local cluster with simulated nodes

Flags:
`

func main() {
	log := newPrinter(os.Stdout)
	var p places
	flag.StringVar(&p.build, "build", "build", "folder that everything lives under")
	flag.Usage = func() {
		fmt.Fprint(os.Stderr, usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	if err := p.resolve(); err != nil {
		log.fail(err)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()

	var err error
	switch flag.Arg(0) {
	case "up":
		err = up(ctx, p, log)
	case "start":
		err = start(ctx, p, log)
	case "stop":
		err = stop(ctx, p, log)
	case "status":
		err = status(p, log)
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		log.fail(err)
	}
}
