// Exit codes, so that a script can tell what went wrong.

package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes. They are documented and stay.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitSignedOut   = 3
	exitDenied      = 4
	exitNotFound    = 5
	exitConflict    = 6
	exitUnavailable = 7
	exitDiffers     = 8
)

const aboutExits = `What atoll's exit codes say:

  0  done
  1  it failed in another way than those below
  2  the command line or a document is wrong; nothing was sent for it
  3  not signed in, or the sign-in is over
  4  denied: the message names the permission that is missing
  5  there is no such thing, or you may not see it
  6  it conflicts with what is there, or is refused as it is
  7  Atoll is not reached, busy, or not able to answer now
  8  of atoll diff: something differs; of atoll explain: it is not allowed`

func newExits() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What atoll's exit codes say", Long: aboutExits}
}

// exitError is an error with the code that the program ends with.
type exitError struct {
	code int
	err  error // nil: there is nothing to say besides
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// wrongUse is an error of who typed the command.
func wrongUse(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// exitCode is what the program ends with after an error; 0 for nil.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if own := (*exitError)(nil); errors.As(err, &own) {
		return own.code
	}
	if p := (*problem)(nil); errors.As(err, &p) {
		switch {
		case p.Status == http.StatusUnauthorized:
			return exitSignedOut
		case p.Status == http.StatusForbidden:
			return exitDenied
		case p.Status == http.StatusNotFound:
			return exitNotFound
		case p.Status == http.StatusTooManyRequests, p.Status >= 500:
			return exitUnavailable
		}
		return exitConflict
	}
	for _, words := range []string{"unknown command ", "if any flags in the group "} { // the library has no type for these
		if strings.HasPrefix(err.Error(), words) {
			return exitUsage
		}
	}
	return exitFailed
}

// tellUsage has a command and those below it say by their error that the command
// line was wrong.
func tellUsage(c *cobra.Command) {
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitUsage, err} })
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return wrongUse("%w; see %s --help", err, c.CommandPath())
			}
			return nil
		}
	}
	for _, below := range c.Commands() {
		tellUsage(below)
	}
}
