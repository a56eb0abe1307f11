// Generated conversations with a guest.
package kit

func generate(s *session, seed uint64) { s.begin(usual); s.finish() }
