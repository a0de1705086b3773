package reconcile

import (
	"net/netip"
	"slices"
	"testing"
)

// TestDiffByOwner is the table in Diff's comment: what happens to an item by whose it is and how its entry stands.
func TestDiffByOwner(t *testing.T) {
	const active, ended, lingering = "192.0.2.1 sshd -10m 1h", "192.0.2.1 sshd -3h -2h", "192.0.2.1 sshd -1h -1m"
	for _, c := range []struct {
		name, item                                string
		onActive, onLingering, onEnded, onNothing string
	}{
		{name: "none", onActive: "add 192.0.2.1 new"},
		{
			name: "own", item: "192.0.2.1 own 5d -1h fail2ban:sshd",
			onEnded: "remove 192.0.2.1 ended", onNothing: "remove 192.0.2.1 lifted",
		},
		{
			name: "former", item: "192.0.2.1 former 5d -1h fail2ban:sshd",
			onActive: "add 192.0.2.1 take-over", onLingering: "add 192.0.2.1 take-over",
			onEnded: "remove 192.0.2.1 ended", onNothing: "remove 192.0.2.1 lifted",
		},
		{name: "peer", item: "192.0.2.1 peer 4m1s -1h fail2ban:sshd"},
		{name: "peer, lease about to end", item: "192.0.2.1 peer 4m -1h fail2ban:sshd", onActive: "add 192.0.2.1 take-over"},
		{name: "peer, lease over", item: "192.0.2.1 peer -6d -8d fail2ban:sshd", onActive: "add 192.0.2.1 take-over"},
		{
			name: "peer, lease over for a week", item: "192.0.2.1 peer -7d1s -8d fail2ban:sshd",
			onActive: "add 192.0.2.1 take-over", onLingering: "remove 192.0.2.1 overdue",
			onEnded: "remove 192.0.2.1 overdue", onNothing: "remove 192.0.2.1 overdue",
		},
		{name: "peer, lease over for a week to the second", item: "192.0.2.1 peer -7d -8d fail2ban:sshd", onActive: "add 192.0.2.1 take-over"},
		{name: "foreign", item: "192.0.2.1 created=-1h by hand"},
		{name: "foreign without a comment", item: "192.0.2.1 created=?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for entry, want := range map[string]string{active: c.onActive, lingering: c.onLingering, ended: c.onEnded, "": c.onNothing} {
				s := scene{}
				if entry != "" {
					s.bans = []string{entry}
				}
				if c.item != "" {
					s.items = []string{c.item}
				}
				var lines []string
				if want != "" {
					lines = []string{want}
				}
				if p := s.expect(t, lines...); len(p.Add) > 0 && c.item != "" && p.Add[0].From != s.view().Ownership.classify(new(item(c.item))).class {
					t.Errorf("taken over from class %d", p.Add[0].From)
				}
			}
		})
	}
}

// TestTakeOverOnlyForLonger: who wants the prefix no longer than its peer lets the peer finish; otherwise two hosts whose bans
// end together would take the item from each other.
func TestTakeOverOnlyForLonger(t *testing.T) {
	have := []string{"192.0.2.1 peer 3m30s -10m fail2ban:sshd"}
	scene{bans: []string{"192.0.2.1 sshd -10m 30s"}, items: have}.expect(t) // stays until 3m30s as well
	p := scene{bans: []string{"192.0.2.1 sshd -10m 31s"}, items: have}.expect(t, "add 192.0.2.1 take-over")
	tag, _ := ParseTag(p.Add[0].Post.Comment)
	same(t, tag, Tag{Owner: own, Until: at("3m31s"), Seen: at("-10m"), Text: "fail2ban:sshd"})
}

