// What crosses between the core and the sandbox's process.
package machine

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"
)

// filled sets every field that it knows how to set, and fails at any other: who
// adds a field learns here that it has to cross.
func filled(t *testing.T, v reflect.Value) {
	t.Helper()
	for n := range v.NumField() {
		f, name := v.Field(n), v.Type().Field(n).Name
		if name == "Owner" || name == "Used" && f.Kind() == reflect.Pointer { // which the core keeps
			continue
		}
		switch f.Interface().(type) {
		case time.Duration:
			f.SetInt(int64(n+1) * 1e6)
		case uint64:
			f.SetUint(uint64(n + 1))
		case int:
			f.SetInt(int64(n + 1))
		case string:
			f.SetString(fmt.Sprint("text ", n))
		case bool:
			f.SetBool(true)
		case []byte:
			f.SetBytes([]byte(fmt.Sprint("bytes ", n)))
		case []string:
			f.Set(reflect.ValueOf([]string{"a", "b"}))
		case [32]byte:
			f.Set(reflect.ValueOf([32]byte{1, 2, 31: 3}))
		case time.Time:
			f.Set(reflect.ValueOf(time.Now().Add(time.Duration(n) * time.Hour)))
		case Usage:
			filled(t, f)
		default:
			t.Fatalf("%s.%s is of a type that nobody takes across", v.Type(), name)
		}
	}
}

// withFields fills what of a struct has a capital; wall is set by crossing.
func withFields[T any](t *testing.T) (v T) {
	s := reflect.ValueOf(&v).Elem()
	var fields []reflect.StructField
	for n := range s.NumField() {
		if f := s.Type().Field(n); f.IsExported() {
			fields = append(fields, f)
		}
	}
	all := reflect.New(reflect.StructOf(fields)).Elem()
	filled(t, all)
	for n, f := range fields {
		s.FieldByIndex(f.Index).Set(all.Field(n))
	}
	return v
}

// crosses compares what left one process with what arrived in the other, whose
// clock has another zero.
func crosses(t *testing.T, from, to clock, sent, got any, fields ...string) {
	t.Helper()
	a, b := reflect.ValueOf(sent), reflect.ValueOf(got)
	for _, name := range fields {
		x, y := a.FieldByName(name).Interface(), b.FieldByName(name).Interface()
		if at, ok := x.(time.Time); ok {
			x, y = at.Sub(from.zero), y.(time.Time).Sub(to.zero)
		}
		if !reflect.DeepEqual(x, y) {
			t.Errorf("%s was %v and is %v", name, x, y)
		}
	}
}

func TestEveryFieldCrosses(t *testing.T) {
	core := clock{time.Now()}
	child := clock{core.zero.Add(5 * time.Minute)}
	s := withFields[Start](t)
	b := core.appendStart(nil, 7, s)
	h, _ := readHead(b)
	if h.kind != askStart || h.id != 7 || int(h.size) != len(b)-headSize {
		t.Fatalf("%+v of %d bytes", h, len(b))
	}
	begun, err := child.readStart(h, b[headSize:])
	if err != nil || begun.wall != s.Now.UnixNano() {
		t.Fatalf("%v; the wall's clock is %d", err, begun.wall)
	}
	crosses(t, core, child, s, begun, "Memory", "Seed", "Now", "CPU", "Apart", "Tenant", "Extension")

	turn := withFields[Turn](t)
	b = append(core.appendTurn(nil, 8, &turn), turn.Batch...)
	h, _ = readHead(b)
	var there Turn
	if err := child.readTurn(h, b[headSize:], &there); err != nil || there.wall != turn.Now.UnixNano() || h.id != 8 {
		t.Fatalf("%v, %+v, %+v", err, h, there)
	}
	asked := []string{"Now", "Batch", "Keep", "CPU"}
	crosses(t, core, child, turn, there, asked...)

	there.Frames, there.Wake, there.Said, there.Unsaid, there.Used = turn.Frames, there.Now.Add(30*time.Millisecond), turn.Said, turn.Unsaid, turn.Used
	b = append(child.appendTold(nil, &there, 0, 9, len(there.Frames)), there.Frames...)
	h, _ = readHead(b)
	told := Turn{}
	if failed, err := core.readTold(h, b[headSize:], &told); failed != nil || err != nil || h.id != 9 {
		t.Fatal(failed, err)
	}
	answered := []string{"Frames", "Wake", "Said", "Unsaid", "Used"}
	crosses(t, child, core, there, told, answered...)
	if d := told.Wake.Sub(turn.Now); d != 30*time.Millisecond {
		t.Errorf("it wants to be woken in %v", d)
	}
	if n := reflect.TypeFor[Turn]().NumField() - 1; n != len(asked)+len(answered) {
		t.Errorf("a turn has %d fields, and %d cross", n, len(asked)+len(answered))
	}
	if n := reflect.TypeFor[Start]().NumField() - 3; n != 7 {
		t.Errorf("a start has %d fields, and 7 cross", n)
	}
}

func TestErrorsKeepTheirIdentity(t *testing.T) {
	for _, err := range []error{
		ErrStopped, ErrMemory, ErrStack, fmt.Errorf("%w: for a reason", ErrStart), fmt.Errorf("%w: for another", ErrModule), errors.New("unreachable"), nil,
	} {
		class, text := classOf(err)
		failed, bad := readError(class, []byte(text))
		if bad != nil || fmt.Sprint(failed) != fmt.Sprint(err) {
			t.Errorf("%v became %v (%v)", err, failed, bad)
		}
		for _, of := range []error{ErrStopped, ErrMemory, ErrStack, ErrStart, ErrModule, ErrLost} {
			if errors.Is(err, of) != errors.Is(failed, of) {
				t.Errorf("%v is another error than before: %v", err, failed)
			}
		}
	}
	if _, err := readError(200, nil); !errors.Is(err, errProtocol) {
		t.Errorf("an unknown class: %v", err)
	}
}

// FuzzAnswers reads arbitrary bytes as a turn's answer: what it gives lies
// within them.
func FuzzAnswers(f *testing.F) {
	c := clock{time.Now()}
	f.Add(uint8(0), c.appendTold(nil, &Turn{Said: []byte("said"), Wake: c.zero}, 0, 1, 0)[headSize:])
	f.Add(uint8(4), append(c.appendTold(nil, &Turn{}, 4, 1, 5)[headSize:], "text!"...))
	f.Fuzz(func(t *testing.T, class uint8, body []byte) {
		var turn Turn
		failed, err := c.readTold(head{kind: askTurn, class: class}, body, &turn)
		switch {
		case err != nil:
			if !errors.Is(err, errProtocol) {
				t.Errorf("%v", err)
			}
		case failed == nil != (class == 0):
			t.Errorf("class %d gives %v", class, failed)
		case turn.Unsaid < 0 || turn.Used.CPU < 0 || len(turn.Said) > maxSaid:
			t.Errorf("%+v", turn)
		case class == 0 && !bytes.Equal(append(bytes.Clone(turn.Said), turn.Frames...), body[toldSize:]):
			t.Error("something was lost")
		}
	})
}

// FuzzQuestions reads arbitrary bytes as questions: an error, never a panic.
func FuzzQuestions(f *testing.F) {
	c := clock{time.Now()}
	f.Add(c.appendStart(nil, 1, Start{Tenant: "t", Extension: "e"}))
	f.Add(c.appendTurn(nil, 1, &Turn{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < headSize {
			return
		}
		h, err := readHead(b)
		if err != nil {
			return
		}
		_, _ = c.readStart(h, b[headSize:])
		_ = c.readTurn(h, b[headSize:], &Turn{})
	})
}
