// atoll get audit: who did what, searched or followed.

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

const (
	aboutGetAudit = `Show who did what, the newest first; with --follow what is done from now on.

Of a workspace or a project for who may see what is done there (activity.view);
of everything, or of a cluster, for who may see the audit log (audit.view).
-o json prints one event a line.`

	maxEventLine = 1 << 20 // bytes
)

var auditFormats = []string{formatTable, formatWide, formatJSON}

// event is one line of the audit log, as far as tables show it.
type event struct {
	Time                                                                  time.Time
	User, Verb, Target, Result, Reason, Remote, Via, Extension, Workspace string
	Status                                                                int
}

// auditFlags say which events are meant.
type auditFlags struct {
	user, verb, result, extension, since, until string
	limit                                       int
	follow                                      bool
	format                                      string
}

func newGetAudit() *cobra.Command {
	t, w := &target{}, &where{}
	var f auditFlags
	c := &cobra.Command{
		Use: "audit", Short: "Show who did what", Long: aboutGetAudit, Args: cobra.NoArgs,
		Example: "  atoll get audit --since 1h\n" +
			"  atoll get audit -w red --user jane --result denied\n" +
			"  atoll get audit -p local/demo --follow -o json",
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := w.place()
			if err == nil {
				err = checkFormat(f.format, auditFormats...)
			}
			var path string
			if err == nil {
				path, err = f.path(p, time.Now())
			}
			if err != nil {
				return err
			}
			return talk(c, t, func(ctx context.Context, api *client) error {
				if f.follow {
					return f.stream(ctx, api, path, c.OutOrStdout(), c.ErrOrStderr())
				}
				return f.search(ctx, api, path, c.OutOrStdout(), c.ErrOrStderr())
			})
		},
	}
	t.flags(c.Flags())
	w.flags(c, t)
	w.clusterFlag(c, t, "only what was done in the cluster of this `name`")
	outputFlag(c, &f.format, auditFormats...)
	flags := c.Flags()
	flags.StringVar(&f.user, "user", "", "only what the user of this `name` did")
	flags.StringVar(&f.verb, "verb", "", "only this `verb`, such as create, update, delete or connect")
	flags.StringVar(&f.result, "result", "", "only what was `done`, denied, refused or failed")
	flags.StringVar(&f.extension, "extension", "", "only what was done through the extension of this `name`")
	flags.StringVar(&f.since, "since", "", "not before this `time`: 2h ago, or 2006-01-02T15:04:05Z")
	flags.StringVar(&f.until, "until", "", "before this `time`")
	flags.IntVar(&f.limit, "limit", 100, "so many at most")
	flags.BoolVar(&f.follow, "follow", false, "go on with what is done from now on, the oldest first")
	mustComplete(c, "result", cobra.FixedCompletions([]string{"done", "denied", "refused", "failed"}, cobra.ShellCompDirectiveNoFileComp))
	for _, pair := range [][2]string{{"cluster", "project"}, {"cluster", "workspace"}, {"follow", "until"}, {"follow", "limit"}} {
		c.MarkFlagsMutuallyExclusive(pair[0], pair[1])
	}
	return c
}

// path is what to ask for.
func (f auditFlags) path(p place, now time.Time) (string, error) {
	path := "/api/v1/audit"
	if f.follow {
		path += ":stream?follow=true"
	}
	since, err := moment(f.since, now)
	if err != nil {
		return "", wrongUse("--since %w", err)
	}
	until, err := moment(f.until, now)
	if err != nil {
		return "", wrongUse("--until %w", err)
	}
	for _, q := range [][2]string{
		{"workspace", p.workspace}, {"cluster", p.cluster}, {"project", p.project}, {"user", f.user}, {"verb", f.verb}, {"result", f.result}, {"extension", f.extension}, {"since", since}, {"until", until},
	} {
		if q[1] != "" {
			path = withQuery(path, q[0], q[1])
		}
	}
	if f.limit < 1 {
		return "", wrongUse("--limit %d: expected 1 or more", f.limit)
	}
	return path, nil
}