func TestDiffExclusive(t *testing.T) {
	s := scene{
		exclusive: true,
		bans:      []string{"192.0.2.1 sshd -5m 1h", "192.0.2.2 sshd -60m -1m"},
		items: []string{
			"192.0.2.1 created=-1h by script", "192.0.2.2 created=-30m", "192.0.2.3 created=-1h by script", "192.0.2.4 peer 1h -1h x:y",
		},
	}
	take := []string{"add 192.0.2.1 take-over", "add 192.0.2.2 take-over"}
	p := s.expect(t, append(take, "withhold 192.0.2.3 lifted")...)
	tag, _ := ParseTag(p.Add[1].Post.Comment)
	if !tag.Seen.Equal(at("-30m")) || !tag.Until.Equal(at("32m")) {
		t.Errorf("an untagged item is at the edge since it was created: %s", p.Add[1].Post.Comment)
	}
	unknown := scene{exclusive: true, bans: s.bans, items: []string{"192.0.2.1 created=?"}}.expect(t, "add 192.0.2.1 take-over")
	if tag, _ := ParseTag(unknown.Add[0].Post.Comment); !tag.Seen.Equal(at("0s")) {
		t.Errorf("and since now when nobody knows: %s", unknown.Add[0].Post.Comment)
	}
	s.allow = true
	p = s.expect(t, append(take, "remove 192.0.2.3 lifted")...)
	if r := p.Remove[0]; !r.Untagged || r.Tag != (Tag{}) {
		t.Errorf("%+v", r)
	}
	s.exclusive = false
	s.expect(t) // foreign ones satisfy
}

// TestDiffWhyRemoved: each removal says why.
func TestDiffWhyRemoved(t *testing.T) {
	have := []string{"192.0.2.1 own 1h -1h fail2ban:sshd"}
	v6 := []string{"2001:db8::/64 own 1h -1h fail2ban:sshd"}
	for _, c := range []struct {
		name   string
		scene  scene
		want   []string
		detail string
	}{
		{"lifted", scene{items: have}, []string{"remove 192.0.2.1 lifted"}, ""},
		{"ended", scene{items: have, bans: []string{"192.0.2.1 sshd ? -1m"}}, []string{"remove 192.0.2.1 ended"}, ""},
		{"ended beats lifted for a while", scene{items: have, bans: []string{"192.0.2.1 sshd ? -62m"}}, []string{"remove 192.0.2.1 ended"}, ""},
		{"protected", scene{items: have, bans: []string{"192.0.2.1 sshd 0s 1h"}, protected: []string{"192.0.2.0/24"}}, []string{"remove 192.0.2.1 protected"}, "allowlist"},
		{
			"contains what is protected", scene{items: v6, bans: []string{"2001:db8::1 sshd 0s 1h"}, protected: []string{"2001:db8::8000:0:0:0/66"}},
			[]string{"add 2001:db8::/65 new", "remove 2001:db8::/64 protected"}, "allowlist",
		},
		{"left out", scene{items: have, bans: []string{"192.0.2.1/15 sshd 0s 1h", "192.0.2.1 challenge:x 0s 1h"}}, []string{"remove 192.0.2.1 left out"}, "no_such_list"},
		{
			"widened further", scene{items: v6, bans: []string{"2001:db8::1 sshd -1h 1h"}, ipv6: 56},
			[]string{"add 2001:db8::/56 new", "remove 2001:db8::/64 covered"}, "2001:db8::/56",
		},
		{
			"covered", scene{items: have, bans: []string{"192.0.2.1 sshd -1h 1h", "192.0.2.0/24 sshd 0s never"}},
			[]string{"add 192.0.2.0/24 new", "remove 192.0.2.1 covered"}, "192.0.2.0/24",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "left out" {
				bs := bans(c.scene.bans[1])
				bs[0].Remedy = Challenge
				p := Diff(Desire(bs, c.scene.policy(), at("0s")), items(have...), c.scene.view())
				same(t, changes(p), c.want)
				same(t, string(p.Remove[0].LeftOut), c.detail)
				return
			}
			p := c.scene.expect(t, c.want...)
			same(t, p.Remove[0].Detail, c.detail)
		})
	}
}

