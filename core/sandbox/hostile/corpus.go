// The corpus: hostile guests, one file each, whose first lines say what they try
// and what the host must answer.
package hostile

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Guest is one of the corpus.
type Guest struct {
	Name string
	// Tries is what it tries, in a sentence.
	Tries string
	// Answer is what the first requests get, and Then the fault that an
	// instance ends with after it has answered, "" for none.
	Answer Answer
	Then   sandbox.Class
	// Log is what must stand in the log afterwards.
	Log string
	// Limits that it runs under, Body is how many bytes it is sent, and Asks
	// how many requests get Answer.
	Limits sandbox.Limits
	Body   int64
	Asks   int
	// Short tells that it runs in short tests too.
	Short bool
	// Wasm reads its module.
	Wasm func() ([]byte, error)
}

// Answer is what a request gets: the first field that is not zero says which.
type Answer struct {
	Fault   sandbox.Class  // the instance ends by its own fault
	Reset   wire.Code      // the stream is reset
	Budget  sandbox.Budget // the request is over a budget
	Refused bool           // the module is not let in
	Status  int            // it is answered
	// Text is a part of what the module's author is told, or the whole body.
	Text string
}

// cpuOfHostile is how long a hostile guest may run at once, where its file says
// nothing else.
const cpuOfHostile = 100 * time.Millisecond

// Corpus reads the guests under core/sandbox/hostile/testdata/guests, sorted by
// name, and builds those that are not built. root is the project's folder.
func Corpus(root string) ([]Guest, error) {
	if err := build(root); err != nil {
		return nil, err
	}
	dir := filepath.Join(root, "core", "sandbox", "hostile", "testdata", "guests")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the corpus: %w", err)
	}
	var all []Guest
	for _, e := range entries {
		name, _, _ := strings.Cut(e.Name(), ".")
		source, wasm := filepath.Join(dir, e.Name()), readFile(filepath.Join(root, "build", "hostile", name+".wasm"))
		if e.IsDir() {
			wasm, source = goModule(source), filepath.Join(source, "main.go")
		}
		g, err := read(name, source)
		if err != nil {
			return nil, err
		}
		g.Wasm = wasm
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b Guest) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func readFile(path string) func() ([]byte, error) {
	return func() ([]byte, error) { return os.ReadFile(path) }
}

func goModule(dir string) func() ([]byte, error) {
	return func() ([]byte, error) { return sandboxtest.Build(dir) }
}

// build makes what is not written in Go, where it is not made already.
func build(root string) error {
	cmd := exec.Command("make", "--no-print-directory", "build/hostile")
	cmd.Dir = root
	// Under a make that runs the tests this is a make of its own.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS") })
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the hostile guests: %w\n%s", err, said)
	}
	return nil
}

// read reads what the first lines of a guest's file say of it.
func read(name, source string) (Guest, error) {
	g := Guest{Name: name, Limits: sandbox.Limits{CPUPerRequest: cpuOfHostile}}
	f, err := os.Open(source)
	if err != nil {
		return g, fmt.Errorf("reading the corpus: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line, ok := strings.CutPrefix(lines.Text(), "//")
		if !ok {
			line, ok = strings.CutPrefix(lines.Text(), ";;")
		}
		if !ok {
			break
		}
		if err := g.say(strings.TrimSpace(line)); err != nil {
			return g, fmt.Errorf("%s: %w", source, err)
		}
	}
	if g.Tries == "" || g.Answer == (Answer{}) {
		return g, fmt.Errorf("%s: its first lines must say what it tries and, behind \"answer:\", what the host must answer", source)
	}
	if g.Asks == 0 {
		g.Asks = 1
		if g.Answer.Fault != "" {
			g.Asks = breakAfter
		}
	}
	return g, nil
}

// breakAfter is after how many faults an engine stops to ask a guest.
const breakAfter = 3

// say takes one line of a guest's head.
func (g *Guest) say(line string) (err error) {
	key, value, _ := strings.Cut(line, ": ")
	switch key {
	case "answer":
		g.Answer, err = parseAnswer(value)
	case "then":
		var then Answer
		then, err = parseAnswer(value)
		if g.Then = then.Fault; err == nil && then.Fault == "" {
			err = fmt.Errorf("%q is no fault", value)
		}
	case "log":
		g.Log = value
	case "with":
		for _, word := range strings.Fields(value) {
			if err = errors.Join(err, g.with(word)); err != nil {
				return err
			}
		}
	default:
		g.Tries = strings.TrimSpace(g.Tries + " " + line)
	}
	return err
}

func parseAnswer(value string) (a Answer, err error) {
	kind, text, _ := strings.Cut(value, " ")
	switch kind {
	case "fault":
		a.Fault = sandbox.Class(text)
		if !slices.Contains([]sandbox.Class{sandbox.FaultStart, sandbox.FaultTrap, sandbox.FaultTime, sandbox.FaultMemory, sandbox.FaultStack, sandbox.FaultWire, sandbox.FaultWindow}, a.Fault) {
			return a, fmt.Errorf("there is no fault of class %q", text)
		}
	case "reset":
		for c := wire.Cancelled; c.Valid(); c++ {
			if c.String() == text {
				a.Reset = c
			}
		}
		if a.Reset == 0 {
			return a, fmt.Errorf("there is no code %q", text)
		}
	case "budget":
		a.Budget = sandbox.Budget(text)
	case "refused":
		a.Refused, a.Text = true, text
	default:
		a.Text = text
		if a.Status, err = strconv.Atoi(kind); err != nil {
			return a, fmt.Errorf("%q is none of: fault CLASS, reset CODE, budget NAME, refused SENTENCE, STATUS BODY", value)
		}
	}
	return a, nil
}

// with takes one word of what a guest is run with.
func (g *Guest) with(word string) (err error) {
	key, value, _ := strings.Cut(word, "=")
	mebibytes := func() int64 {
		var n int64
		n, err = strconv.ParseInt(strings.TrimSuffix(value, "MiB"), 10, 32)
		return n << 20
	}
	switch key {
	case "short":
		g.Short = true
	case "asks":
		g.Asks, err = strconv.Atoi(value)
	case "streams":
		g.Limits.Streams, err = strconv.Atoi(value)
	case "cpu":
		g.Limits.CPUPerRequest, err = time.ParseDuration(value)
	case "deadline":
		g.Limits.Deadline, err = time.ParseDuration(value)
	case "memory":
		g.Limits.Memory = uint64(mebibytes())
	case "body":
		g.Body = mebibytes()
	case "response":
		g.Limits.ResponseSize = mebibytes()
	case "calls":
		g.Limits.HostCallsPerSecond, err = strconv.Atoi(value)
	default:
		return fmt.Errorf("nothing is called %q: short, asks, streams, calls, cpu, deadline, memory, body, response are", key)
	}
	return err
}

// String is the answer as the head of a guest's file says it.
func (a Answer) String() string {
	switch {
	case a.Fault != "":
		return "fault " + string(a.Fault)
	case a.Reset != 0:
		return "reset " + a.Reset.String()
	case a.Budget != "":
		return "budget " + string(a.Budget)
	case a.Refused:
		return "refused " + a.Text
	}
	return strconv.Itoa(a.Status) + " " + a.Text
}
