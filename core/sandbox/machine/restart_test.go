//go:build unix

// The end of the sandbox's process, and what comes after it.
package machine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// hasty is patience for tests that let it run out.
var hasty = patience{
	look: 100 * time.Millisecond, silence: 10, greeting: time.Minute, module: time.Minute, spare: time.Minute,
	crash: time.Hour, back: [2]time.Duration{time.Millisecond, 20 * time.Millisecond}, wait: time.Minute,
}

// starts makes a room of another kind of process.
func starts(t testing.TB, work string, p patience) *Remote {
	t.Helper()
	r, err := newRemote(t.Context(), Options{Logger: quiet, MaxFrames: 1 << 20}, work, p)
	if err != nil {
		t.Fatal(err)
	}
	closing(t, r)
	return r
}

// signal sends the process a signal.
func (r *Remote) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(r.Life().PID, s); err != nil {
		t.Error(err)
	}
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute, not yet: %s", what)
		}
	}
}

func TestKilledProcessLosesItsMachinesAndNothingElse(t *testing.T) {
	r := starts(t, processWork, hasty)
	code, _, err := r.Load(t.Context(), echoGuest())
	if err != nil {
		t.Fatal(err)
	}
	defer code.Close()
	lost := atomic.Int64{}
	for round := range 5 {
		var all sync.WaitGroup
		over := make(chan struct{})
		busy := make(chan bool, 8)
		for range cap(busy) {
			all.Go(func() {
				for n := 0; ; n++ {
					m, err := code.Start(t.Context(), beginning())
					if err != nil {
						t.Errorf("round %d: a start, which is tried again by itself: %v", round, err)
						return
					}
					for turns := 0; err == nil && turns < 10; turns++ {
						_, err = say(m, "hello")
					}
					m.Close()
					switch {
					case errors.Is(err, ErrLost):
						lost.Add(1)
					case err != nil:
						t.Errorf("round %d: a machine ended with %v", round, err)
					}
					if n == 0 {
						busy <- true
					}
					select {
					case <-over:
						return
					default:
					}
				}
			})
		}
		for range cap(busy) {
			<-busy
		}
		r.signal(t, syscall.SIGKILL)
		eventually(t, "it is up again", func() bool { life := r.Life(); return life.Up && life.Restarts == uint64(round+1) })
		close(over)
		all.Wait()
	}
	if lost.Load() == 0 {
		t.Error("no machine was lost: the test tests nothing")
	}
	life := r.Life()
	if !life.Up || life.Restarts != 5 || !strings.Contains(life.Failure, "killed") {
		t.Errorf("%+v", life)
	}
}

