package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// addresses are n bans, each a minute older than the one before; %d in the line is the number.
func addresses(n int) []string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("198.51.100.%d sshd -%dm 1d", i, i))
	}
	return lines
}

func TestRoom(t *testing.T) {
	two := []string{"192.0.2.1 old -2h 1d", "192.0.2.2 young -1h 1d"}
	for _, c := range []struct {
		name  string
		scene scene
		want  []string
	}{
		{"enough", scene{bans: two, room: 2}, []string{"add 192.0.2.1 new", "add 192.0.2.2 new"}},
		{"the oldest goes short", scene{bans: two, room: 1}, []string{"add 192.0.2.2 new"}},
		{"none", scene{bans: two, room: -1}, nil},
		{"others' items take room", scene{bans: two, room: 2, items: []string{"192.0.2.9 created=-1h by hand"}}, []string{"add 192.0.2.2 new"}},
		{"a peer's, too", scene{bans: two, room: 2, items: []string{"192.0.2.9 peer 1h 0s x:y"}}, []string{"add 192.0.2.2 new"}},
		{
			"an overdue one does not", scene{bans: two, room: 2, items: []string{"192.0.2.9 peer -8d -9d x:y"}},
			[]string{"add 192.0.2.1 new", "add 192.0.2.2 new", "remove 192.0.2.9 overdue"},
		},
		{
			"a more recent ban takes an older one's place", scene{bans: two, room: 1, items: []string{"192.0.2.1 own 2d -2h fail2ban:old"}},
			[]string{"add 192.0.2.2 new", "remove 192.0.2.1 no room"},
		},
		{"another's item that satisfies takes no more", scene{bans: two, room: 2, items: []string{"192.0.2.1 created=-1h by hand"}}, []string{"add 192.0.2.2 new"}},
		{
			"a protected item makes room", scene{
				bans: two, room: 2, items: []string{"203.0.113.1 own 1h -1h fail2ban:x"}, failed: []string{"fail2ban"}, protected: []string{"203.0.113.0/24"},
			},
			[]string{"add 192.0.2.1 new", "add 192.0.2.2 new", "remove 203.0.113.1 protected"},
		},
		{
			"a failed source's item takes room", scene{bans: two, room: 2, items: []string{"203.0.113.1 own 1h -1h crowdsec:x"}, failed: []string{"crowdsec"}},
			[]string{"add 192.0.2.2 new"},
		},
		{
			"of equals the first address", scene{bans: []string{"192.0.2.2 x -1h 1d", "192.0.2.1 x -1h 1d", "192.0.2.3 x -1h 1d"}, room: 1},
			[]string{"add 192.0.2.1 new"},
		},
		{"not yet begun: as young as what begins now", scene{bans: []string{"192.0.2.1 x 0s 1d", "192.0.2.2 x 5m 1d"}, room: 1}, []string{"add 192.0.2.1 new"}},
		{"beginning unknown: it may be the latest", scene{bans: []string{"192.0.2.1 x ? 1d", "192.0.2.2 x 0s 1d"}, room: 1}, []string{"add 192.0.2.1 new"}},
		{"… as well as another", scene{bans: []string{"192.0.2.2 x ? 1d", "192.0.2.1 x 0s 1d"}, room: 1}, []string{"add 192.0.2.1 new"}},
		{"the community's comes last", scene{bans: []string{"192.0.2.1 community:x ? 1d", "192.0.2.2 x -9d 1d"}, room: 1}, []string{"add 192.0.2.2 new"}},
		{"… unless it is banned here too", scene{bans: []string{"192.0.2.1 community:x ? 1d", "192.0.2.1 x -8d 1d", "192.0.2.2 x -9d 1d"}, room: 1}, []string{"add 192.0.2.1 new"}},
		{
			"… and goes for what is banned here", scene{
				bans: []string{"192.0.2.1 community:x ? 1d", "192.0.2.2 crowdsec:x ? 1h"}, room: 1, items: []string{"192.0.2.1 own 1d -1h crowdsec:x"},
			},
			[]string{"add 192.0.2.2 new", "remove 192.0.2.1 no room"},
		},
		{
			"a network is as young as what it covers", scene{bans: []string{"192.0.2.0/24 x -9d 1d", "192.0.2.2 x 0s 1h", "198.51.100.1 x -1h 1d"}, room: 1},
			[]string{"add 192.0.2.0/24 new"},
		},
		{
			"what a network would have covered finds no room either", scene{bans: []string{"192.0.2.0/24 x -9d 1d", "192.0.2.2 x -3h 1h", "198.51.100.1 x -1h 1d"}, room: 1},
			[]string{"add 198.51.100.1 new"},
		},
		{
			"a peer's item about to end stays the peer's when it would be cut", scene{bans: two, room: 2, items: []string{"192.0.2.1 peer 1m -1h x:y", "192.0.2.9 created=-1h x"}},
			nil,
		},
		{
			"… and is taken over when it would not", scene{bans: two, room: 2, items: []string{"192.0.2.2 peer 1m -1h x:y", "192.0.2.9 created=-1h x"}},
			[]string{"add 192.0.2.2 take-over"},
		},
	} {
		t.Run(c.name, func(t *testing.T) { c.scene.expect(t, c.want...) })
	}
}

