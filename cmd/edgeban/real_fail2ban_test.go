//go:build realparts

package main

import (
	"testing"
	"time"
)

// Whatever happens to bans, one run later the list is what it should be. The server's own life is part of it.
func TestRealBans(t *testing.T) {
	t.Parallel()
	l := newLab(t, jail{"sshd", "1d"}, jail{"recidive", "1w"}, jail{"forever", "-1"})
	f := l.f2b

	l.expect("nobody is banned")
	f.ban("sshd", "192.0.2.1")
	l.expect("IPv4", "192.0.2.1")
	f.ban("sshd", "2001:db8:1:2::77")
	l.expect("IPv6, widened", "192.0.2.1", "2001:db8:1:2::/64")
	f.ban("sshd", "198.51.100.0/24", "2001:db8:abcd::/48")
	l.expect("subnets", "192.0.2.1", "198.51.100.0/24", "2001:db8:1:2::/64", "2001:db8:abcd::/48")
	f.ban("sshd", "10.0.0.5", "bob")
	l.expect("a private address, a name", "192.0.2.1", "198.51.100.0/24", "2001:db8:1:2::/64", "2001:db8:abcd::/48")
	f.client("set", "sshd", "unbanip", "198.51.100.0/24", "2001:db8:abcd::/48", "2001:db8:1:2::77")
	l.expect("un-banned", "192.0.2.1")

	f.fail("sshd", "203.0.113.1", "2001:db8:1:3::1", "2001:db8:1:3::2")
	l.expect("failures in the log", "192.0.2.1", "203.0.113.1", "2001:db8:1:3::/64")
	f.client("set", "sshd", "unbanip", "2001:db8:1:3::1")
	l.expect("one of a /64 un-banned", "192.0.2.1", "203.0.113.1", "2001:db8:1:3::/64")
	f.client("unban", "2001:db8:1:3::2", "203.0.113.1")
	l.expect("un-banned in all jails", "192.0.2.1")

	f.ban("recidive", "192.0.2.1", "192.0.2.2")
	f.ban("forever", "192.0.2.1", "192.0.2.3")
	l.expect("several jails, one of them permanent", "192.0.2.1", "192.0.2.2", "192.0.2.3")
	f.client("set", "sshd", "unbanip", "192.0.2.1")
	l.expect("un-banned in one of three jails", "192.0.2.1", "192.0.2.2", "192.0.2.3")
	f.client("set", "forever", "unbanip", "192.0.2.1")
	f.client("set", "recidive", "unbanip", "192.0.2.1")
	l.expect("un-banned in all three", "192.0.2.2", "192.0.2.3")

	f.client("unban", "--all")
	l.expect("all un-banned")
}

// A server that is down, starts or has crashed takes no ban off the list.
func TestRealServerLife(t *testing.T) {
	t.Parallel()
	l := newLab(t, jail{"sshd", "1d"}, jail{"forever", "-1"})
	f := l.f2b
	f.ban("sshd", "192.0.2.1")
	f.ban("forever", "192.0.2.2", "198.51.100.0/24")
	list := []string{"192.0.2.1", "192.0.2.2", "198.51.100.0/24"}

	l.expect("running", list...)
	f.client("reload")
	l.expect("after a reload", list...)
	f.client("reload", "--restart")
	l.expect("after its jails restarted", list...)
	f.stop()
	l.expect("stopped", list...)
	l.later(time.Hour)
	l.expect("stopped for an hour", list...)
	f.start()
	l.expect("started", list...)

	f.kill()
	l.expect("killed", list...)
	f.start()
	l.expect("started after the kill", list...)
	f.ban("sshd", "192.0.2.9")
	f.client("set", "forever", "unbanip", "192.0.2.2")
	f.kill()
	l.expect("killed right after a ban and an un-ban", "192.0.2.1", "192.0.2.9", "198.51.100.0/24")
	f.start()
	l.expect("started again", "192.0.2.1", "192.0.2.9", "198.51.100.0/24")
}

// A short ban that nothing prolongs ends, in Fail2Ban first. It is long enough for a first run within it where the machine is busy.
func TestRealExpiry(t *testing.T) {
	t.Parallel()
	l := newLab(t, jail{"sshd", "12s"}, jail{"recidive", "1d"})
	f := l.f2b
	f.ban("recidive", "192.0.2.2", "192.0.2.3")
	f.ban("sshd", "192.0.2.1", "192.0.2.2")
	l.expect("banned", "192.0.2.1", "192.0.2.2", "192.0.2.3")

	for s := range l.runs("sshd", "192.0.2.1", l.sync) {
		if s.banned && !s.listed {
			t.Error("banned and not on the list")
		}
		if !s.listed {
			break
		}
	}
	l.expect("the short ban ended, of two for an address the longer one goes on", "192.0.2.2", "192.0.2.3")

	f.ban("sshd", "192.0.2.4") // and no run while it lasts
	row, _ := f.row("sshd", "192.0.2.4")
	eventually(t, time.Minute, "the ban and its row ended", func() bool { // Fail2Ban rounds the row's time, so the row may end half a second later
		return !f.unbanned("sshd", "192.0.2.4").IsZero() && time.Since(row.until) > time.Second
	})
	l.expect("a row that ended adds nothing", "192.0.2.2", "192.0.2.3")
	f.ban("sshd", "192.0.2.1")
	l.expect("banned once more", "192.0.2.1", "192.0.2.2", "192.0.2.3")
}

// A jail that is gone from the configuration leaves its rows behind. They count until two runs ten minutes apart have seen
// it switched off while another jail was on.
func TestRealJailRemoved(t *testing.T) {
	t.Parallel()
	sshd, recidive := jail{"sshd", "1d"}, jail{"recidive", "-1"}
	l := newLab(t, sshd, recidive)
	f := l.f2b
	f.ban("sshd", "192.0.2.1", "192.0.2.2")
	f.ban("recidive", "192.0.2.2", "192.0.2.3")
	l.expect("two jails", "192.0.2.1", "192.0.2.2", "192.0.2.3")

	f.configure(sshd)
	f.client("reload")
	l.expect("one is removed", "192.0.2.1", "192.0.2.2", "192.0.2.3")
	l.later(9 * time.Minute)
	l.expect("nine minutes later", "192.0.2.1", "192.0.2.2", "192.0.2.3")
	l.later(time.Minute)
	l.expect("ten minutes later", "192.0.2.1", "192.0.2.2")
	f.stop()
	l.expect("stopped, all jails switched off", "192.0.2.1", "192.0.2.2")
	f.start()
	l.expect("started", "192.0.2.1", "192.0.2.2")

	f.configure(sshd, recidive)
	f.client("reload")
	eventually(t, 20*time.Second, "Fail2Ban restored its ban", func() bool { return f.banned("recidive", "192.0.2.3") })
	l.expect("the jail is back", "192.0.2.1", "192.0.2.2", "192.0.2.3")
}