// moment is a time that was said, or so long ago, as the API has it.
func moment(s string, now time.Time) (string, error) {
	if s == "" {
		return "", nil
	}
	if ago, err := time.ParseDuration(s); err == nil && ago >= 0 {
		return now.Add(-ago).UTC().Format(time.RFC3339), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return "", fmt.Errorf("%q: expected a duration such as 2h, or a time such as 2006-01-02T15:04:05Z", s)
	}
	return t.UTC().Format(time.RFC3339), nil
}

// search prints what is found, page by page.
func (f auditFlags) search(ctx context.Context, api *client, path string, out, notes io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	if f.format != formatJSON {
		fmt.Fprintln(table, strings.Join(f.head(), "\t"))
	}
	damaged, left := 0, f.limit
	for next := ""; left > 0; {
		asked := withQuery(path, "limit", strconv.Itoa(min(left, 1000)))
		if next != "" {
			asked = withQuery(asked, "continue", next)
		}
		var page struct {
			Items    []json.RawMessage
			Continue string
			Damaged  int
		}
		if err := api.call(ctx, http.MethodGet, asked, nil, &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := f.print(out, table, item); err != nil {
				return err
			}
		}
		damaged += page.Damaged
		left -= len(page.Items)
		if next = page.Continue; next == "" {
			break
		}
	}
	if damaged > 0 {
		fmt.Fprintf(notes, "%d lines of the log could not be read.\n", damaged)
	}
	return table.Flush()
}

// stream prints what is done, until it is told to stop.
func (f auditFlags) stream(ctx context.Context, api *client, path string, out, notes io.Writer) error {
	endless := *api.http
	endless.Timeout = 0
	res, err := (&client{base: api.base, token: api.token, csrf: api.csrf, http: &endless}).exchange(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxEventLine)
	for lines.Scan() {
		var line struct {
			Type   string
			Object json.RawMessage
			Count  int
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("reading the stream: %w", err)
		}
		switch line.Type {
		case "EVENT":
			if err := f.print(out, out, line.Object); err != nil {
				return err
			}
		case "DAMAGED":
			fmt.Fprintf(notes, "%d lines of the log could not be read.\n", line.Count)
		case "MISSED":
			fmt.Fprintln(notes, "Some events were removed by the bounds of the log before they were read.")
		}
	}
	if err := lines.Err(); err != nil && ctx.Err() == nil {
		return &exitError{exitUnavailable, fmt.Errorf("the stream ended: %w", err)}
	}
	if ctx.Err() == nil {
		return &exitError{exitUnavailable, errors.New("the stream ended: Atoll stops, or you may not see this any more")}
	}
	return nil
}

func (f auditFlags) head() []string {
	head := []string{"TIME", "USER", "VERB", "TARGET", "RESULT"}
	if f.format == formatWide {
		head = append(head, "STATUS", "VIA", "FROM", "EXTENSION", "WORKSPACE", "REASON")
	}
	return head
}

// print writes one event: as it came, or as a row with a cell a column.
func (f auditFlags) print(out, table io.Writer, raw json.RawMessage) error {
	if f.format == formatJSON {
		_, err := fmt.Fprintf(out, "%s\n", raw)
		return err
	}
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return fmt.Errorf("reading an event: %w", err)
	}
	cells := []string{e.Time.UTC().Format(time.RFC3339), first(e.User, "-"), e.Verb, e.Target, e.Result}
	if f.format == formatWide {
		status := ""
		if e.Status != 0 {
			status = strconv.Itoa(e.Status)
		}
		cells = append(cells, status, e.Via, e.Remote, e.Extension, e.Workspace, e.Reason)
	}
	for i := range cells {
		cells[i] = inCell(cells[i])
	}
	_, err := fmt.Fprintln(table, strings.Join(cells, "\t"))
	return err
}
