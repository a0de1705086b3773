package reconcile

import (
	"strings"
	"testing"
)

// ruleWidths are those of access rules.

// TestPieces: a prefix that the target cannot hold becomes the widest that it can, when these are not too many.
func TestPieces(t *testing.T) {
	for _, c := range []struct {
		network     string
		widths      Widths
		n           int
		first, last string
		why         string
	}{
		{"192.0.2.1", ruleWidths(), 1, "192.0.2.1", "192.0.2.1", ""},
		{"192.0.2.0/24", ruleWidths(), 1, "192.0.2.0/24", "192.0.2.0/24", ""},
		{"192.0.2.32/28", ruleWidths(), 16, "192.0.2.32", "192.0.2.47", ""},
		{"192.0.2.128/25", ruleWidths(), 128, "192.0.2.128", "192.0.2.255", ""},
		{"198.51.128.0/17", ruleWidths(), 128, "198.51.128.0/24", "198.51.255.0/24", ""},
		{"203.0.0.0/8", ruleWidths(), 256, "203.0.0.0/16", "203.255.0.0/16", ""},
		{"255.255.255.254/31", ruleWidths(), 2, "255.255.255.254", "255.255.255.255", ""},
		{"2001:db8::/63", ruleWidths(), 2, "2001:db8::/64", "2001:db8:0:1::/64", ""},
		{"2001:db8::/56", ruleWidths(), 256, "2001:db8::/64", "2001:db8:0:ff::/64", ""},
		{"2001:db8::/55", ruleWidths(), 1, "2001:db8::/55", "2001:db8::/55", "no access rule is as wide as /55, and 512 narrower ones are too many"},
		{"2001:db8::/66", ruleWidths(), 1, "2001:db8::/66", "2001:db8::/66", "no access rule is as wide as /66, and 2^62 narrower ones are too many"},
		{"192.0.2.32/28", Widths{}, 1, "192.0.2.32/28", "192.0.2.32/28", ""},
	} {
		var pieces []string
		for p := range c.widths.Pieces(prefix(c.network)) {
			pieces = append(pieces, PrefixText(p))
		}
		if len(pieces) != c.n || pieces[0] != c.first || pieces[c.n-1] != c.last || c.widths.tooMany(prefix(c.network)) != c.why {
			t.Errorf("%s: %d pieces %v, %s", c.network, len(pieces), pieces, c.widths.tooMany(prefix(c.network)))
		}
	}
}

// TestSplitBan: its pieces are entries, one that cannot be split is left out, and the piece that stands for an address is told.
func TestSplitBan(t *testing.T) {
	s := scene{bans: []string{"192.0.2.32/30 recidive -5m 1h", "192.0.2.33 sshd -1m 2h", "2001:db8::/39 recidive -5m 1h"}}
	policy := s.policy()
	policy.Widths = ruleWidths()
	want := Desire(bans(s.bans...), policy, at("0s"))
	var entries []string
	for _, e := range want.Entries {
		entries = append(entries, PrefixText(e.Prefix)+" "+tagText(e.inForce(at("0s"))))
	}
	same(t, entries, []string{"192.0.2.32 fail2ban:recidive", "192.0.2.33 fail2ban:recidive,sshd", "192.0.2.34 fail2ban:recidive", "192.0.2.35 fail2ban:recidive"})
	if len(want.LeftOut) != 1 || want.LeftOut[0].Reason != LeftOutWidth || want.LeftOut[0].Ban.Value != "2001:db8::/39" {
		t.Errorf("%+v", want.LeftOut)
	}

	r := run(newMemTarget())
	r.Policy = policy
	said := Readings{Bans: bans(s.bans...)}
	for network, as := range map[string]string{
		"192.0.2.34": "192.0.2.34", "192.0.2.33": "192.0.2.33 192.0.2.33", "192.0.2.32/30": "192.0.2.32/30", "192.0.2.36": "", "2001:db8::7": "2001:db8::/39",
	} {
		var places []string
		for _, p := range r.About(said, prefix(network)) {
			places = append(places, PrefixText(p.Prefix))
		}
		if got := strings.Join(places, " "); got != as {
			t.Errorf("%s: %s, want %s", network, got, as)
		}
	}
}

// TestUnbanSplit: the pieces of a network go with it, and nothing else that lies inside.
func TestUnbanSplit(t *testing.T) {
	have := items("192.0.2.32 own 1h -1h fail2ban:recidive", "192.0.2.33 manual 1h -1h manual:x", "192.0.2.34 peer 1h -1h fail2ban:sshd",
		"192.0.2.35 created=-1h by hand", "192.0.2.36 own 1h -1h fail2ban:recidive", "198.51.100.0/24 own 1h -1h fail2ban:x", "198.51.101.7 own 1h -1h fail2ban:x")
	for _, c := range []struct {
		network string
		widths  Widths
		removes []string
		inside  int
	}{
		{"192.0.2.32/30", ruleWidths(), []string{"remove 192.0.2.32 by hand", "remove 192.0.2.33 by hand"}, 0},
		{"192.0.2.32/30", Widths{}, nil, 2},
		{"192.0.2.0/24", ruleWidths(), nil, 3},
		{"198.51.100.0/23", ruleWidths(), []string{"remove 198.51.100.0/24 by hand"}, 1},
	} {
		s := scene{}
		policy := s.policy()
		policy.Widths = c.widths
		p, left := policy.PlanUnban(Unban{Network: prefix(c.network)}, have, s.view().Ownership, at("0s"))
		same(t, changes(p), c.removes)
		if left.Inside != c.inside {
			t.Errorf("%s: %d inside", c.network, left.Inside)
		}
	}
}

// TestAdoptOfOtherEffect: an item that does something else gets the target's effect where a ban wants it. Otherwise it is left to the target
// for what it does, and one that lets visitors through to nobody.
func TestAdoptOfOtherEffect(t *testing.T) {
	have := items("192.0.2.1 created=-10m f2b", "192.0.2.2 created=-10m f2b", "192.0.2.3 created=-10m f2b", "192.0.2.4 created=-10m hand")
	have[0].Effect, have[1].Effect, have[2].Effect = Weaker, Weaker, Allows
	want := Desire(bans("192.0.2.1 sshd -5m 1h", "192.0.2.3 sshd -5m 1h"), scene{}.policy(), at("0s"))
	stock := func(i Item) bool { return i.Comment == "f2b" }
	same(t, changes(PlanAdopt(want, have, scene{}.view().Ownership, stock, true, at("0s"))), []string{"add 192.0.2.1 take-over"})
	have[1].Effect = OfTarget
	same(t, changes(PlanAdopt(want, have, scene{}.view().Ownership, stock, true, at("0s"))),
		[]string{"add 192.0.2.1 take-over", "remove 192.0.2.2 unmatched"})
}