// TestDiffWhenASourceFailed: its items stay, unless they are protected; the others' bans go out.
func TestDiffWhenASourceFailed(t *testing.T) {
	s := scene{
		bans: []string{"192.0.2.9 crowdsec:x 0s 1h"},
		items: []string{
			"192.0.2.1 own 1h -1h fail2ban:sshd",
			"192.0.2.2 own 1h -1h crowdsec:x fail2ban:sshd",
			"192.0.2.3 own 1h -1h crowdsec:x",
			"192.0.2.4 former -9d -10d fail2ban:sshd",
			"203.0.113.1 own 1h -1h fail2ban:sshd",
		},
		failed: []string{"fail2ban"}, protected: []string{"203.0.113.0/24"},
	}
	p := s.expect(t, "add 192.0.2.9 new", "remove 192.0.2.3 lifted", "remove 203.0.113.1 protected")
	same(t, p.Unanswered, 3)
	s.failed = []string{"crowdsec"} // the twin
	s.expect(t, "add 192.0.2.9 new", "remove 192.0.2.1 lifted", "remove 192.0.2.4 lifted", "remove 203.0.113.1 protected")
}

// TestRewriteKeepsTheNamesOfFailedSources: a comment that lost the name would lose the item in the next run.
func TestRewriteKeepsTheNamesOfFailedSources(t *testing.T) {
	for _, c := range []struct{ item, want string }{
		{"192.0.2.1 former 1h -1h crowdsec:a,b fail2ban:x", "fail2ban:sshd crowdsec:a,b"},
		{"192.0.2.1 former 1h -1h fail2ban:x", "fail2ban:sshd"},
		{"192.0.2.1 created=-1h by script", "fail2ban:sshd crowdsec:unread"},
		{"192.0.2.1 former 1h -1h aaa:" + string(slices.Repeat([]byte("x"), 500)), "fail2ban:sshd crowdsec:unread"},
	} {
		s := scene{bans: []string{"192.0.2.1 sshd 0s 1h"}, items: []string{c.item}, failed: []string{"crowdsec", "crowdsec"}, exclusive: true}
		p := s.expect(t, "add 192.0.2.1 take-over")
		tag, _ := ParseTag(p.Add[0].Post.Comment)
		same(t, tag.Text, c.want)
	}
}

func TestDiffCounts(t *testing.T) {
	p := scene{
		bans: []string{
			"192.0.2.1 sshd -5m 1h", "192.0.2.2 sshd -60m -1m", "192.0.2.3 sshd 0s 1h", "192.0.2.4 sshd 0s 1h",
			"198.51.100.0/24 sshd 0s never", "198.51.100.1 sshd 0s 1h", "192.0.2.7 sshd 0s 1h",
		},
		items: []string{
			"192.0.2.1 own 2h -5m fail2ban:sshd", "192.0.2.2 own 2h -60m fail2ban:sshd", "192.0.2.3 peer 2h -1h fail2ban:sshd",
			"192.0.2.4 created=-1h by hand", "192.0.2.5 created=-1h by hand", "192.0.2.6 own 1h -1h fail2ban:sshd", "192.0.2.7 former 2h 0s fail2ban:sshd",
		},
	}.expect(t, "add 192.0.2.7 take-over", "add 198.51.100.0/24 new", "remove 192.0.2.6 lifted")
	p.Add, p.Remove = nil, nil
	same(t, prefixes(p.Lingering), []netip.Prefix{netip.MustParsePrefix("192.0.2.2/32")})
	same(t, p.Lingering[0].Until, at("2m"))
	p.Lingering = nil
	same(t, p, Plan{
		Now: at("0s"), Items: 7, Own: 4, Foreign: 2, Peers: map[string]int{peer: 1}, Keep: 3, Satisfied: 2, Covered: 1, Room: 10_000,
	})
}

// TestTwoItemsAtOnePrefix, which Cloudflare rules out, are settled alike in any order.
func TestTwoItemsAtOnePrefix(t *testing.T) {
	a, b := item("192.0.2.1 own 1h -1h fail2ban:sshd"), item("192.0.2.1 peer 1m -1h fail2ban:sshd")
	b.ID = "another"
	s := scene{bans: []string{"192.0.2.1 sshd 0s 1h"}}
	same(t, s.planFor([]Item{a, b}), s.planFor([]Item{b, a}))
}
