// atoll ext record, atoll ext replay: what one instance of an extension did, and
// what another build would do.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/atoll-platform/atoll/core/server"
)

const (
	mostRecordTime = 4 * time.Minute
	mostRecording  = 256 << 20 // bytes
)

func newExtRecord(t *target) *cobra.Command {
	var workspace, user, file string
	var long time.Duration
	c := &cobra.Command{
		Use: "record NAME", Short: "Record the next instance of an extension that a workspace or user meets", Args: cobra.ExactArgs(1), ValidArgsFunction: completeExtension(t),
		Long: "Record the next instance of an extension that requests of a workspace or a user meet, from its start on; ask the extension meanwhile.\n" +
			"Secrets are cut out. Whoever has the recording can compute what the instance drew at random.",
		Example: "  atoll ext record logging --workspace shop --for 30s -o logging.atollrec",
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case file == "":
				return errors.New("where to? Say -o FILE")
			case workspace == "" && user == "":
				return errors.New("whose instance? Say --workspace or --user")
			case long < time.Second || long > mostRecordTime:
				return fmt.Errorf("--for is from 1s to %v, not %v", mostRecordTime, long)
			}
			return talk(c, t, func(ctx context.Context, api *client) error {
				query := url.Values{"workspace": {workspace}, "user": {user}, "seconds": {strconv.Itoa(int(long.Seconds()))}}
				return save(file, func(out io.Writer) error {
					return api.download(ctx, http.MethodPost, "/api/v1/extensions/"+url.PathEscape(args[0])+"/recordings?"+query.Encode(), out, mostRecording)
				})
			})
		},
	}
	f := c.Flags()
	f.StringVar(&workspace, "workspace", "", "`workspace` whose instance is recorded")
	f.StringVar(&user, "user", "", "`user` whose instance is recorded, where the extension keeps users apart")
	f.DurationVar(&long, "for", 30*time.Second, "how long at most")
	f.StringVarP(&file, "output", "o", "", "`file` to write; it must not be there")
	return c
}

// save writes a file that only this user may read, and that is there when it is
// whole.
func save(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(write(f), f.Close())
	if err != nil {
		_ = os.Remove(name)
	}
	return err
}

var errDiffers = errors.New("the module does not do the same")

func newExtReplay() *cobra.Command {
	return &cobra.Command{
		Use: "replay RECORDING MODULE.wasm", Short: "Have a module do what is in a recording, and say where it does otherwise", Args: cobra.ExactArgs(2),
		Long:    "Have a module do what is in a recording, here and with nothing around it. It says where the module does otherwise, and what both used. It fails when they differ.",
		Example: "  atoll ext replay logging.atollrec build/extensions/logging.wasm",
		RunE: func(c *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			r, err := server.Replay(c.Context(), f, args[1])
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			for n := range r.Differences {
				fmt.Fprintln(out, printable(r.Differences[n].String()))
			}
			if r.Ended != "" {
				fmt.Fprintln(out, printable(r.Ended))
			}
			fmt.Fprintf(out, "%d turns, %d differ. Processor time %v then, %v now; units %d then, %d now.\n",
				len(r.Turns), r.Differing, r.Before.CPU, r.Now.CPU, r.Before.Units, r.Now.Units)
			if r.Differing > 0 {
				return errDiffers
			}
			return nil
		},
	}
}
