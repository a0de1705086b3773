package reconcile

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// own items of bans that ran on, numbered; text is their comments'.
func ownItems(n int, text string) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s own 10d -1d %s", numbered(i), text)
	}
	return all
}

// numberedBans are bans for ownItems from to (not included) to.
func numberedBans(from, to int, reason string) []string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("%s %s -1d 9d", numbered(i), reason))
	}
	return all
}

// TestSurprisingRemovals: where nothing but a number tells a mistake from an un-ban. Of all the items so many lose their ban.
func TestSurprisingRemovals(t *testing.T) {
	for _, c := range []struct {
		all, gone int
		withheld  bool
	}{
		{1, 1, false}, // all of few
		{10, 10, false},
		{11, 11, true}, // all of more than ten
		{12, 11, false},
		{50, 50, true},
		{60, 50, false}, // 50 are not more than 50
		{60, 51, true},
		{170, 51, false}, // 30 % are not more than 30 %
		{169, 51, true},  // 30.2 %
		{200, 60, false},
		{200, 61, true},
		{500, 500, true},
	} {
		t.Run(fmt.Sprintf("%d of %d", c.gone, c.all), func(t *testing.T) {
			s := scene{items: ownItems(c.all, "crowdsec:x"), bans: numberedBans(c.gone, c.all, "crowdsec:x")}
			s.bans = append(s.bans, "192.0.2.1 crowdsec:x 0s 1d") // what is new goes out in any case
			s.items = append(s.items, "192.0.2.2 own -1s -1d crowdsec:x")
			p := s.plan()
			s.settles(t, p)
			removed, withheld := c.gone+1, 0
			// The item whose lease ended is one of ours too, but no surprise.
			if 100*c.gone > 30*(c.all+1) && c.gone > 50 {
				removed, withheld = 1, c.gone
			}
			if len(p.Add) != 1 || len(p.Remove) != removed || len(p.Withheld) != withheld {
				t.Errorf("%d added, %d removed, %d withheld", len(p.Add), len(p.Remove), len(p.Withheld))
			}

			s.bans, s.items = s.bans[:len(s.bans)-1], s.items[:c.all]
			p = s.expectCount(t)
			if got := len(p.Withheld) > 0; got != c.withheld || len(p.Withheld)+len(p.Remove) != c.gone {
				t.Errorf("%d removed, %d withheld", len(p.Remove), len(p.Withheld))
			}
			s.allow = true
			if p = s.expectCount(t); len(p.Withheld) > 0 || len(p.Remove) != c.gone {
				t.Errorf("allowed, but %d removed, %d withheld", len(p.Remove), len(p.Withheld))
			}
		})
	}
}

// expectCount plans and proves the fixed point.
func (s scene) expectCount(t *testing.T) Plan {
	t.Helper()
	p := s.plan()
	s.settles(t, p)
	return p
}

