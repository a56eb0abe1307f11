// What is cut, and what is not.
package recording

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// echo is a guest that says back what it is told, under one frame.
func echo(t *machine.Turn) error {
	t.Frames = data(1, string(t.Batch))
	return nil
}

func TestSecretsOfAWholeFamilyAreCut(t *testing.T) {
	opens := script(func(t *machine.Turn) error {
		t.Frames = wire.AppendFrame(nil, wire.Open, 0, 2, wire.AppendU32(nil, wire.TagParent, 1))
		return nil
	})
	r := record(t, opens,
		join(open(1, wire.AppendText(nil, wire.TagMethod, "POST")), data(1, "pass")),
		join(data(1, "word"), data(2, `["one", "two"]`), data(3, "a password of somebody else")))
	r.Secret(2)
	rec := sealed(t, r, opens, Policy{})
	if got := rec.Turns[0].Batch; !bytes.HasSuffix(got, data(1, "xxxx")) || !slices.Equal(rec.Turns[0].Cut, []int{2}) {
		t.Errorf("turn 0 cuts %v: %q", rec.Turns[0].Cut, got)
	}
	if got, want := rec.Turns[1].Batch, join(data(1, "xxxx"), data(2, `["xxx", "xxx"]`), data(3, "a password of somebody else")); !bytes.Equal(got, want) {
		t.Errorf("turn 1 is %q", got)
	}
	if !slices.Equal(rec.Turns[1].Cut, []int{1, 2}) {
		t.Errorf("turn 1 says that %v were cut", rec.Turns[1].Cut)
	}
}

func TestSecretsAreFoundWhereverTheyComeBack(t *testing.T) {
	pair := func(name, value string) []byte { return wire.AppendPair(nil, wire.TagHeader, name, value) }
	const secret = "pa55w\"rd!"
	r := record(t, echo,
		wire.AppendFrame(nil, wire.Hello, 0, 0, wire.AppendPair(nil, wire.TagSetting, "key", secret)),
		join(data(2, "it is pa55"), data(2, "w\"rd! and"), data(4, `pa55w\"rd! cGE1NXciJyZCE cGE1NXcicmQh`)),
		open(1, join(pair("Cookie", "session"), pair("X-Any", "a"+secret), wire.AppendText(nil, wire.TagTarget, "/?q=pa55w%22rd%21"))),
		wire.AppendReset(nil, 1, wire.Internal, "for "+secret))
	rec := sealed(t, r, echo, Policy{Setting: func(name string) bool { return name == "key" }})
	all := ""
	for n := range rec.Turns {
		all += string(rec.Turns[n].Batch) + string(rec.Turns[n].Frames)
		if rec.Turns[n].Cut == nil || rec.Turns[n].Other == "" {
			t.Errorf("turn %d does not say that it was cut, and that the guest said it", n)
		}
	}
	for _, form := range []string{secret, "pa55", "w\"rd", `w\"rd`, "cGE1NXcicmQh", "%22rd", "session"} {
		if strings.Contains(all, form) {
			t.Errorf("%q is kept", form)
		}
	}
}

func TestUsersKeepApartUnderOtherNames(t *testing.T) {
	user := func(name string) []byte { return wire.AppendText(nil, wire.TagUser, name) }
	r := record(t, echo, open(1, user("alice")), open(3, user("bobby")), join(open(5, user("alice")), data(5, "ask alice and bobby")))
	rec := sealed(t, r, echo, Policy{Users: true})
	if got, want := rec.Turns[2].Batch, join(open(5, user("uuuu1")), data(5, "ask uuuu1 and uuuu2")); !bytes.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if !bytes.Contains(rec.Turns[1].Batch, []byte("uuuu2")) {
		t.Errorf("%q", rec.Turns[1].Batch)
	}
}

// TestGuestThatFailsForWhatWasCutEndsTheRecording makes the guest fail at what
// stands in a secret's place: what it would have said later is not known.
func TestGuestThatFailsForWhatWasCutEndsTheRecording(t *testing.T) {
	picky := script(func(t *machine.Turn) error {
		t.Frames = data(1, string(t.Batch))
		if bytes.Contains(t.Batch, []byte("xxx")) {
			return errors.New("no such thing as xxx")
		}
		return nil
	})
	r := record(t, picky, open(1, nil), data(1, "secret"), data(1, "secret"))
	r.Secret(1)
	rec := sealed(t, r, picky, Policy{})
	if len(rec.Turns) != 2 || rec.Turns[1].Failure != Trap || !strings.Contains(rec.Ended, "cut") {
		t.Errorf("%d turns, %s", len(rec.Turns), rec.Ended)
	}
	if s := string(rec.Turns[1].Frames); strings.Contains(s, "secret") {
		t.Errorf("it holds %q", s)
	}
}

func FuzzSecretJSONStaysJSON(f *testing.F) {
	for _, s := range []string{`{"a": "b\"c", "n": -12.5e3, "t": [true, null]} {"k":1}`, `["cut of`, `{"a`, `[{}`, "[\"\\", `{x}`, ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := &cutter{echoes: map[string]string{}}
		got := c.body(text)
		if len(got) != len(text) {
			t.Fatalf("%d bytes became %d", len(text), len(got))
		}
		if !isJSON(text) {
			if got != strings.Repeat(letter, len(text)) {
				t.Fatalf("%q became %q", text, got)
			}
			return
		}
		if !isJSON(got) {
			t.Fatalf("%q became %q", text, got)
		}
		var v any
		if json.Unmarshal([]byte(text), &v) == nil {
			var w any
			if err := json.Unmarshal([]byte(got), &w); err != nil && !strings.Contains(err.Error(), "number") {
				t.Fatalf("%q became %q: %v", text, got, err)
			}
			values(t, w)
		}
	})
}

// values fails for a value of which something is left.
func values(t *testing.T, v any) {
	switch v := v.(type) {
	case string:
		if strings.Trim(v, letter) != "" {
			t.Fatalf("%q is left", v)
		}
	case []any:
		for _, e := range v {
			values(t, e)
		}
	case map[string]any:
		for _, e := range v {
			values(t, e)
		}
	}
}
