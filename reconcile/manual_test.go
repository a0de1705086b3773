package reconcile

import (
	"strings"
	"testing"
)

func TestManualItems(t *testing.T) {
	tests := []struct {
		name  string
		scene scene
		want  []string
	}{
		{"stays until its lease ends", scene{items: []string{"192.0.2.1 manual 1s -1h manual:x"}}, nil},
		{"goes with its lease", scene{items: []string{"192.0.2.1 manual 0s -1h manual:x"}}, []string{"remove 192.0.2.1 ended"}},
		{"never ends", scene{now: "300d", items: []string{"192.0.2.1 manual far -1h manual:x"}}, nil},
		{"of a former owner", scene{items: []string{"192.0.2.1 former-manual 1h -1h manual:x"}}, nil},
		{"of a former owner, ended", scene{items: []string{"192.0.2.1 former-manual 0s -1h manual:x"}}, []string{"remove 192.0.2.1 ended"}},
		{"of a peer", scene{items: []string{"192.0.2.1 peer-manual 0s -1h manual:x"}}, nil},
		{"of a peer that is gone", scene{items: []string{"192.0.2.1 peer-manual -8d -9d manual:x"}}, []string{"remove 192.0.2.1 overdue"}},
		{"became protected", scene{items: []string{"192.0.2.1 manual 1h -1h manual:x"}, protected: []string{"192.0.2.0/24"}},
			[]string{"remove 192.0.2.1 protected"}},
		{"contains what became protected", scene{items: []string{"192.0.2.0/24 manual 1h -1h manual:x"}, protected: []string{"192.0.2.9/32"}},
			[]string{"remove 192.0.2.0/24 protected"}},

		{"satisfies an entry to the end of its lease", scene{bans: []string{"192.0.2.1 sshd -1m 1h"}, items: []string{"192.0.2.1 manual 1s -1h manual:x"}}, nil},
		{"is taken back by an entry that goes on", scene{bans: []string{"192.0.2.1 sshd -1m 1h"}, items: []string{"192.0.2.1 manual 0s -1h manual:x"}},
			[]string{"add 192.0.2.1 take-over"}},
		{"is taken back by a ban that lingers", scene{bans: []string{"192.0.2.1 sshd -60m -1s"}, items: []string{"192.0.2.1 manual 0s -10m manual:x"}},
			[]string{"add 192.0.2.1 take-over"}},
		{"outlives a ban", scene{bans: []string{"192.0.2.1 sshd -60m -40m"}, items: []string{"192.0.2.1 manual 1h -50m manual:x"}}, nil},
		{"outlives a ban, but not its lease", scene{bans: []string{"192.0.2.1 sshd -60m -40m"}, items: []string{"192.0.2.1 manual 0s -50m manual:x"}},
			[]string{"remove 192.0.2.1 ended"}},
		{"is no reason to leave a narrower ban out", scene{bans: []string{"192.0.2.1 sshd -1m 1h"}, items: []string{"192.0.2.0/24 manual 1h -1h manual:x"}},
			[]string{"add 192.0.2.1 new"}},
		{"may stand for a ban of a source that failed", scene{items: []string{"192.0.2.1 manual 0s -1h manual:x"}, failed: []string{"fail2ban"}}, nil},
		{"is not cut for want of room", scene{room: 1, bans: []string{"192.0.2.2 sshd -1m 1h"}, items: []string{"192.0.2.1 manual 1h -1h manual:x"}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.scene.expect(t, tt.want...) })
	}
}

// Many bans by hand that end at once are no surprise, and those that go on do not hide one.
func TestManualItemsAndTheGuard(t *testing.T) {
	var ended, lost []string
	for _, ip := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"} {
		ended = append(ended, "192.0.2."+ip+" manual 0s -1h manual:x")
		lost = append(lost, "192.0.2."+ip+" own 1h -1h fail2ban:sshd")
	}
	if p := (scene{items: ended}).plan(); len(p.Remove) != 12 || len(p.Withheld) != 0 {
		t.Errorf("%q", changes(p))
	}
	if p := (scene{items: append(lost, "198.51.100.1 manual 1h -1h manual:x")}).plan(); len(p.Withheld) != 12 || p.Own != 13 || p.Manual != 1 {
		t.Errorf("%d own, %d manual: %q", p.Own, p.Manual, changes(p))
	}
}

