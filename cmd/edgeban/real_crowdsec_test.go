//go:build realparts

package main

import (
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// Whatever happens to decisions, one run later the list is what it should be.
func TestRealDecisions(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := l.withCrowdsec()

	l.expect("nothing is decided")
	c.decide("192.0.2.1", "4h")
	l.expect("IPv4", "192.0.2.1")
	c.decide("2001:DB8:1:2::00AB", "4h")
	l.expect("IPv6, widened", "192.0.2.1", "2001:db8:1:2::/64")
	c.decide("198.51.100.77/24", "90m")
	c.decide("2001:db8:abcd::/48", "90m")
	c.decide("::ffff:203.0.113.99", "2h")
	l.expect("networks, IPv4 in IPv6", "192.0.2.1", "198.51.100.0/24", "2001:db8:1:2::/64", "2001:db8:abcd::/48", "203.0.113.99")
	c.decide("10.0.0.5", "4h")
	c.decide("0.0.0.0/0", "4h")
	c.cscli("decisions", "add", "--scope", "Country", "--value", "CN", "--duration", "4h")
	c.cscli("decisions", "add", "--scope", "username", "--value", "bob", "--duration", "4h", "--type", "enforce_mfa")
	c.decide("192.0.2.2", "4h", "--type", "captcha")
	c.decide("192.0.2.3", "4h", "--type", "throttle")
	l.expect("what cannot be blocked", "192.0.2.1", "198.51.100.0/24", "2001:db8:1:2::/64", "2001:db8:abcd::/48", "203.0.113.99")
	c.lift("198.51.100.77/24")
	c.lift("2001:db8:abcd::/48")
	c.lift("::ffff:203.0.113.99")
	c.lift("2001:DB8:1:2::00AB")
	l.expect("deleted", "192.0.2.1")

	c.decide("192.0.2.2", "1h")
	l.expect("a ban beside a captcha", "192.0.2.1", "192.0.2.2")
	c.decide("192.0.2.2", "8h", "--reason", "once more, for longer")
	l.expect("a longer one", "192.0.2.1", "192.0.2.2")
	c.cscli("decisions", "delete", "--ip", "192.0.2.2", "--type", "ban")
	l.expect("the captcha is left", "192.0.2.1")
	c.decide("192.0.2.4", "3s")
	l.expect("for three seconds", "192.0.2.1", "192.0.2.4")
	eventually(t, 20*time.Second, "it is over", func() bool { l.sync(); return !l.listed("192.0.2.4") })
	l.expect("over", "192.0.2.1")

	for _, value := range []string{"192.0.2.5", "192.0.2.5", "192.0.2.6", "192.0.2.7"} {
		c.decide(value, "8h")
	}
	latest := func(value string) string {
		return " WHERE id = (SELECT max(id) FROM decisions WHERE value = '" + value + "')"
	}
	c.inDatabase("UPDATE decisions SET origin = 'CAPI'" + latest("192.0.2.5"))
	c.inDatabase("UPDATE decisions SET origin = 'CAPI'" + latest("192.0.2.6"))
	c.inDatabase("UPDATE decisions SET simulated = 1" + latest("192.0.2.7"))
	l.expect("one that the community bans, too; one that only the community bans; one that is simulated", "192.0.2.1", "192.0.2.5")
	l.env["EDGEBAN_CROWDSEC_ORIGIN"] = "cscli,capi"
	l.expect("with the community's", "192.0.2.1", "192.0.2.5", "192.0.2.6")
	delete(l.env, "EDGEBAN_CROWDSEC_ORIGIN")
	c.cscli("decisions", "delete", "--all")
	l.expect("all deleted")

	c.inDatabase("UPDATE bouncers SET last_pull = '2020-02-20 20:20:20+00:00'")
	bouncers := func() string { return c.cscli("bouncers", "list", "-o", "raw") }
	if list := bouncers(); !strings.Contains(list, ",2020-02-20T") {
		t.Errorf("the last pull is not listed: this proves nothing\n%s", list)
	}
	l.sync()
	if list := bouncers(); !strings.Contains(list, ",edgeban,") || !strings.Contains(list, time.Now().UTC().Format(",2006-01-02T")) {
		t.Errorf("CrowdSec does not know who asked, or when:\n%s", list)
	}
}

// While CrowdSec is down, denies, or cannot read its database, nothing happens to the list.
func TestRealCrowdSecTrouble(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := l.withCrowdsec()
	c.decide("192.0.2.1", "4h")
	c.decide("198.51.100.0/24", "4h")
	list := []string{"192.0.2.1", "198.51.100.0/24"}
	l.expect("well", list...)
	skipped := func(what, words string) {
		t.Helper()
		if said := l.synced(); !strings.Contains(said, words) || !strings.Contains(said, "run skipped") || strings.Contains(said, testKey) {
			t.Errorf("%s: %s", what, said)
		}
		if items := l.items(); len(items) != len(list) {
			t.Errorf("%s: the list holds %s", what, items)
		}
	}

	l.env["EDGEBAN_CROWDSEC_KEY"] = "not" + testKey[3:]
	skipped("a wrong key", "access denied (403, access forbidden)")
	l.env["EDGEBAN_CROWDSEC_KEY"] = testKey
	l.expect("the right one", list...)

	c.inDatabase("ALTER TABLE decisions RENAME TO elsewhere")
	if status := c.status("/health"); status != 200 {
		t.Errorf("a server with a broken database is not well by its own account: %d", status)
	}
	skipped("a broken database", "it cannot read its database (500")
	c.inDatabase("ALTER TABLE elsewhere RENAME TO decisions")
	l.expect("mended", list...)

	c.kill()
	skipped("down", "connection refused")
	c.start()
	l.expect("up again", list...)
	c.decide("192.0.2.2", "4h")
	l.expect("and in use", append(list, "192.0.2.2")...)
}

// CrowdSec dies while it answers. What came of the list is not taken for the whole.
func TestRealCrowdSecDiesMidway(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := l.withCrowdsec()
	c.importMany(20_000)
	l.sync()
	full := len(l.items())
	if full < 9_000 {
		t.Fatalf("only %d items", full)
	}
	l.env["EDGEBAN_CROWDSEC_URL"] = "http://" + relay(t, c.address(), 500_000, c.cmd.Process)
	l.edge.ResetRequests()
	said := l.synced()
	if !strings.Contains(said, "run skipped") || len(l.edge.Requests()) != 0 {
		t.Errorf("%d requests: %s", len(l.edge.Requests()), said)
	}
	c.kill() // it is: this waits for its end
	c.start()
	l.env["EDGEBAN_CROWDSEC_URL"] = c.url()
	l.sync()
	if n := len(l.items()); n != full {
		t.Errorf("%d items, %d before", n, full)
	}
}

// relay passes connections on to an address, until so many bytes have come back over one; then it kills the server, and
// the connection ends.
func relay(t *testing.T, to string, after int64, server *os.Process) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	pass := func(client net.Conn) {
		defer client.Close()
		upstream, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		defer upstream.Close()
		go func() { _, _ = io.Copy(upstream, client) }()
		if _, err := io.CopyN(client, upstream, after); err == nil {
			_ = server.Kill()
		}
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go pass(client)
		}
	}()
	return listener.Addr().String()
}

