// What a person reads in the terminal: one line a step, with the seconds since
// the start, so that a slow step is seen.
package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// printer writes lines; safe for concurrent use.
type printer struct {
	mu    sync.Mutex
	out   io.Writer
	begin time.Time
}

func newPrinter(out io.Writer) *printer { return &printer{out: out, begin: time.Now()} }

// say prints one line.
func (p *printer) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "%5.1fs  %s\n", time.Since(p.begin).Seconds(), fmt.Sprintf(format, args...))
}

// block prints lines as they are.
func (p *printer) block(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprint(p.out, text)
}

func (p *printer) fail(err error) {
	fmt.Fprintf(os.Stderr, "run: %v\n", err)
	os.Exit(1)
}
