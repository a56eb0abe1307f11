// What tests of crashes look at inside.
package sandbox

import (
	"bytes"
	"context"
	"sync/atomic"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
)

// WatchTurns counts a guest's turns that run now and whose frames hold a text.
func WatchTurns(g *Guest, text string) *atomic.Int32 {
	now, source := &atomic.Int32{}, g.source
	g.source = func(ctx context.Context) (machine.Code, error) {
		c, err := source(ctx)
		if err != nil {
			return nil, err
		}
		return watchedCode{c, text, now}, nil
	}
	return now
}

type watchedCode struct {
	machine.Code
	text string
	now  *atomic.Int32
}

func (c watchedCode) Start(ctx context.Context, s machine.Start) (machine.Machine, error) {
	m, err := c.Code.Start(ctx, s)
	if err != nil {
		return nil, err
	}
	return watchedMachine{m, c}, nil
}

type watchedMachine struct {
	machine.Machine
	code watchedCode
}

func (m watchedMachine) Turn(t *machine.Turn) error {
	if bytes.Contains(t.Batch, []byte(m.code.text)) {
		m.code.now.Add(1)
		defer m.code.now.Add(-1)
	}
	return m.Machine.Turn(t)
}
