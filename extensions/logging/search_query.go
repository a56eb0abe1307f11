// What a search of stored lines asks for: words, times, places, and which page.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	defaultSize = 100
	maxSize     = 500
	// defaultWindow is how far back a search looks, maxWindow how much it spans.
	defaultWindow = 24 * time.Hour
	maxWindow     = 366 * 24 * time.Hour
	maxWords      = 1024
	maxToken      = 1024
)

// levels are what a line may say of its severity.
var levels = []string{"error", "warning", "info", "debug"}

// search is a whole request.
type search struct {
	words                    string
	from, to                 time.Time
	pods, containers, levels []string
	size                     int
	ascending                bool
	histogram                bool
	after                    []any // the last line of the page before; nil: the first page
}

func parseSearch(r *http.Request, now time.Time) (s search, err error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return s, &queryError{"query", "it is not well-formed"}
	}
	s = search{words: values.Get("q"), pods: values["pod"], containers: values["container"], levels: values["level"], size: defaultSize}
	if len(s.words) > maxWords || !utf8.ValidString(s.words) {
		return s, &queryError{"q", fmt.Sprintf("it is no text of at most %d bytes", maxWords)}
	}
	for parameter, names := range map[string][]string{"pod": s.pods, "container": s.containers} {
		if len(names) > maxContainers {
			return s, &queryError{parameter, fmt.Sprintf("%d are more than the %d that can be searched at once", len(names), maxContainers)}
		}
		for _, n := range names {
			if !name.MatchString(n) {
				return s, &queryError{parameter, fmt.Sprintf("%.64q is no name of a %s", n, parameter)}
			}
		}
	}
	for _, l := range s.levels {
		if !slices.Contains(levels, l) || len(s.levels) > len(levels) {
			return s, &queryError{"level", fmt.Sprintf("%.64q is none of %q, or there are too many", l, levels)}
		}
	}
	if s.from, s.to, err = parseWindow(values, now); err != nil {
		return s, err
	}
	if v := values.Get("size"); v != "" {
		if s.size, err = strconv.Atoi(v); err != nil || s.size < 1 || s.size > maxSize {
			return s, &queryError{"size", fmt.Sprintf("%.64q is no number of lines from 1 to %d", v, maxSize)}
		}
	}
	switch v := values.Get("order"); v {
	case "", "desc":
	case "asc":
		s.ascending = true
	default:
		return s, &queryError{"order", fmt.Sprintf("%.64q is neither asc nor desc", v)}
	}
	if s.histogram, err = boolean(values, "histogram", true); err != nil {
		return s, err
	}
	if v := values.Get("after"); v != "" {
		if s.after, err = parseToken(v); err != nil {
			return s, &queryError{"after", "it is not what an answer of this route said"}
		}
	}
	return s, nil
}

// parseWindow reads the time: since, or from and to.
func parseWindow(values url.Values, now time.Time) (from, to time.Time, err error) {
	to = now
	if v := values.Get("to"); v != "" {
		if to, err = time.Parse(time.RFC3339, v); err != nil {
			return from, to, &queryError{"to", fmt.Sprintf("%.64q is no time such as 2026-01-31T14:00:00Z", v)}
		}
	}
	from = to.Add(-defaultWindow)
	since := values.Get("since")
	if v := values.Get("from"); v != "" {
		if since != "" {
			return from, to, &queryError{"since", "it stands instead of from, not beside it"}
		}
		if from, err = time.Parse(time.RFC3339, v); err != nil {
			return from, to, &queryError{"from", fmt.Sprintf("%.64q is no time such as 2026-01-31T14:00:00Z", v)}
		}
	}
	if since != "" {
		d, err := time.ParseDuration(since)
		if err != nil || d <= 0 || d > maxWindow {
			return from, to, &queryError{"since", fmt.Sprintf("%.64q is no duration such as 90s, 30m or 3h, of at most %dh", since, maxWindow/time.Hour)}
		}
		from = to.Add(-d)
	}
	switch {
	case !from.Before(to):
		return from, to, &queryError{"from", "it is not before the end"}
	case to.Sub(from) > maxWindow:
		return from, to, &queryError{"from", fmt.Sprintf("from there to the end is more than %d days", maxWindow/(24*time.Hour))}
	case from.Year() < 1970 || to.Year() > 2200:
		return from, to, &queryError{"from", "the store keeps times from 1970 to 2200"}
	}
	return from, to, nil
}

// interval is how long a bucket is, so that there are at most about sixty.
func (s *search) interval() time.Duration {
	span := s.to.Sub(s.from)
	for _, d := range []time.Duration{
		time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute,
		30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	} {
		if span <= 60*d {
			return d
		}
	}
	return 7 * 24 * time.Hour
}

// token is how a page names the next: by the last line's time and id.
func token(sort []any) string {
	raw, err := json.Marshal(sort)
	if err != nil || len(sort) != 2 {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func parseToken(text string) ([]any, error) {
	if len(text) > maxToken {
		return nil, errors.New("too long")
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var sort []any
	if err := d.Decode(&sort); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || len(sort) != 2 {
		return nil, errors.New("not a time and an id")
	}
	at, isNumber := sort[0].(json.Number)
	_, isText := sort[1].(string)
	if !isNumber || !isText {
		return nil, errors.New("not a time and an id")
	}
	_, err = strconv.ParseInt(at.String(), 10, 64)
	return sort, err
}
