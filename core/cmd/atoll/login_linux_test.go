// The built binary at a terminal: what is asked there, and what is not shown.

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal with a program at its other end.
type terminal struct {
	t     *testing.T
	here  *os.File
	mu    sync.Mutex
	shown bytes.Buffer
}

// atTerminal starts a program that believes it has a person before it.
func atTerminal(t *testing.T, c *exec.Cmd) *terminal {
	t.Helper()
	here, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close() })
	fd := int(here.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	there, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	c.Stdin, c.Stdout, c.Stderr = there, there, there
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	there.Close()
	term := &terminal{t: t, here: here}
	go func() { _, _ = io.Copy(term, here) }() // ends with EIO, when the program has
	return term
}

func (x *terminal) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.shown.Write(p)
}

func (x *terminal) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.shown.String()
}

// answer waits for a question, and for the terminal to show or not to show what
// is typed, and types.
func (x *terminal) answer(question, text string, visible bool) {
	x.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		state, err := unix.IoctlGetTermios(int(x.here.Fd()), unix.TCGETS)
		if err != nil {
			x.t.Fatal(err)
		}
		if strings.HasSuffix(x.String(), question+": ") && (state.Lflag&unix.ECHO != 0) == visible {
			break
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("%q is not asked: %q", question, x)
		}
		runtime.Gosched()
	}
	if _, err := io.WriteString(x.here, text); err != nil {
		x.t.Fatal(err)
	}
}

// atollAt is a command line of the built binary, with a file of sign-ins.
func (p *process) atollAt(file string, args ...string) *exec.Cmd {
	c := exec.Command(p.cmd.Path, args...)
	c.Env = append(os.Environ(), "ATOLL_CONFIG="+file, "ATOLL_SERVER=", "ATOLL_TOKEN=")
	return c
}

func TestDemandedSecondFactorIsSetUpAtTheTerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the binary")
	}
	dir := setUp(t)
	config, err := os.OpenFile(filepath.Join(dir, "atoll.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = config.WriteString("identity: {requireSecondFactor: admins}\n")
	}
	if err = errors.Join(err, config.Close()); err != nil {
		t.Fatal(err)
	}
	p := launch(t, dir)
	defer p.kill(t)
	file := filepath.Join(t.TempDir(), "config")
	piped := p.atollAt(file, "login", p.url, "-u", "admin", "--password-stdin")
	piped.Stdin = strings.NewReader(adminPassword + "\n")
	if out, err := piped.CombinedOutput(); piped.ProcessState.ExitCode() != exitDenied || !strings.Contains(string(out), "at a terminal") {
		t.Errorf("%v %s", err, out)
	}

	c := p.atollAt(file, "login", p.url, "-u", "admin")
	x := atTerminal(t, c)
	x.answer("Password", adminPassword+"\n", false)
	x.answer("Code that it shows", "000000\n", false)
	x.answer("of this moment.\r\nCode that it shows", x.code()+"\n", false)
	if err := c.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, x)
	}
	recovery := regexp.MustCompile(`[a-z2-7]{4}(-[a-z2-7]{4}){3}`).FindAllString(x.String(), -1)
	if len(recovery) != 10 {
		t.Fatalf("the recovery codes are %q in\n%s", recovery, x)
	}
	if out, err := p.atollAt(file, "whoami", "-o", "name").CombinedOutput(); err != nil || string(out) != "admin\n" {
		t.Errorf("%v %s", err, out)
	}

	c = p.atollAt(file, "login", p.url, "-u", "admin") // now the code is asked for
	x = atTerminal(t, c)
	x.answer("Password", adminPassword+"\n", false)
	x.answer("Code of the second factor", recovery[0]+"\n", false)
	if err := c.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, x)
	}
}

// code is the code of this moment, by the secret that was shown.
func (x *terminal) code() string {
	x.t.Helper()
	found := regexp.MustCompile(`\s([A-Z2-7]{32})\s`).FindStringSubmatch(x.String())
	if found == nil {
		x.t.Fatalf("no secret was shown: %q", x)
	}
	code, err := totp.GenerateCode(found[1], time.Now())
	if err != nil {
		x.t.Fatal(err)
	}
	return code
}

func TestPasswordIsTypedUnseen(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the binary")
	}
	dir := setUp(t)
	p := launch(t, dir)
	defer p.kill(t)
	api, err := endpoint{server: p.url, token: p.newToken(t)}.client()
	if err != nil {
		t.Fatal(err)
	}
	const made, own = "made for the first time", "chosen by jane herself"
	if err := api.call(t.Context(), http.MethodPost, "/api/v1/users", map[string]any{"name": "jane", "password": made}, nil); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "config")
	command := func(args ...string) *exec.Cmd { return p.atollAt(file, args...) }

	c := command("login", p.url)
	x := atTerminal(t, c)
	x.answer("User", "jane\n", true)
	x.answer("Password", made+"\n", false)
	x.answer("New password", own+"\n", false)
	x.answer("New password once more", own+"\n", false)
	if err := c.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, x)
	}
	if shown := x.String(); strings.Contains(shown, made) || strings.Contains(shown, own) {
		t.Errorf("a password was shown: %q", shown)
	}
	out, err := command("whoami").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "jane") {
		t.Errorf("%v %s", err, out)
	}
	if out, err := command("logout").CombinedOutput(); err != nil {
		t.Errorf("%v %s", err, out)
	}
	_, err = command("whoami").CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != exitUsage {
		t.Errorf("signed out, whoami says %v", err)
	}

	// Ctrl-C while a password is typed leaves a terminal that shows what is typed.
	c = command("login", p.url, "-u", "jane")
	x = atTerminal(t, c)
	x.answer("Password", "\x03", false)
	if err := c.Wait(); c.ProcessState.ExitCode() != 130 {
		t.Errorf("after Ctrl-C: %v\n%s", err, x)
	}
	if state, err := unix.IoctlGetTermios(int(x.here.Fd()), unix.TCGETS); err != nil || state.Lflag&unix.ECHO == 0 {
		t.Errorf("the terminal hides what is typed: %v", err)
	}
}
