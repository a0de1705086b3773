package reconcile

import (
	"context"
	"strings"
	"testing"
	"time"
)

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
		p := PlanAdopt(want, items(s.items...), s.view().Ownership, nil, false, at("0s"))
		same(t, changes(p), []string{"add 192.0.2.1 take-over", "withhold 10.1.1.1 unmatched", "withhold 192.0.2.2 unmatched", "withhold 198.51.100.7 unmatched"})
		same(t, p.Add[0].Post.Comment, item("192.0.2.1 own 60m -10m fail2ban:sshd").Comment)
		same(t, p.Withheld[2].Detail, "no ban of its own, but 198.51.100.0/24 is banned")
		p = PlanAdopt(want, items(s.items...), s.view().Ownership, nil, true, at("0s"))
		same(t, changes(p), []string{"add 192.0.2.1 take-over", "remove 10.1.1.1 unmatched", "remove 192.0.2.2 unmatched", "remove 198.51.100.7 unmatched"})
	}
}

// TestUnconfirmed: what was done is known also where the target's answer was lost, because the list is read again.
func TestUnconfirmed(t *testing.T) {
	open := fault{uncertain: true, stale: true}
	for _, c := range []struct {
		name        string
		done        []int // by the writes whose answer is lost, of two removals
		sure        int   // of these, what is known nevertheless
		removes     int   // by the last plan
		unconfirmed int
	}{
		{"all is well", nil, 0, 2, 0},
		{"lost on the way back", []int{2}, 0, 0, 2},
		{"lost on the way there", []int{0}, 0, 2, 0},
		{"half of it is sure, half is not done", []int{1}, 1, 1, 0},
		{"half of it is done", []int{1}, 0, 1, 1},
		{"in three parts", []int{1, 1}, 0, 0, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := newMemTarget(items("192.0.2.1 own 1h -1h fail2ban:sshd", "192.0.2.2 own 1h -1h fail2ban:sshd", "192.0.2.3 own 1h -1h fail2ban:sshd")...)
			ways := &lossy{memTarget: target, done: c.done, sure: c.sure, err: open}
			r := run(ways)
			rep := r.Carry(t.Context(), func(items []Item, now time.Time) Plan {
				p, _ := r.Policy.PlanUnban(Unban{Network: prefix("192.0.2.0/30"), Touching: true}, items[:len(items)-1], r.Ownership, now)
				return p
			})
			if rep.Err != nil || len(target.items) != 1 || len(rep.Whole().Remove) != 2 || len(rep.Plan.Remove) != c.removes || rep.Unconfirmed() != c.unconfirmed {
				t.Errorf("%v, %d left, %d of %d removed by the last plan, %d unconfirmed", rep.Err, len(target.items), len(rep.Plan.Remove),
					len(rep.Whole().Remove), rep.Unconfirmed())
			}
		})
	}
}

// lossy is a target that removes a part and does not say so, as often as done says how much.
type lossy struct {
	*memTarget
	done []int
	sure int
	err  error
}

func (l *lossy) Remove(ctx context.Context, items []Item) (int, error) {
	if len(l.done) == 0 {
		return l.memTarget.Remove(ctx, items)
	}
	n := l.done[0]
	l.done = l.done[1:]
	if _, err := l.memTarget.Remove(ctx, items[:n]); err != nil {
		return 0, err
	}
	return l.sure, l.err
}