// 50 000 decisions, five times what the list holds: bans made here keep their places, and what is cut stays cut.
func TestRealManyDecisions(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := l.withCrowdsec()
	c.decide("203.0.113.1", "4h")
	c.importMany(50_000)
	for run := range 3 {
		l.edge.ResetRequests()
		began := time.Now()
		said := l.synced()
		requests, writes := 0, 0
		for _, r := range l.edge.Requests() {
			requests++
			if r.Mutating {
				writes++
			}
		}
		t.Logf("run %d: %.2f s, %d requests to Cloudflare, %d of them writing", run, time.Since(began).Seconds(), requests, writes)
		if n := len(l.items()); n != 9_800 || !l.listed("203.0.113.1") || (writes > 0) != (run == 0) {
			t.Errorf("run %d: %d items, %d writes: %s", run, n, writes, said)
		}
	}
	c.decide("203.0.113.2", "4h")
	l.sync()
	if !l.listed("203.0.113.2") {
		t.Error("a ban made here finds no room")
	}
	c.cscli("decisions", "delete", "--all")
	if status, said := l.try(); status != exitWithheld || len(l.items()) < 9_800 {
		t.Errorf("all gone at once: exit status %d: %s", status, said)
	}
}

// importMany imports decisions on as many addresses.
func (c *crowdsecServer) importMany(n int) {
	c.t.Helper()
	var csv strings.Builder
	csv.WriteString("duration,scope,value,type,reason\n")
	for i := range n {
		csv.WriteString("24h,Ip," + net.IPv4(20, byte(i>>16), byte(i>>8), byte(i)).String() + ",ban,a list\n")
	}
	c.write("many.csv", csv.String())
	c.cscli("decisions", "import", "-i", c.path("many.csv"))
}

