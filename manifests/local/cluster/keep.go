// The keeper: the one process of a cluster that does nothing but hold the
// node's mounts and watch over the others, so that the status file tells of a
// part that has ended, also when nobody asks.
package cluster

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/atoll-platform/atoll/manifests/local/node"
	"github.com/atoll-platform/atoll/manifests/local/process"
	"github.com/atoll-platform/atoll/manifests/local/status"
)

// watchEvery is how often the keeper looks at the parts.
const watchEvery = 2 * time.Second

// Keep runs until ctx ends. It is started by Up, as a process with mounts of its own.
func (c *Cluster) Keep(ctx context.Context) error {
	if c.Nodes == Real {
		if err := node.Claim(string(c.Dir)); err != nil {
			return err
		}
		if err := node.Cover(c.Dir); err != nil {
			return err
		}
	}
	if err := os.WriteFile(c.Dir.Run("keeper.ready"), []byte(fmt.Sprint(os.Getpid())), 0o600); err != nil {
		return fmt.Errorf("telling that the keeper is ready: %w", err)
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := c.watch(ctx); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
}

// watch compares the status file with what runs, and corrects it. While another
// command is at work the file is that command's.
func (c *Cluster) watch(ctx context.Context) error {
	release, free := process.TryLock(c.Dir.Run("lock"))
	if !free {
		return nil
	}
	defer release()
	last, err := status.Read(c.StatusFile)
	if err != nil {
		return err
	}
	if c.load() != nil {
		return nil
	}
	dead := c.firstDead()
	if (dead == "") == (last.Phase == status.Ready) {
		return nil
	}
	if dead == "" && last.Phase != status.Failed {
		return nil
	}
	now := c.Check(ctx)
	if dead != "" {
		now.Phase = status.Failed
		now.Message = fmt.Sprintf("%s ended; `local up` starts it again. Its last words: %s", dead, lastWords(process.Tail(c.logFile(dead), 1)))
	}
	return status.Write(c.StatusFile, now)
}

func lastWords(text string) string {
	const most = 300
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}