func TestManualTags(t *testing.T) {
	stamps := " until=2026-11-27T10:03:00Z seen=2026-11-20T10:00:02Z | manual:x"
	for _, owner := range []string{"web-1", "web-1+manual", strings.Repeat("a", 63) + "+manual"} {
		if tag, ok := ParseTag("edgeban:" + owner + stamps); !ok || tag.Owner != owner || tag.Comment() != "edgeban:"+owner+stamps {
			t.Errorf("%s: %v, %+v", owner, ok, tag)
		}
	}
	for _, owner := range []string{"+manual", "web-1+manual+manual", "web-1+hand", "web-1+", "web+1", "web-1+manual ", strings.Repeat("a", 64) + "+manual"} {
		if _, ok := ParseTag("edgeban:" + owner + stamps); ok {
			t.Errorf("%q passes for an owner", owner)
		}
	}
	if ValidOwner("web-1+manual") {
		t.Error("nobody may be called web-1+manual")
	}
	for owner, want := range map[string]Class{
		own + "+manual": Manual, "renamed-00000001+manual": Manual, former + "+manual": Manual, peer + "+manual": Peer, "renamed-00000001": Own,
	} {
		if h := (scene{}).view().Ownership.classify(&Item{Comment: "edgeban:" + owner + stamps}); h.class != want {
			t.Errorf("%s is of class %d, want %d", owner, h.class, want)
		}
	}
}

// A reason of the greatest length is never cut, whatever it is made of.
func TestManualReason(t *testing.T) {
	o := Ownership{Owner: strings.Repeat("o", 63)}
	p, _ := PlanBan(ManualBan{Prefix: prefix("192.0.2.1"), Reason: strings.Repeat("|", MaxReason)}, nil, o, at("0s"))
	if tag, ok := ParseTag(p.Add[0].Post.Comment); !ok || tag.cut || tag.Text != "manual:"+strings.Repeat("%7C", MaxReason) {
		t.Errorf("%v %+v", ok, tag)
	}
}

// byHand is the comment of a ban by hand.
func byHand(until, seen string) string {
	return item("192.0.2.1 manual " + until + " " + seen + " manual:x").Comment
}

func TestPlanBan(t *testing.T) {
	tests := []struct {
		name   string
		until  string
		stands string // at its prefix; "": nothing
		posts  string // "": the item there does the work
	}{
		{"new", "1h", "", byHand("1h", "0s")},
		{"permanent", "never", "", byHand("far", "0s")},
		{"a source's item", "1h", "192.0.2.1 own 2h -1h fail2ban:sshd", byHand("1h", "-1h")},
		{"a former owner's", "1h", "192.0.2.1 former 2h -1h fail2ban:sshd", byHand("1h", "-1h")},
		{"banned by hand for less", "1h", "192.0.2.1 manual 59m -1h manual:y", byHand("1h", "-1h")},
		{"banned by hand for as long", "1h", "192.0.2.1 manual 1h -1h manual:y", ""},
		{"a peer's for less", "1h", "192.0.2.1 peer 59m -1h fail2ban:sshd", byHand("1h", "-1h")},
		{"a peer's for longer", "1h", "192.0.2.1 peer 2h -1h fail2ban:sshd", ""},
		{"a peer's, banned by hand for longer", "1h", "192.0.2.1 peer-manual 2h -1h manual:y", ""},
		{"without a tag", "never", "192.0.2.1 created=-1h by hand", ""},
		{"around it", "1h", "192.0.2.0/24 manual 2h -1h manual:y", byHand("1h", "0s")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var have []Item
			if tt.stands != "" {
				have = items(tt.stands)
			}
			b := ManualBan{Prefix: prefix("192.0.2.1"), Reason: "x", Until: at(tt.until)}
			p, holder := PlanBan(b, have, scene{}.view().Ownership, at("0s"))
			switch {
			case tt.posts == "" && (holder == nil || !p.Empty()):
				t.Errorf("holder %v, %q", holder, changes(p))
			case tt.posts != "" && (holder != nil || len(p.Add) != 1 || p.Add[0].Post.Comment != tt.posts):
				t.Errorf("holder %v, %+v, want %s", holder, p.Add, tt.posts)
			}
		})
	}
}

