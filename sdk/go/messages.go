// Messages: what keeps the messages of a websocket apart in a stream's bytes.
package atoll

import "github.com/atoll-platform/atoll/sdk/go/wire"

// websocket is the protocol whose streams carry messages.
const websocket = "websocket"

// maxCloseText is the size of the text of a websocket's close, in bytes.
const maxCloseText = 123

// messages are the messages in a stream's buffer, and how it was closed. The
// session's mu guards them. The methods take a nil as a stream without messages.
type messages struct {
	parts []part
	said  bool   // we have said a close code
	code  int    // the host's; 0: none
	text  string // the host's
}

// part is a message, or what has come of it and was not read.
type part struct {
	size       int
	text, ends bool
}

// add counts a DATA frame. Empty ones that end nothing leave no trace.
func (m *messages) add(f wire.Frame) {
	ends := f.Flags&wire.Message != 0
	if last := len(m.parts) - 1; last >= 0 && !m.parts[last].ends {
		m.parts[last].size += len(f.Payload)
		m.parts[last].ends = ends
	} else if ends || len(f.Payload) > 0 {
		m.parts = append(m.parts, part{len(f.Payload), f.Flags&wire.Text != 0, ends})
	}
}

// wait tells whether there is something to read, if only an end.
func (m *messages) wait() bool {
	return m != nil && len(m.parts) > 0 && (m.parts[0].size > 0 || m.parts[0].ends)
}

// drop forgets all, and gives what the ends of messages had cost.
func (m *messages) drop() (cost int) {
	if m == nil {
		return 0
	}
	for _, p := range m.parts {
		if p.ends {
			cost += wire.MessageCost
		}
	}
	m.parts = nil
	return cost
}

// takePart takes received bytes of one message. Ends: with them, it is complete.
// There is something to read, and s.mu is held.
func (st *stream) takePart(p []byte) (n int, text, ends bool) {
	s, m := st.session, st.messages
	first := &m.parts[0]
	n = copy(p, st.buf[st.off:int(st.off)+first.size])
	first.size -= n
	text, ends = first.text, first.size == 0 && first.ends
	cost := n
	if ends {
		cost += wire.MessageCost
		if m.parts = m.parts[1:]; len(m.parts) == 0 {
			m.parts = nil
		}
	}
	if n > 0 {
		s.advance(st, n)
	}
	s.consumed(st, cost)
	return n, text, ends
}

// messageFlags are the flags of DATA that belongs to a message.
func messageFlags(text, ends bool) (flags wire.Flags) {
	if text {
		flags |= wire.Text
	}
	if ends {
		flags |= wire.Message
	}
	return flags
}
