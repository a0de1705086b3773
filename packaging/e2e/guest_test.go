//go:build boot

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// guest is a Debian that systemd-nspawn has booted.
type guest struct {
	t      *testing.T // of the step that runs
	root   string     // its root directory
	leader string     // the process id of its systemd
	nspawn *exec.Cmd
	ended  chan error
	said   *bytes.Buffer // on its console
}

// boot starts the guest and waits until it is up.
func (g *guest) boot() {
	g.t.Helper()
	g.said = &bytes.Buffer{}
	g.nspawn = exec.Command("systemd-nspawn", "--quiet", "--directory="+g.root, "--boot", "--register=no", "--keep-unit",
		"--resolv-conf=off", "--timezone=off", "--link-journal=no")
	g.nspawn.Stdout, g.nspawn.Stderr = g.said, g.said
	if err := g.nspawn.Start(); err != nil {
		g.t.Fatal(err)
	}
	g.ended = make(chan error, 1)
	go func() { g.ended <- g.nspawn.Wait() }()
	if !within(90*time.Second, func() bool {
		g.leader = childOf(g.nspawn.Process.Pid)
		out, _ := g.try("systemctl is-active multi-user.target fail2ban.service")
		return out == "active\nactive\n"
	}) {
		out, _ := g.try("systemctl status --no-pager --lines=20 multi-user.target fail2ban.service")
		g.t.Fatalf("expected the guest to come up within 90 s\n%s\n%s", g.said, out)
	}
}

// powerOff ends the guest in order.
func (g *guest) powerOff() {
	g.t.Helper()
	_, _ = g.try("systemctl poweroff")
	select {
	case <-g.ended:
	case <-time.After(60 * time.Second):
		g.t.Errorf("expected the guest to power off within 60 s")
		_ = g.nspawn.Process.Kill()
	}
}

// childOf is the first child of a process, "" when there is none.
func childOf(pid int) string {
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	first, _, _ := strings.Cut(string(children), " ")
	return first
}

// try runs a shell script in the guest as root and returns all that it printed.
func (g *guest) try(script string) (string, error) {
	if _, err := strconv.Atoi(g.leader); err != nil {
		return "", fmt.Errorf("the guest has no first process yet: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nsenter", "--target="+g.leader, "--mount", "--uts", "--ipc", "--pid", "--root", "--wd", "--",
		"env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "TZ=UTC",
		"DEBIAN_FRONTEND=noninteractive", "SYSTEMD_PAGER=", "/bin/sh", "-euc", script)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// sh is try for a script that has to succeed.
func (g *guest) sh(script string) string {
	g.t.Helper()
	out, err := g.try(script)
	if err != nil {
		g.t.Fatalf("expected this to succeed: %s\n%v\n%s", script, err, out)
	}
	return out
}

// fails is try for a command that has to end with an exit status.
func (g *guest) fails(status int, script string) string {
	g.t.Helper()
	out, err := g.try(script)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	}
	if got != status {
		g.t.Fatalf("expected exit status %d of: %s\ngot %d (%v)\n%s", status, script, got, err, out)
	}
	return out
}

// prints demands that a script succeeds and prints exactly that.
func (g *guest) prints(want, script string) {
	g.t.Helper()
	if got := g.sh(script); strings.TrimSpace(got) != want {
		g.t.Fatalf("expected %q of: %s\ngot %q", want, script, got)
	}
}

// write makes a file in the guest.
func (g *guest) write(name, content string, mode os.FileMode) {
	g.t.Helper()
	path := filepath.Join(g.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		g.t.Fatal(err)
	}
}

// dropIn adds directives to a unit, or takes them away again when they are empty.
func (g *guest) dropIn(unit, directives string) {
	g.t.Helper()
	name := "/etc/systemd/system/" + unit + ".d/e2e.conf"
	if directives == "" {
		g.sh("rm -f " + name + " && systemctl daemon-reload")
		return
	}
	g.write(name, directives, 0o644)
	g.sh("systemctl daemon-reload")
}

// within asks until it is so, or until the time is over.
func within(limit time.Duration, so func() bool) bool {
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if so() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}
