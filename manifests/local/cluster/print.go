// What a person reads: one line for each thing that happens, with the seconds
// since the beginning, so that a slow step is seen.
package cluster

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/manifests/local/status"
)

// every is how often a step that takes long is mentioned again.
const every = 5 * time.Second

// printer writes lines. It may be used from several goroutines.
type printer struct {
	mu    sync.Mutex
	w     io.Writer
	began time.Time
	said  map[string]time.Time // when a part that is being built was last mentioned
	done  map[string]bool
	total int
}

func newPrinter(w io.Writer) *printer {
	return &printer{w: w, began: time.Now(), said: map[string]time.Time{}, done: map[string]bool{}}
}

func (p *printer) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line(fmt.Sprintf(format, args...))
}

func (p *printer) line(text string) {
	fmt.Fprintf(p.w, "%5.0fs  %s\n", time.Since(p.began).Seconds(), text)
}

// expect says how many parts there will be.
func (p *printer) expect(total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total, p.done = total, map[string]bool{}
}

// part mentions a part that has changed, unless it was mentioned just now.
func (p *printer) part(s status.Part) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch s.State {
	case status.PartReady:
		if p.done[s.Name] {
			return
		}
		p.done[s.Name] = true
		p.line(fmt.Sprintf("[%d/%d] %-28s %s", len(p.done), p.total, s.Title, orElse(s.Detail, "ready")))
	case status.PartFailed:
		p.line(fmt.Sprintf("        %-28s FAILED %s", s.Title, s.Detail))
	case status.PartBuilding:
		if time.Since(p.said[s.Name]) >= every {
			p.said[s.Name] = time.Now()
			p.line(fmt.Sprintf("        %-28s %s", s.Title, orElse(s.Detail, "building")))
		}
	}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// thousands writes a number as people read it.
func thousands(n int) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
