// Cutting: what must not be kept is replaced, byte by byte, in what goes into a
// guest. Lengths, and so windows, stay true.
package recording

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// letter stands in place of what was cut.
const letter = "x"

// leastEcho is the shortest secret that is looked for elsewhere, in bytes, and
// leastName the shortest name: anything shorter is found everywhere.
const (
	leastEcho = 6
	leastName = 4
)

// secretHeaders never belong into a guest; here they are cut if they are there.
var secretHeaders = map[string]bool{
	"authorization": true, "proxy-authorization": true, "cookie": true, "set-cookie": true,
	"x-csrf-token": true, "x-api-key": true, "x-auth-token": true,
}

// cutter cuts the batches of a recording, in place.
type cutter struct {
	policy  Policy
	rec     *Recording
	parents map[uint32]uint32 // of the guest's streams
	secret  map[uint32]bool   // host's streams of whose family a body is secret

	echoes map[string]string // what else is looked for, and what it is replaced by
	users  map[string]string
	bodies map[uint32]*body
	frames []sent
}

// sent is one frame that was sent to the guest; it lies in its batch.
type sent struct {
	turn, number int
	wire.Frame
	cut bool
}

// body is what was sent to the guest on one stream, as one.
type body struct {
	pieces []*sent
	secret bool
}

func newCutter(p Policy, rec *Recording, secrets map[uint32]bool) *cutter {
	c := &cutter{policy: p, rec: rec, parents: map[uint32]uint32{}, secret: map[uint32]bool{},
		echoes: map[string]string{}, users: map[string]string{}, bodies: map[uint32]*body{}}
	if c.policy.Setting == nil {
		c.policy.Setting = func(string) bool { return false }
	}
	for n := range rec.Turns {
		c.read(n)
	}
	for id := range secrets {
		c.secret[c.root(id)] = true
	}
	return c
}

// read finds the frames of a turn, and who opened streams on whose behalf.
func (c *cutter) read(turn int) {
	t := &c.rec.Turns[turn]
	for b, number := t.Batch, 1; len(b) > 0; number++ {
		f, rest, err := wire.NextFrame(b)
		if err != nil {
			panic(fmt.Sprintf("recording: the host's own frames are broken: %v", err))
		}
		c.frames = append(c.frames, sent{turn: turn, number: number, Frame: f})
		b = rest
	}
	for b := t.Frames; len(b) > 0; {
		f, rest, err := wire.NextFrame(b)
		if err != nil {
			return // the guest's fault, which ended it
		}
		b = rest
		if f.Type == wire.Open {
			fields(f.Payload, func(field wire.Field) {
				if parent, ok := field.U32(); ok && field.Tag == wire.TagParent {
					c.parents[f.Stream] = parent
				}
			})
		}
	}
}

// fields visits the fields of a block, as far as it can be read.
func fields(b []byte, visit func(wire.Field)) {
	for len(b) > 0 {
		f, rest, err := wire.NextField(b)
		if err != nil {
			return
		}
		visit(f)
		b = rest
	}
}

// hasFields tells whether a frame's payload is a field block.
func hasFields(t wire.Type) bool {
	switch t {
	case wire.Hello, wire.Open, wire.Head, wire.End, wire.Log:
		return true
	}
	return false
}

// root is the host's stream on whose behalf a stream is.
func (c *cutter) root(id uint32) uint32 {
	if parent, ok := c.parents[id]; ok {
		return parent
	}
	return id
}

// cut cuts, says at each turn where, and tells whether there was anything.
func (c *cutter) cut() (any bool) {
	for n := range c.frames {
		f := &c.frames[n]
		switch {
		case f.Type == wire.Data:
			b := c.bodies[f.Stream]
			if b == nil {
				b = &body{secret: c.secret[c.root(f.Stream)]}
				c.bodies[f.Stream] = b
			}
			b.pieces = append(b.pieces, f)
		case hasFields(f.Type):
			fields(f.Payload, func(field wire.Field) { c.field(f, field) })
		}
	}
	for _, b := range c.bodies {
		if b.secret {
			b.change(c.body)
		}
	}
	if len(c.echoes) > 0 {
		c.cutEchoes()
	}
	for n := range c.frames {
		if f := &c.frames[n]; f.cut {
			t := &c.rec.Turns[f.turn]
			t.Cut = append(t.Cut, f.number)
			any = true
		}
	}
	return any
}

