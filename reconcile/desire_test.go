package reconcile

import (
	"testing"
	"time"
)

// desired are the entries in lines: "prefix source:reason,reason".
func desired(d Desired) []string {
	return each(d.Entries, func(e Entry) string { return PrefixText(e.Prefix) + " " + tagText(e.Terms) })
}

func leftOut(d Desired) []string {
	return each(d.LeftOut, func(l LeftOut) string { return l.Ban.Value + " " + string(l.Reason) })
}

func TestDesireMergesAndSorts(t *testing.T) {
	d := Desire(bans(
		"2001:db8::2 sshd 0s 1h",
		"192.0.2.9 sshd 0s 1h",
		"192.0.2.1 sshd 0s 1h",
		"192.0.2.1 recidive 0s 1h",
		"192.0.2.1/32 sshd 0s 1h",          // the same again
		"::ffff:192.0.2.1 sshd 0s 2h",      // another row
		"2001:db8::1 crowdsec:http 0s 1h",  // the same /64
		"2001:DB8::2 sshd 0s 1h",           // another spelling
		"2001:db8:0:0:9::/80 sshd 0s 1h",   // narrower than /64, too
		"2001:db8:1::/48 sshd 0s never",    // broader stays
		"192.0.2.0/28 crowdsec:x 0s never", // contains the others, but each stands for itself here
	), scene{}.policy(), at("0s"))
	same(t, desired(d), []string{
		"192.0.2.0/28 crowdsec:x",
		"192.0.2.1 fail2ban:recidive,sshd",
		"192.0.2.9 fail2ban:sshd",
		"2001:db8::/64 crowdsec:http fail2ban:sshd",
		"2001:db8:1::/48 fail2ban:sshd",
	})
	same(t, d.Entries[1].Terms, terms("recidive 0s 1h", "sshd 0s 1h", "sshd 0s 2h"))
	same(t, d.Entries[3].From, []string{"2001:DB8::2", "2001:db8:0:0:9::/80", "2001:db8::1", "2001:db8::2"})
	same(t, d.Entries[4].From, []string(nil))
	same(t, d.LeftOut, []LeftOut(nil))
}

func TestDesireLeavesOut(t *testing.T) {
	policy := scene{}.policy()
	policy.Filters = map[string]Filter{
		"fail2ban": {Include: []string{"ssh*", "web-?"}, Exclude: []string{"sshd-test"}},
		"crowdsec": {Exclude: []string{"a/*"}},
		"bad":      {Include: []string{"["}},
	}
	policy.Protected = NewProtection([]Protected{
		{Prefix: prefix("203.0.113.0/24"), Reason: LeftOutAllowed, Detail: "allowlist"},
		{Prefix: prefix("198.51.100.7"), Reason: LeftOutOwnAddress, Detail: "eth0"},
		{Prefix: prefix("2001:db8:0:1::5"), Reason: LeftOutOwnAddress, Detail: "eth0"},
	})
	for _, c := range []struct{ ban, want, detail string }{
		{"192.0.2.1 sshd 0s 1h", "listed 192.0.2.1", ""},
		{"192.0.2.1 web-1 0s 1h", "listed 192.0.2.1", ""},
		{"192.0.2.1 crowdsec:b/c 0s 1h", "listed 192.0.2.1", ""},
		{"192.0.2.1 other:any 0s 1h", "listed 192.0.2.1", ""},
		{"192.0.2.1 web-12 0s 1h", "filtered", ""},
		{"192.0.2.1 sshd-test 0s 1h", "filtered", ""},
		{"192.0.2.1 crowdsec:a/b 0s 1h", "filtered", ""},
		{"192.0.2.1 bad:[ 0s 1h", "filtered", ""},
		{"root sshd 0s 1h", "not_address", ""},
		{"0.0.0.0 sshd 0s 1h", "unspecified", ""},
		{"192.0.0.0/15 sshd 0s 1h", "too_broad", "broader than /16"},
		{"192.0.0.0/16 sshd 0s 1h", "listed 192.0.0.0/16", ""},
		{"2001:db8::/31 sshd 0s 1h", "too_broad", "broader than /32"},
		{"203.0.113.9 sshd 0s 1h", "allowed", "allowlist"},
		{"203.0.113.0/24 sshd 0s 1h", "allowed", "allowlist"},
		{"203.0.112.0/23 sshd 0s 1h", "allowed", "contains 203.0.113.0/24: allowlist"},
		{"198.51.100.0/24 sshd 0s 1h", "own_address", "contains 198.51.100.7: eth0"},
		{"198.51.100.8 sshd 0s 1h", "listed 198.51.100.8", ""},
		{"2001:db8:0:1::5 sshd 0s 1h", "own_address", "eth0"},
		{"2001:db8:0:1::/64 sshd 0s 1h", "own_address", "contains 2001:db8:0:1::5: eth0"},
		// widened as far as possible without blocking ::5
		{"2001:db8:0:1::4 sshd 0s 1h", "listed 2001:db8:0:1::4", ""},
		{"2001:db8:0:1::6 sshd 0s 1h", "listed 2001:db8:0:1::6/127", ""},
		{"2001:db8:0:1:8000::1 sshd 0s 1h", "listed 2001:db8:0:1:8000::/65", ""},
		{"2001:db8:0:2::1 sshd 0s 1h", "listed 2001:db8:0:2::/64", ""},
	} {
		d := Desire(bans(c.ban), policy, at("0s"))
		got, detail := "", ""
		for _, e := range d.Entries {
			got += "listed " + PrefixText(e.Prefix)
		}
		for _, l := range d.LeftOut {
			got, detail = got+string(l.Reason), l.Detail
		}
		if got != c.want || detail != c.detail {
			t.Errorf("%s: %s (%s), want %s (%s)", c.ban, got, detail, c.want, c.detail)
		}
	}
}