// TestRoomAndItemsThatStayAnyway: what takes its place whether it is wanted or not pushes nothing else out.
func TestRoomAndItemsThatStayAnyway(t *testing.T) {
	young := []string{"192.0.2.1 x -1m 1d", "192.0.2.2 x -2m 1d"}
	for _, c := range []struct {
		name    string
		scene   scene
		want    []string
		leftOut int
	}{
		{
			"a peer's: blocked for now, so not left out",
			scene{bans: append(young, "192.0.2.3 x -3m 1d"), room: 3, items: []string{"192.0.2.3 peer 1m -1h x:y", "192.0.2.9 created=-1h x"}},
			[]string{"add 192.0.2.1 new"}, 1,
		},
		{
			"one that a failed source may want",
			scene{bans: append(young, "192.0.2.3 x -3m 1d"), room: 2, items: []string{"192.0.2.3 own 2d -3m crowdsec:x fail2ban:x"}, failed: []string{"crowdsec"}},
			[]string{"add 192.0.2.1 new"}, 1,
		},
		{
			"one that is withheld: not taken over, because it would have to go at once",
			scene{bans: append(young, "192.0.2.3 x -3m 1d"), room: 2, items: []string{"192.0.2.3 created=-3m"}, exclusive: true},
			[]string{"add 192.0.2.1 new", "withhold 192.0.2.3 no room"}, 2,
		},
		{
			"beside one that fits for now",
			scene{
				bans: append(addresses(100), "192.0.2.3 x -200m 1d"), room: 100, failed: []string{"crowdsec"},
				items: append(each(addresses(99), func(s string) string { return strings.Fields(s)[0] + " own 2d -2h fail2ban:sshd" }), "192.0.2.3 own 2d -3h crowdsec:x fail2ban:x"),
			},
			nil, 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.scene.expect(t, c.want...)
			if len(p.LeftOut()) != c.leftOut {
				t.Errorf("left out: %v", p.LeftOut())
			}
		})
	}
}

// TestRoomAmongEquals goes by address.
func TestRoomAmongEquals(t *testing.T) {
	var all []string
	for i := range 100 { // even addresses are the younger ones
		n := (i * 37) % 100
		all = append(all, fmt.Sprintf("198.51.100.%d x -%dh 1d", n, 1+n%2))
	}
	var odd []string
	p := scene{bans: all, room: 60}.plan()
	for _, a := range p.Add {
		if text := PrefixText(a.Post.Prefix); strings.ContainsAny(text[len(text)-1:], "13579") {
			odd = append(odd, text[len("198.51.100."):])
		}
	}
	same(t, len(p.Add), 59)
	same(t, odd, strings.Fields("1 3 5 7 9 11 13 15 17"))
}

func TestNoRoomIsSaid(t *testing.T) {
	p := scene{bans: []string{"192.0.2.1 a -2h 1d", "192.0.2.1 b -3h -1m", "192.0.2.2 b -1h 1d"}, room: 1}.plan()
	want := LeftOut{Ban: ban("192.0.2.1 a -2h 1d"), Reason: LeftOutNoRoom}
	same(t, p.LeftOut(), []LeftOut{want})
}

// TestRoomIsCutOnce: a list that overflows is cut a little further than it must be, so that the next bans need no removals.
func TestRoomIsCutOnce(t *testing.T) {
	s := scene{bans: addresses(101), room: 100}
	p := s.plan()
	if len(p.Add) != 98 || len(p.LeftOut()) != 3 {
		t.Fatalf("%d added, %d left out", len(p.Add), len(p.LeftOut()))
	}
	target := newMemTarget()
	for _, c := range []struct {
		ban  string
		want []string
	}{
		{"", slices.Repeat([]string{"add"}, 98)},
		{"192.0.2.1 new 0s 1d", []string{"add"}},
		{"192.0.2.2 new 0s 1d", []string{"add"}},
		{"192.0.2.3 new 0s 1d", []string{"add", "remove", "remove", "remove"}}, // 98 again
		{"192.0.2.4 new 0s 1d", []string{"add"}},
	} {
		if c.ban != "" {
			s.bans = append(s.bans, c.ban)
		}
		p := s.planFor(target.all())
		same(t, len(p.Add)+len(p.Remove), len(c.want))
		if _, err := Apply(t.Context(), target, p); err != nil {
			t.Fatal(err)
		}
		if next := s.planFor(target.all()); !next.Empty() {
			t.Errorf("after %q: %q", c.ban, changes(next))
		}
	}
}

// TestWithheldItemsTakeRoom: an exclusive list that an old script filled does not overflow while a person has not looked.
func TestWithheldItemsTakeRoom(t *testing.T) {
	s := scene{
		exclusive: true, room: 3, bans: []string{"192.0.2.1 x -2h 1d", "192.0.2.2 x -1h 1d"},
		items: []string{"198.51.100.1 created=-1d", "198.51.100.2 created=-1d"},
	}
	s.expect(t, "add 192.0.2.2 new", "withhold 198.51.100.1 lifted", "withhold 198.51.100.2 lifted")
	s.allow = true
	s.expect(t, "add 192.0.2.1 new", "add 192.0.2.2 new", "remove 198.51.100.1 lifted", "remove 198.51.100.2 lifted")
}

func TestRemoveFirst(t *testing.T) {
	s := scene{bans: []string{"192.0.2.1 x 0s 1d", "192.0.2.2 x 0s 1d"}, items: []string{"192.0.2.8 own 1h 0s fail2ban:x", "192.0.2.9 created=-1h x"}}
	for room, want := range map[int]bool{3: true, 4: false} {
		s.room = room
		p := s.expect(t, "add 192.0.2.1 new", "add 192.0.2.2 new", "remove 192.0.2.8 lifted")
		if p.RemoveFirst != want {
			t.Errorf("room for %d: remove first is %v", room, p.RemoveFirst)
		}
	}
	s.items = s.items[1:]
	s.room = 2 // too few, but nothing to remove
	if p := s.expect(t, "add 192.0.2.1 new"); p.RemoveFirst {
		t.Error("remove what first?")
	}
}
