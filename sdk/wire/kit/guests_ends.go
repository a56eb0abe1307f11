// The written cases for guests: STOP and RESET.
package kit

import (
	"bytes"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
	spec "github.com/atoll-platform/atoll/sdk/wire"
)

var guestCasesOfEnds = []guestCase{
	{"STOP ends an answer at once", hello{}, func(s *session) {
		c := s.get("/bytes?n=1000000")
		c.hold = true
		s.settle()
		c.stop()
		s.poll()
		s.want(c.ended, "stop.ends", "no END in the poll of the STOP")
		s.settle()
	}},
	{"STOP before there is a head", hello{}, func(s *session) {
		c := s.get("/timer?ms=100")
		s.settle()
		c.stop()
		s.settle()
		s.sleep(100 * time.Millisecond)
		s.want(c.status == 200 && c.ended && len(c.body) == 0, "stop.ends", "after STOP: status %d, ended %v, body %q", c.status, c.ended, c.body)
	}},
	{"STOP before a head that comes late", hello{}, func(s *session) {
		c := s.get("/late?ms=50&more=50")
		s.settle()
		c.stop()
		s.settle()
		s.want(c.status == 0 && !c.ended, "stop.ends", "an answer before its time: status %d, ended %v", c.status, c.ended)
		s.pass(50 * time.Millisecond)
		s.poll()
		s.want(c.status == 200 && c.ended, "stop.ends", "END does not come right behind the head: status %d, ended %v", c.status, c.ended)
		s.sleep(50 * time.Millisecond)
		s.want(len(c.body) == 0, "stop.ends", "%q after STOP", c.body)
		d := s.get("/late?ms=10&more=10")
		s.settle()
		s.sleep(10 * time.Millisecond)
		s.sleep(10 * time.Millisecond)
		d.answered(200, []byte("late"))
	}},
	{"STOP twice, and after the end", hello{}, func(s *session) {
		c := s.get("/bytes?n=100000")
		c.hold = true
		s.settle()
		c.stop()
		c.stop()
		s.settle()
		c.stop()
		s.settle()
		s.want(c.ended, "stop.ends", "no END after STOP")
	}},
	{"STOP of a body that the guest sends", hello{}, func(s *session) {
		c := s.get("/upload?authority=door&target=/up&n=500000")
		s.settle()
		k := s.child(c)
		k.hold = true
		s.settle()
		k.answer(413)
		k.stop()
		s.poll()
		s.want(k.ended, "stop.ends", "no END in the poll of the STOP")
		k.end(nil)
		s.settle()
		c.answered(200, []byte("413"))
	}},
	{"a body that the guest sends, window by window", small, func(s *session) {
		c := s.get("/upload?authority=door&target=/up&n=300000")
		s.settle()
		k := s.child(c)
		s.want(bytes.Equal(k.body, spec.Pattern(0, 300_000)), "data.whole", "%d bytes have come, or others than were sent", len(k.body))
		k.answer(200)
		k.end(nil)
		s.settle()
		c.answered(200, []byte("200"))
	}},
	{"RESET at every moment is answered once", hello{}, func(s *session) {
		before := s.get("/bytes?n=1")
		before.cancel(wire.Cancelled) // in the batch of its OPEN
		s.settle()
		s.want(before.rec.gone(), "reset.answered", "stream %d was reset in the batch that opened it, and there is no answer", before.rec.id)
		for _, target := range []string{"/wait", "/hang", "/timer?ms=5000", "/bytes?n=1000000", "/ask?authority=door&n=3", "/relay?authority=door", "/splice?authority=door", "/upload?authority=door&n=100000"} {
			c := s.get(target)
			c.hold = true
			s.settle()
			for _, k := range s.children {
				k.hold = true
			}
			c.cancel(wire.Deadline)
			s.settle()
			s.answered()
			s.want(c.rec.gone(), "reset.answered", "%s: the RESET is not answered", target)
		}
		after := s.get("/bytes?n=1")
		s.settle()
		after.cancel(wire.Cancelled) // its END has crossed ours
		s.settle()
		s.want(after.rec.legs[guest].reset, "reset.answered", "a RESET on a stream that is gone is not answered")
	}},
	{"RESET is answered when nothing is held any more", hello{}, func(s *session) {
		c := s.get("/linger?ms=500")
		s.settle()
		c.cancel(wire.Cancelled)
		s.settle()
		s.want(!c.rec.legs[guest].reset, "reset.answered", "the answer came while the handler still ran")
		s.sleep(499 * time.Millisecond)
		s.want(!c.rec.legs[guest].reset, "reset.answered", "the answer came while the handler still ran")
		s.sleep(time.Millisecond)
		s.want(c.rec.legs[guest].reset, "reset.answered", "the handler has returned, and there is no answer")
	}},
	{"RESET ends what was done", hello{}, func(s *session) {
		c := s.get("/hang")
		s.settle()
		c.cancel(wire.Cancelled)
		s.settle()
		s.want(c.rec.gone(), "reset.ends-work", "a handler that waits for its request's end still runs")
	}},
	{"a guest's failure is RESET", hello{}, func(s *session) {
		for range 5 {
			c := s.open("POST", "/abort")
			s.settle()
			s.want(c.reset == wire.Internal, "reset.answered", "RESET %v instead of internal", c.reset)
			s.want(c.rec.gone(), "streams.slot", "the slot is still taken")
		}
	}},
	{"opened and reset, a thousand times", small, func(s *session) {
		for range 50 {
			var all []*call
			for range 20 {
				c := s.get("/wait")
				c.cancel(wire.Cancelled)
				all = append(all, c)
			}
			s.settle()
			for _, c := range all {
				s.want(c.rec.gone(), "reset.answered", "stream %d is not answered", c.rec.id)
			}
		}
	}},
}
