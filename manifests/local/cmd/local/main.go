// Command local brings a real Kubernetes up on this machine, built from its Go
// modules, and takes it down again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/atoll-platform/atoll/manifests/local/cluster"
	"github.com/atoll-platform/atoll/manifests/local/image"
)

const usage = `local brings a real Kubernetes up on this machine.

  local up [flags]                      build what is missing, start all, wait until ready
  local down [flags] [--purge]          stop all; --purge removes its data and programs too
  local status [flags]                  say how each part is; exit code 0 only when all is ready
  local kubeconfig [flags]              print the path of the administrator's kubeconfig
  local kubectl [flags] -- ARGS         run kubectl as the administrator
  local load [flags] IMAGE.tar          give an image (as docker save writes it) to the node
  local pack [flags] NAME:TAG BINARY    make such an image out of a static binary (-o TAR)

Flags (of up, down, status, kubeconfig, kubectl and load):
  --dir DIR           folder of the cluster, build/cluster by default
  --nodes KIND        real, simulated or auto (the default: real where a first container starts)
  --status-file FILE  where to say how the cluster is doing, DIR/status.json by default
  --source DIR        sources of manifests/local; found by itself within a checkout
  --no-demo           up: leave the demo's image out

Environment: CLUSTER=simulated is --nodes simulated.
`

// errQuiet ends the program with a failure that has been told already.
var errQuiet = errors.New("")

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	err := run(ctx, os.Args[1:])
	var ended kubectlEnded
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case errors.As(err, &ended):
		os.Exit(int(ended))
	default:
		if err != errQuiet {
			fmt.Fprintln(os.Stderr, "local:", err)
		}
		os.Exit(1)
	}
}

// kubectlEnded is the exit code of a kubectl that has told its failure already.
type kubectlEnded int

// Error is for completeness; nobody reads it.
func (code kubectlEnded) Error() string { return fmt.Sprintf("kubectl ended with %d", int(code)) }

// options are the flags of a command.
type options struct {
	dir, nodes, statusFile, source string
	noDemo, purge                  bool
	rest                           []string
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return flag.ErrHelp
	}
	command, args := args[0], args[1:]
	switch command {
	case "help", "-h", "--help":
		fmt.Print(usage)
		return nil
	case "pack":
		return pack(args)
	}
	o, err := parse(command, args)
	if err != nil {
		return err
	}
	c, err := cluster.New(o.dir, o.source, o.statusFile, os.Stdout)
	if err != nil {
		return err
	}
	c.Nodes, c.Demo = o.nodes, !o.noDemo
	if c.Source == "" {
		// Only building needs the sources: what runs can be asked and stopped without.
		if c.Source, err = cluster.FindSource(o.dir); err != nil && command == "up" {
			return err
		}
	}
	switch command {
	case "up":
		return c.Up(ctx)
	case "down":
		return c.Down(ctx, o.purge)
	case "keep":
		return c.Keep(ctx)
	case "status":
		ready, err := c.Status(ctx)
		if err == nil && !ready {
			return errQuiet
		}
		return err
	case "kubeconfig":
		if _, err := os.Stat(c.Dir.Kubeconfig()); err != nil {
			return cluster.ErrNotRunning
		}
		fmt.Println(c.Dir.Kubeconfig())
		return nil
	case "kubectl":
		kubectl, err := c.Kubectl(o.rest...)
		if err != nil {
			return err
		}
		kubectl.Stdin, kubectl.Stdout, kubectl.Stderr = os.Stdin, os.Stdout, os.Stderr
		err = kubectl.Run()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return kubectlEnded(max(1, exit.ExitCode()))
		}
		return err
	case "load":
		if len(o.rest) != 1 {
			return errors.New("load wants one file: local load IMAGE.tar")
		}
		return c.Load(ctx, o.rest[0])
	}
	return fmt.Errorf("there is no command %q; `local help` lists them", command)
}

func parse(command string, args []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("local "+command, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	nodes := cluster.Auto
	if env := os.Getenv("CLUSTER"); env != "" {
		nodes = env
	}
	flags.StringVar(&o.dir, "dir", filepath.Join("build", "cluster"), "")
	flags.StringVar(&o.nodes, "nodes", nodes, "")
	flags.StringVar(&o.statusFile, "status-file", "", "")
	flags.StringVar(&o.source, "source", "", "")
	flags.BoolVar(&o.noDemo, "no-demo", false, "")
	flags.BoolVar(&o.purge, "purge", false, "")
	if err := flags.Parse(args); err != nil {
		fmt.Fprint(os.Stderr, usage)
		return o, err
	}
	switch o.nodes {
	case cluster.Real, cluster.Simulated, cluster.Auto:
	default:
		return o, fmt.Errorf("nodes are %s, %s or %s, not %q", cluster.Real, cluster.Simulated, cluster.Auto, o.nodes)
	}
	if o.source != "" {
		abs, err := filepath.Abs(o.source)
		if err != nil {
			return o, fmt.Errorf("finding the sources: %w", err)
		}
		o.source = abs
	}
	o.rest = flags.Args()
	if command != "kubectl" && command != "load" && len(o.rest) > 0 {
		return o, fmt.Errorf("%s takes no argument %q", command, o.rest[0])
	}
	return o, nil
}

// pack allows -o before and after what it packs, as the usage shows it.
func pack(args []string) error {
	flags := flag.NewFlagSet("local pack", flag.ContinueOnError)
	to := flags.String("o", "", "the tar to write; IMAGE.tar in the working directory by default")
	user := flags.String("user", image.Nobody, "the user that runs it")
	var operands []string
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			return err
		}
		if args = flags.Args(); len(args) > 0 {
			operands, args = append(operands, args[0]), args[1:]
		}
	}
	if len(operands) != 2 {
		return errors.New("pack wants a name and a binary: local pack NAME:TAG BINARY [-o TAR]")
	}
	if *to == "" {
		base, _, _ := strings.Cut(filepath.Base(operands[0]), ":")
		*to = base + ".tar"
	}
	return image.Pack(image.Image{Tag: operands[0], Binary: operands[1], User: *user}, *to)
}
