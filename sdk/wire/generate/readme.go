// The README's tables, each between two marks.
package main

import (
	"bytes"
	"fmt"
	"strings"

	spec "github.com/atoll-platform/atoll/sdk/wire"
)

// tables puts every generated table into the README.
func tables(s *spec.Spec, readme []byte) ([]byte, error) {
	for _, t := range []struct {
		name  string
		write func(*bytes.Buffer, *spec.Spec)
	}{{"frames", frames}, {"codes", codes}, {"tags", tags}, {"limits", limits}, {"states", states}, {"rules", rules}} {
		begin, end := "<!-- "+t.name+": generated from wire.json by ./generate -->\n", "<!-- end of "+t.name+" -->\n"
		before, rest, ok := bytes.Cut(readme, []byte(begin))
		_, after, ok2 := bytes.Cut(rest, []byte(end))
		if !ok || !ok2 {
			return nil, fmt.Errorf("README.md has no place for the %s: %q ... %q", t.name, begin, end)
		}
		var b bytes.Buffer
		b.Write(before)
		b.WriteString(begin)
		t.write(&b, s)
		b.WriteString(end)
		b.Write(after)
		readme = b.Bytes()
	}
	return readme, nil
}

// payload says a payload's form in the specification's words.
var payload = map[string]string{
	"fields": "fields", "fields or none": "none, or fields", "bytes": "bytes", "code": "u16 code",
	"code and text": "u16 code", "u32": "u32", "none": "none",
}

var streams = map[string]string{"zero": "0", "stream": "not 0", "any": "any"}

func frames(b *bytes.Buffer, s *spec.Spec) {
	b.WriteString("| type | number | from | stream | payload |\n|---|---|---|---|---|\n")
	for _, f := range s.Frames {
		text := payload[f.Payload]
		switch {
		case f.More == "":
		case f.Name == "OPEN":
			text += ". " + f.More
		case f.Name == "END" || f.Name == "STOP":
			text += ": " + f.More
		case strings.HasPrefix(f.More, "`"):
			text += " " + f.More
		case f.Name == "WAKE":
			text += ": " + f.More
		default:
			text += ", " + f.More
		}
		fmt.Fprintf(b, "| %s | %d | %s | %s | %s |\n", f.Name, f.Number, f.Who, streams[f.On], text)
	}
}

func codes(b *bytes.Buffer, s *spec.Spec) {
	b.WriteString("| code | number | |\n|---|---|---|\n")
	for _, c := range s.Codes {
		fmt.Fprintf(b, "| `%s` | %d | %s |\n", c.Name, c.Number, c.About)
	}
}

func tags(b *bytes.Buffer, s *spec.Spec) {
	b.WriteString("| tag | number | form | in |\n|---|---|---|---|\n")
	for _, t := range s.Tags {
		text := t.Form
		if text == "pair" {
			text = "name `\\0` value"
		}
		if t.Repeated {
			text += "; repeated"
		}
		if t.About != "" {
			text += ": " + t.About
		}
		in := strings.Join(t.In, ", ")
		if len(t.By) == 1 && len(t.In) == 1 && t.In[0] != "LOG" {
			in += " by the " + t.By[0]
		}
		fmt.Fprintf(b, "| %s | %d | %s | %s |\n", t.Name, t.Number, text, in)
	}
}

func limits(b *bytes.Buffer, s *spec.Spec) {
	b.WriteString("| limit | | |\n|---|---|---|\n")
	for _, l := range s.Limits {
		fmt.Fprintf(b, "| %s | %s | %s |\n", l.Name, strings.TrimSpace(fmt.Sprint(l.Value, " ", l.Unit)), l.About)
	}
}

func states(b *bytes.Buffer, s *spec.Spec) {
	b.WriteString("| |")
	for _, st := range s.States {
		fmt.Fprintf(b, " %s |", st.Name)
	}
	b.WriteString("\n|" + strings.Repeat("---|", len(s.States)+1) + "\n")
	for _, row := range s.Table {
		fmt.Fprintf(b, "| %s |", row["frame"])
		for _, st := range s.States {
			outcome, _, _ := strings.Cut(row[st.Name], " ")
			if outcome != "fault" {
				outcome = row[st.Name]
			}
			fmt.Fprintf(b, " %s |", outcome)
		}
		b.WriteString("\n")
	}
}

func rules(b *bytes.Buffer, s *spec.Spec) {
	b.WriteString("| rule | |\n|---|---|\n")
	for _, r := range s.Rules {
		fmt.Fprintf(b, "| `%s` | %s |\n", r.ID, r.About)
	}
}
