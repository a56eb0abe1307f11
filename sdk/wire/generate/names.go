// Names and comments as the languages write them.
package main

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	spec "github.com/atoll-platform/atoll/sdk/wire"
)

const notice = "// Code generated from sdk/wire/wire.json by sdk/wire/generate. DO NOT EDIT.\n"

func words(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == ' ' || r == '_' })
}

// camel writes a name as Go does: user uid, UserUID.
func camel(name string) string {
	var b strings.Builder
	for _, w := range words(name) {
		if w == "id" || w == "uid" {
			b.WriteString(strings.ToUpper(w))
			continue
		}
		b.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return b.String()
}

// upper writes a name as constants of Rust and AssemblyScript: USER_UID.
func upper(name string) string { return strings.ToUpper(strings.Join(words(name), "_")) }

// limit is a limit's comment.
func limit(l spec.Limit) string {
	if l.Unit == "" {
		return l.About
	}
	return l.Unit + ": " + l.About
}

// sides says who sends a frame, and what it is.
func sides(f spec.Frame) string {
	who, _, _ := strings.Cut(f.Who, ", exactly")
	return who + ": " + f.About
}

// form is a tag's comment.
func form(t spec.Tag) string {
	text := t.Form
	if text == "pair" {
		text = `name \0 value`
	}
	if t.Repeated {
		text += "; repeated"
	}
	if t.About != "" {
		text += ": " + t.About
	}
	return text
}

// block is where a tag stands: the heading of its group.
func block(t spec.Tag) string {
	if len(t.In) > 1 || len(t.By) > 1 && t.In[0] == "OPEN" {
		return "OPEN, both ways."
	}
	if t.In[0] != "OPEN" {
		return t.In[0] + "."
	}
	if slices.Contains(t.By, "host") {
		return "OPEN, host to guest only."
	}
	return "OPEN, guest to host only."
}

// places is a tag's note on where it stands, for those that stand in several.
func places(t spec.Tag) string {
	switch {
	case len(t.In) > 1:
		return "; in " + strings.Join(t.In[1:], " and ") + " too"
	case t.In[0] == "HELLO" && len(t.By) == 1:
		return "; host to guest"
	}
	return ""
}

// number writes a number as people read it: 64 << 10.
func number(v int64) string {
	if v >= 1<<10 && v&(v-1) == 0 {
		n := bits.Len64(uint64(v)) - 1
		if n >= 30 {
			return fmt.Sprintf("1 << %d", n)
		}
		return fmt.Sprintf("%d << %d", v>>(n/10*10), n/10*10)
	}
	return fmt.Sprint(v)
}