func TestDesireVoidAndChallenge(t *testing.T) {
	gone, challenge := ban("192.0.2.1 sshd 0s 1h"), ban("192.0.2.2 crowdsec:x 0s 1h")
	gone.Void, challenge.Remedy = LeftOutJailRemoved, Challenge
	d := Desire([]Ban{gone, challenge, ban("192.0.2.2 sshd 0s 1h")}, scene{}.policy(), at("0s"))
	same(t, leftOut(d), []string{"192.0.2.1 jail_removed", "192.0.2.2 no_such_list"})
	same(t, desired(d), []string{"192.0.2.2 fail2ban:sshd"}) // block beats challenge
}

// TestDesireAndTheEnd: what ended is no active ban, but may let an item linger, so its entry remains for one more length.
func TestDesireAndTheEnd(t *testing.T) {
	for _, c := range []struct {
		ban             string
		entry, isActive bool
	}{
		{"192.0.2.1 sshd -10m 1s", true, true},
		{"192.0.2.1 sshd -10m 0.001s", true, true},
		{"192.0.2.1 sshd -10m 0s", true, false},
		{"192.0.2.1 sshd -20m -10m", true, false},
		{"192.0.2.1 sshd -100d -3h", true, false},
		{"192.0.2.1 sshd -6h -5h", false, false},
		{"192.0.2.1 sshd ? -2h", false, false},
		{"192.0.2.1 sshd -10m never", true, true},
		{"192.0.2.1 sshd ? never", true, true},
		{"192.0.2.1 sshd ? 1s", true, true},
		{"192.0.2.1 sshd 90d 1s", true, true}, // begins after its end: its row still says that it is on
		{"192.0.2.1 sshd -10m far", true, true},
		{"192.0.2.1 sshd past far", true, true},
	} {
		d := Desire(bans(c.ban), scene{}.policy(), at("0s"))
		if len(d.Entries) > 1 || (len(d.Entries) == 1) != c.entry || c.entry && d.Entries[0].active(at("0s")) != c.isActive {
			t.Errorf("%s: %+v", c.ban, d.Entries)
		}
		out := Desire(bans("0.0.0.0"+c.ban[len("192.0.2.1"):]), scene{}.policy(), at("0s"))
		if (len(out.LeftOut) == 1) != c.isActive {
			t.Errorf("%s: left out are active bans alone: %+v", c.ban, out.LeftOut)
		}
	}
}

// TestDesireAfterTheYear9999: an end that no comment can hold is the last one that it can.
func TestDesireAfterTheYear9999(t *testing.T) {
	for _, since := range []string{"0s", "?"} {
		b := ban("192.0.2.1 sshd " + since + " never")
		b.Until = time.Date(40_000, 1, 1, 0, 0, 0, 0, time.UTC)
		d := Desire([]Ban{b}, scene{}.policy(), at("0s"))
		if len(d.Entries) != 1 || !d.Entries[0].Until().IsZero() {
			t.Fatalf("%+v", d.Entries)
		}
		if end := d.Entries[0].keepUntil(at("0s"), time.Hour); end != never() {
			t.Errorf("since %s: kept until %v", since, end)
		}
	}
}

// TestDesireIsTheSameInAnyOrder where two reasons hide one prefix.
func TestDesireIsTheSameInAnyOrder(t *testing.T) {
	a, b := ban("192.0.2.1 sshd 0s 1h"), ban("192.0.2.1 recidive 0s 1h")
	a.Void, b.Void = LeftOutUnreadable, LeftOutJailRemoved
	for _, order := range [][]Ban{{a, b}, {b, a}} {
		d := Desire(order, scene{}.policy(), at("0s"))
		p := Diff(d, items("192.0.2.1 own 1h 0s fail2ban:sshd"), scene{}.view())
		same(t, changes(p), []string{"remove 192.0.2.1 left out"})
		if got := p.Remove[0].LeftOut; got != "jail_removed" {
			t.Errorf("because of %s", got)
		}
	}
}
