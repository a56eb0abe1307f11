// Replaying a recording of an extension, for commands.

package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/recording"
)

// Replayed is what a build of a module did with what another was told.
type Replayed = recording.Result

// Replay has the module in a file do again what is in a recording. Nothing but
// the module runs, and it reaches nothing.
func Replay(ctx context.Context, in io.Reader, module string) (*Replayed, error) {
	rec, err := recording.Read(in)
	if err != nil {
		return nil, err
	}
	wasm, err := os.ReadFile(module)
	if err != nil {
		return nil, fmt.Errorf("reading the module: %w", err)
	}
	engine, err := sandbox.New(ctx, sandbox.Options{Logger: slog.New(slog.DiscardHandler), MaxMemory: max(1<<30, rec.Start.Memory)})
	if err != nil {
		return nil, err
	}
	defer engine.Close(context.WithoutCancel(ctx))
	return engine.Replay(ctx, wasm, rec)
}