// A real Fail2Ban and a real CrowdSec. One of them fails, for longer than its bans last: what it may want stays, and un-bans of the other
// take effect. Then the other one.
func TestRealBoth(t *testing.T) {
	t.Parallel()
	const short = 7 * time.Second
	l := newLab(t, jail{"sshd", "1d"}, jail{"brief", short.String()})
	c, f := l.withCrowdsec(), l.f2b
	f.ban("sshd", "192.0.2.1", "192.0.2.2", "192.0.2.9")
	c.decide("192.0.2.2", "4h")
	c.decide("192.0.2.3", "4h")
	l.expect("both", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.9")
	c.decide("192.0.2.4", short.String())
	decided := time.Now()
	l.sync()
	if !l.listed("192.0.2.4") {
		t.Error("the short decision is not on the list")
	}

	c.kill()
	f.client("set", "sshd", "unbanip", "192.0.2.1", "192.0.2.2")
	f.ban("sshd", "192.0.2.5")
	eventually(t, 30*time.Second, "CrowdSec's short ban would be over", func() bool { return time.Since(decided) > short+labMargin })
	l.expect("CrowdSec is down", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.9")
	if said := l.synced(); !strings.Contains(said, "degraded=true") {
		t.Errorf("it is not said that one source is missing: %s", said)
	}
	c.start()
	l.expect("CrowdSec is up", "192.0.2.2", "192.0.2.3", "192.0.2.5", "192.0.2.9")

	f.ban("brief", "192.0.2.6")
	banned := time.Now()
	l.sync()
	if !l.listed("192.0.2.6") {
		t.Error("the short ban is not on the list")
	}
	f.stop()
	away := f.database() + ".away"
	rename(t, f.database(), away)
	c.lift("192.0.2.3")
	c.lift("192.0.2.2") // its item names both: Fail2Ban may still want it
	c.decide("192.0.2.7", "4h")
	eventually(t, 30*time.Second, "Fail2Ban's short ban would be over", func() bool { return time.Since(banned) > short+3*labMargin })
	l.expect("Fail2Ban is gone", "192.0.2.2", "192.0.2.5", "192.0.2.6", "192.0.2.7", "192.0.2.9")
	rename(t, away, f.database())
	l.expect("Fail2Ban is back", "192.0.2.5", "192.0.2.7", "192.0.2.9")

	c.kill()
	rename(t, f.database(), away)
	l.edge.ResetRequests()
	if said := l.synced(); len(l.edge.Requests()) != 0 || !strings.Contains(said, "run skipped") {
		t.Errorf("neither answers, and something was done: %s", said)
	}
	rename(t, away, f.database())
	c.start()
	f.start()
	f.client("set", "sshd", "unbanip", "192.0.2.9")
	c.lift("192.0.2.7")
	l.expect("both are back", "192.0.2.5")
}
