// Lines as containers write them: long, torn, binary, and what they say of themselves.
package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

const stamp = "2026-11-23T14:07:00.5Z "

func TestLinesAreBoundedAndPrintable(t *testing.T) {
	for name, test := range map[string]struct{ raw, want string }{
		"plain":             {stamp + "hello\n", "hello"},
		"without an end":    {stamp + "hello", "hello"},
		"a carriage return": {stamp + "hello\r\n", "hello"},
		"empty":             {stamp + "\n", ""},
		"only a time":       {strings.TrimSpace(stamp) + "\n", ""},
		"no time":           {"hello world\n", "hello world"},
		"tabs":              {stamp + "a\tb\n", "a\tb"},
		"colours":           {stamp + "\x1b[31mred\x1b[0m\n", "red"},
		"a torn escape":     {stamp + "a\x1b", "a"},
		"a bell and NUL":    {stamp + "a\x07\x00b\n", "a\ufffd\ufffdb"},
		"no UTF-8":          {stamp + "a\xff\xfeb\n", "a\ufffd\ufffdb"},
		"other scripts":     {stamp + "订单 已付款\n", "订单 已付款"},
	} {
		at, text, err := newLines(strings.NewReader(test.raw)).next()
		if err != nil || text != test.want {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		if has := strings.HasPrefix(test.raw, "2026"); has == at.IsZero() {
			t.Errorf("%s: time %v", name, at)
		}
	}
	long := newLines(strings.NewReader(stamp + strings.Repeat("x", 3*maxLine) + "\n" + stamp + "next\n"))
	_, text, err := long.next()
	if err != nil || len(text) > maxLine+40 || !strings.Contains(text, "bytes more") {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if _, text, err := long.next(); err != nil || text != "next" {
		t.Errorf("after a long line: %q, %v", text, err)
	}
	if _, _, err := long.next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestALogThatBreaksInALineGivesWhatCame(t *testing.T) {
	l := newLines(io.MultiReader(strings.NewReader(stamp+"whole\n"+stamp+"torn"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	if _, text, err := l.next(); err != nil || text != "whole" {
		t.Fatal(text, err)
	}
	if _, _, err := l.next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
}

func TestSeverityIsWhatTheLineSays(t *testing.T) {
	for text, want := range map[string]string{
		`{"level":"error","msg":"x"}`:            "error",
		`{"time":"x","level":"WARN","msg":"x"}`:  "warning",
		`{"severity": "INFO"}`:                   "info",
		`time=x level=debug msg=y`:               "debug",
		"E1123 14:07:00.000000  1 main.go:1] x":  "error",
		"I1123 14:07:00.000000  1 main.go:1] x":  "info",
		"2026-11-23 ERROR connection refused":    "error",
		"[WARN] slow":                            "warning",
		"FATAL: the database system is starting": "error",
		"an error in the middle of a sentence":   "",
		"INFORMATIONAL":                          "",
		"TERROR":                                 "",
		"A B":                                    "",
		"":                                       "",
		"E":                                      "",
	} {
		if got := severity(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzLines: whatever a container writes, lines are bounded, valid text, and end.
func FuzzLines(f *testing.F) {
	f.Add([]byte(stamp + "a\n" + stamp + "b"))
	f.Add([]byte("\x1b[\x1b[31"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := newLines(strings.NewReader(string(raw)))
		for n := 0; ; n++ {
			_, text, err := l.next()
			if err != nil {
				return
			}
			if len(text) > 3*maxLine+40 || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\x00\x1b") || n > len(raw) {
				t.Fatalf("%q", text)
			}
			severity(text)
		}
	})
}
