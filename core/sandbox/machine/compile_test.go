// Compiling in a child, within limits.
package machine

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// childRoom makes a room that compiles in children.
func childRoom(t *testing.T) (*Local, *bytes.Buffer) {
	t.Helper()
	if !canLimit {
		t.Skip("children are not limited here")
	}
	return cachedRoom(t, Options{CacheDir: t.TempDir(), CompileInChild: true})
}

func TestChildCompilesAsThisProcessDoes(t *testing.T) {
	wasm := puppet(nil)
	inside, _ := cachedRoom(t, Options{CacheDir: t.TempDir()})
	outside, log := childRoom(t)
	answers(t, inside, wasm)
	answers(t, outside, wasm)
	if !strings.Contains(log.String(), compiledNow) {
		t.Errorf("nobody was told\n%s", log)
	}
	a, b := inside.cache.find(Digest(wasm)), outside.cache.find(Digest(wasm))
	defer a.close()
	defer b.close()
	if !bytes.Equal(a.file, b.file) {
		t.Error("the child made something else of the module")
	}
}

func TestChildReportsFaults(t *testing.T) {
	room, _ := childRoom(t)
	broken := puppet(nil)
	broken = broken[:len(broken)-3]
	report, err := room.Prepare(t.Context(), broken)
	if !errors.Is(err, ErrModule) || !strings.Contains(report.String(), "cannot be read") || report.Digest != Digest(broken) {
		t.Errorf("%v: %+v", err, report)
	}
	report, err = room.Prepare(t.Context(), []byte("no module"))
	if !errors.Is(err, ErrModule) || len(report.Faults) != 1 {
		t.Errorf("%v: %+v", err, report)
	}
	if artifacts, codes := files(t, room.cache.dir); len(artifacts)+len(codes) > 0 {
		t.Errorf("the cache has %v and %v", artifacts, codes)
	}
}

// bomb is a module that means work for a compiler: n functions, each with this
// body.
func bomb(n int, body []byte) []byte {
	m := puppet(nil)
	at := 8
	var b []byte
	b = append(b, m[:8]...)
	size := func(at int) (n, width int) {
		for shift := 0; ; shift += 7 {
			n |= int(m[at+width]&0x7f) << shift
			width++
			if m[at+width-1] < 0x80 {
				return n, width
			}
		}
	}
	for at < len(m) {
		n_, width := size(at + 1)
		content := m[at+1+width : at+1+width+n_]
		switch m[at] {
		case 3: // after the puppet's five functions come n of () -> ()
			content = code(uleb(5+n), content[1:], bytes.Repeat([]byte{3}, n))
		case 10:
			content = code(uleb(5+n), content[1:], bytes.Repeat(function(body), n))
		}
		b = append(b, section(int(m[at]), content)...)
		at += 1 + width + n_
	}
	return b
}

// busy is a body whose values all live to its end: each is the sum of two
// before it.
func busy(values int) []byte {
	body := code(1, uleb(8000), 0x7e) // i64 locals
	local := func(n int) []byte { return uleb(n % 8000) }
	for n := range values {
		body = append(body, code(0x20, local(n*7+1), 0x20, local(n*13+5), 0x7c, 0x20, local(n*3+2), 0x7e, 0x21, local(n*5+3))...)
	}
	return append(body, 0x0b)
}

// TestCompileBombsHurtTheirAuthor compiles what makes compilers work hard: each
// either goes through within the limits, or is a fault of the module.
func TestCompileBombsHurtTheirAuthor(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds of processor time")
	}
	room, log := childRoom(t)
	room.limits = compileLimits{CPU: 3 * time.Second, Wall: time.Minute, Memory: 400 << 20}
	nested := code(0, bytes.Repeat([]byte{0x02, 0x40}, 40_000), bytes.Repeat([]byte{0x0b}, 40_000), 0x0b)
	for name, wasm := range map[string][]byte{
		"a huge function":          bomb(1, busy(250_000)),
		"groups of locals":         bomb(1, code(uleb(10_000), bytes.Repeat([]byte{1, 0x7e}, 10_000), 0x0b)),
		"more locals than may be":  bomb(1, code(uleb(100_000), bytes.Repeat([]byte{1, 0x7e}, 100_000), 0x0b)),
		"deep nesting":             bomb(1, nested),
		"twenty thousand small":    bomb(20_000, code(0, 0x0b)),
		"many that are hard":       bomb(300, busy(1500)),
		"a branch table in blocks": bomb(1, tables(4000)),
	} {
		t.Run(name, func(t *testing.T) {
			report, err := room.Prepare(t.Context(), wasm)
			t.Log(len(wasm), err)
			if err != nil && (!errors.Is(err, ErrModule) || len(report.Faults) == 0 || report.Digest != Digest(wasm)) {
				t.Errorf("%v: %+v\n%s", err, report, log)
			}
		})
	}
	answers(t, room, puppet(nil))
}

// tables is a body of n blocks with a branch table to all of them in each.
func tables(n int) []byte {
	body := code(0, bytes.Repeat([]byte{0x02, 0x40}, n))
	for at := range n {
		body = append(body, code(sleb(int32(at)), 0x0e, uleb(50))...)
		for k := range 51 {
			body = append(body, uleb((at*k)%max(1, n-at))...)
		}
		body = append(body, 0x0b)
	}
	return append(body, 0x0b)
}

func TestChildIsHeldToItsLimits(t *testing.T) {
	hard := bomb(300, busy(1500))
	harder := bomb(300, busy(4*1500)) // a quick machine compiles the other one within the second
	for name, c := range map[string]struct {
		wasm   []byte
		limits compileLimits
		want   string
	}{
		"processor time": {harder, compileLimits{CPU: time.Second, Wall: time.Minute, Memory: 2 << 30}, "more than 1s of processor time"},
		"time":           {hard, compileLimits{CPU: time.Minute, Wall: 200 * time.Millisecond, Memory: 2 << 30}, "more than 200ms"},
		"memory":         {hard, compileLimits{CPU: time.Minute, Wall: time.Minute, Memory: 64 << 20}, "more than 64 MiB of memory"},
	} {
		t.Run(name, func(t *testing.T) {
			room, log := childRoom(t)
			room.limits = c.limits
			report, err := room.Prepare(t.Context(), c.wasm)
			if !errors.Is(err, ErrModule) || !strings.Contains(report.String(), c.want) {
				t.Errorf("%v: %v\n%s", err, report, log)
			}
			if artifacts, codes := files(t, room.cache.dir); len(artifacts)+len(codes) > 0 {
				t.Errorf("the cache has %v and %v", artifacts, codes)
			}
			room.limits = usualLimits
			answers(t, room, puppet(nil))
		})
	}
}

// TestOthersLoadWhileOneIsCompiled loads what is compiled while a module takes
// its time.
func TestOthersLoadWhileOneIsCompiled(t *testing.T) {
	room, _ := childRoom(t)
	wasm := puppet(nil)
	if _, err := room.Prepare(t.Context(), wasm); err != nil {
		t.Fatal(err)
	}
	room.compiling <- struct{}{} // somebody compiles
	answers(t, room, wasm)
	<-room.compiling
}

func TestChildHasNothingOfOurs(t *testing.T) {
	t.Setenv("ATOLL_SECRET", "secret")
	cmd, err := child(compileWork)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(cmd.Env, []string{childVariable + "=" + compileWork}) || len(cmd.ExtraFiles) > 0 {
		t.Errorf("it gets %v and %v", cmd.Env, cmd.ExtraFiles)
	}
}
