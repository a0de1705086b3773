package reconcile

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// host is one of several edgebans that share a list.
type host struct {
	owner string
	bans  []Ban
}

func (h host) plan(target *memTarget, now time.Time) Plan {
	s := scene{}
	v := s.view()
	v.Now, v.Ownership = now, Ownership{Owner: h.owner, Derived: true}
	return Diff(Desire(h.bans, s.policy(), now), target.all(), v)
}

func someHosts() *rapid.Generator[[]host] {
	return rapid.Custom(func(t *rapid.T) []host {
		hosts := []host{{owner: own}, {owner: peer}, {owner: "db-00000003"}}[:rapid.IntRange(2, 3).Draw(t, "hosts")]
		for i := range hosts {
			hosts[i].bans = rapid.SliceOfN(closeBan(), 0, 6).Draw(t, "bans")
		}
		return hosts
	})
}

// closeBan is a ban of one of few addresses that ends around the same time as others.
func closeBan() *rapid.Generator[Ban] {
	return rapid.Custom(func(t *rapid.T) Ban {
		b := Ban{Value: rapid.SampledFrom([]string{"192.0.2.1", "192.0.2.2", "192.0.2.0/30", "2001:db8::1"}).Draw(t, "value"), Source: "fail2ban", Reason: "x"}
		if rapid.IntRange(0, 3).Draw(t, "beginning known") > 0 {
			b.Since = at("0s").Add(time.Duration(rapid.IntRange(-600, 600).Draw(t, "since")) * time.Second)
		}
		if rapid.IntRange(0, 5).Draw(t, "ends") > 0 {
			b.Until = at("0s").Add(time.Duration(rapid.IntRange(1, 1800).Draw(t, "until")) * time.Second)
		}
		return b
	})
}

// step is one run of a host: its plan is checked against what hosts owe each other, then carried out.
func (h host) step(t *rapid.T, target *memTarget, now time.Time) Plan {
	p := h.plan(target, now)
	o := Ownership{Owner: h.owner, Derived: true}
	for _, r := range p.Remove {
		if x := o.classify(&r.Item); x.class != Own && (x.class != Peer || !x.tag.Until.Add(overdue).Before(now)) {
			t.Fatalf("%s removes %s %q", h.owner, r.Item.Prefix, r.Item.Comment)
		}
	}
	for _, a := range p.Add {
		old, stands := target.items[a.Post.Prefix]
		was, tagged := ParseTag(old.Comment)
		is, _ := ParseTag(a.Post.Comment)
		if stands && (!tagged || was.Owner != h.owner && (was.Until.After(now.Add(2*Interval)) || !is.Until.After(was.Until))) {
			t.Fatalf("%s writes %q over %q", h.owner, a.Post.Comment, old.Comment)
		}
	}
	if _, err := Apply(t.Context(), target, p); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPeersComeToRest: hosts that share a list write no more once each has run a few times, and fight over nothing.
func TestPeersComeToRest(t *testing.T) {
	takeOvers, writes := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		hosts, target := someHosts().Draw(t, "hosts"), newMemTarget()
		now := at("0s")
		taken := map[netip.Prefix]int{}
		for range rapid.IntRange(1, 30).Draw(t, "runs") {
			h := rapid.SampledFrom(hosts).Draw(t, "whose turn")
			p := h.step(t, target, now)
			for _, a := range p.Add {
				if a.Why == AddTakeOver {
					takeOvers++
					if taken[a.Post.Prefix]++; taken[a.Post.Prefix] > 2*len(hosts) {
						t.Fatalf("%s goes to and fro", a.Post.Prefix)
					}
				}
			}
			writes = count(writes, !p.Empty())
			now = now.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "pause")) * time.Second)
		}
		for range hosts { // each may have to follow another's last write once
			for _, h := range hosts {
				h.step(t, target, now)
			}
		}
		for _, h := range hosts {
			if p := h.plan(target, now); !p.Empty() {
				t.Fatalf("%s finds no rest: %q", h.owner, changes(p))
			}
			for _, b := range h.bans {
				if (b.Permanent() || b.Until.After(now)) && !target.covers(prefix(b.Value)) {
					t.Fatalf("%s's %+v is not blocked", h.owner, b)
				}
			}
		}
	})
	notVacuous(t, takeOvers, "take-overs")
	notVacuous(t, writes, "writes")
}

// TestPeersWithEqualEnds is the shortest fight there could be: both bans end in their last minute.
func TestPeersWithEqualEnds(t *testing.T) {
	hosts := []host{{owner: own, bans: bans("192.0.2.1 x -9m 1m")}, {owner: peer, bans: bans("192.0.2.1 x -9m 1m")}}
	target := newMemTarget(item("192.0.2.1 own 4m -9m fail2ban:x"))
	for _, h := range append(hosts, hosts...) {
		if p := h.plan(target, at("30s")); !p.Empty() {
			t.Errorf("%s: %q", h.owner, changes(p))
		}
	}
}

// TestPeerIsGone: what a dead host left behind serves while it is wanted, and goes a week after its lease.
func TestPeerIsGone(t *testing.T) {
	dead := host{owner: peer, bans: bans("192.0.2.1 x 0s 1h", "192.0.2.2 x 0s never")}
	alive := host{owner: own, bans: bans("192.0.2.1 x 0s 2h")}
	target := newMemTarget()
	if _, err := Apply(t.Context(), target, dead.plan(target, at("0s"))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		now  string
		want []string
	}{
		{"2m", nil},
		{"58m", nil},
		{"59m", []string{"add 192.0.2.1 take-over"}},
		{"1h1m", nil},
		{"2h3m", []string{"remove 192.0.2.1 ended"}},
		{"30d", nil},
		{"37d", nil},
		{"37d2m", []string{"remove 192.0.2.2 overdue"}},
		{"38d", nil},
	} {
		p := alive.plan(target, at(c.now))
		if d := difference(changes(p), c.want); d != "" {
			t.Errorf("at %s:\n%s", c.now, d)
		}
		if _, err := Apply(t.Context(), target, p); err != nil {
			t.Fatal(err)
		}
	}
}
