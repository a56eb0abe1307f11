//go:build unix

// The watch over the sandbox's process: while it owes answers it must show that
// it lives, and no answer may take longer than its question can. A process that
// hangs is killed, and its machines are lost.
package machine

import (
	"fmt"
	"time"
)

// patience is how long the process may take.
type patience struct {
	look     time.Duration // between two looks
	silence  int           // looks after which a ping must have been answered
	greeting time.Duration // for the process to come up
	module   time.Duration // for a module to be compiled
	spare    time.Duration // that a question may take beyond its own limit
	crash    time.Duration // a life that ends sooner is a crash
	back     [2]time.Duration
	wait     time.Duration // for who needs a process, until there is one
}

// patient is patience with a busy machine.
var patient = patience{
	look: time.Second, silence: 10, greeting: time.Minute, module: 10 * time.Minute, spare: 30 * time.Second,
	crash: time.Minute, back: [2]time.Duration{100 * time.Millisecond, 30 * time.Second}, wait: 10 * time.Second,
}

// watchIdleLooks is how many looks without a question send the watch to sleep.
const watchIdleLooks = 5

// rouse wakes the watch.
func (p *process) rouse() {
	if p.awake.CompareAndSwap(false, true) {
		p.roused <- struct{}{}
	}
}

// watched is what was last seen of a line.
type watched struct {
	asked  uint64
	lasted time.Duration
}

// watch looks while questions are in flight. Time counts as it sees it pass: on
// a machine so busy that the watch itself is late, the process is not to blame.
func (p *process) watch() {
	tick := time.NewTicker(p.remote.patience.look)
	defer tick.Stop()
	seen := map[*line]watched{}
	var pong chan struct{}
	silent := 0
	for {
		tick.Stop()
		select {
		case <-p.roused:
		case <-p.gone:
			return
		}
		tick.Reset(p.remote.patience.look)
		for quiet := 0; quiet < watchIdleLooks; {
			select {
			case <-tick.C:
			case <-p.gone:
				return
			}
			busy, late := p.look(seen)
			switch {
			case late != nil:
				p.kill(late, true)
				return
			case busy:
				quiet = 0
			default:
				quiet++
			}
			if pong == nil && busy {
				pong, silent = make(chan struct{}), 0
				go p.ping(pong)
			}
			select {
			case <-pong:
				pong = nil
			default:
				if pong == nil {
					continue
				}
				if silent++; silent >= p.remote.patience.silence {
					p.kill(fmt.Errorf("it did not answer for %v", time.Duration(silent)*p.remote.patience.look), true)
					return
				}
			}
		}
		// A question that was asked before this store and saw us awake is not
		// watched by anybody: look once more.
		p.awake.Store(false)
		if busy, _ := p.look(seen); busy {
			p.rouse()
		}
	}
}

// look tells whether questions are in flight, and of one that takes too long. Who
// waits for a processor over there waits for others; so all may take what all in
// flight may take together.
func (p *process) look(seen map[*line]watched) (busy bool, late error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	together := p.remote.patience.spare
	for l := range p.lines {
		if l.asked.Load()%2 == 1 {
			together += 2 * time.Duration(l.limit.Load())
		}
	}
	for l := range seen {
		if _, there := p.lines[l]; !there {
			delete(seen, l)
		}
	}
	for l := range p.lines {
		asked, was := l.asked.Load(), seen[l]
		switch {
		case asked%2 == 0:
			delete(seen, l)
			continue
		case was.asked != asked:
			was = watched{asked: asked}
		default:
			was.lasted += p.remote.patience.look
		}
		busy, seen[l] = true, was
		if was.lasted > together {
			late = fmt.Errorf("a question was not answered within %v", was.lasted)
		}
	}
	return busy, late
}

// ping asks whether the process lives; pong is closed when it says so.
func (p *process) ping(pong chan struct{}) {
	if _, _, err := p.askShort(nil, head{kind: askPing}, nil, 0, 0); err == nil {
		close(pong)
	}
}
