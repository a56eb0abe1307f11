// Collections: records of one kind as JSON, so that the rooms above speak in
// their own types.

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Collection is the records under one prefix, each the JSON of a T. The zero
// value is not usable. Safe for concurrent use.
type Collection[T any] struct {
	s      Store
	prefix string
}

// Item is one record of a collection; Name is its key without the prefix.
type Item[T any] struct {
	Name     string
	Value    T
	Created  Revision
	Modified Revision
	Removed  bool // in a watch: the record is gone and Value is zero
}

// ItemPage is a page of a collection.
type ItemPage[T any] struct {
	Items    []Item[T]
	More     bool
	Revision Revision
}

// ItemBatch is what one transaction changed in a collection.
type ItemBatch[T any] struct {
	Revision Revision
	Items    []Item[T]
	Err      error
}

// NewCollection is the collection under prefix, which ends in a slash.
func NewCollection[T any](s Store, prefix string) Collection[T] {
	return Collection[T]{s: s, prefix: prefix}
}

// Key is the store's key of a name.
func (c Collection[T]) Key(name string) string { return c.prefix + name }

func (c Collection[T]) item(r Record) (Item[T], error) {
	it := Item[T]{Name: strings.TrimPrefix(r.Key, c.prefix), Created: r.Created, Modified: r.Modified}
	if err := json.Unmarshal(r.Value, &it.Value); err != nil {
		return it, fmt.Errorf("reading record %s: %w", r.Key, err)
	}
	return it, nil
}

// Get reads one record; ErrNotFound where there is none.
func (c Collection[T]) Get(ctx context.Context, name string) (Item[T], error) {
	r, err := c.s.Get(ctx, c.Key(name))
	if err != nil {
		return Item[T]{}, err
	}
	return c.item(r)
}

// List reads a page; ListOptions.After is a name.
func (c Collection[T]) List(ctx context.Context, o ListOptions) (ItemPage[T], error) {
	if o.After != "" {
		o.After = c.Key(o.After)
	}
	page, err := c.s.List(ctx, c.prefix, o)
	if err != nil {
		return ItemPage[T]{}, err
	}
	out := ItemPage[T]{Items: make([]Item[T], 0, len(page.Records)), More: page.More, Revision: page.Revision}
	for _, r := range page.Records {
		it, err := c.item(r)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, it)
	}
	return out, nil
}

// All reads the whole collection, in pages. Its revision is that of the first
// page: a watch from there misses nothing, and may tell again what a later page
// has already.
func (c Collection[T]) All(ctx context.Context) (ItemPage[T], error) {
	var all ItemPage[T]
	var o ListOptions
	for {
		page, err := c.List(ctx, o)
		if err != nil {
			return all, err
		}
		if all.Revision == 0 {
			all.Revision = page.Revision
		}
		all.Items = append(all.Items, page.Items...)
		if !page.More {
			return all, nil
		}
		o.After = page.Items[len(page.Items)-1].Name
	}
}

// PutOp is the operation that sets a record, for a larger transaction.
func (c Collection[T]) PutOp(name string, v T) (Op, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return Op{}, fmt.Errorf("writing record %s: %w", c.Key(name), err)
	}
	return Put(c.Key(name), b), nil
}

// DeleteOp is the operation that removes a record.
func (c Collection[T]) DeleteOp(name string) Op { return Delete(c.Key(name)) }

// Absent guards that there is no such record.
func (c Collection[T]) Absent(name string) Guard { return Absent(c.Key(name)) }

// At guards that the record is at a revision.
func (c Collection[T]) At(name string, rev Revision) Guard { return At(c.Key(name), rev) }

// Create adds a record; ErrConflict where there is one.
func (c Collection[T]) Create(ctx context.Context, name string, v T) (Revision, error) {
	op, err := c.PutOp(name, v)
	if err != nil {
		return 0, err
	}
	return c.s.Commit(ctx, []Guard{c.Absent(name)}, op)
}

// Update replaces a record that is still at rev; ErrConflict otherwise.
func (c Collection[T]) Update(ctx context.Context, name string, v T, rev Revision) (Revision, error) {
	op, err := c.PutOp(name, v)
	if err != nil {
		return 0, err
	}
	return c.s.Commit(ctx, []Guard{c.At(name, rev)}, op)
}

// Delete removes a record that is still at rev; ErrConflict otherwise.
func (c Collection[T]) Delete(ctx context.Context, name string, rev Revision) (Revision, error) {
	return c.s.Commit(ctx, []Guard{c.At(name, rev)}, c.DeleteOp(name))
}

// Watch is Store.Watch in the collection's type. A record that cannot be read
// ends the watch with its error.
func (c Collection[T]) Watch(ctx context.Context, after Revision) (<-chan ItemBatch[T], error) {
	ctx, cancel := context.WithCancel(ctx)
	in, err := c.s.Watch(ctx, c.prefix, after)
	if err != nil {
		cancel()
		return nil, err
	}
	out := make(chan ItemBatch[T])
	go func() {
		defer cancel()
		defer close(out)
		for b := range in {
			next := ItemBatch[T]{Revision: b.Revision, Err: b.Err}
			for _, e := range b.Events {
				it := Item[T]{Name: strings.TrimPrefix(e.Key, c.prefix), Modified: e.Modified, Removed: true}
				if !e.Removed {
					if it, err = c.item(e.Record); err != nil {
						next = ItemBatch[T]{Err: err}
						break
					}
				}
				next.Items = append(next.Items, it)
			}
			select {
			case out <- next:
				if next.Err != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// Dump writes every record as a line of key and value in the order of keys,
// without revisions: two stores that hold the same dump the same.
func Dump(ctx context.Context, s Store, w io.Writer) error {
	var o ListOptions
	for {
		page, err := s.List(ctx, "", o)
		if err != nil {
			return fmt.Errorf("dumping the store: %w", err)
		}
		for _, r := range page.Records {
			if _, err := fmt.Fprintf(w, "%s\t%q\n", r.Key, r.Value); err != nil {
				return fmt.Errorf("dumping the store: %w", err)
			}
		}
		if !page.More {
			return nil
		}
		o.After = page.Records[len(page.Records)-1].Key
	}
}
