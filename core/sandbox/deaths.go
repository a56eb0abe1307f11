// Deaths of the sandbox's process: who is to blame for them.
//
// A module can end the whole process (a bug of the compiler, the kernel's memory
// killer), and then nobody can say who did it: several may have been on board,
// which means that a turn, a start or a loading of theirs had been asked for and
// was not answered; and it may have come from outside. So one death blames nobody,
// and these are the rules:
//
//   - Deaths count by code (extension and version): what is wrong with a module
//     meets all its tenants. They count for ten minutes.
//   - Whose code was on board of two is a suspect. Suspects run one at a time, and
//     where tenants share a guest each request of a suspect's has an instance of its
//     own: in the next death there is at most one of them, for one tenant.
//   - Whose code was on board of three, with this one, is blamed: where it was there
//     alone, or with others that were on board of no other one. So who ran beside
//     the culprit is no worse off than a suspect, and that ends with the blame: all
//     deaths with the culprit on board are explained then.
//   - A death weighs a quarter for whoever's requests that were on board have all been
//     run again and were answered: then most likely somebody else did it, or it
//     came from outside. So a busy guest is not blamed for that.
//   - The blame is its tenant's, as with other faults: the request gets the fault,
//     and the breaker opens at once. For ten minutes more the code stays a suspect,
//     one death more is enough, and the breaker opens for twice as long each time.
//
// What was on board and can be run again runs alone in its instance, once.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
)

const (
	deathWeighs  = 4               // and 1 for who was acquitted
	suspectAfter = 2 * deathWeighs // on board
	blameAfter   = 3 * deathWeighs
	deathsKept   = 10 * time.Minute
	maxDeaths    = 32 // that are kept
	maxNamed     = 16 // in the log, for each death
)

// program is what deaths are counted by. A module that is being prepared has its digest
// for a version, and no extension.
type program struct{ extension, version string }

// aboard is something that a death of the process would find running: an
// instance, or a module that is loaded or prepared. Who asks for its turns changes
// it between them.
type aboard struct {
	program program
	caller  Caller   // who had it started
	tenants []tenant // for whom it works; two where they are more

	trials atomic.Int32 // of a dead instance: its requests that are run again and not answered yet; 0: some are not
}

func (g *Guest) program() program { return program{g.spec.Name, g.spec.Version} }

// aboard makes one for a guest. c may be nil: nobody asks.
func (g *Guest) aboard(c *Caller) *aboard {
	a := &aboard{program: g.program()}
	if c != nil {
		a.caller, a.tenants = *c, []tenant{g.tenantOf(c)}
	}
	return a
}

// verdict is what is known of one death. Nil says nothing.
type verdict struct {
	crew    map[*aboard]bool
	death   *death
	culprit *aboard       // nil: nobody is blamed
	deaths  int           // of the culprit's code, lately
	rest    time.Duration // for the culprit's breaker
}

// verdictOf is the verdict on the death that an error tells of.
func verdictOf(err error) *verdict {
	var lost *machine.LostError
	if errors.As(err, &lost) {
		v, _ := lost.Verdict.(*verdict)
		return v
	}
	return nil
}

// found tells whether a was on board.
func (v *verdict) found(a *aboard) bool { return v != nil && v.crew[a] }

// crash is the fault that a is blamed for; nil: it is not.
func (v *verdict) crash(a *aboard) *Fault {
	if v == nil || v.culprit != a {
		return nil
	}
	return &Fault{
		Class: FaultCrash, Extension: a.program.extension, Version: a.program.version, rest: v.rest,
		Detail: fmt.Sprintf("the sandbox's process ended while it ran (%d times within %v)", v.deaths, deathsKept),
	}
}

// deaths are those of one engine's processes.
type deaths struct {
	log   *slog.Logger
	now   func() time.Time // tests set it
	some  atomic.Bool      // there may be suspects
	place chan struct{}    // of the suspect that runs

	mu       sync.Mutex // comes after every other
	past     []*death   // that are not explained, the oldest first
	culprits map[program]*culprit
}

// death is one that is kept.
type death struct {
	at   time.Time
	crew map[program]int // how many of each are not acquitted
}

// culprit is code that was blamed.
type culprit struct {
	last  time.Time
	times int
	rests time.Time // until when its tenant's breaker is open
}

func (d *deaths) init(log *slog.Logger) {
	d.log, d.now, d.place, d.culprits = log, time.Now, make(chan struct{}, 1), map[program]*culprit{}
}

// crashed is the fault that an error stands for when a is blamed for it; or else
// the error.
func (a *aboard) crashed(err error) error {
	if f := verdictOf(err).crash(a); f != nil {
		return f
	}
	return err
}

// judge gives the verdict on a death with these on board (machine.Options.Judge).
func (d *deaths) judge(owners []any) any {
	if len(owners) == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	d.forget(now)
	this := &death{at: now, crew: map[program]int{}}
	v, of := &verdict{crew: map[*aboard]bool{}, death: this}, map[program][]*aboard{}
	for _, o := range owners {
		a := o.(*aboard)
		v.crew[a] = true
		of[a.program] = append(of[a.program], a)
		this.crew[a.program]++
	}
	if d.past = append(d.past, this); len(d.past) > maxDeaths {
		d.past = slices.Delete(d.past, 0, 1)
	}
	d.name(v)
	for c, crew := range of {
		if d.blames(c, crew, of) {
			v.culprit, v.deaths = crew[0], d.seen(c)
			v.rest = d.explain(c, now)
			break
		}
	}
	d.forget(now) // sees whether there are suspects
	return v
}

