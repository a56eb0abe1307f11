// One real node at a time: two would write the same firewall chains. The keeper
// of the running one answers on a socket without a file.
package node

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"time"
)

const socket = "@atoll-local-node"

// ErrAnother says that the real node of another cluster runs on this machine.
var ErrAnother = errors.New("the real node of another local cluster runs on this machine")

// Claim holds the place of the machine's one real node until this process ends;
// to whoever asks it answers with the cluster's folder.
func Claim(dir string) error {
	if runtime.GOOS != "linux" {
		return nil
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAnother, err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(time.Second))
			_, _ = io.WriteString(c, dir)
			c.Close()
		}
	}()
	return nil
}

// Claimed returns the folder of the cluster whose real node runs, "" if none does.
func Claimed() string {
	if runtime.GOOS != "linux" {
		return ""
	}
	c, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return ""
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	text, _ := io.ReadAll(io.LimitReader(c, 4096))
	return string(text)
}
