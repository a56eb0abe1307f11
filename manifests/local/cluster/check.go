// Looking how a cluster really is, now.
package cluster

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/manifests/local/process"
	"github.com/atoll-platform/atoll/manifests/local/status"
)

// firstDead returns the first daemon that was started and has ended.
func (c *Cluster) firstDead() string {
	for _, d := range c.daemons() {
		if process.Known(c.pidFile(d.name)) && process.Alive(c.pidFile(d.name)) == 0 {
			return d.name
		}
	}
	return ""
}

// Check asks every part and returns the status as it is. It writes nothing.
func (c *Cluster) Check(ctx context.Context) status.Status {
	s := status.Status{StartedAt: time.Now().UTC(), UpdatedAt: time.Now().UTC(), Parts: []status.Part{}}
	if last, err := status.Read(c.StatusFile); err == nil && !last.StartedAt.IsZero() {
		s.StartedAt = last.StartedAt
	}
	if err := c.load(); err != nil {
		s.Phase, s.Message = status.Stopped, "The cluster is not running."
		return s
	}
	s.Node, s.Reason = c.kind, c.reason
	daemons := c.daemons()
	var bad []string
	alive := 0
	for _, d := range daemons {
		if process.Alive(c.pidFile(d.name)) != 0 {
			alive++
		}
	}
	if alive == 0 {
		s.Phase, s.Message = status.Stopped, "The cluster is not running."
		return s
	}
	parts := make([]status.Part, len(daemons))
	var all sync.WaitGroup
	for i, d := range daemons {
		parts[i] = status.Part{Name: d.name, Title: d.title, State: status.PartReady}
		all.Go(func() {
			switch {
			case !process.Known(c.pidFile(d.name)):
				parts[i].State, parts[i].Detail = status.PartFailed, "is not started"
			case process.Alive(c.pidFile(d.name)) == 0:
				parts[i].State, parts[i].Detail = status.PartFailed, "ended"
			case !d.healthy(ctx):
				parts[i].State, parts[i].Detail = status.PartFailed, "does not answer"
			}
		})
	}
	after := c.afterwards()
	rest := make([]status.Part, len(after))
	for i, a := range after {
		rest[i] = status.Part{Name: a.name, Title: a.title, State: status.PartReady}
		all.Go(func() {
			if missing := a.ready(ctx); missing != "" {
				rest[i].State, rest[i].Detail = status.PartFailed, missing
			}
		})
	}
	all.Wait()
	s.Parts = append(parts, rest...)
	for _, p := range s.Parts {
		if p.State == status.PartFailed {
			bad = append(bad, p.Name+": "+p.Detail)
		}
	}
	if len(bad) > 0 {
		s.Phase, s.Message = status.Failed, strings.Join(bad, "; ")
		return s
	}
	s.Phase, s.Message = status.Ready, "The cluster is ready."
	return s
}

// Status prints how the cluster is, with the end of the log of each part that
// has ended, and tells whether it is ready.
func (c *Cluster) Status(ctx context.Context) (ready bool, err error) {
	release, free := process.TryLock(c.Dir.Run("lock"))
	if !free {
		// Another command is at work and writes the file.
		s, err := status.Read(c.StatusFile)
		if err != nil {
			return false, err
		}
		c.print(s)
		return false, nil
	}
	defer release()
	s := c.Check(ctx)
	if err := status.Write(c.StatusFile, s); err != nil {
		return false, err
	}
	c.print(s)
	return s.Phase == status.Ready, nil
}

func (c *Cluster) print(s status.Status) {
	fmt.Fprintf(c.Out, "%s: %s\n", s.Phase, s.Message)
	if s.Node != "" {
		fmt.Fprintf(c.Out, "nodes: %s", s.Node)
		if s.Reason != "" {
			fmt.Fprintf(c.Out, " (%s)", s.Reason)
		}
		fmt.Fprintln(c.Out)
	}
	for _, p := range s.Parts {
		fmt.Fprintf(c.Out, "  %-26s %-9s %s\n", p.Name, p.State, p.Detail)
	}
	for _, p := range s.Parts {
		if p.State == status.PartFailed && p.Detail == "ended" {
			fmt.Fprintf(c.Out, "the end of %s:\n%s\n", c.logFile(p.Name), indent(process.Tail(c.logFile(p.Name), 15)))
		}
	}
}

func indent(text string) string { return "  | " + strings.ReplaceAll(text, "\n", "\n  | ") }

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
