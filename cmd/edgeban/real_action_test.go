//go:build realparts

package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"
)

// The packaged action raises its flag with each ban and un-ban, also under the name that an instance gives it, and not for the bans that
// Fail2Ban restores when it starts.
func TestRealAction(t *testing.T) {
	t.Parallel()
	f := newFail2banServer(t, jail{"sshd", "1d"})
	f.write("etc/action.d/edgeban.conf", packaged(t, "fail2ban/action.d/edgeban.conf"))
	conf, err := os.ReadFile(f.path("etc/jail.conf"))
	if err != nil {
		t.Fatal(err)
	}
	flag := f.path("edgeban-shop")
	f.write("etc/jail.conf", strings.Replace(string(conf), "action = nothing", "action = edgeban[flag="+flag+"]", 1))
	f.client("reload", "--restart")
	raised := func() bool { _, err := os.Stat(flag); return err == nil }
	lower := func() {
		t.Helper()
		if err := os.Remove(flag); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	lower()
	f.client("set", "sshd", "banip", "192.0.2.1", "192.0.2.2")
	eventually(t, 10*time.Second, "a ban raises the flag", raised)
	lower()
	f.client("set", "sshd", "unbanip", "192.0.2.2")
	eventually(t, 10*time.Second, "an un-ban raises the flag", raised)

	f.stop()
	lower()
	f.start()
	eventually(t, 20*time.Second, "the ban is restored", func() bool { return f.banned("sshd", "192.0.2.1") })
	time.Sleep(time.Second)
	if raised() {
		t.Error("a ban that was restored raised the flag")
	}
	f.client("set", "sshd", "banip", "192.0.2.3")
	eventually(t, 10*time.Second, "a new ban raises the flag", raised)
	lower()
	f.client("set", "sshd", "unbanip", "192.0.2.1")
	eventually(t, 10*time.Second, "from then on the un-ban of one that was restored raises the flag", raised)
	lower()
	f.client("unban", "--all")
	eventually(t, 10*time.Second, "un-banning all raises the flag", raised)
}
