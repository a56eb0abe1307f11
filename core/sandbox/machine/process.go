//go:build unix

// One life of the sandbox's process, as the core sees it: how it is started, the
// lines to it, and its end.
package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	idleLines = 16   // lines that are kept while nobody needs them
	maxLines  = 1024 // lines at once; further questions wait for one
)

// process is one life. It is safe for concurrent use.
type process struct {
	remote  *Remote
	cmd     *exec.Cmd
	door    *net.UnixConn
	began   time.Time
	greeted greeting
	gone    chan struct{} // it is dead, and nothing of it is left
	places  chan struct{} // one for each line

	roused chan struct{} // the watch is to look
	awake  atomic.Bool

	mu      sync.Mutex
	ended   error // why it is of no more use
	verdict any   // of Options.Judge
	lines   map[*line]struct{}
	fast    []*line // direct ones that nobody uses, the warmest last
	idle    []*line // others
	made    int     // direct ones, in use or not
}

// startProcess starts this program as the sandbox's process and greets it.
func startProcess(r *Remote) (*process, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	door := os.NewFile(uintptr(theirs), "door")
	defer door.Close()
	p := &process{
		remote: r, began: time.Now(), gone: make(chan struct{}), places: make(chan struct{}, maxLines),
		roused: make(chan struct{}, 1), lines: map[*line]struct{}{},
	}
	if p.door, err = polled(ours); err != nil {
		return nil, err
	}
	if p.cmd, err = child(r.work); err != nil {
		_ = p.door.Close()
		return nil, err
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		_ = p.door.Close()
		return nil, err
	}
	defer nothing.Close()
	said := newProcessLog(r.options.Logger)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = nothing, said, said, "/"
	p.cmd.ExtraFiles = []*os.File{door}
	p.cmd.WaitDelay = time.Second
	// The processors that this process may have: the child cannot look.
	p.cmd.Env = append(p.cmd.Env, fmt.Sprintf("GOMAXPROCS=%d", runtime.GOMAXPROCS(0)))
	lacking, err := p.run()
	if err != nil {
		_ = p.door.Close()
		return nil, fmt.Errorf("starting the sandbox's process: %w", err)
	}
	p.showMemory()
	go p.watch()
	if err := p.greet(); err != nil {
		p.kill(err, false)
		<-p.gone
		return nil, err
	}
	p.greeted.Lacking = append(lacking, p.greeted.Lacking...)
	return p, nil
}

// run starts the child on a thread that does nothing else and lives as long: what
// the wall takes from the thread, the child does not get; and the child dies with
// the thread.
func (p *process) run() (lacking []string, err error) {
	started := make(chan error)
	onThreadOfItsOwn(func() {
		err := keepDescriptors()
		if err == nil {
			lacking = hardenChild(p.cmd, p.remote.options.CacheDir)
			err = p.cmd.Start()
		}
		started <- err
		if err == nil {
			how := p.cmd.Wait()
			go p.end(how) // what it does may take more than this thread has left
		}
	})
	err = <-started
	return lacking, err
}

// showMemory gives the process a view of its own memory, which it could not open.
// Where it gets none it does without.
func (p *process) showMemory() {
	var rights []byte
	if view, err := pagemapOf(p.cmd.Process.Pid); err == nil {
		defer view.Close()
		rights = syscall.UnixRights(int(view.Fd()))
	}
	_, _, _ = p.door.WriteMsgUnix([]byte{memoryView}, rights, nil) // where it is dead, who greets it finds out
}

// onThreadOfItsOwn runs f on a thread that ends with it, which the main thread
// could not.
func onThreadOfItsOwn(f func()) {
	go func() {
		runtime.LockOSThread() // for good: nobody else gets this thread
		if !isMainThread() {
			f()
			return
		}
		other := make(chan struct{})
		onThreadOfItsOwn(func() {
			close(other)
			f()
		})
		<-other
		runtime.UnlockOSThread()
	}()
}

// end is called when the process has died.
func (p *process) end(how error) {
	if how == nil {
		how = errors.New("exit status 0")
	}
	p.lose(errors.New("it ended"), true)
	_ = p.door.Close()
	p.mu.Lock()
	p.ended = fmt.Errorf("%w (%w)", p.ended, how)
	for _, l := range append(p.fast, p.idle...) {
		delete(p.lines, l)
		l.close()
	}
	p.fast, p.idle = nil, nil
	p.mu.Unlock()
	close(p.gone)
}

// lose notes that the process is of no more use; whoever waits for an answer
// hears of it. judged: what it was doing may be the reason.
func (p *process) lose(why error, judged bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended != nil {
		return
	}
	p.ended = why
	if judge := p.remote.options.Judge; judge != nil && judged {
		p.verdict = judge(p.owners())
	}
	for l := range p.lines {
		l.shut()
	}
}

// owners are those of the questions in flight that run a guest or prepare a module.
// What they wait for does not come before mu is let go. mu is held.
func (p *process) owners() (all []any) {
	for l := range p.lines {
		if l.asked.Load()%2 == 1 && l.owner != nil {
			all = append(all, l.owner)
		}
	}
	return all
}

