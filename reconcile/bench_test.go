package reconcile

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// BenchmarkDesireDiff plans for a full list: up to half of its items of bans in force, the rest of bans that are gone.
func BenchmarkDesireDiff(b *testing.B) {
	for _, n := range []struct{ bans, items int }{
		{1_000, 10_000}, {10_000, 10_000}, {100_000, 10_000}, // more and more bans
		{10_000, 1_000}, {10_000, 100_000}, // … items
	} {
		b.Run(fmt.Sprintf("bans=%d/items=%d", n.bans, n.items), func(b *testing.B) {
			plan := planner(n.bans, n.items)
			b.ReportAllocs()
			for b.Loop() {
				if p := plan(); len(p.Add) == 0 || len(p.Remove) == 0 {
					b.Fatal("nothing to do")
				}
			}
		})
	}
}

// planner returns what makes a plan for so many bans and items.
func planner(bans, items int) func() Plan {
	all, have := manyBans(bans), manyItems(items, min(bans, items)/2)
	s := scene{room: items}
	policy, view := s.policy(), s.view()
	view.Sources, view.Steady = []string{"fail2ban"}, []string{"fail2ban"} // the removals are no surprise
	policy.Protected = NewProtection(Reserved())
	return func() Plan { return Diff(Desire(all, policy, view.Now), have, view) }
}

// number i's address: every fifth is an IPv6 one.
func address(i int) netip.Addr {
	if i%5 == 0 {
		return netip.AddrFrom16([16]byte{0: 0x20, 1: 1, 2: 0x0d, 3: 0xb8, 5: byte(i >> 16), 6: byte(i >> 8), 7: byte(i), 15: 1})
	}
	return netip.AddrFrom4([4]byte{203, byte(i >> 16), byte(i >> 8), byte(i)})
}

// manyBans are of an hour or so, in a database's order, which is none.
func manyBans(n int) []Ban {
	all := make([]Ban, n)
	for i := range all {
		since := at("0s").Add(-time.Duration(i%3000) * time.Second)
		all[(i*7919)%n] = Ban{Value: address(i).String(), Source: "fail2ban", Reason: "sshd", Since: since, Until: since.Add(time.Hour)}
	}
	return all
}

// manyItems are ours; the first banned ones are of manyBans.
func manyItems(n, banned int) []Item {
	policy, all := scene{}.policy(), make([]Item, n)
	for i := range all {
		a := address(i)
		if i >= banned {
			a = address(i + 1_000_000)
		}
		p := policy.widest(netip.PrefixFrom(a, a.BitLen()))
		all[i] = Item{ID: fmt.Sprintf("%032x", i), Prefix: p, Comment: Tag{Owner: own, Until: at("2h"), Seen: at("-1h"), Text: "fail2ban:sshd"}.Comment()}
	}
	return all
}