// TestDeathIsJudgedByWhatRan has a process end while one machine is in the middle
// of a turn and another one is not.
func TestDeathIsJudgedByWhatRan(t *testing.T) {
	for how, end := range map[string]func(r *Remote){
		"killed": func(r *Remote) { r.signal(t, syscall.SIGKILL) },
		"hung":   func(r *Remote) { r.signal(t, syscall.SIGSTOP) },
	} {
		t.Run(how, func(t *testing.T) {
			var heard [][]any
			judge := func(owners []any) any {
				heard = append(heard, owners)
				return how
			}
			r, err := newRemote(t.Context(), Options{Logger: quiet, MaxFrames: 1 << 20, Judge: judge}, processWork, hasty)
			if err != nil {
				t.Fatal(err)
			}
			owned := func(owner string) Machine {
				s := beginning()
				s.Owner, s.CPU = owner, time.Minute
				m, err := codeOf(t, r, echoGuest()).Start(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(m.Close)
				return m
			}
			loops, waits := owned("loops"), owned("waits")
			if _, err := say(waits, "hello"); err != nil {
				t.Fatal(err)
			}
			if n := r.Life().Running; n != 0 {
				t.Errorf("%d run", n)
			}
			lost := make(chan error, 1)
			go func() {
				turn := &Turn{Now: time.Now(), Batch: []byte("loop"), CPU: time.Hour}
				lost <- loops.Turn(turn)
			}()
			eventually(t, "it runs", func() bool { return r.Life().Running == 1 })
			end(r)
			var e *LostError
			if err := <-lost; !errors.As(err, &e) || e.Verdict != how {
				t.Errorf("the one that ran ended with %v", err)
			}
			_, idle := say(waits, "hello")
			if !errors.As(idle, &e) || !errors.Is(idle, ErrLost) || e.Verdict != how {
				t.Errorf("the one that waited ended with %v", idle)
			}
			eventually(t, "it is up again", func() bool { return r.Life().Up })
			if len(heard) != 1 || len(heard[0]) != 1 || heard[0][0] != "loops" {
				t.Errorf("the judge has heard %v", heard)
			}
			again := owned("loops") // and what is closed is not judged
			go func() { lost <- again.Turn(&Turn{Now: time.Now(), Batch: []byte("loop"), CPU: time.Hour}) }()
			eventually(t, "it runs", func() bool { return r.Life().Running == 1 })
			if err := r.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if err := <-lost; !errors.As(err, &e) || e.Verdict != nil || len(heard) != 1 {
				t.Errorf("it ended with %v; the judge has heard %v", err, heard)
			}
		})
	}
}

func TestPreparingOutlivesTheProcess(t *testing.T) {
	r := starts(t, processWork, hasty)
	wasm := bomb(300, busy(1500)) // which takes a while
	prepared := make(chan error, 1)
	go func() {
		_, err := r.Prepare(t.Context(), wasm)
		prepared <- err
	}()
	eventually(t, "it is asked", func() bool { return len(r.preparing) == 1 || len(prepared) == 1 })
	r.signal(t, syscall.SIGKILL)
	if err := <-prepared; err != nil {
		t.Error(err)
	}
	eventually(t, "it is up again", func() bool { life := r.Life(); return life.Up && life.Restarts == 1 })
}

func TestProcessThatHangsIsKilled(t *testing.T) {
	r := starts(t, processWork, hasty)
	m := running(t, r)
	r.signal(t, syscall.SIGSTOP)
	if _, err := say(m, "hello"); !errors.Is(err, ErrLost) {
		t.Errorf("it answered, or failed with %v", err)
	}
	if why := r.Life().Failure; why != "" && !strings.Contains(why, "did not answer") {
		t.Errorf("the reason is %q", why)
	}
	eventually(t, "it is up again", func() bool { return r.Life().Restarts == 1 })
	if _, err := say(running(t, r), "hello"); err != nil {
		t.Error(err)
	}
}

func TestTurnThatNeverEndsEndsItsProcess(t *testing.T) {
	p := hasty
	p.spare = 100 * time.Millisecond
	r := starts(t, "liar/never answers", p)
	m := running(t, r)
	turn := &Turn{Now: time.Now(), Batch: []byte("hello"), CPU: 50 * time.Millisecond}
	if err := m.Turn(turn); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "not answered within") {
		t.Errorf("it ended with %v", err)
	}
}

func TestProcessThatDiesAgainAndAgainIsWaitedFor(t *testing.T) {
	p := hasty
	p.wait = 50 * time.Millisecond
	p.back = [2]time.Duration{time.Hour, time.Hour}
	r := starts(t, processWork, p)
	code, _, err := r.Load(t.Context(), echoGuest())
	if err != nil {
		t.Fatal(err)
	}
	defer code.Close()
	r.signal(t, syscall.SIGKILL) // the first time it comes back at once
	eventually(t, "it is up again", func() bool { life := r.Life(); return life.Up && life.Restarts == 1 })
	r.signal(t, syscall.SIGKILL)
	eventually(t, "it is down", func() bool { return !r.Life().Up })
	if _, err := code.Start(t.Context(), beginning()); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "killed") {
		t.Errorf("a start without a process: %v", err)
	}
	if _, _, err := r.Load(t.Context(), echoGuest()); !errors.Is(err, ErrLost) {
		t.Errorf("a load without a process: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := code.Start(ctx, beginning()); !errors.Is(err, context.Canceled) {
		t.Errorf("a start that nobody wants: %v", err)
	}
}

