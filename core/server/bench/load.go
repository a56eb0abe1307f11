// The load: a process of its own, so that its work is not the server's. It asks
// for one path on many connections, each one request after the other, and
// spends as little as it can on each: what it takes, the server cannot have.

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// loadWord is the argument that makes this program the load.
const loadWord = "load"

// measuring is what the load says when the warm-up is over.
const measuring = "measuring"

// order is what the load is told, on its standard input: a token is nothing for
// a command line.
type order struct {
	Address, Path, Token string
	Want                 string // the body of every answer
	Connections          int
	Warm, Measure        time.Duration
}

// outcome is what it says at the end.
type outcome struct {
	Requests int64
	Seconds  float64
	P50, P99 float64 // milliseconds
}

// runLoad is the main of the load.
func runLoad() error {
	var o order
	if err := json.NewDecoder(os.Stdin).Decode(&o); err != nil {
		return fmt.Errorf("reading what to ask for: %w", err)
	}
	result, err := o.run(func() { fmt.Println(measuring) })
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// askers are the connections, and how far the load is.
type askers struct {
	request, want []byte
	measured      atomic.Bool
	over          atomic.Bool
	failed        atomic.Pointer[error]
	done          sync.WaitGroup
}

func (o order) run(begun func()) (outcome, error) {
	a := &askers{
		request: fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nAccept: application/json\r\n\r\n", o.Path, o.Address, o.Token),
		want:    []byte(o.Want),
	}
	took := make([][]time.Duration, o.Connections)
	for i := range took {
		conn, err := net.Dial("tcp", o.Address)
		if err != nil {
			return outcome{}, err
		}
		defer conn.Close()
		took[i] = make([]time.Duration, 0, 1<<14)
		a.done.Go(func() {
			if err := a.ask(conn, &took[i]); err != nil {
				a.failed.CompareAndSwap(nil, &err)
			}
		})
	}
	time.Sleep(o.Warm)
	begin := time.Now()
	a.measured.Store(true)
	begun()
	time.Sleep(o.Measure)
	a.measured.Store(false)
	seconds := time.Since(begin).Seconds()
	a.over.Store(true)
	a.done.Wait()
	if err := a.failed.Load(); err != nil {
		return outcome{}, fmt.Errorf("asking for %s: %w", o.Path, *err)
	}
	all := slices.Concat(took...)
	if len(all) == 0 {
		return outcome{}, fmt.Errorf("nothing answered in %s", o.Measure)
	}
	slices.Sort(all)
	at := func(share float64) float64 {
		return float64(all[int(share*float64(len(all)-1))].Microseconds()) / 1000
	}
	return outcome{Requests: int64(len(all)), Seconds: seconds, P50: at(0.5), P99: at(0.99)}, nil
}

// ask asks again and again on one connection.
func (a *askers) ask(conn net.Conn, took *[]time.Duration) error {
	in := bufio.NewReader(conn)
	for !a.over.Load() && a.failed.Load() == nil {
		begin := time.Now()
		if _, err := conn.Write(a.request); err != nil {
			return err
		}
		if err := answered(in, a.want); err != nil {
			return err
		}
		if a.measured.Load() {
			*took = append(*took, time.Since(begin))
		}
	}
	return nil
}

var (
	statusOK      = []byte("HTTP/1.1 200 ")
	contentLength = []byte("Content-Length: ")
)

// answered reads one answer and wants this body, of a length that its head says.
func answered(in *bufio.Reader, want []byte) error {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, statusOK) {
		rest, _ := in.Peek(in.Buffered())
		return fmt.Errorf("answered %q %q", line, rest)
	}
	length := -1
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("the answer does not say its length")
	}
	body, err := in.Peek(length)
	if err != nil {
		return err
	}
	if !bytes.Equal(body, want) {
		return fmt.Errorf("answered %q instead of %q", body, want)
	}
	_, err = in.Discard(length)
	return err
}

// load runs the load against a server, and gives besides the CPU time that all
// of the server's processes took meanwhile.
func (p *process) load(o order) (outcome, time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return outcome{}, 0, err
	}
	text, err := json.Marshal(o)
	if err != nil {
		return outcome{}, 0, err
	}
	cmd := exec.Command(self, loadWord)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(text), os.Stderr
	said, err := cmd.StdoutPipe()
	if err != nil {
		return outcome{}, 0, err
	}
	if err := cmd.Start(); err != nil {
		return outcome{}, 0, err
	}
	result, took, err := p.follow(bufio.NewReader(said))
	if ended := cmd.Wait(); err == nil || errors.Is(err, io.EOF) {
		err = ended
	}
	if err != nil {
		return outcome{}, 0, fmt.Errorf("the load: %w; the server says: %s", err, p.logs())
	}
	return result, took, nil
}

// follow reads what the load says and looks at the server's clocks meanwhile.
func (p *process) follow(said *bufio.Reader) (result outcome, took time.Duration, err error) {
	line, err := said.ReadString('\n')
	if err != nil {
		return result, 0, err
	}
	if line != measuring+"\n" {
		return result, 0, fmt.Errorf("it says %q", line)
	}
	before, err := p.clocks()
	if err != nil {
		return result, 0, err
	}
	if line, err = said.ReadString('\n'); err != nil {
		return result, 0, err
	}
	after, err := p.clocks()
	if err != nil {
		return result, 0, err
	}
	for pid, now := range after {
		then, ok := before[pid]
		if !ok || len(after) != len(before) {
			return result, 0, fmt.Errorf("the server's processes changed meanwhile: %v, then %v", before, after)
		}
		took += now - then
	}
	return result, took, json.Unmarshal([]byte(line), &result)
}