// TestExplainedRemovals: 60 of 60 items go, for a reason that is no surprise; the twin with the reason taken away is withheld.
func TestExplainedRemovals(t *testing.T) {
	const n = 60
	items6 := func(format string) []string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(format+" own 10d -1d crowdsec:x", i))
		}
		return all
	}
	filter := func(p *Policy) { p.Filters = map[string]Filter{"crowdsec": {Exclude: []string{"x"}}} }
	four := ownItems(n, "crowdsec:x")
	for _, c := range []struct {
		name   string
		scene  scene
		policy func(*Policy)
		view   func(*View)
		why    RemovalReason
	}{
		{name: "nothing explains it", scene: scene{items: four}},
		{name: "their leases ended", scene: scene{items: four, now: "10d"}, why: RemoveLifted},
		{name: "the allowlist, bans or not", scene: scene{items: four, protected: []string{"198.51.100.0/16"}}, why: RemoveProtected},
		{name: "the allowlist, source away", scene: scene{items: four, protected: []string{"198.51.100.0/16"}, failed: []string{"crowdsec"}}, why: RemoveProtected},
		{name: "a jail that is not mirrored any more", scene: scene{items: four, bans: append(numberedBans(0, n, "crowdsec:x"), "192.0.2.1 crowdsec:y 0s 9d")}, policy: filter, why: RemoveLeftOut},
		{name: "all jails", scene: scene{items: four, bans: numberedBans(0, n, "crowdsec:x")}, policy: filter},
		{name: "that filter without their bans", scene: scene{items: four}, policy: filter},
		{name: "their bans ended before their leases", scene: scene{items: four, bans: each(numberedBans(0, n, "crowdsec:x"), func(s string) string {
			return strings.Replace(s, "-1d 9d", "-12h -1h", 1)
		})}, why: RemoveEnded},
		{name: "a broader ban", scene: scene{items: four, bans: []string{"198.51.0.0/16 crowdsec:x -1d 9d"}}, why: RemoveCovered},
		{name: "a broader item by hand", scene: scene{items: append([]string{"198.51.0.0/16 created=-1d x"}, four...), bans: []string{"198.51.0.0/16 crowdsec:x -1d 9d"}}, why: RemoveCovered},
		{name: "a broader ban of another network", scene: scene{items: four, bans: []string{"198.50.0.0/16 crowdsec:x -1d 9d"}}},
		{name: "room", scene: scene{items: four, bans: append(numberedBans(0, n, "crowdsec:x"), "192.0.2.1 crowdsec:x 0s 9d"), room: 1}, why: RemoveNoRoom},
		{name: "a greater width", scene: scene{items: items6("2001:db8:0:%x::/64"), bans: []string{"2001:db8:0:5::1 crowdsec:x -1d 9d"}, ipv6: 48}, why: RemoveCovered},
		{name: "that width without a ban", scene: scene{items: items6("2001:db8:0:%x::/64"), ipv6: 48}},
		{name: "a lesser width", scene: scene{items: items6("2001:db8:%x::/48"), bans: each(items6("2001:db8:%x::1"), func(s string) string {
			return strings.Fields(s)[0] + " crowdsec:x -1d 9d"
		})}, why: RemoveLifted},
		{name: "that lesser width without a ban", scene: scene{items: items6("2001:db8:%x::/48")}},
		{name: "a steady store", scene: scene{items: four}, view: func(v *View) { v.Sources, v.Steady = []string{"crowdsec"}, []string{"crowdsec"} }, why: RemoveLifted},
		{name: "another store is steady", scene: scene{items: four}, view: func(v *View) { v.Sources, v.Steady = []string{"crowdsec", "fail2ban"}, []string{"fail2ban"} }},
		{name: "one of its stores is steady", scene: scene{items: ownItems(n, "crowdsec:x fail2ban:x")}, view: func(v *View) {
			v.Sources, v.Steady = []string{"crowdsec", "fail2ban"}, []string{"fail2ban"}
		}},
		{name: "its source is not configured any more", scene: scene{items: four}, view: func(v *View) { v.Sources, v.Steady = []string{"fail2ban"}, []string{"fail2ban"} }},
		{name: "one of its sources is not configured any more", scene: scene{items: ownItems(n, "crowdsec:x fail2ban:x")}, view: func(v *View) {
			v.Sources, v.Steady = []string{"fail2ban"}, []string{"fail2ban"}
		}},
		{name: "a comment that names none", scene: scene{items: ownItems(n, "")}, view: func(v *View) { v.Sources, v.Steady = []string{"crowdsec"}, []string{"crowdsec"} }},
		{name: "a comment that was cut may name any", scene: scene{items: ownItems(n, "crowdsec:"+strings.Repeat("x", MaxComment))}, view: func(v *View) {
			v.Sources, v.Steady = []string{"crowdsec", "fail2ban"}, []string{"crowdsec"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy, view := c.scene.policy(), c.scene.view()
			if c.policy != nil {
				c.policy(&policy)
			}
			if c.view != nil {
				c.view(&view)
			}
			p := Diff(Desire(bans(c.scene.bans...), policy, view.Now), items(c.scene.items...), view)
			gone, wrong := p.Remove, 0
			if c.why == "" {
				gone = p.Withheld
			}
			for _, r := range gone {
				wrong = count(wrong, c.why != "" && r.Why != c.why)
			}
			if len(gone) != n || len(p.Remove)+len(p.Withheld) != n || wrong > 0 {
				t.Errorf("%d removed, %d withheld, %d for another reason", len(p.Remove), len(p.Withheld), wrong)
			}
		})
	}
}

