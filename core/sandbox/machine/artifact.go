// Artifacts: prepared modules as files.
//
//	"ATOLLART" | SHA-256 of all that follows | length of the head, 8 bytes,
//	little endian | the head, JSON | the metered module | what its memory
//	begins with
//
// A file that was torn, flipped or made by somebody else is not one.
package machine

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

const (
	artifactMagic = "ATOLLART"
	artifactStart = len(artifactMagic) + sha256.Size
	// maxArtifact is more than any module that may be loaded comes to.
	maxArtifact = 2 << 30
)

// artifactHead says what is in an artifact.
type artifactHead struct {
	Report      Report
	Module      int // bytes
	Pages       uint32
	Memory      [][2]int // where each piece of memory begins, and its size
	Globals     []string
	Fuel, Depth string
	Pristine    bool
	// Compiled is the file of machine code that goes with it; nil: none does,
	// because modules are interpreted here.
	Compiled *compiledFile
}

// compiledFile is a file that wazero wrote.
type compiledFile struct{ Name, Sum string }

// writeArtifact writes an artifact.
func writeArtifact(path string, p *prepared, compiled *compiledFile) error {
	head := artifactHead{
		Report: p.report, Module: len(p.wasm), Pages: p.pages, Globals: p.globals, Fuel: p.fuel, Depth: p.depth,
		Pristine: p.pristine, Compiled: compiled,
	}
	content := [][]byte{nil, nil, p.wasm}
	for _, e := range p.memory {
		head.Memory = append(head.Memory, [2]int{e.at, e.size})
		content = append(content, e.bytes)
	}
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	content[0], content[1] = binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text
	sum := sha256.New()
	for _, b := range content {
		sum.Write(b)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	for _, b := range append([][]byte{[]byte(artifactMagic), sum.Sum(nil)}, content...) {
		if err == nil {
			_, err = f.Write(b)
		}
	}
	return errors.Join(err, f.Close())
}

// readArtifact reads an artifact, whose bytes are the file's until it is closed.
func readArtifact(path string) (p *prepared, compiled *compiledFile, err error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if size := info.Size(); size < int64(artifactStart+8) || size > maxArtifact {
		return nil, nil, fmt.Errorf("a file of %d bytes", size)
	}
	file, err := mapFile(f, int(info.Size()))
	if err != nil {
		return nil, nil, err
	}
	if p, compiled, err = parseArtifact(file); err != nil {
		unmapMemory(file)
		return nil, nil, err
	}
	p.file = file
	return p, compiled, nil
}

// parseArtifact reads an artifact's bytes, of which what it gives are views.
func parseArtifact(file []byte) (*prepared, *compiledFile, error) {
	if len(file) < artifactStart+8 || string(file[:len(artifactMagic)]) != artifactMagic {
		return nil, nil, errors.New("it does not begin as an artifact does")
	}
	rest := file[artifactStart:]
	if sum := sha256.Sum256(rest); !bytes.Equal(sum[:], file[len(artifactMagic):artifactStart]) {
		return nil, nil, errors.New("its bytes are not those that were written")
	}
	size := binary.LittleEndian.Uint64(rest)
	if rest = rest[8:]; size > uint64(len(rest)) {
		return nil, nil, errors.New("its head is longer than itself")
	}
	var head artifactHead
	if err := json.Unmarshal(rest[:size], &head); err != nil {
		return nil, nil, fmt.Errorf("its head: %w", err)
	}
	rest = rest[size:]
	take := func(n int) (b []byte, ok bool) {
		if n < 0 || n > len(rest) {
			return nil, false
		}
		b, rest = rest[:n:n], rest[n:]
		return b, true
	}
	wasm, ok := take(head.Module)
	if !ok || head.Pages > 1<<16 {
		return nil, nil, errors.New("its head says more than it has")
	}
	p := &prepared{
		report: head.Report, wasm: wasm, pages: head.Pages, globals: head.Globals, fuel: head.Fuel, depth: head.Depth, pristine: head.Pristine,
	}
	end := 0 // of the piece before
	for _, m := range head.Memory {
		e := extent{at: m[0], size: m[1]}
		if e.bytes, ok = take(e.size); !ok || e.at < end || e.at%os.Getpagesize() != 0 || e.end() > int(head.Pages)*wasmPage {
			return nil, nil, errors.New("its memory is not where it says")
		}
		p.memory, end = append(p.memory, e), e.end()
	}
	return p, head.Compiled, nil
}

// openRegular opens a file that is one, and no link to anything.
func openRegular(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a file")}
	}
	return os.Open(path)
}

// sumFile is the SHA-256 of a file.
func sumFile(path string) (string, error) {
	f, err := openRegular(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
