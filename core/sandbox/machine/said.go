// What a guest writes to its descriptors 1 and 2, kept for whoever logs it.
package machine

// maxSaid is how many bytes of one turn are kept.
const maxSaid = 64 << 10

// said collects what is written between two turns.
type said struct {
	text   []byte
	unsaid int
	given  bool // text was handed out, and its turn is over
}

func (s *said) write(b []byte) {
	room := min(len(b), maxSaid-len(s.text))
	s.text = append(s.text, b[:room]...)
	s.unsaid += len(b) - room
}

// begin forgets what the last turn handed out.
func (s *said) begin() {
	if s.given {
		s.text, s.unsaid, s.given = s.text[:0], 0, false
	}
}

// give hands out what was written.
func (s *said) give() ([]byte, int) {
	s.given = true
	return s.text, s.unsaid
}
