//go:build realparts

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// debianFilters is where the package fail2ban keeps its filters.
const debianFilters = "/etc/fail2ban/filter.d"

// jail is one of Fail2Ban's, fed by a log of its own through the package's filter sshd: one failure is one ban.
type jail struct {
	name    string
	bantime string // as in jail.conf; -1: permanent
}

// fail2banServer is Debian's Fail2Ban with configuration, socket, database and logs of its own. Its action runs a command, as
// every real one does, that changes nothing.
type fail2banServer struct {
	t      *testing.T
	dir    string
	output bytes.Buffer // of the process that runs, to be read only when exited is closed
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone

	sessions atomic.Int64 // so many were logged
	provoked []string     // words of complaints that the test itself is the cause of
}

// newFail2banServer starts a server. It is gone when the test ends, whatever happens, and must not have
// complained.
func newFail2banServer(t *testing.T, jails ...jail) *fail2banServer {
	t.Helper()
	for _, tool := range []string{"fail2ban-server", "fail2ban-client"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v; install Debian's package fail2ban", err)
		}
	}
	f := &fail2banServer{t: t, dir: t.TempDir()}
	f.write("etc/fail2ban.conf", fmt.Sprintf(`[DEFAULT]
loglevel = INFO
logtarget = %[1]s/fail2ban.log
syslogsocket = auto
socket = %[1]s/fail2ban.sock
pidfile = %[1]s/fail2ban.pid
dbfile = %[1]s/fail2ban.sqlite3
dbpurgeage = 1d
dbmaxmatches = 10
allowipv6 = auto
[Definition]
[Thread]
`, f.dir))
	f.write("etc/action.d/nothing.conf", "[Definition]\nactionban = true\nactionunban = true\n")
	if err := os.Symlink(debianFilters, f.path("etc/filter.d")); err != nil {
		t.Fatal(err)
	}
	f.configure(jails...)
	t.Cleanup(f.end)
	f.start()
	return f
}

// configure writes the jails' configuration; a server that runs learns of it by a reload.
func (f *fail2banServer) configure(jails ...jail) {
	f.t.Helper()
	conf := "[DEFAULT]\nenabled = true\nbackend = polling\nusedns = no\nignoreself = false\n" +
		"filter = sshd\nmaxretry = 1\nfindtime = 10m\naction = nothing\n"
	for _, j := range jails {
		conf += fmt.Sprintf("[%s]\nlogpath = %s\nbantime = %s\n", j.name, f.logOf(j.name), j.bantime)
		if _, err := os.Stat(f.logOf(j.name)); err != nil {
			f.write(j.name+".log", "")
		}
	}
	f.write("etc/jail.conf", conf)
}

func (f *fail2banServer) path(name string) string  { return filepath.Join(f.dir, name) }
func (f *fail2banServer) logOf(jail string) string { return f.path(jail + ".log") }
func (f *fail2banServer) database() string         { return f.path("fail2ban.sqlite3") }
func (f *fail2banServer) args(rest ...string) []string {
	return append([]string{"-c", f.path("etc"), "-s", f.path("fail2ban.sock"), "-p", f.path("fail2ban.pid")}, rest...)
}

func (f *fail2banServer) write(name, content string) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.path(name)), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.path(name), []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// start starts the server as Debian's unit does and returns when it is ready.
func (f *fail2banServer) start() {
	f.t.Helper()
	_ = os.Remove(f.path("fail2ban.sock")) // as systemd clears the RuntimeDirectory, also after a kill -9
	f.output.Reset()
	f.cmd = exec.Command("fail2ban-server", f.args("-xf", "start")...)
	f.cmd.Env = f.env()
	f.cmd.Stdout, f.cmd.Stderr = &f.output, &f.output
	f.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also when go test gives up on us
	if err := f.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.exited = make(chan struct{})
	go func() {
		defer close(f.exited)
		_ = f.cmd.Wait() // by a signal, by "stop", or too early: start tells
	}()
	eventually(f.t, 30*time.Second, "Fail2Ban is ready", func() bool {
		select {
		case <-f.exited:
			f.t.Fatalf("fail2ban-server ended at once:\n%s", &f.output)
		default:
		}
		status, err := f.try("server-status")
		return err == nil && strings.TrimSpace(status) == "Server ready"
	})
}

// env makes the times in Fail2Ban's log UTC.
func (f *fail2banServer) env() []string {
	return append(os.Environ(), "TZ=UTC", "LC_ALL=C.UTF-8", "PYTHONNOUSERSITE=1")
}

// stop ends the server in an orderly way.
func (f *fail2banServer) stop() {
	f.t.Helper()
	f.client("stop")
	eventually(f.t, 30*time.Second, "Fail2Ban ends", func() bool {
		select {
		case <-f.exited:
			return true
		default:
			return false
		}
	})
}

// kill ends it by SIGKILL.
func (f *fail2banServer) kill() {
	_ = f.cmd.Process.Kill() // gone already is as good
	<-f.exited
}

// end leaves no process behind. Errors in the log, but for provoked ones, are harm that edgeban's reading did.
func (f *fail2banServer) end() {
	if f.cmd != nil && f.cmd.Process != nil {
		f.kill()
	}
	log := f.log()
	for line := range strings.Lines(log) {
		if slices.ContainsFunc(f.provoked, func(words string) bool { return strings.Contains(line, words) }) {
			continue
		}
		if strings.Contains(line, " ERROR ") || strings.Contains(line, " CRITICAL ") || strings.Contains(line, "locked") {
			f.t.Errorf("Fail2Ban complains: %s", line)
		}
	}
	if f.t.Failed() {
		f.t.Logf("the end of fail2ban.log:\n%s", log[max(0, len(log)-6000):])
	}
}

func (f *fail2banServer) log() string {
	text, err := os.ReadFile(f.path("fail2ban.log"))
	if err != nil {
		f.t.Errorf("fail2ban.log: %v", err)
	}
	return string(text)
}

// try runs fail2ban-client.
func (f *fail2banServer) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(f.t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "fail2ban-client", f.args(args...)...)
	cmd.Env = f.env()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// client runs fail2ban-client, which must succeed.
func (f *fail2banServer) client(args ...string) string {
	f.t.Helper()
	out, err := f.try(args...)
	if err != nil {
		f.t.Fatalf("fail2ban-client %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}
