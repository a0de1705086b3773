//go:build realparts

package main

import (
	"testing"
	"time"
)

// A restart that takes minutes takes no ban off the list, whenever runs come: while Fail2Ban stops, is stopped, starts, and
// switches its jails on one by one.
func TestRealRestart(t *testing.T) {
	t.Parallel()
	l := newLab(t, jail{"sshd", "1d"}, jail{"forever", "-1"}, jail{"recidive", "1w"})
	f := l.f2b
	f.ban("sshd", "192.0.2.1", "192.0.2.2")
	f.ban("forever", "192.0.2.3")
	f.ban("recidive", "192.0.2.2", "192.0.2.4")
	list := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}
	l.expect("running", list...)

	for range 2 {
		l.during("Fail2Ban stops", len(list), f.stop)
		for range 6 {
			l.later(2 * time.Minute)
			l.expect("stopped", list...)
		}
		l.during("Fail2Ban starts", len(list), f.start)
		l.expect("started", list...)
		l.later(2 * time.Minute)
		l.expect("two minutes later", list...)
		l.during("jails restart", len(list), func() { f.client("reload", "--restart") })
		l.expect("jails restarted", list...)
	}
	f.client("set", "recidive", "unbanip", "192.0.2.4")
	l.expect("un-banned", list[:3]...)
}

// during does one run after the other while something happens, none of which may change the list.
func (l *lab) during(what string, items int, happens func()) {
	l.t.Helper()
	over, done := make(chan struct{}), make(chan int)
	go func() {
		for runs := 1; ; runs++ {
			if status, said := l.try(); status != exitOK || len(l.items()) != items {
				l.t.Errorf("%s: exit status %d, %d of %d items are left\n%s", what, status, len(l.items()), items, said)
			}
			select {
			case <-over:
				done <- runs
				return
			default:
			}
		}
	}()
	defer func() {
		close(over)
		if runs := <-done; runs < 2 {
			l.t.Errorf("%s: %d run: this proves nothing", what, runs)
		}
	}()
	happens()
}

// A jail that got another name leaves its rows behind under the old one. What it banned goes when ten minutes have shown that it
// stays away, but for what the new jail bans.
func TestRealJailRenamed(t *testing.T) {
	t.Parallel()
	l := newLab(t, jail{"sshd", "1d"})
	f := l.f2b
	f.ban("sshd", "192.0.2.1", "192.0.2.2", "192.0.2.3")
	l.expect("banned", "192.0.2.1", "192.0.2.2", "192.0.2.3")

	f.stop()
	f.configure(jail{"ssh", "1d"})
	l.expect("stopped", "192.0.2.1", "192.0.2.2", "192.0.2.3")
	l.later(20 * time.Minute)
	l.expect("stopped for 20 minutes", "192.0.2.1", "192.0.2.2", "192.0.2.3")
	f.start()
	l.expect("started with the new name", "192.0.2.1", "192.0.2.2", "192.0.2.3")
	f.ban("ssh", "192.0.2.2", "192.0.2.4")
	l.later(9 * time.Minute)
	l.expect("nine minutes later", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
	l.later(time.Minute)
	l.expect("ten minutes later", "192.0.2.2", "192.0.2.4")
	f.client("reload")
	l.expect("after a reload", "192.0.2.2", "192.0.2.4")
}
