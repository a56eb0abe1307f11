// Installing and removing: one record in one transaction, so that a process
// killed at any instant comes up in the state before or after.
package extension

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// Install installs a package, or puts it in the place of the version that is
// there. consent is Review.Consent of the same package; otherwise ErrConsent.
// When it returns, routes, pages and permissions are there, and the record
// survives a crash.
func (h *Host) Install(ctx context.Context, tar io.Reader, consent string, by access.Subject) (Installation, error) {
	p, err := h.read(ctx, tar)
	if err != nil {
		return Installation{}, err
	}
	if subtle.ConstantTimeCompare([]byte(review(p, h.held(p)).Consent), []byte(consent)) != 1 {
		return Installation{}, fmt.Errorf("%w: review it again", ErrConsent)
	}
	installation := Installation{
		Name: p.Manifest.Name, Version: p.Manifest.Version, Publisher: p.Manifest.Publisher, Digest: p.Digest,
		Consent: consent, By: by.Name, ByUID: by.UID, InstalledAt: time.Now().UTC().Truncate(time.Second),
	}
	h.change.Lock()
	defer h.change.Unlock()
	revision, err := h.commit(ctx, p, installation)
	if err != nil {
		return Installation{}, fmt.Errorf("installing %s: %w", installation.Name, err)
	}
	if err := h.wait(ctx, revision); err != nil {
		return Installation{}, fmt.Errorf("installing %s: it is installed, and not yet active here: %w", installation.Name, err)
	}
	h.log.Info("extension installed", "extension", installation.Name, "version", installation.Version, "digest", installation.Digest, "user", by.Name)
	if err := h.sweep(ctx); err != nil {
		h.log.Warn("packages that nothing names stay", "error", err)
	}
	return installation, nil
}

// commit keeps the package's bytes and writes the record.
func (h *Host) commit(ctx context.Context, p *Package, installation Installation, more ...store.Op) (store.Revision, error) {
	guard := h.records.Absent(installation.Name)
	old, err := h.records.Get(ctx, installation.Name)
	switch {
	case err == nil && old.Value.Publisher != installation.Publisher:
		return 0, fmt.Errorf("%w: the name %q belongs to the publisher %q; remove that extension first", ErrConsent, installation.Name, old.Value.Publisher)
	case err == nil:
		guard = h.records.At(installation.Name, old.Modified)
	case !errors.Is(err, store.ErrNotFound):
		return 0, err
	}
	if err := h.folder.put(p); err != nil {
		return 0, err
	}
	op, err := h.records.PutOp(installation.Name, installation)
	if err != nil {
		return 0, err
	}
	return h.store.Commit(ctx, []store.Guard{guard}, append([]store.Op{op}, more...)...)
}

// Remove removes an extension and everything that it brought; ErrNotFound.
func (h *Host) Remove(ctx context.Context, name string) error {
	h.change.Lock()
	defer h.change.Unlock()
	old, err := h.records.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w: %q", ErrNotFound, name)
	}
	if err != nil {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	revision, err := h.records.Delete(ctx, name, old.Modified)
	if err != nil {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	if err := h.wait(ctx, revision); err != nil {
		return fmt.Errorf("removing %s: it is removed, and not yet gone here: %w", name, err)
	}
	h.log.Info("extension removed", "extension", name, "version", old.Value.Version)
	return h.sweep(ctx)
}

// sweep removes the packages that no record names. Callers hold h.change, or are
// alone.
func (h *Host) sweep(ctx context.Context) error {
	all, err := h.records.All(ctx)
	if err != nil {
		return fmt.Errorf("sweeping packages: %w", err)
	}
	named := map[string]bool{}
	for _, item := range all.Items {
		named[item.Value.Digest] = true
	}
	return h.folder.sweep(named)
}

// shipped installs what the binary brings: at the first start, and in the place
// of what an older binary brought. What somebody removed stays removed. It gives
// the packages that are new here.
func (h *Host) shipped(ctx context.Context) (added []*Package, err error) {
	if h.options.Builtin == nil {
		return nil, nil
	}
	names, err := fs.Glob(h.options.Builtin, "*.tar")
	if err != nil {
		return nil, fmt.Errorf("reading shipped packages: %w", err)
	}
	slices.Sort(names)
	installed, err := h.records.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading installed extensions: %w", err)
	}
	there := map[string]bool{}
	for _, item := range installed.Items {
		there[item.Value.Digest] = true
	}
	for _, name := range names {
		raw, err := fs.ReadFile(h.options.Builtin, name)
		if err != nil {
			return nil, fmt.Errorf("reading shipped package %s: %w", name, err)
		}
		if there[digest(raw)] {
			continue // as at every start but the first
		}
		p, err := ReadPackage(bytes.NewReader(raw))
		if err != nil {
			return nil, fmt.Errorf("reading shipped package %s: %w", name, err)
		}
		_, offered := h.store.Get(ctx, offeredPrefix+p.Manifest.Name)
		old, present := h.records.Get(ctx, p.Manifest.Name)
		for _, err := range []error{offered, present} {
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, fmt.Errorf("installing shipped %s: %w", p.Manifest.Name, err)
			}
		}
		switch {
		case present == nil && (!old.Value.Shipped || old.Value.Digest == p.Digest):
			continue // somebody's own choice, or there already
		case present != nil && offered == nil:
			continue // removed by somebody
		}
		_, err = h.commit(ctx, p, Installation{
			Name: p.Manifest.Name, Version: p.Manifest.Version, Publisher: p.Manifest.Publisher, Digest: p.Digest,
			Consent: review(p, h.held(p)).Consent, Shipped: true, InstalledAt: time.Now().UTC().Truncate(time.Second),
		}, store.Put(offeredPrefix+p.Manifest.Name, []byte(p.Manifest.Version)))
		if errors.Is(err, store.ErrConflict) {
			continue // another replica did it
		}
		if err != nil {
			return nil, fmt.Errorf("installing shipped %s: %w", p.Manifest.Name, err)
		}
		h.log.Info("shipped extension installed", "extension", p.Manifest.Name, "version", p.Manifest.Version, "digest", p.Digest)
		added = append(added, p)
	}
	return added, nil
}

// warm compiles the modules that are new here, so that their first request does
// not wait for it. Nothing of them runs.
func (h *Host) warm(ctx context.Context, added []*Package) {
	for _, p := range added {
		if _, err := h.engine.Prepare(ctx, p.Module); err != nil && ctx.Err() == nil {
			h.log.Error("a shipped extension cannot run", "extension", p.Manifest.Name, "version", p.Manifest.Version, "error", err)
		}
	}
}

// release is a version of the form 1.2.3, whatever follows it.
var release = regexp.MustCompile(`^v?([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})`)

// fulfils tells whether this Atoll is what the manifest requires.
func (h *Host) fulfils(m *Manifest) error {
	have := release.FindStringSubmatch(h.options.Version)
	if m.Requires == nil || m.Requires.Atoll == "" || have == nil {
		return nil
	}
	want := strings.Split(strings.TrimPrefix(m.Requires.Atoll, ">="), ".")
	for i, w := range want {
		w, _ := strconv.Atoi(w)
		n, _ := strconv.Atoi(have[i+1])
		if n > w {
			return nil
		}
		if n < w {
			return fmt.Errorf("%w: it requires Atoll %s, this is %s", ErrRequires, m.Requires.Atoll, h.options.Version)
		}
	}
	return nil
}
