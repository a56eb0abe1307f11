// Reading segments: block by block, forwards or backwards, by whoever likes to
// while they are written and removed.

package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	blockSize = 512 << 10
	// maxLine is more than an event can have. What is longer was not written by
	// this package, and is skipped as damaged.
	maxLine = 256 << 10
)

// Position is a place between two lines of the log; the zero value is its
// beginning.
type Position struct {
	Segment uint64
	Offset  int64
}

// block is some whole lines of a segment.
type block struct {
	lines   [][]byte // without their ends, oldest first
	starts  []int64  // where each begins
	begin   int64    // of the first line
	end     int64    // after the last line
	damaged int      // pieces that are no lines
}

// blockBefore reads the lines that end at or before an offset. A block without
// lines whose begin is 0 is the last.
func blockBefore(f *os.File, end int64) (block, error) {
	from := max(0, end-blockSize)
	text, err := readAt(f, from, end)
	if err != nil {
		return block{}, err
	}
	b := block{begin: from, end: end}
	if from > 0 { // the first piece is the end of a line that begins earlier
		first := bytes.IndexByte(text, '\n') + 1
		if first == 0 || first == len(text) { // a line, and more, without an end
			b.damaged++
			return b, nil
		}
		text, b.begin = text[first:], from+int64(first)
	}
	b.split(text)
	return b, nil
}

// blockAfter reads whole lines from an offset on; none when there is no whole
// line yet.
func blockAfter(f *os.File, from int64) (block, error) {
	text, err := readAt(f, from, from+blockSize)
	if err != nil {
		return block{}, err
	}
	b := block{begin: from, end: from}
	whole := bytes.LastIndexByte(text, '\n') + 1
	if whole == 0 && len(text) == blockSize {
		b.damaged++
		whole = len(text)
		b.end += int64(whole)
		return b, nil
	}
	b.end += int64(whole)
	b.split(text[:whole])
	return b, nil
}

// readAt reads from one offset to another, or to the end of the file.
func readAt(f *os.File, from, to int64) ([]byte, error) {
	text := make([]byte, to-from)
	n, err := f.ReadAt(text, from)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return text[:n], err
}

// split takes the lines out of a text that begins at b.begin. What has no end is
// none: it is being written, or a crash has cut it.
func (b *block) split(text []byte) {
	for at := b.begin; ; {
		line, rest, ended := bytes.Cut(text, []byte{'\n'})
		if !ended {
			return
		}
		b.lines, b.starts = append(b.lines, line), append(b.starts, at)
		at += int64(len(line)) + 1
		text = rest
	}
}

// parse reads a line; false when it is no event.
func parse(line []byte) (Event, bool) {
	var e Event
	if len(line) > maxLine || json.Unmarshal(line, &e) != nil {
		return Event{}, false
	}
	return e, !e.Time.IsZero()
}

// firstTime is when the first event of a segment was; false where it has none.
func firstTime(f *os.File) (time.Time, bool) {
	b, err := blockAfter(f, 0)
	if err != nil {
		return time.Time{}, false
	}
	for _, line := range b.lines {
		if e, ok := parse(line); ok {
			return e.Time, true
		}
	}
	return time.Time{}, false
}

// openSegment opens a segment for reading; nil when it is gone.
func openSegment(dir string, number uint64) (*os.File, error) {
	f, err := os.Open(filepath.Join(dir, segmentName(number)))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return f, err
}

// newestFirst are the segments in which there may be something before a
// position; all of them when it is nil.
func newestFirst(all []segment, before *Position) []segment {
	slices.Reverse(all)
	if before == nil {
		return all
	}
	return slices.DeleteFunc(all, func(s segment) bool { return s.number > before.Segment })
}
