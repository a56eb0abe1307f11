//go:build unix

// Remote makes machines in a process of its own: the second wall. The process
// runs this program again with nothing of the core's: no environment, no files,
// no credentials. When it dies it is started again; its machines are lost, codes
// are loaded anew when they are next needed.
package machine

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Remote is the Room of the sandbox's process. It is safe for concurrent use.
type Remote struct {
	options     Options
	work        string
	patience    patience
	clock       clock
	direct      int           // lines that may be direct
	preparing   chan struct{} // one at a time is prepared: others wait here, and not over there
	interpreted bool
	done        chan struct{} // closed: no process is started any more
	over        chan struct{} // closed: none is left

	mu      sync.Mutex
	now     *process      // nil: none is up
	changed chan struct{} // closed when now changes
	life    Life
}

// NewRemote starts the process. ctx bounds that only.
func NewRemote(ctx context.Context, o Options) (*Remote, error) {
	return newRemote(ctx, o, processWork, patient)
}

func newRemote(ctx context.Context, o Options, work string, patience patience) (*Remote, error) {
	r := &Remote{
		options: o.withDefaults(), work: work, patience: patience, clock: clock{time.Now()}, direct: runtime.GOMAXPROCS(0) - 1,
		preparing: make(chan struct{}, 1), done: make(chan struct{}), over: make(chan struct{}), changed: make(chan struct{}),
	}
	if o.CacheDir != "" {
		dir, err := filepath.Abs(o.CacheDir)
		if err == nil {
			err = privateDir(dir)
		}
		if err != nil {
			return nil, fmt.Errorf("the cache of compiled modules: %w", err)
		}
		r.options.CacheDir = dir
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := startProcess(r)
	if err != nil {
		return nil, err
	}
	r.interpreted = p.greeted.Interpreted
	if len(p.greeted.Lacking) > 0 {
		r.options.Logger.Warn("the wall around the sandbox's process lacks what this system does not have", slog.Any("lacking", p.greeted.Lacking))
	}
	r.up(p)
	go r.keep(p)
	return r, nil
}

// keep starts the process again whenever it has ended.
func (r *Remote) keep(p *process) {
	defer close(r.over)
	log, back := r.options.Logger, time.Duration(0)
	for {
		select {
		case <-p.gone:
		case <-r.done:
			p.kill(errors.New("the sandbox is closed"), false)
			<-p.gone
			r.down(p.ended)
			return
		}
		if time.Since(p.began) > r.patience.crash {
			back = 0
		}
		r.down(p.ended)
		log.Error("the sandbox's process has ended; requests under way in guests are lost or run again", slog.Int("pid", p.cmd.Process.Pid), slog.Any("why", p.ended))
		for {
			select {
			case <-time.After(back):
			case <-r.done:
				return
			}
			back = min(max(2*back, r.patience.back[0]), r.patience.back[1])
			next, err := startProcess(r)
			if err == nil {
				p = next
				break
			}
			r.down(err)
			log.Error("the sandbox's process does not start", slog.Any("why", err), slog.Duration("again", back))
		}
		r.up(p)
		log.Info("the sandbox's process was started again", slog.Int("pid", p.cmd.Process.Pid))
	}
}

func (r *Remote) up(p *process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.life.Since.IsZero() {
		r.life.Restarts++
	}
	r.now, r.life.Up, r.life.PID, r.life.Since, r.life.Lacking = p, true, p.cmd.Process.Pid, p.began, p.greeted.Lacking
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *Remote) down(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now, r.life.Up, r.life.PID, r.life.Failure = nil, false, 0, why.Error()
}

// Life looks at the process.
func (r *Remote) Life() Life {
	r.mu.Lock()
	life, p := r.life, r.now
	r.mu.Unlock()
	if life.Up {
		life.Memory = resident(life.PID)
	}
	if p != nil {
		p.mu.Lock()
		life.Running = len(p.owners())
		p.mu.Unlock()
	}
	return life
}

// process gives the process that is up, and waits a while for one.
func (r *Remote) process(ctx context.Context) (*process, error) {
	patience := time.NewTimer(r.patience.wait)
	defer patience.Stop()
	for {
		r.mu.Lock()
		p, changed, why := r.now, r.changed, r.life.Failure
		r.mu.Unlock()
		if p != nil && !p.dead() {
			return p, nil
		}
		select {
		case <-changed:
		case <-r.done:
			return nil, fmt.Errorf("%w: the sandbox is closed", ErrLost)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-patience.C:
			return nil, fmt.Errorf("%w: the sandbox's process is not up: %s", ErrLost, why)
		}
	}
}

// Interpreted implements Room.
func (r *Remote) Interpreted() bool { return r.interpreted }

// Close implements Room: it ends the process.
func (r *Remote) Close(ctx context.Context) error {
	close(r.done)
	select {
	case <-r.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Prepare implements Room. Where the process ends meanwhile, it is tried once more,
// as long as nobody judges that: nothing of it has been seen.
func (r *Remote) Prepare(ctx context.Context, wasm []byte) (Report, error) {
	report, err := r.prepare(ctx, wasm)
	if unjudged(err) {
		report, err = r.prepare(ctx, wasm)
	}
	return report, err
}

func (r *Remote) prepare(ctx context.Context, wasm []byte) (Report, error) {
	p, err := r.process(ctx)
	if err != nil {
		return Report{}, err
	}
	report, _, err := p.judge(ctx, ownerOf(ctx), askPrepare, wasm)
	return report, err
}

// Load implements Room. The module is kept on disk for a process that is started
// later.
func (r *Remote) Load(ctx context.Context, wasm []byte) (Code, Report, error) {
	p, err := r.process(ctx)
	if err != nil {
		return nil, Report{}, err
	}
	report, id, err := p.judge(ctx, ownerOf(ctx), askLoad, wasm)
	if err != nil {
		return nil, report, err
	}
	module, err := keepModule(r.options.CacheDir, wasm)
	if err != nil {
		p.forget(askUnload, id)
		return nil, report, err
	}
	c := &remoteCode{remote: r, module: module, size: len(wasm), turn: make(chan struct{}, 1), on: p, id: id}
	return c, report, nil
}

// judge asks the process to prepare or to load a module. When ctx ends first the
// work goes on, and what comes of it is thrown away. owner is as for ask.
func (p *process) judge(ctx context.Context, owner any, about question, wasm []byte) (report Report, id uint64, err error) {
	o := &p.remote.options
	if len(wasm) > o.MaxModule { // it would not take it
		report, _ = inspect(wasm, o.MaxModule, o.MaxMemory)
		return report, 0, report.err()
	}
	if about == askPrepare {
		select {
		case p.remote.preparing <- struct{}{}:
		case <-ctx.Done():
			return report, 0, ctx.Err()
		}
	}
	type answer struct {
		h    head
		body []byte
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		h, body, err := p.askShort(owner, head{kind: about}, wasm, maxReport, p.remote.patience.module)
		if about == askPrepare {
			<-p.remote.preparing
		}
		answered <- answer{h, body, err}
	}()
	var a answer
	select {
	case a = <-answered:
	case <-ctx.Done():
		go func() {
			if a := <-answered; a.err == nil && a.h.class == 0 && about == askLoad {
				p.forget(askUnload, a.h.id)
			}
		}()
		return report, 0, ctx.Err()
	}
	if a.err != nil {
		return report, 0, a.err
	}
	var j judgement
	err = json.Unmarshal(a.body, &j)
	var failed error
	if err == nil {
		failed, err = readError(a.h.class, []byte(j.Error))
	}
	if err != nil {
		return report, 0, p.broken(malformed("a report that is none: %v", err))
	}
	j.Report.Digest, j.Report.Size = Digest(wasm), len(wasm) // who consents goes by these
	return j.Report, a.h.id, failed
}

// maxReport is the most that a report may have, in bytes.
const maxReport = 4 << 20

// forget tells the process that something is not needed any more.
func (p *process) forget(about question, id uint64) {
	_, _, _ = p.askShort(nil, head{kind: about, id: id}, nil, 0, 0)
}

func (p *process) dead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended != nil
}

// remoteCode is a module that the process has loaded, whichever process.
type remoteCode struct {
	remote *Remote
	module *os.File
	size   int
	turn   chan struct{} // whoever holds it may load it

	on *process // where it is loaded
	id uint64
}

// keepModule writes a module to a file that has no name: nobody else can open
// it, and it goes with its descriptor. It lies beside the cache, which the
// process may write to, or where temporary files are.
func keepModule(cache string, wasm []byte) (*os.File, error) {
	var f *os.File
	err := errors.New("no cache")
	if cache != "" {
		f, err = os.CreateTemp(filepath.Dir(cache), ".module-")
	}
	if err != nil {
		f, err = os.CreateTemp("", "module-")
	}
	if err == nil {
		if err = os.Remove(f.Name()); err == nil {
			_, err = f.Write(wasm)
		}
		if err == nil {
			return f, nil
		}
		_ = f.Close()
	}
	return nil, fmt.Errorf("keeping the module aside: %w", err)
}

// loaded gives the process that is up and the code's id there; it loads the code
// where need be. owner is as for ask.
func (c *remoteCode) loaded(ctx context.Context, owner any) (*process, uint64, error) {
	p, err := c.remote.process(ctx)
	if err != nil {
		return nil, 0, err
	}
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	defer func() { <-c.turn }()
	if c.on == p {
		return p, c.id, nil
	}
	wasm := make([]byte, c.size)
	if _, err := c.module.ReadAt(wasm, 0); err != nil {
		return nil, 0, fmt.Errorf("%w: reading the module that was kept aside: %w", ErrStart, err)
	}
	_, id, err := p.judge(ctx, owner, askLoad, wasm)
	if err != nil {
		return nil, 0, err
	}
	c.on, c.id = p, id
	return p, id, nil
}

// Start implements Code. Where the process ends meanwhile, it is tried once more,
// as long as nobody judges that: nobody has seen anything of that machine.
func (c *remoteCode) Start(ctx context.Context, s Start) (Machine, error) {
	m, err := c.start(ctx, s)
	if unjudged(err) {
		m, err = c.start(ctx, s)
	}
	return m, err
}

func (c *remoteCode) start(ctx context.Context, s Start) (Machine, error) {
	p, id, err := c.loaded(ctx, s.Owner)
	if err != nil {
		return nil, err
	}
	l, err := p.take()
	if err != nil {
		return nil, err
	}
	l.out = c.remote.clock.appendStart(l.out[:0], id, s)
	h, body, _, err := p.ask(l, s.Owner, askStart, nil, nil, usageSize+maxText, s.CPU)
	p.give(l, err != nil)
	if err != nil {
		return nil, err
	}
	if len(body) < usageSize {
		return nil, p.broken(malformed("a start's answer of %d bytes", len(body)))
	}
	used := readUsage(body)
	if body = body[usageSize:]; used.CPU < 0 {
		return nil, p.broken(malformed("a start that took %v", used.CPU))
	}
	s.took(used)
	if h.class != 0 {
		failed, err := readError(h.class, body)
		if err != nil {
			return nil, p.broken(err)
		}
		return nil, failed
	}
	if len(body) != 8 {
		return nil, p.broken(malformed("a start's answer of %d bytes", usageSize+len(body)))
	}
	m := &remoteMachine{process: p, owner: s.Owner, id: h.id, limit: s.Memory, most: toldSize + maxSaid + c.remote.options.MaxFrames + 1 + maxText}
	if err := m.holds(binary.LittleEndian.Uint64(body)); err != nil {
		return nil, err
	}
	return m, nil
}

// Close implements Code.
func (c *remoteCode) Close() {
	c.turn <- struct{}{}
	if !c.on.dead() {
		c.on.forget(askUnload, c.id)
	}
	_ = c.module.Close()
}

// remoteMachine is a machine in the process.
type remoteMachine struct {
	process *process
	owner   any
	id      uint64
	limit   uint64 // of its memory
	most    int    // bytes of an answer
	answer  []byte // the last one, of which the owner has views
	used    int    // how much of it
	memory  atomic.Uint64
	killed  atomic.Bool
}

// Turn implements Machine.
func (m *remoteMachine) Turn(t *Turn) error {
	t.Frames, t.Said, t.Unsaid, t.Wake, t.Used = nil, nil, 0, time.Time{}, Usage{}
	if m.killed.Load() {
		return ErrStopped
	}
	p := m.process
	l, err := p.take()
	if err != nil {
		return err
	}
	l.out = p.remote.clock.appendTurn(l.out[:0], m.id, t)
	h, body, buf, err := p.ask(l, m.owner, askTurn, t.Batch, fit(m.answer, m.used), m.most, t.CPU)
	p.give(l, err != nil)
	m.answer, m.used = buf, headSize+len(body)
	if err != nil {
		return err
	}
	failed, err := p.remote.clock.readTold(h, body, t)
	if err == nil {
		err = m.holds(h.id)
	} else {
		err = p.broken(err)
	}
	if err != nil {
		t.Frames, t.Said = nil, nil
		return err
	}
	return failed
}

// holds notes what the process says of the memory; more than the machine may
// have is a lie.
func (m *remoteMachine) holds(memory uint64) error {
	if memory > m.limit {
		return m.process.broken(malformed("a machine that holds %d bytes and may hold %d", memory, m.limit))
	}
	m.memory.Store(memory)
	return nil
}

// Kill implements Machine.
func (m *remoteMachine) Kill() {
	if !m.killed.Swap(true) {
		go m.process.forget(askKill, m.id)
	}
}

// Memory implements Machine: what it was at the last turn's end.
func (m *remoteMachine) Memory() uint64 { return m.memory.Load() }

// Close implements Machine.
func (m *remoteMachine) Close() {
	m.process.forget(askClose, m.id)
	m.memory.Store(0)
}
