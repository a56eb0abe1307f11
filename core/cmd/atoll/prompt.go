// What is asked at the terminal: words that are shown, and secrets that are not.

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

const maxTyped = 4 << 10 // bytes of a line

// prompter reads answers, line by line: from a terminal after a question, or
// from what was piped in, without one.
type prompter struct {
	out      io.Writer
	lines    *bufio.Reader
	terminal *os.File // nil: none
}

func newPrompter(c *cobra.Command) *prompter {
	in := c.InOrStdin()
	p := &prompter{out: c.ErrOrStderr(), lines: bufio.NewReaderSize(in, maxTyped)}
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.terminal = f
	}
	return p
}

// line is the next line of what was piped in.
func (p *prompter) line(of string) (string, error) {
	text, err := p.lines.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", wrongUse("the line with %s has more than %d bytes", of, maxTyped)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading %s: %w", of, err)
	}
	if line := strings.TrimRight(string(text), "\r\n"); line != "" {
		return line, nil
	}
	return "", wrongUse("standard input has no line with %s", of)
}

// ask asks for something that may be seen.
func (p *prompter) ask(question string) (string, error) {
	fmt.Fprintf(p.out, "%s: ", printable(question))
	return p.line(strings.ToLower(question))
}

// secret asks for something that is not shown while it is typed. Ctrl-C leaves
// the terminal as it was.
func (p *prompter) secret(question string) (string, error) {
	fd := int(p.terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("asking at the terminal: %w", err)
	}
	interrupted, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(interrupted, os.Interrupt)
	defer signal.Stop(interrupted)
	defer close(done)
	go func() {
		select {
		case <-interrupted:
			_ = term.Restore(fd, before)
			fmt.Fprintln(p.out)
			os.Exit(130)
		case <-done:
		}
	}()
	fmt.Fprintf(p.out, "%s: ", printable(question))
	text, err := term.ReadPassword(fd)
	fmt.Fprintln(p.out)
	if err != nil {
		return "", fmt.Errorf("asking at the terminal: %w", err)
	}
	if len(text) > maxTyped {
		return "", wrongUse("that has more than %d bytes", maxTyped)
	}
	return string(text), nil
}