func TestProcessThatCannotStartIsAnError(t *testing.T) {
	for work, want := range map[string]string{
		"no such work":    "the sandbox's process",
		"liar/other":      "a greeting of version 2",
		"liar/no JSON":    "a greeting",
		"liar/no cache":   "there is no room",
		"liar/shouting":   "a message of",
		"liar/says twice": "after the end of a message",
	} {
		if r, err := newRemote(t.Context(), Options{Logger: quiet}, work, hasty); err == nil {
			r.Close(t.Context())
			t.Errorf("%s: it started", work)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", work, err)
		}
	}
}

// descriptors counts the open files of this process.
func descriptors(t testing.TB) int {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestHundredRestartsLeaveNothing(t *testing.T) {
	restarts := 100
	if testing.Short() {
		restarts = 10
	}
	r := starts(t, processWork, hasty)
	code, _, err := r.Load(t.Context(), echoGuest())
	if err != nil {
		t.Fatal(err)
	}
	defer code.Close()
	files, goroutines := 0, 0
	for n := range restarts + 1 {
		var all sync.WaitGroup
		for range 4 {
			m, err := code.Start(t.Context(), beginning())
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				for err := error(nil); err == nil; {
					_, err = say(m, "hello")
				}
				m.Close()
			})
		}
		if n == 1 {
			files, goroutines = descriptors(t), runtime.NumGoroutine()
		}
		r.signal(t, syscall.SIGKILL)
		all.Wait()
		eventually(t, "it is up again", func() bool { life := r.Life(); return life.Up && life.Restarts == uint64(n+1) })
	}
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
	if now := descriptors(t); now > files+2 {
		t.Errorf("%d files are open, and %d were", now, files)
	}
}

func init() {
	// A core that a test kills: it says where its process is.
	children["core"] = func() int {
		r, err := NewRemote(context.Background(), Options{Logger: quiet})
		if err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println(r.Life().PID)
		select {}
	}
}

func TestProcessDiesWithTheCore(t *testing.T) {
	core, err := child("core")
	if err != nil {
		t.Fatal(err)
	}
	out, err := core.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := core.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the core says %q", line)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("its process is not there: %v", err)
	}
	_ = core.Process.Kill()
	_ = core.Wait()
	eventually(t, "its process is gone", func() bool { return gone(pid) })
}

func TestClosedRoomLeavesNoProcess(t *testing.T) {
	r, err := NewRemote(t.Context(), Options{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	m := running(t, r)
	pid := r.Life().PID
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("it is still there: %v", err)
	}
	if _, err := say(m, "hello"); !errors.Is(err, ErrLost) {
		t.Errorf("a machine ended with %v", err)
	}
	if _, _, err := r.Load(t.Context(), echoGuest()); !errors.Is(err, ErrLost) {
		t.Errorf("a load ended with %v", err)
	}
}

// gone tells whether a process that is not our child has ended; one whose parent
// has not looked yet has.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && strings.Contains(string(status), "State:\tZ")
}

func TestWhatTheProcessWritesIsBounded(t *testing.T) {
	var text strings.Builder
	l := newProcessLog(slog.New(slog.NewTextHandler(&text, nil)))
	fmt.Fprintf(l, "panic: some")
	fmt.Fprintf(l, "thing\n%s\n", strings.Repeat("x", 10*processLine))
	if out := text.String(); !strings.Contains(out, "panic: something") || len(out) > processLine+500 {
		t.Errorf("%d bytes: %.300s", len(out), out)
	}
	text.Reset()
	fmt.Fprintln(l, `{"time":"x","level":"ERROR","msg":"it gives up","error":"for a reason"}`)
	if out := text.String(); !strings.Contains(out, `level=ERROR msg="it gives up" process=sandbox error="for a reason"`) {
		t.Errorf("its own log became %s", out)
	}
	text.Reset()
	for range 3 * processLines {
		fmt.Fprintln(l, "again")
	}
	if n := strings.Count(text.String(), "\n"); n > processLines {
		t.Errorf("%d lines were logged", n)
	}
}
