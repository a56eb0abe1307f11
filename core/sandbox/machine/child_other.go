//go:build !linux

// Elsewhere children are held to no limits, and nothing is compiled in one.
package machine

import (
	"context"
	"errors"
	"os/exec"
)

const canLimit = false

func limitSelf(compileLimits) error { return errors.New("this system does not limit processes") }

func runChild(ctx context.Context, cmd *exec.Cmd) error { return runAndKill(ctx, cmd) }