// field cuts what is secret by its place.
func (c *cutter) field(f *sent, field wire.Field) {
	switch field.Tag {
	case wire.TagSetting, wire.TagHeader:
		name, value, ok := field.Pair()
		if !ok || len(value) == 0 {
			return
		}
		if field.Tag == wire.TagHeader && secretHeaders[strings.ToLower(string(name))] || field.Tag == wire.TagSetting && c.policy.Setting(string(name)) {
			c.echo(string(value))
			overwrite(value, strings.Repeat(letter, len(value)), &f.cut)
		}
	case wire.TagUser, wire.TagUserUID:
		if c.policy.Users && len(field.Value) > 0 {
			overwrite(field.Value, c.user(string(field.Value)), &f.cut)
		}
	}
}

// user is the name that stands for a user's name.
func (c *cutter) user(name string) string {
	stand, known := c.users[name]
	if !known {
		n := strconv.FormatInt(int64(len(c.users)+1), 36)
		n = n[max(0, len(n)-len(name)):]
		stand = strings.Repeat("u", len(name)-len(n)) + n
		c.users[name] = stand
		if len(name) >= leastName {
			c.echoes[name] = stand
		}
	}
	return stand
}

// echo looks for a secret elsewhere too, as it is and as it is often written.
func (c *cutter) echo(secret string) {
	if len(secret) < leastEcho {
		return
	}
	forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret),
		base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret))}
	if quoted, err := json.Marshal(secret); err == nil {
		forms = append(forms, string(quoted[1:len(quoted)-1]))
	}
	if plain, err := base64.StdEncoding.DecodeString(secret); err == nil && len(plain) >= leastEcho {
		forms = append(forms, string(plain))
	}
	for _, form := range forms {
		c.echoes[form] = strings.Repeat(letter, len(form))
	}
}

// cutEchoes replaces what is secret wherever else it stands.
func (c *cutter) cutEchoes() {
	var pairs []string
	for secret, stand := range c.echoes {
		pairs = append(pairs, secret, stand)
	}
	echoes := strings.NewReplacer(pairs...)
	for n := range c.frames {
		f := &c.frames[n]
		switch {
		case f.Type == wire.Reset && len(f.Payload) > 2:
			overwrite(f.Payload[2:], echoes.Replace(string(f.Payload[2:])), &f.cut)
		case hasFields(f.Type):
			fields(f.Payload, func(field wire.Field) {
				switch field.Tag {
				case wire.TagSeed, wire.TagParent, wire.TagStatus: // no text
				case wire.TagHeader, wire.TagSetting:
					if _, value, ok := field.Pair(); ok {
						overwrite(value, echoes.Replace(string(value)), &f.cut)
					}
				default:
					overwrite(field.Value, echoes.Replace(string(field.Value)), &f.cut)
				}
			})
		}
	}
	for _, b := range c.bodies {
		b.change(echoes.Replace)
	}
}

// body is what stands for a secret body: of JSON the values are cut, so that a
// guest can still read it, of anything else all.
func (c *cutter) body(text string) string {
	if isJSON(text) {
		return c.cutJSON(text)
	}
	return strings.Repeat(letter, len(text))
}

// change replaces a body by another one of the same length.
func (b *body) change(f func(string) string) {
	var all strings.Builder
	for _, p := range b.pieces {
		all.Write(p.Payload)
	}
	text := f(all.String())
	for _, p := range b.pieces {
		overwrite(p.Payload, text[:len(p.Payload)], &p.cut)
		text = text[len(p.Payload):]
	}
}

// overwrite puts a text in place of bytes, and notes when they change.
func overwrite(b []byte, text string, changed *bool) {
	if len(b) != len(text) {
		panic("recording: a text of another length")
	}
	if string(b) != text {
		*changed = true
		copy(b, text)
	}
}
