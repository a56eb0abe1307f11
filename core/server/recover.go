// Recovering an administrator of an Atoll that is stopped.

package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/audit"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/store"
)

// RecoverAdministrator lets an administrator in again who cannot come in any
// more: with a random password, returned once, without the second factor, and
// without what they were signed in by. An empty name means the only one that
// there is. An error changes nothing; a running Atoll on the store is one.
func RecoverAdministrator(ctx context.Context, c Config, name string) (user, password string, err error) {
	file := storeFile(c)
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("there is no store at %s: say where it is with --config or --data-dir", file)
	}
	if err != nil {
		return "", "", fmt.Errorf("looking for the store: %w", err)
	}
	// What this user makes, Atoll's user could not read.
	if !ownedByUs(info) {
		return "", "", fmt.Errorf("%s belongs to another user: run this as the one that Atoll runs as", file)
	}
	s, err := store.OpenBolt(file, store.Options{})
	if errors.Is(err, store.ErrLocked) {
		return "", "", fmt.Errorf("Atoll is running on %s: stop it first (%w)", file, err)
	}
	if err != nil {
		return "", "", err
	}
	defer closing("the store", s.Close)
	log, err := audit.Open(filepath.Join(c.DataDir, auditFolder), c.Audit.options(slog.Default()))
	if err != nil {
		return "", "", err
	}
	defer closing("the audit log", log.Close)
	index, err := access.NewIndex(ctx, s)
	if err != nil {
		return "", "", err
	}
	defer index.Close()
	people, err := identity.New(s, index, identity.Options{})
	if err != nil {
		return "", "", err
	}
	defer people.Close()
	recovered, password, err := people.Recover(ctx, name)
	if err != nil {
		return "", "", err
	}
	log.Record(ctx, audit.Event{Via: "terminal", Verb: "recover", Target: "/api/v1/users/" + recovered.Name, Result: audit.Done})
	return recovered.Name, password, nil
}

// closing closes what was written to already: the password is good whatever comes
// of it.
func closing(what string, f func() error) {
	if err := f(); err != nil {
		slog.Warn("closing "+what+" failed", "error", err)
	}
}