// blames tells whether code is to blame for the last death, of which these were on
// board. mu is held.
func (d *deaths) blames(c program, crew []*aboard, all map[program][]*aboard) bool {
	if d.culprits[c] == nil && d.weight(c) < blameAfter || len(crew) > 1 || len(crew[0].tenants) > 1 {
		return false
	}
	for other := range all {
		if other != c && (d.weight(other) > deathWeighs || d.culprits[other] != nil) {
			return false
		}
	}
	return true
}

// explain forgets the deaths that code is blamed for, and says how long it rests.
// mu is held.
func (d *deaths) explain(c program, now time.Time) time.Duration {
	d.past = slices.DeleteFunc(d.past, func(p *death) bool { _, there := p.crew[c]; return there })
	cu := d.culprits[c]
	if cu == nil {
		cu = &culprit{}
		d.culprits[c] = cu
	}
	rest := backOffMax
	if cu.times < 16 { // which is more than backOffMax
		rest = min(backOffMin<<cu.times, backOffMax)
	}
	cu.times++
	cu.last, cu.rests = now, now.Add(rest)
	return rest
}

// seen is in how many deaths that are kept code was on board. mu is held.
func (d *deaths) seen(c program) (n int) {
	for _, p := range d.past {
		if _, there := p.crew[c]; there {
			n++
		}
	}
	return n
}

// weight is what those deaths weigh together. mu is held.
func (d *deaths) weight(c program) (sum int) {
	for _, p := range d.past {
		switch n, there := p.crew[c]; {
		case n > 0:
			sum += deathWeighs
		case there:
			sum++
		}
	}
	return sum
}

// acquit notes that what was on board of a death was run again, and answered.
func (d *deaths) acquit(v *verdict, a *aboard) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v.death.crew[a.program]--
	d.forget(d.now())
}

// suspect tells whether code runs apart. mu is held.
func (d *deaths) suspect(c program) bool {
	return d.culprits[c] != nil || d.weight(c) >= suspectAfter
}

// forget forgets what is long ago, and notes whether there are suspects. mu is held.
func (d *deaths) forget(now time.Time) {
	d.past = slices.DeleteFunc(d.past, func(p *death) bool { return now.Sub(p.at) >= deathsKept })
	for c, cu := range d.culprits {
		if now.Sub(cu.last) >= deathsKept {
			delete(d.culprits, c)
		}
	}
	some := len(d.culprits) > 0
	for _, p := range d.past {
		for c := range p.crew {
			some = some || d.suspect(c)
		}
	}
	d.some.Store(some)
}

// name tells the log who was on board. mu is held.
func (d *deaths) name(v *verdict) {
	n := 0
	for a := range v.crew {
		if n++; n > maxNamed {
			d.log.Warn("others were running too when the sandbox's process ended", slog.Int("others", len(v.crew)-maxNamed))
			return
		}
		if a.program.extension == "" {
			d.log.Warn("a module was being prepared when the sandbox's process ended", slog.String("digest", a.program.version), slog.Int("deaths", d.seen(a.program)))
			continue
		}
		d.log.Warn("an extension was running when the sandbox's process ended", slog.String("extension", a.program.extension), slog.String("version", a.program.version),
			slog.String("workspace", a.caller.Workspace), slog.String("user", a.caller.User), slog.Int("tenants", len(a.tenants)), slog.Int("deaths", d.seen(a.program)))
	}
}

// suspected tells whether a guest's code runs apart.
func (d *deaths) suspected(c program) bool {
	if !d.some.Load() {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(d.now())
	return d.suspect(c)
}

// board waits until something may run. placed goes to leave when it has run.
func (d *deaths) board(a *aboard) (placed bool) {
	if !d.suspected(a.program) {
		return false
	}
	d.place <- struct{}{}
	return true
}

// leave ends what board began.
func (d *deaths) leave(placed bool) {
	if placed {
		<-d.place
	}
}

// Prepare checks a module against the wire's rules and the limits, compiles it,
// and leaves the result in the cache. A module with faults gives them all in
// the report and an error that wraps ErrModule; nothing of it has run. Where the
// sandbox's process ends meanwhile, it is tried once more.
func (e *Engine) Prepare(ctx context.Context, wasm []byte) (Report, error) {
	a := &aboard{program: program{version: machine.Digest(wasm)}}
	for again := false; ; again = true {
		f := e.deaths.resting(a)
		var report Report
		var err error
		if f == nil {
			placed := e.deaths.board(a)
			report, err = e.room.Prepare(machine.WithOwner(ctx, a), wasm)
			e.deaths.leave(placed)
			f = verdictOf(err).crash(a)
		}
		if f != nil {
			report = Report{Digest: a.program.version, Size: len(wasm), Faults: []string{"It cannot be prepared: " + f.Detail + "."}}
			return report, fmt.Errorf("%w: %s", ErrModule, report.Faults[0])
		}
		if again || verdictOf(err) == nil {
			return report, err
		}
	}
}

// resting is the fault of a module that was blamed and is not to be prepared yet.
func (d *deaths) resting(a *aboard) *Fault {
	if !d.suspected(a.program) {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if cu := d.culprits[a.program]; cu != nil && d.now().Before(cu.rests) {
		return (&verdict{culprit: a, deaths: blameAfter / deathWeighs}).crash(a)
	}
	return nil
}