// kill ends the process for a reason that the log is told; judged as for lose.
func (p *process) kill(why error, judged bool) {
	p.lose(why, judged)
	_ = p.cmd.Process.Kill()
}

// lost is the LostError with why.
func (p *process) lost() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &LostError{Verdict: p.verdict, why: fmt.Errorf("%w: the sandbox's process: %w", ErrLost, p.ended)}
}

// broken ends the process for an answer that is none.
func (p *process) broken(why error) error {
	p.kill(why, true)
	return p.lost()
}

// take gives a line that nobody uses.
func (p *process) take() (*line, error) {
	p.mu.Lock()
	l := p.pop(&p.fast)
	makes := l == nil && p.made < p.remote.direct && p.ended == nil
	if makes {
		p.made++
	}
	p.mu.Unlock()
	switch {
	case l != nil:
		return l, nil
	case makes:
		return p.open(true)
	}
	select {
	case p.places <- struct{}{}:
	case <-p.gone:
		return nil, p.lost()
	}
	p.mu.Lock()
	l = p.pop(&p.idle)
	p.mu.Unlock()
	if l != nil {
		return l, nil
	}
	l, err := p.open(false)
	if err != nil {
		<-p.places
	}
	return l, err
}

// pop takes the line that was used last; nil: there is none. mu is held.
func (p *process) pop(lines *[]*line) *line {
	n := len(*lines)
	if n == 0 || p.ended != nil {
		return nil
	}
	l := (*lines)[n-1]
	*lines = (*lines)[:n-1]
	return l
}

// open makes a line and hands its other end through the door.
func (p *process) open(direct bool) (*line, error) {
	ours, theirs, err := pair()
	if err != nil { // no descriptor is free: nothing that the process did
		p.kill(err, false)
		return nil, p.lost()
	}
	how := byte(polledLine)
	if direct {
		how = directLine
	}
	_, _, err = p.door.WriteMsgUnix([]byte{how}, syscall.UnixRights(theirs), nil)
	_ = syscall.Close(theirs)
	if err != nil {
		_ = syscall.Close(ours)
		return nil, p.broken(fmt.Errorf("giving it a line: %w", err))
	}
	l, err := newLine(ours, direct)
	if err != nil {
		p.kill(err, false)
		return nil, p.lost()
	}
	p.mu.Lock()
	ended := p.ended != nil
	if !ended {
		p.lines[l] = struct{}{}
	}
	p.mu.Unlock()
	if ended {
		l.close()
		return nil, p.lost()
	}
	return l, nil
}

// give takes a line back. After an error it is closed.
func (p *process) give(l *line, failed bool) {
	direct := l.direct()
	p.mu.Lock()
	switch {
	case failed || p.ended != nil || !direct && len(p.idle) >= idleLines:
		delete(p.lines, l)
		l.close()
	case direct:
		p.fast = append(p.fast, l)
	default:
		p.idle = append(p.idle, l)
	}
	p.mu.Unlock()
	if !direct {
		<-p.places
	}
}

// ask sends what lies in the line's out, then more, and reads the answer into
// buf. An answer that is malformed, or of another kind, ends the process.
// limit is the time that the question may take by itself; owner is whose it is,
// nil for what runs no guest and prepares no module.
func (p *process) ask(l *line, owner any, about question, more []byte, buf []byte, most int, limit time.Duration) (h head, body, _ []byte, err error) {
	l.owner = owner
	l.limit.Store(int64(limit))
	l.asked.Add(1)
	if !p.awake.Load() {
		p.rouse()
	}
	if err = l.send(more); err == nil {
		h, body, buf, err = l.receive(buf, most)
	}
	if err == nil && h.kind != about {
		err = malformed("an answer of kind %d to a question of kind %d", h.kind, about)
	}
	if err != nil { // while it is in flight: it is judged with the others
		err = p.broken(err)
	}
	l.asked.Add(1)
	return h, body, buf, err
}

// askShort asks something that is no turn and has a short answer. owner is as
// for ask.
func (p *process) askShort(owner any, h head, body []byte, most int, limit time.Duration) (head, []byte, error) {
	l, err := p.take()
	if err != nil {
		return head{}, nil, err
	}
	h.size = uint32(len(body))
	l.out = appendHead(l.out[:0], h)
	answer, body, _, err := p.ask(l, owner, h.kind, body, nil, most, limit)
	p.give(l, err != nil)
	return answer, body, err
}

// greet tells the process its settings.
func (p *process) greet() error {
	body, err := json.Marshal(settings{protocolVersion, p.remote.options})
	if err != nil {
		return err
	}
	h, body, err := p.askShort(nil, head{kind: askHello}, body, maxText, p.remote.patience.greeting)
	if err != nil {
		return err
	}
	if h.class != 0 {
		failed, err := readError(h.class, body)
		return errors.Join(failed, err)
	}
	if err := json.Unmarshal(body, &p.greeted); err != nil || p.greeted.Version != protocolVersion {
		return malformed("a greeting of version %d (%v)", p.greeted.Version, err)
	}
	return nil
}
