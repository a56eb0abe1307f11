// The file of sign-ins: what atoll login keeps for the commands after it.
//
// It is YAML, one context for each sign-in:
//
//	apiVersion: atoll.dev/v1
//	kind: Config
//	currentContext: jane@atoll.example.com
//	contexts:
//	- name: jane@atoll.example.com
//	  server: https://atoll.example.com
//	  certificateAuthority: | # PEM; absent where the system's authorities count
//	    -----BEGIN CERTIFICATE-----
//	  user: jane
//	  token: atoll_...
//	  tokenID: ...            # absent for a token that login did not make
//	  expiresAt: 2027-01-31T12:00:00Z

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	signInsVersion = "atoll.dev/v1"
	signInsKind    = "Config"
	maxSignIns     = 1 << 20 // bytes of the file
)

// signIns is the file.
type signIns struct {
	APIVersion     string   `yaml:"apiVersion"`
	Kind           string   `yaml:"kind"`
	CurrentContext string   `yaml:"currentContext,omitempty"`
	Contexts       []signIn `yaml:"contexts"`
}

// signIn is one context: an Atoll, and a token of somebody there.
type signIn struct {
	Name      string    `yaml:"name"`
	Server    string    `yaml:"server"`
	Authority string    `yaml:"certificateAuthority,omitempty"`
	User      string    `yaml:"user"`
	Token     string    `yaml:"token"`
	TokenID   string    `yaml:"tokenID,omitempty"`
	ExpiresAt time.Time `yaml:"expiresAt,omitempty"`
}

// signInsFile is where the file lies: ATOLL_CONFIG, or atoll/config in the
// folder of the person's configuration.
func signInsFile() (string, error) {
	if name := os.Getenv("ATOLL_CONFIG"); name != "" {
		return name, nil
	}
	if dir := os.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "atoll", "config"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the file of sign-ins: %w; name it in ATOLL_CONFIG", err)
	}
	return filepath.Join(home, ".config", "atoll", "config"), nil
}

// readSignIns reads the file; without one there are no contexts. A file that
// others may read is refused: it holds tokens.
func readSignIns() (signIns, error) {
	all := signIns{APIVersion: signInsVersion, Kind: signInsKind}
	name, err := signInsFile()
	if err != nil {
		return all, err
	}
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return all, fmt.Errorf("reading the sign-ins: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return all, fmt.Errorf("reading the sign-ins: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return all, fmt.Errorf("others may read %s (%#o), which holds tokens: chmod 600 it", name, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSignIns+1))
	if err != nil {
		return all, fmt.Errorf("reading the sign-ins: %w", err)
	}
	if len(text) > maxSignIns {
		return all, fmt.Errorf("%s has more than %d bytes", name, maxSignIns)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&all); err != nil && !errors.Is(err, io.EOF) {
		return all, fmt.Errorf("%s: %w", name, err)
	}
	if all.APIVersion != signInsVersion || all.Kind != signInsKind {
		return all, fmt.Errorf("%s is a %q of %q, and this atoll reads a %s of %s", name, all.Kind, all.APIVersion, signInsKind, signInsVersion)
	}
	return all, nil
}

// write replaces the file, whole or not at all, so that only its owner reads it.
func (all signIns) write() error {
	name, err := signInsFile()
	if err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real // people keep such files elsewhere
	}
	text, err := yaml.Marshal(all)
	if err != nil {
		return fmt.Errorf("keeping the sign-in: %w", err)
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keeping the sign-in: %w", err)
	}
	next, err := os.CreateTemp(dir, ".config-*") // 0600
	if err != nil {
		return fmt.Errorf("keeping the sign-in: %w", err)
	}
	defer os.Remove(next.Name()) // nothing is there when all went well
	_, err = next.Write(text)
	if err = errors.Join(err, next.Sync(), next.Close()); err == nil {
		err = os.Rename(next.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("keeping the sign-in: %w", err)
	}
	return nil
}

// find is a context by its name; the current one for "".
func (all signIns) find(name string) (signIn, bool) {
	if name == "" {
		name = all.CurrentContext
	}
	i := slices.IndexFunc(all.Contexts, func(s signIn) bool { return s.Name == name })
	if i < 0 || name == "" {
		return signIn{}, false
	}
	return all.Contexts[i], true
}

// with has a context instead of one of the same name, and as the current one.
func (all signIns) with(s signIn) signIns {
	all = all.without(s.Name)
	all.Contexts = append(all.Contexts, s)
	all.CurrentContext = s.Name
	return all
}

// without has a context no more.
func (all signIns) without(name string) signIns {
	all.Contexts = slices.DeleteFunc(slices.Clone(all.Contexts), func(s signIn) bool { return s.Name == name })
	if all.CurrentContext == name {
		all.CurrentContext = ""
	}
	return all
}

// named is a context that somebody asked for.
func (all signIns) named(name string) (signIn, error) {
	if s, ok := all.find(name); ok {
		return s, nil
	}
	if name == "" {
		return signIn{}, wrongUse("you are not signed in: atoll login URL")
	}
	names := make([]string, len(all.Contexts))
	for i, s := range all.Contexts {
		names[i] = s.Name
	}
	return signIn{}, wrongUse("there is no context %q; there are: %s", name, first(strings.Join(names, ", "), "none"))
}
