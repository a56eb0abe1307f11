// The time of a recording does not run while its instance starts.
package sandbox

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTimeOfARecordingStandsStillWhileTheInstanceStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recordingSession{over: time.NewTimer(6 * time.Second), until: time.Now().Add(6 * time.Second)}
		var g Guest
		g.session.Store(r)
		isOver := func() bool {
			synctest.Wait()
			select {
			case <-r.over.C:
				return true
			default:
				return false
			}
		}
		for range 2 { // the first start fails
			time.Sleep(time.Second)
			if g.recorded(instanceKey{}, tenant{}) != r || g.recorded(instanceKey{}, tenant{}) != nil {
				t.Fatal("it is not one start that is recorded")
			}
			time.Sleep(time.Minute)
			if isOver() {
				t.Fatal("its time ran while the instance started")
			}
			r.started()
		}
		r.runs = true
		time.Sleep(4*time.Second - 1)
		if isOver() {
			t.Error("its time is over early")
		}
		time.Sleep(1)
		if !isOver() {
			t.Error("its time is not over")
		}
		if g.recorded(instanceKey{}, tenant{}) != nil {
			t.Error("an instance is recorded when nobody waits for it")
		}
	})
}
