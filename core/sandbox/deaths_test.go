// The verdicts on deaths of the sandbox's process.
package sandbox

import (
	"strings"
	"testing"
	"time"
)

// court keeps a test's time.
func court() (*deaths, *clock) {
	d, at := &deaths{}, &clock{now: time.Now()}
	d.init(discard)
	d.now = at.Now
	return d, at
}

// crewOf makes those on board: "bad/w1 good/w2,w3" are two, of which the second
// works for two tenants.
func crewOf(text string) (owners []any) {
	for _, one := range strings.Fields(text) {
		name, tenants, _ := strings.Cut(one, "/")
		a := &aboard{program: program{extension: name}}
		for _, t := range strings.Split(tenants, ",") {
			a.tenants = append(a.tenants, tenant{workspace: t})
		}
		owners = append(owners, a)
	}
	return owners
}

// sentence is whom a verdict blames, and after it who is a suspect of these.
func (d *deaths) sentence(crew string) string {
	v, _ := d.judge(crewOf(crew)).(*verdict)
	text := "nobody"
	if v != nil && v.culprit != nil {
		text = v.culprit.program.extension + "/" + v.culprit.tenants[0].workspace
	}
	for _, name := range []string{"bad", "good", "other"} {
		if d.suspected(program{extension: name}) {
			text += " " + name
		}
	}
	return text
}

func TestVerdictsOnDeaths(t *testing.T) {
	type death struct{ crew, want string }
	for name, deaths := range map[string][]death{
		"one death blames nobody": {{"bad/w", "nobody"}},
		"nobody was on board":     {{"", "nobody"}, {"", "nobody"}, {"", "nobody"}, {"", "nobody"}},
		"alone": {
			{"bad/w", "nobody"}, {"bad/w", "nobody bad"}, {"bad/w", "bad/w bad"},
			{"bad/w", "bad/w bad"}, // once is enough now
		},
		"more often than each of the others": {
			{"bad/w good/w", "nobody"}, {"other/w bad/w", "nobody bad"}, {"bad/w", "bad/w bad"},
		},
		"beside one that is there for the first time": {
			{"bad/w good/w", "nobody"}, {"bad/w good/w", "nobody bad good"}, {"other/w bad/w", "bad/w bad"},
		},
		"as often as another, until one of them is alone": {
			{"bad/w good/w", "nobody"}, {"bad/w good/w", "nobody bad good"}, {"bad/w good/w", "nobody bad good"}, {"bad/w good/w", "nobody bad good"},
			{"bad/w", "bad/w bad"}, // and that explains the others too
			{"good/w", "nobody bad"},
		},
		"after one that was another's": {
			{"good/w", "nobody"}, {"bad/w good/w", "nobody good"}, {"bad/w good/w", "nobody bad good"}, // not good, though it was in all three
			{"bad/w", "bad/w bad"}, {"good/w", "nobody bad good"}, // which has one more of its own
		},
		"one workspace after the other": {
			{"bad/w1", "nobody"}, {"bad/w2", "nobody bad"}, {"bad/w3", "bad/w3 bad"}, {"bad/w4", "bad/w4 bad"},
		},
		"two of its own, until one of them is alone": {
			{"bad/w1 bad/w2", "nobody"}, {"bad/w1 bad/w2", "nobody bad"}, {"bad/w1 bad/w2", "nobody bad"}, {"bad/w2", "bad/w2 bad"},
		},
		"two tenants that share it": {
			{"bad/w1,w2", "nobody"}, {"bad/w1,w2", "nobody bad"}, {"bad/w1,w2", "nobody bad"}, {"bad/w1", "bad/w1 bad"},
		},
		"two culprits": {
			{"bad/w", "nobody"}, {"other/w", "nobody"}, {"bad/w other/w", "nobody bad other"},
			{"bad/w", "bad/w bad"}, {"other/w", "nobody bad other"}, {"other/w", "other/w bad other"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := court()
			for n, death := range deaths {
				if got := d.sentence(death.crew); got != death.want {
					t.Errorf("death %d, %s: %s, want %s", n+1, death.crew, got, death.want)
				}
			}
		})
	}
}

