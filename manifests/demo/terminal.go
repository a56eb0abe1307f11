// A terminal to go into: kubectl exec -it deploy/web -- /demo terminal.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/term"
)

// terminal says how large its window is, now and whenever that changes, repeats
// what it is told, and leaves at "exit N" with that code.
func terminal(stop <-chan os.Signal) error {
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	out := &lines{to: os.Stdout}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		out.say("no terminal")
	}
	done := make(chan int, 1)
	go func() { done <- converse(os.Stdin, out) }()
	for {
		if width, height, err := term.GetSize(int(os.Stdin.Fd())); err == nil && width > 0 {
			out.say(fmt.Sprintf("window %dx%d", width, height))
		}
		select {
		case <-resized:
		case <-stop:
			return nil
		case code := <-done:
			if code != 0 {
				os.Exit(code)
			}
			return nil
		}
	}
}

// converse repeats lines until one says exit, and gives the code to leave with.
func converse(in io.Reader, out *lines) int {
	said := bufio.NewScanner(in)
	for said.Scan() {
		if rest, ok := strings.CutPrefix(said.Text(), "exit"); ok {
			code, _ := strconv.Atoi(strings.TrimSpace(rest))
			return code
		}
		out.say("you said " + said.Text())
	}
	return 0
}

// lines are whole lines, whoever says them.
type lines struct {
	mu sync.Mutex
	to io.Writer
}

func (l *lines) say(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.to, text)
}
