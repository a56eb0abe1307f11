// Reading documents from files: whole, checked against what Atoll knows, each
// with the lines that it stands on. Nothing is sent before all of them are right.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/atoll-platform/atoll/core/server/plainyaml"
)

const (
	maxSource    = 8 << 20 // bytes of one file
	maxDocuments = 5000
)

// source is a document and where it stands.
type source struct {
	document
	kind *kind
	file string
	root *yaml.Node
}

// fault is something wrong in a document, or an answer of the API about it.
type fault struct {
	at  string // FILE:LINE
	err error
}

func (f *fault) Error() string { return f.at + ": " + f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// fault says what is wrong at a pointer of the document.
func (s source) fault(pointer, format string, args ...any) error {
	return s.wrap(pointer, wrongUse(format, args...))
}

func (s source) wrap(pointer string, err error) error {
	at := fmt.Sprintf("%s:%d", s.file, plainyaml.Line(s.root, plainyaml.Steps(pointer)))
	if pointer != "" {
		at += ": " + pointer
	}
	return &fault{at, err}
}

// readSources reads all documents of files, of folders (their *.yaml, *.yml and
// *.json), and of standard input ("-").
func readSources(names []string, in io.Reader) ([]source, error) {
	var all []source
	var wrong []error
	for _, name := range names {
		files, err := filesOf(name)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := readFile(file, in)
			if err != nil {
				return nil, err
			}
			found, err := parseSources(file, text)
			all = append(all, found...)
			wrong = append(wrong, err)
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, &exitError{exitUsage, err}
	}
	switch {
	case len(all) == 0:
		return nil, wrongUse("there is no document in %s", strings.Join(names, ", "))
	case len(all) > maxDocuments:
		return nil, wrongUse("there are %d documents, and at most %d are taken at once", len(all), maxDocuments)
	}
	seen := map[string]source{}
	for _, s := range all {
		id := s.String()
		if other, twice := seen[id]; twice {
			wrong = append(wrong, s.fault("", "the %s stands at %s:%d already", id, other.file, other.root.Line))
		}
		seen[id] = s
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return all, nil
}

// filesOf are the files that a name stands for.
func filesOf(name string) ([]string, error) {
	if name == "-" {
		return []string{name}, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("reading documents: %w", err)}
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(name) // sorted
	if err != nil {
		return nil, fmt.Errorf("reading documents: %w", err)
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(e.Name())) {
			files = append(files, filepath.Join(name, e.Name()))
		}
	}
	return files, nil
}

func readFile(name string, in io.Reader) ([]byte, error) {
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("reading documents: %w", err)
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxSource+1))
	if err != nil {
		return nil, fmt.Errorf("reading documents: %w", err)
	}
	if len(text) > maxSource {
		return nil, wrongUse("%s has more than %d bytes", shownFile(name), maxSource)
	}
	return text, nil
}

func shownFile(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// parseSources reads the documents of one file, and says everything that is wrong
// with them. Items of a List are documents of their own.
func parseSources(file string, text []byte) ([]source, error) {
	file = shownFile(file)
	var all []source
	var wrong []error
	stream := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		err := stream.Decode(&n)
		if errors.Is(err, io.EOF) {
			return all, errors.Join(wrong...)
		}
		if err != nil {
			return nil, errors.Join(append(wrong, fmt.Errorf("%s: %s", file, strings.TrimPrefix(err.Error(), "yaml: ")))...)
		}
		for _, root := range itemsOf(n.Content[0]) {
			s, err := parseSource(file, root)
			if err != nil {
				wrong = append(wrong, err)
			} else if s.kind != nil {
				all = append(all, s)
			}
		}
	}
}

// itemsOf are the items of a List, or the document itself.
func itemsOf(root *yaml.Node) []*yaml.Node {
	if kind := child(root, "kind"); kind == nil || kind.Value != listKind {
		return []*yaml.Node{root}
	}
	if items := child(root, "items"); items != nil && items.Kind == yaml.SequenceNode {
		return items.Content
	}
	return nil
}

// child is the value of a key; nil for none.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// parseSource reads one document; one that is empty has no kind.
func parseSource(file string, root *yaml.Node) (source, error) {
	s := source{file: file, root: root}
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return s, nil
	}
	for _, path := range amounts {
		n := root
		for _, key := range path {
			n = child(n, key)
		}
		asText(n)
	}
	value, err := plainyaml.Value(root)
	var f *plainyaml.Fault
	if errors.As(err, &f) {
		return s, s.faults(*f)
	}
	if err != nil {
		return s, err
	}
	called := child(root, "kind")
	if called == nil {
		return s, s.fault("", "it has no kind: a document says apiVersion, kind, metadata and spec")
	}
	if s.kind, err = documentKind(called.Value); err != nil {
		return s, s.wrap("/kind", err)
	}
	schema, err := s.kind.schema()
	if err != nil {
		return s, err
	}
	if faults := plainyaml.Check(schema, root, value); len(faults) > 0 {
		return s, s.faults(faults...)
	}
	clean, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(clean, &s.document)
	}
	if err != nil {
		return s, fmt.Errorf("%s:%d: %w", file, root.Line, err)
	}
	s.Status = nil
	if s.Spec == nil {
		s.Spec = map[string]any{}
	}
	if pointer, message := s.kind.form.misplaced(s.Metadata); message != "" {
		return s, s.fault(pointer, "%s", message)
	}
	return s, nil
}

// faults says what is wrong, one a line.
func (s source) faults(all ...plainyaml.Fault) error {
	errs := make([]error, len(all))
	for i, f := range all {
		at := fmt.Sprintf("%s:%d", s.file, f.Line)
		if f.Pointer != "" {
			at += ": " + f.Pointer
		}
		errs[i] = &fault{printable(at), errors.New(printable(f.Message))}
	}
	return errors.Join(errs...)
}

// documentKind is a kind by its name in documents.
func documentKind(name string) (*kind, error) {
	var known []string
	for _, k := range kinds {
		if k.name == name && k.form != nil {
			return k, nil
		}
		if k.form != nil {
			known = append(known, k.name)
		}
	}
	return nil, wrongUse("%.60q is no kind that is applied; those are: %s", name, strings.Join(known, ", "))
}

// amounts are the places of Kubernetes' amounts, which may be written as numbers
// (pods: 10) and are texts to the API.
var amounts = [][]string{{"spec", "budget"}, {"spec", "quota"}, {"spec", "containers", "requests"}, {"spec", "containers", "limits"}}

// asText has the numbers of a mapping be texts, as they were written.
func asText(n *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 1; i < len(n.Content); i += 2 {
		if v := n.Content[i]; v.Kind == yaml.ScalarNode && (v.Tag == "!!int" || v.Tag == "!!float") {
			v.Tag = "!!str"
		}
	}
}
