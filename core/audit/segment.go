// Segments: files that are only appended to, closed when they are large or span
// a day, and removed from the oldest on when there are too many or they are too
// old.

package audit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	segmentStart = "audit-"
	segmentEnd   = ".jsonl"
	maxSpan      = 24 * time.Hour // of one segment's events, where age counts
)

// segments are the files of one log. Not safe for concurrent use.
type segments struct {
	dir      string
	each     int64
	total    int64
	age      time.Duration // 0: none is too old
	number   uint64        // of the current one
	current  *os.File
	size     int64     // of the current one
	first    time.Time // of the current one's events; zero while it has none
	last     time.Time // when it was written to last
	earlier  []segment
	earlierN int64 // bytes of all earlier ones
}

// segment is one file.
type segment struct {
	number uint64
	size   int64
	last   time.Time // when it was written to last
}

func segmentName(n uint64) string { return fmt.Sprintf("%s%012d%s", segmentStart, n, segmentEnd) }

// listSegments are those in a folder, oldest first.
func listSegments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []segment
	for _, e := range entries { // sorted by name, so by number
		var n uint64
		if _, err := fmt.Sscanf(e.Name(), segmentStart+"%d"+segmentEnd, &n); err != nil || e.Name() != segmentName(n) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue // removed in this moment
		}
		if err != nil {
			return nil, err
		}
		all = append(all, segment{number: n, size: info.Size(), last: info.ModTime()})
	}
	return all, nil
}

func openSegments(dir string, each, total int64, age time.Duration) (*segments, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	all, err := listSegments(dir)
	if err != nil {
		return nil, err
	}
	s := &segments{dir: dir, each: each, total: total, age: age, number: 1}
	if n := len(all); n > 0 {
		s.number, s.earlier = all[n-1].number, all[:n-1]
		for _, e := range s.earlier {
			s.earlierN += e.size
		}
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	if err := s.tidy(time.Now()); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *segments) path(number uint64) string { return filepath.Join(s.dir, segmentName(number)) }

// open opens the current segment for appending, and ends a line that a crash
// cut short.
func (s *segments) open() error {
	f, err := os.OpenFile(s.path(s.number), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil && size > 0 {
		last := make([]byte, 1)
		if _, err = f.ReadAt(last, size-1); err == nil && last[0] != '\n' {
			_, err = f.Write([]byte{'\n'})
			size++
		}
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	s.current, s.size, s.last = f, size, info.ModTime()
	s.first, _ = firstTime(f)
	return nil
}

// write appends a whole line, in a new segment when this one is full. at is the
// time of its event.
func (s *segments) write(line []byte, at time.Time) error {
	if s.current == nil || s.size > 0 && s.size+int64(len(line)) > s.each || s.spanned(at) {
		if err := s.rotate(); err != nil {
			return fmt.Errorf("beginning a segment: %w", err)
		}
	}
	if s.first.IsZero() {
		s.first = at
	}
	n, err := s.current.Write(line)
	s.size, s.last = s.size+int64(n), time.Now()
	if err != nil && n > 0 {
		// A part of a line must not begin the next one.
		if cut := s.current.Truncate(s.size - int64(n)); cut == nil {
			s.size -= int64(n)
		}
	}
	return err
}

// spanned tells whether the current segment holds as much time as one may, so
// that what is too old goes soon after it is.
func (s *segments) spanned(now time.Time) bool {
	return s.age > 0 && !s.first.IsZero() && now.Sub(s.first) > min(maxSpan, s.age/4)
}

func (s *segments) rotate() error {
	if s.current != nil {
		err := errors.Join(s.current.Sync(), s.current.Close())
		s.current = nil
		s.earlier = append(s.earlier, segment{number: s.number, size: s.size, last: s.last})
		s.earlierN += s.size
		s.number++
		if err != nil {
			return err
		}
	}
	if err := s.open(); err != nil {
		return err
	}
	return s.expire(time.Now())
}

// tidy does what time asks for while nothing is written.
func (s *segments) tidy(now time.Time) error {
	if s.spanned(now) {
		return s.rotate()
	}
	return s.expire(now)
}

// expire removes the oldest segments: those that are too many, and those whose
// last event is too old.
func (s *segments) expire(now time.Time) error {
	for len(s.earlier) > 0 {
		oldest := s.earlier[0]
		if s.earlierN+s.each <= s.total && (s.age <= 0 || now.Sub(oldest.last) <= s.age) {
			return nil
		}
		if err := os.Remove(s.path(oldest.number)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		s.earlier = slices.Delete(s.earlier, 0, 1)
		s.earlierN -= oldest.size
	}
	return nil
}

func (s *segments) sync() error {
	if s.current == nil {
		return nil
	}
	return s.current.Sync()
}

func (s *segments) close() error {
	if s.current == nil {
		return nil
	}
	err := errors.Join(s.current.Sync(), s.current.Close())
	s.current = nil
	return err
}
