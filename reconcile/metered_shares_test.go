package reconcile

import (
	"context"
	"errors"
	"net/netip"
	"testing"
)

// late is an error that says that the rest is for the next run.
type late struct{ error }

func (late) Later() bool { return true }

// TestMeteredShares: urgent removals come first, then the most recent bans, and of what is left a quarter is for the other removals.
func TestMeteredShares(t *testing.T) {
	for _, c := range []struct {
		name               string
		urgent, adds, rest int
		changes            int
		removeFirst        bool
		want               Applied
	}{
		{"all of it", 3, 4, 5, 100, false, Applied{4, 8}},
		{"nothing", 3, 4, 5, 0, false, Applied{}},
		{"the urgent ones first", 3, 4, 5, 2, false, Applied{0, 2}},
		{"a quarter of what is left", 2, 100, 100, 42, false, Applied{30, 12}},
		{"few other removals", 2, 100, 3, 42, false, Applied{37, 5}},
		{"few bans", 2, 3, 100, 42, false, Applied{3, 39}},
		{"room demands removals", 1, 100, 100, 41, true, Applied{30, 11}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &memRules{rules: map[netip.Prefix]memRule{}, left: 1000}
			target := m.mode("block")
			p := Plan{Now: at("0s"), RemoveFirst: c.removeFirst}
			address := netip.MustParseAddr("203.0.113.0")
			next := func() netip.Prefix { address = address.Next(); return netip.PrefixFrom(address, 32) }
			for i := range c.urgent + c.rest {
				it := Item{ID: "rule", Prefix: next()}
				m.rules[it.Prefix] = memRule{"block", it}
				why := RemoveEnded
				if i >= c.rest {
					why = RemoveLifted
				}
				p.Remove = append(p.Remove, Removal{Item: it, Why: why})
			}
			for range c.adds {
				e := Entry{Prefix: next(), Terms: terms("sshd -1h 1h")}
				p.Add = append(p.Add, Addition{Entry: &e, Why: AddNew, Post: Post{Prefix: e.Prefix}})
			}
			p.byUrgency()
			m.left = c.changes
			done, err := applyMetered(t.Context(), target, p, c.changes)
			if done != c.want || err != nil || m.left != c.changes-done.Added-done.Removed {
				t.Errorf("%+v, %d changes left, %v", done, m.left, err)
			}
		})
	}
}

// TestOrderOfUrgency: the most recent bans come first, changes of comments last; ties go by address.
func TestOrderOfUrgency(t *testing.T) {
	var p Plan
	p.Now = at("0s")
	for _, a := range []struct{ prefix, since, why string }{
		{"192.0.2.1", "-3h", "new"}, {"192.0.2.2", "-1m", "renewal"}, {"192.0.2.3", "-1m", "new"}, {"192.0.2.4", "-2h", "new"}, {"192.0.2.5", "-3h", "new"},
	} {
		e := Entry{Prefix: prefix(a.prefix), Terms: terms("sshd " + a.since + " 1d")}
		p.Add = append(p.Add, Addition{Entry: &e, Why: AdditionReason(a.why), Post: Post{Prefix: e.Prefix}})
	}
	p.byUrgency()
	same(t, changes(p), []string{"add 192.0.2.3 new", "add 192.0.2.4 new", "add 192.0.2.1 new", "add 192.0.2.5 new", "add 192.0.2.2 renewal"})
}

// stopping is a metered target whose additions end with an error.
type stopping struct {
	memMode
	done int
	err  error
}

func (s *stopping) Add(context.Context, []Post) (int, error) { return s.done, s.err }

// TestMeteredLater: what there is no time for is no failure once something was done.
func TestMeteredLater(t *testing.T) {
	e := Entry{Prefix: prefix("192.0.2.1"), Terms: terms("sshd -1h 1h")}
	p := Plan{Now: at("0s"), Add: []Addition{{Entry: &e, Why: AddNew}, {Entry: &e, Why: AddNew}}}
	for _, c := range []struct {
		done int
		err  error
		ok   bool
	}{{1, late{errors.New("late")}, true}, {0, late{errors.New("late")}, false}, {1, errors.New("boom"), false}} {
		done, err := applyMetered(t.Context(), &stopping{done: c.done, err: c.err}, p, 10)
		if done.Added != c.done || err == nil != c.ok {
			t.Errorf("%+v, %v", done, err)
		}
	}
}

// TestEffectsOfItems: what stands at an entry's prefix and does something else.
func TestEffectsOfItems(t *testing.T) {
	for _, c := range []struct {
		owner  string
		effect Effect
		want   string // the change
		placed int    // entries that find their place taken
	}{
		{"", OfTarget, "", 0}, {"", Weaker, "", 1}, {"", Stronger, "", 0}, {"", Allows, "", 1}, {"", Stops, "", 1},
		{"peer", OfTarget, "", 0}, {"peer", Weaker, "add 192.0.2.1 new", 0}, {"peer", Allows, "", 1}, {"peer", Stops, "", 1},
		{"own", OfTarget, "", 0}, {"own", Weaker, "add 192.0.2.1 new", 0}, {"own", Allows, "add 192.0.2.1 new", 0}, {"own", Stops, "add 192.0.2.1 new", 0},
	} {
		it := item("192.0.2.1 created=-1h by hand")
		if c.owner != "" {
			it = item("192.0.2.1 " + c.owner + " 2d -1h fail2ban:sshd")
		}
		it.Effect = c.effect
		s := scene{bans: []string{"192.0.2.1 sshd -1h 1d"}}
		p := s.planFor([]Item{it})
		got := ""
		for _, line := range changes(p) {
			got = line
		}
		if c.owner == "peer" && c.want != "" {
			c.want = "add 192.0.2.1 take-over"
		}
		if got != c.want || len(p.Occupied) != c.placed || len(p.Remove) > 0 {
			t.Errorf("%q, effect %d: %q, %d occupied", c.owner, c.effect, got, len(p.Occupied))
		}
	}
}
