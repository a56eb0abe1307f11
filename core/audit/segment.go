// Segments: files that are only appended to, closed when they are large, and
// removed from the oldest on when there are too many.

package audit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

const (
	segmentStart = "audit-"
	segmentEnd   = ".jsonl"
)

// segments are the files of one log. Not safe for concurrent use.
type segments struct {
	dir      string
	each     int64
	total    int64
	number   uint64 // of the current one
	current  *os.File
	size     int64 // of the current one
	earlier  []earlier
	earlierN int64 // bytes of all earlier ones
}

// earlier is a closed segment.
type earlier struct {
	name string
	size int64
}

func segmentName(n uint64) string { return fmt.Sprintf("%s%012d%s", segmentStart, n, segmentEnd) }

func openSegments(dir string, each, total int64) (*segments, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	s := &segments{dir: dir, each: each, total: total}
	for _, e := range entries { // sorted by name, so by number
		var n uint64
		if _, err := fmt.Sscanf(e.Name(), segmentStart+"%d"+segmentEnd, &n); err != nil || e.Name() != segmentName(n) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		s.number = n
		s.earlier = append(s.earlier, earlier{name: e.Name(), size: info.Size()})
		s.earlierN += info.Size()
	}
	if n := len(s.earlier); n > 0 {
		s.earlierN -= s.earlier[n-1].size
		s.earlier = s.earlier[:n-1]
	} else {
		s.number = 1
	}
	return s, s.open()
}

// open opens the current segment for appending, and ends a line that a crash
// cut short.
func (s *segments) open() error {
	f, err := os.OpenFile(filepath.Join(s.dir, segmentName(s.number)), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
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
	s.current, s.size = f, size
	return nil
}

// write appends a whole line, in a new segment when this one is full.
func (s *segments) write(line []byte) error {
	if s.current == nil || s.size > 0 && s.size+int64(len(line)) > s.each {
		if err := s.rotate(); err != nil {
			return fmt.Errorf("beginning a segment: %w", err)
		}
	}
	n, err := s.current.Write(line)
	s.size += int64(n)
	if err != nil && n > 0 {
		// A part of a line must not begin the next one.
		if cut := s.current.Truncate(s.size - int64(n)); cut == nil {
			s.size -= int64(n)
		}
	}
	return err
}

func (s *segments) rotate() error {
	if s.current != nil {
		err := errors.Join(s.current.Sync(), s.current.Close())
		s.current = nil
		s.earlier = append(s.earlier, earlier{name: segmentName(s.number), size: s.size})
		s.earlierN += s.size
		s.number++
		if err != nil {
			return err
		}
	}
	if err := s.open(); err != nil {
		return err
	}
	for len(s.earlier) > 0 && s.earlierN+s.each > s.total {
		oldest := s.earlier[0]
		if err := os.Remove(filepath.Join(s.dir, oldest.name)); err != nil && !errors.Is(err, os.ErrNotExist) {
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
