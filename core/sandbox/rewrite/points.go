// Where a function is charged for what.
//
// A charge point is the beginning of a basic block. It pays for what can run
// from there to the next points: the heaviest way. Some points check whether
// any fuel is left; the others only subtract, which costs less, above all because
// no branches meet there. So:
//
//   - Whatever goes round is checked: the entries of functions and the heads of
//     loops are checks. Not so small functions that call nothing and have no
//     loop, leaves: their callers pay for them.
//   - Where the ways part, and one of them is heavier than the lightest by more
//     than slack, it has a point of its own, for what has not been paid yet on
//     all ways there. So what is charged is what runs, give or take some slack at
//     each branch. Ways that end in a trap do not count as light, or the good way
//     would have the point.
//   - Between two checks at most maxStretch runs.
//   - While functions return, what follows their calls runs until the next check:
//     after a deep recursion, of thousands of them. That rest is kept small
//     (maxRest), and counts as depth, which is bounded (depth.go).
package rewrite

// Weights are counted in tenths of a unit; a charge is rounded to whole units.
const (
	tenths = 10
	// slack is by how much a way may be lighter than what is paid for it.
	slack = 3 * tenths
	// slackReturn is the same for a way that returns at once: that happens once
	// in a call.
	slackReturn = 12 * tenths
	// maxStretch is the most that runs between two checks of one function, but
	// for a single heavier instruction.
	maxStretch = 20_000 * tenths
	// maxRest is the most that runs after a call until the next check.
	maxRest = 50 * tenths
	// maxLeaf is up to which weight a function's callers pay for it.
	maxLeaf = 25 * tenths
)

// place decides which blocks are points and checks, and gives the most that runs
// between a call and the next check, in tenths. leaf: callers pay.
func (f *flow) place(leaf bool) (rest int) {
	f.blocks[0].check = !leaf
	rest = f.checks()
	if leaf {
		return rest
	}
	for n := range f.blocks {
		f.blocks[n].point = f.blocks[n].check
	}
	for n := len(f.blocks) - 1; n >= 0; n-- {
		f.part(n)
	}
	f.oweAll()
	for n := range f.blocks {
		b := &f.blocks[n]
		f.leads(n, func(to *basicBlock) {
			if to != nil && to.point {
				to.missing = max(to.missing, to.owed-(b.owed-b.weight))
			}
		})
		if b.head || n == 0 {
			b.missing = b.owed
		}
	}
	return rest
}

// heaviest gives the weight of the heaviest way through a function that has no
// loop, in tenths.
func (f *flow) heaviest() int {
	f.oweAll()
	return f.blocks[0].owed
}

// checks decides which blocks begin with a check, and gives the most that runs
// between a call and the next one.
func (f *flow) checks() (most int) {
	for n := len(f.blocks) - 1; n >= 0; n-- {
		b := &f.blocks[n]
		b.check = b.check || b.head
		b.rest = 0
		f.leads(n, func(to *basicBlock) {
			if to != nil && !to.check && !to.head {
				b.rest = max(b.rest, to.rest)
			}
		})
		if b.call == callAny || b.call == callCharged {
			if b.rest > maxRest {
				f.blocks[n+1].check, b.rest = true, 0
			}
			most = max(most, b.rest)
		}
		if b.call == callCharged {
			b.rest = 0 // the callee checks
		}
		b.rest += b.weight
	}
	for n := range f.blocks {
		b := &f.blocks[n]
		if b.check = b.check || b.since > 0 && b.since+b.weight > maxStretch; b.check {
			b.since = 0
		}
		since := b.since + b.weight
		if b.call == callCharged {
			since = 0
		}
		f.leads(n, func(to *basicBlock) {
			if to != nil {
				to.since = max(to.since, since)
			}
		})
	}
	return most
}

// part decides which of the ways from a block have points of their own. Those
// further on have been decided about.
func (f *flow) part(n int) {
	b := &f.blocks[n]
	ways, ends, cold, lightest := 0, 0, 0, -1
	f.leads(n, func(to *basicBlock) {
		ways++
		owed := 0
		switch {
		case to == nil:
			ends++
			owed = slackReturn
		case to.cold:
			cold++
			return
		case !to.point:
			if owed = to.owed; to.returns {
				owed += slackReturn
			}
		}
		if lightest < 0 || owed < lightest {
			lightest = owed
		}
	})
	b.returns = ways > 0 && ways == ends
	b.cold = b.trap || ways > 0 && ways == cold
	if ways > 1 && lightest >= 0 {
		f.leads(n, func(to *basicBlock) {
			if to != nil && to.owed > lightest+slack {
				to.point = true
			}
		})
	}
	f.owe(n)
}

// owe finds out what runs from a block to the next points.
func (f *flow) owe(n int) {
	b := &f.blocks[n]
	b.owed = 0
	f.leads(n, func(to *basicBlock) {
		if to != nil && !to.point {
			b.owed = max(b.owed, to.owed)
		}
	})
	b.owed += b.weight
}

func (f *flow) oweAll() {
	for n := len(f.blocks) - 1; n >= 0; n-- {
		f.owe(n)
	}
}

// charge is what a block charges, in units.
func (b *basicBlock) charge() int {
	if !b.check && b.missing <= 0 {
		return 0
	}
	return max(1, (b.missing+tenths/2)/tenths)
}
