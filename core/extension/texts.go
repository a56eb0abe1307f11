// The words of a package by language: texts/<language>.yaml, one flat list of
// keys. English has every key; what another language lacks comes from English.
package extension

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"golang.org/x/text/language"
)

// textFile is the name of a file of words.
var textFile = regexp.MustCompile(`^texts/[a-z]{2,3}(-[A-Za-z0-9]{2,8})?\.yaml$`)

// textKey is what a key may be.
var textKey = regexp.MustCompile(`^[a-z][A-Za-z0-9.-]{0,63}$`)

const (
	maxText  = 4096 // bytes of one message
	maxTexts = 2000 // messages of one language
)

func (p *Package) readTexts(files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !textFile.MatchString(name) {
			continue
		}
		tag := name[len("texts/") : len(name)-len(".yaml")]
		if _, err := language.Parse(tag); err != nil {
			return &FileError{name, []Problem{{Message: fmt.Sprintf("%q is not a language", tag)}}}
		}
		d, err := readYAML(name, files[name])
		if err != nil {
			return err
		}
		list, ok := d.value.(map[string]any)
		if !ok || len(list) > maxTexts {
			return &FileError{name, []Problem{{Message: fmt.Sprintf("it is a list of at most %d keys, each with its words", maxTexts)}}}
		}
		words := make(map[string]string, len(list))
		var problems []Problem
		for _, key := range slices.Sorted(maps.Keys(list)) {
			text, ok := list[key].(string)
			switch {
			case !textKey.MatchString(key):
				problems = append(problems, d.problem("/"+escape(key), "%q is not a key: letters, digits, dots and hyphens", key))
			case !ok || text == "" || len(text) > maxText:
				problems = append(problems, d.problem("/"+escape(key), "a message is a text of at most %d bytes; put it into quotes", maxText))
			}
			words[key] = text
		}
		if len(problems) > 0 {
			return &FileError{name, problems[:min(len(problems), maxProblems)]}
		}
		p.texts[tag] = words
	}
	for _, tag := range slices.Sorted(maps.Keys(p.texts)) {
		for _, key := range slices.Sorted(maps.Keys(p.texts[tag])) {
			if _, ok := p.texts["en"][key]; !ok {
				return &FileError{"texts/" + tag + ".yaml", []Problem{{Pointer: "/" + escape(key), Message: "texts/en.yaml has no such key"}}}
			}
		}
	}
	known := map[string]bool{"en": true}
	p.tags = []language.Tag{language.English}
	for _, tag := range slices.Concat(slices.Sorted(maps.Keys(p.texts)), slices.Sorted(maps.Keys(p.Manifest.Title))) {
		if t, err := language.Parse(tag); err == nil && !known[tag] {
			known[tag] = true
			p.tags = append(p.tags, t)
		}
	}
	p.matcher = language.NewMatcher(p.tags)
	return nil
}

// maxAccept bounds how much of an Accept-Language is read.
const maxAccept = 512

// language chooses what a person reads by their Accept-Language.
func (p *Package) language(accept string) string {
	if accept == "" || len(accept) > maxAccept || len(p.tags) == 1 {
		return "en"
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(wanted) == 0 {
		return "en"
	}
	_, i, confidence := p.matcher.Match(wanted...)
	if confidence == language.No {
		return "en"
	}
	return p.tags[i].String()
}

// text is a message in a language, else in English.
func (p *Package) text(lang, key string) (string, bool) {
	if s, ok := p.texts[lang][key]; ok {
		return s, true
	}
	s, ok := p.texts["en"][key]
	return s, ok
}

// words puts a label of a contribution into a language.
func (p *Package) words(lang string, label any) string {
	switch label := label.(type) {
	case string:
		return label
	case map[string]any:
		key, _ := label["t"].(string)
		s, _ := p.text(lang, key)
		return s
	default:
		return ""
	}
}