func TestDeathsAreForgotten(t *testing.T) {
	d, at := court()
	d.sentence("bad/w")
	at.pass(deathsKept / 2)
	d.sentence("bad/w")
	at.pass(deathsKept / 2)
	if got := d.sentence("bad/w"); got != "nobody bad" {
		t.Errorf("the first one is forgotten, and the verdict is %s", got)
	}
	if got := d.sentence("bad/w"); got != "bad/w bad" {
		t.Errorf("the verdict is %s", got)
	}
	at.pass(deathsKept)
	if d.suspected(program{extension: "bad"}) || d.some.Load() {
		t.Error("it is a suspect for ever")
	}
	if got := d.sentence("bad/w"); got != "nobody" {
		t.Errorf("the verdict is %s", got)
	}
	at.pass(deathsKept)
	for range 3 * maxDeaths {
		d.judge(crewOf("bad/w1 bad/w2"))
	}
	if n := len(d.past); n != maxDeaths {
		t.Errorf("%d deaths are kept", n)
	}
}

func TestCulpritsRestLongerEachTime(t *testing.T) {
	d, at := court()
	d.judge(crewOf("bad/w"))
	d.judge(crewOf("bad/w"))
	for want := backOffMin; want < 4*backOffMax; want *= 2 {
		crew := crewOf("bad/w")
		v := d.judge(crew).(*verdict)
		f := v.crash(crew[0].(*aboard))
		if f == nil || f.Class != FaultCrash || f.Extension != "bad" || f.rest != min(want, backOffMax) {
			t.Fatalf("%+v, want a rest of %v", f, min(want, backOffMax))
		}
		if v.crash(&aboard{}) != nil || !v.found(crew[0].(*aboard)) || v.found(&aboard{}) {
			t.Error("the verdict is about others too")
		}
		at.pass(f.rest)
	}
	if v := verdictOf(nil); v.found(&aboard{}) || v.crash(&aboard{}) != nil {
		t.Error("no verdict says something")
	}
}

// TestSuspectsRunOneAtATime lets suspects and others run.
func TestSuspectsRunOneAtATime(t *testing.T) {
	d, _ := court()
	bad, good := crewOf("bad/w")[0].(*aboard), crewOf("good/w")[0].(*aboard)
	if d.board(bad) {
		t.Error("it was no suspect")
	}
	d.judge(crewOf("bad/w"))
	d.judge(crewOf("bad/w"))
	first := d.board(bad)
	if !first || d.board(good) {
		t.Error("suspects do not run apart, or others do")
	}
	second := make(chan bool)
	go func() { second <- d.board(bad) }()
	select {
	case <-second:
		t.Error("two of them run at once")
	default:
	}
	d.leave(false)
	d.leave(first)
	d.leave(<-second)
	if len(d.place) != 0 {
		t.Error("the place is still taken")
	}
}

// TestWhoIsAcquittedWeighsLess has somebody on board of every death whose requests are
// answered when they are run again, as a busy guest is when something else ends the
// process.
func TestWhoIsAcquittedWeighsLess(t *testing.T) {
	d, _ := court()
	for n := 1; ; n++ {
		crew := crewOf("good/w other/w")[:1+n%2]
		v := d.judge(crew).(*verdict)
		if v.culprit != nil {
			if n < 2*deathWeighs {
				t.Errorf("it was blamed for death %d", n)
			}
			break
		}
		if n > maxDeaths {
			t.Fatal("nobody who is acquitted each time is ever to blame")
		}
		for _, a := range crew {
			d.acquit(v, a.(*aboard))
		}
	}
	// Where two of one guest were on board, both have to be.
	d, _ = court()
	crew := crewOf("good/w1 good/w2")
	for range 2 {
		d.acquit(d.judge(crew).(*verdict), crew[0].(*aboard))
	}
	if !d.suspected(program{extension: "good"}) {
		t.Error("both were acquitted by one")
	}
}