func TestPlanUnban(t *testing.T) {
	have := []string{
		"192.0.2.0/24 own 1h -1h fail2ban:recidive", "192.0.2.1 own 1h -1h fail2ban:sshd", "192.0.2.2 manual 1h -1h manual:x",
		"192.0.2.3 peer 1h -1h fail2ban:sshd", "192.0.2.4 created=-1h by hand", "192.0.2.5 former 1h -1h fail2ban:sshd",
		"2001:db8::/64 own 1h -1h fail2ban:sshd", "2001:db8:1::/72 own 1h -1h fail2ban:sshd", "2001:db8::/48 peer-manual 1h -1h manual:x",
	}
	tests := []struct {
		network, removes, around string
		touching                 bool
		inside                   int
	}{
		{network: "192.0.2.1", removes: "192.0.2.1", around: "192.0.2.0/24"},
		{network: "192.0.2.1", touching: true, removes: "192.0.2.0/24 192.0.2.1"},
		{network: "192.0.2.2", removes: "192.0.2.2", around: "192.0.2.0/24"},
		{network: "192.0.2.3", around: "192.0.2.0/24 192.0.2.3"},
		{network: "192.0.2.4", touching: true, removes: "192.0.2.0/24", around: "192.0.2.4"},
		{network: "192.0.2.5", removes: "192.0.2.5", around: "192.0.2.0/24"},
		{network: "192.0.2.0/24", removes: "192.0.2.0/24", inside: 3},
		{network: "192.0.2.0/24", touching: true, removes: "192.0.2.0/24 192.0.2.1 192.0.2.2 192.0.2.5"},
		{network: "198.51.100.1"},
		{network: "2001:db8::77", removes: "2001:db8::/64", around: "2001:db8::/48"},
		{network: "2001:db8:1::77", removes: "2001:db8:1::/72"},
		{network: "2001:db8::/56", around: "2001:db8::/48", inside: 1},
	}
	for _, tt := range tests {
		s := scene{}
		u := Unban{Network: prefix(tt.network), Touching: tt.touching}
		p, left := s.policy().PlanUnban(u, items(have...), s.view().Ownership, at("0s"))
		var removes, around []string
		for _, r := range p.Remove {
			removes = append(removes, PrefixText(r.Item.Prefix))
		}
		for _, h := range left.Around {
			around = append(around, PrefixText(h.Prefix))
		}
		if strings.Join(removes, " ") != tt.removes || strings.Join(around, " ") != tt.around || left.Inside != tt.inside || len(p.Add) > 0 {
			t.Errorf("%s, touching %v: removes %q, around %q, %d inside; want %q, %q, %d",
				tt.network, tt.touching, removes, around, left.Inside, tt.removes, tt.around, tt.inside)
		}
	}
}

func TestPlanFlush(t *testing.T) {
	have := items("192.0.2.9 own 1h -1h fail2ban:sshd", "192.0.2.2 manual 1h -1h manual:x", "192.0.2.3 peer 1h -1h fail2ban:sshd",
		"192.0.2.4 created=-1h by hand", "192.0.2.5 former 1h -1h fail2ban:sshd", "192.0.2.6 peer-manual 1h -1h manual:x")
	for _, exclusive := range []bool{false, true} {
		o := scene{exclusive: exclusive}.view().Ownership
		ours := []string{"remove 192.0.2.2 by hand", "remove 192.0.2.5 by hand", "remove 192.0.2.9 by hand"}
		same(t, changes(PlanFlush(have, o, false, at("0s"))), ours)
		p := PlanFlush(have, o, true, at("0s"))
		same(t, changes(p), []string{ours[0], "remove 192.0.2.3 by hand", ours[1], "remove 192.0.2.6 by hand", ours[2]})
		if p.Own != 3 || p.Manual != 1 || p.Foreign != 1 || p.Peers[peer] != 2 {
			t.Errorf("%+v", p)
		}
	}
}

func TestPlanAdopt(t *testing.T) {
	s := scene{
		bans: []string{"192.0.2.1 sshd -5m 1h", "192.0.2.2 sshd -5h -4h", "192.0.2.3 sshd -5m 1h", "198.51.100.0/24 recidive -5m never", "10.1.1.1 sshd -5m 1h"},
		items: []string{"192.0.2.1 created=-10m f2b", "192.0.2.2 created=-10m f2b", "192.0.2.3 peer 1h -1h fail2ban:sshd", "198.51.100.7 created=-10m",
			"10.1.1.1 created=-10m f2b"},
		protected: []string{"10.0.0.0/8"},
	}
	for _, s.exclusive = range []bool{false, true} {
		want := Desire(bans(s.bans...), s.policy(), at("0s"))
		p := PlanAdopt(want, items(s.items...), s.view().Ownership, false, at("0s"))
		same(t, changes(p), []string{"add 192.0.2.1 take-over", "withhold 10.1.1.1 unmatched", "withhold 192.0.2.2 unmatched", "withhold 198.51.100.7 unmatched"})
		same(t, p.Add[0].Post.Comment, item("192.0.2.1 own 60m -10m fail2ban:sshd").Comment)
		same(t, p.Withheld[2].Detail, "no ban of its own, but 198.51.100.0/24 is banned")
		p = PlanAdopt(want, items(s.items...), s.view().Ownership, true, at("0s"))
		same(t, changes(p), []string{"add 192.0.2.1 take-over", "remove 10.1.1.1 unmatched", "remove 192.0.2.2 unmatched", "remove 198.51.100.7 unmatched"})
	}
}
