// atoll serve.

package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/atoll-platform/atoll/core/server"
)

const aboutServe = `Runs Atoll until it is told to stop (SIGTERM or Ctrl-C; a second time ends it at once).

Without a configuration file the defaults hold: browsers at http://127.0.0.1:8380,
kubectl at https://127.0.0.1:8343, data in ./atoll-data. The first start makes an
administrator and prints the password, once.

Extensions run in a process of their own, which has none of Atoll's credentials,
files and network, and is started again when it dies. That takes Unix; elsewhere,
or for debugging, --sandbox-in-process runs them here.

--print-config prints a configuration with every key, its default and what it is
for. Flags win over the file.`

func newServe() *cobra.Command {
	var file, http, https, data, level, format string
	var print, inProcess bool
	c := &cobra.Command{
		Use: "serve", Short: "Run Atoll", Long: aboutServe, Args: cobra.NoArgs,
		Example: "  atoll serve --print-config > atoll.yaml\n  atoll serve --config atoll.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			if print {
				_, err := fmt.Fprint(c.OutOrStdout(), server.ExampleConfig)
				return err
			}
			config, err := server.LoadConfig(file, func(config *server.Config) {
				for flag, set := range map[string]func(){
					"http":               func() { config.Listen.HTTP = http },
					"https":              func() { config.Listen.HTTPS = https },
					"data-dir":           func() { config.DataDir = data },
					"sandbox-in-process": func() { config.Sandbox.InProcess = inProcess },
					"log-level":          func() { config.Log.Level = level },
					"log-format":         func() { config.Log.Format = format },
				} {
					if c.Flags().Changed(flag) {
						set()
					}
				}
			})
			if err != nil {
				return err
			}
			return serve(c, config)
		},
	}
	f := c.Flags()
	f.StringVarP(&file, "config", "c", "", "configuration `file` (atoll.yaml)")
	f.StringVar(&http, "http", "", "loopback `address` for browsers, 127.0.0.1:8380")
	f.StringVar(&https, "https", "", "`address` for kubectl and other machines, 127.0.0.1:8343")
	f.StringVar(&data, "data-dir", "", "`folder` for the store and everything else that is kept")
	f.BoolVar(&inProcess, "sandbox-in-process", false, "run extensions in this process, and not in one without Atoll's credentials")
	f.StringVar(&level, "log-level", "", "debug, info, warn or error")
	f.StringVar(&format, "log-format", "", "text or json")
	f.BoolVar(&print, "print-config", false, "print a configuration file with every key and its default, and end")
	return c
}

func serve(c *cobra.Command, config server.Config) error {
	ctx, stop := untilSignal(c.Context())
	defer stop()
	s, err := server.New(ctx, config, server.Build{Version: version, Commit: commit}, config.Log.Logger(os.Stderr))
	if err != nil {
		return err
	}
	if first := s.First(); first != nil && first.Password != "" {
		fmt.Fprintf(c.OutOrStdout(), "\n   The first administrator\n\n   user      %s\n   password  %s\n\n   It is shown this once and has to be changed at the first sign-in.\n\n", first.Name, first.Password)
	}
	fmt.Fprintf(c.OutOrStdout(), "Atoll answers at %s\n", s.URL())
	return s.Run(ctx)
}

// untilSignal gives a context that ends with the first signal to stop. The second
// one finds nobody who catches it: that is so before the context ends, and with it
// before anything can be seen of the stop.
func untilSignal(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	go func() {
		select {
		case <-signals:
		case <-ctx.Done():
		}
		signal.Stop(signals)
		cancel()
	}()
	return ctx, cancel
}