// TestUnansweredItemsAreNoSurprise: they stay anyway, so they do not withhold the few that nobody bans any more.
func TestUnansweredItemsAreNoSurprise(t *testing.T) {
	s := scene{items: ownItems(60, "crowdsec:x"), failed: []string{"crowdsec"}}
	s.items = append(s.items, "192.0.2.1 own 1d -1d fail2ban:x")
	if p := s.expect(t, "remove 192.0.2.1 lifted"); p.Unanswered != 60 {
		t.Errorf("%d", p.Unanswered)
	}
}

// TestGuardBeforeRoom: what is withheld or orphaned takes room, and what is cut makes no list overflow.
func TestGuardBeforeRoom(t *testing.T) {
	s := scene{items: ownItems(60, "crowdsec:x"), room: 70, bans: youngFirst(100)[60:]}
	for name, prepare := range map[string]func(*View){
		"withheld":         func(*View) {},
		"orphaned":         func(v *View) { v.Sources, v.Replaced = []string{"crowdsec"}, []string{"crowdsec"} },
		"orphaned earlier": func(v *View) { v.Orphans = each(s.items, func(s string) netip.Prefix { return item(s).Prefix }) },
	} {
		t.Run(name, func(t *testing.T) {
			view := s.view()
			prepare(&view)
			want := Desire(bans(s.bans...), s.policy(), view.Now)
			target := newMemTarget(items(s.items...)...)
			target.quota = 70
			p := Diff(want, target.all(), view)
			if _, err := Apply(t.Context(), target, p); err != nil {
				t.Fatal(err)
			}
			if len(p.Remove) > 0 || len(p.Withheld)+len(p.Orphaned) != 60 || len(p.Add) != 10 || len(p.LeftOut()) != 30 {
				t.Errorf("%d added, %d removed, %d withheld, %d orphaned, %d left out", len(p.Add), len(p.Remove), len(p.Withheld), len(p.Orphaned), len(p.LeftOut()))
			}
			if next := Diff(want, target.all(), view); !next.Empty() {
				t.Errorf("no fixed point: %q", changes(next))
			}
		})
	}
}

func TestWithheldError(t *testing.T) {
	for _, c := range []struct {
		e    WithheldError
		want string
	}{
		{WithheldError{Withheld: 51, Of: 60}, "51 of 60 removals withheld: these items' bans should have gone on, but their source no longer knows them"},
		{WithheldError{Withheld: 3, Untagged: 3, Of: 3}, "3 of 3 removals withheld: these items have no edgeban tag"},
		{WithheldError{Withheld: 3, Filtered: 3, Of: 4}, "3 of 4 removals withheld: the filters of jails and scenarios leave out every active ban"},
		{WithheldError{Withheld: 3, Filtered: 2, Untagged: 1, Of: 4},
			"3 of 4 removals withheld: the filters of jails and scenarios leave out every active ban, those of 2 among them, and 1 have no edgeban tag"},
		{WithheldError{Withheld: 53, Untagged: 2, Of: 53}, "53 of 53 removals withheld: the bans of 51 should have gone on, but their source no longer knows them, and 2 have no edgeban tag"},
	} {
		same(t, c.e.Error(), c.want)
		if hint := c.e.Hint(); !strings.Contains(hint, "--allow-removals") || strings.Contains(hint, "replaced?") != (c.e.Filtered == 0 && c.e.Untagged < c.e.Withheld) {
			t.Errorf("%q", hint)
		}
	}
}
