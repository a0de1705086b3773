package reconcile

import (
	"context"
	"fmt"
	"testing"
)

// meteredTarget makes so many changes a run, one by one, and has room for so many items.
type meteredTarget struct {
	*memTarget
	changes, room int
	log           []string
}

type noRoomError struct{}

func (noRoomError) Error() string { return "no room" }
func (noRoomError) Full() bool    { return true }

func (m *meteredTarget) Changes() int { return m.changes }

func (m *meteredTarget) Add(ctx context.Context, posts []Post) (int, error) {
	for i, p := range posts {
		if _, there := m.items[p.Prefix]; m.room > 0 && !there && len(m.items) >= m.room {
			return i, noRoomError{}
		}
		if _, err := m.memTarget.Add(ctx, posts[i:i+1]); err != nil {
			return i, err
		}
		m.log = append(m.log, "+"+PrefixText(p.Prefix))
	}
	return len(posts), nil
}

func (m *meteredTarget) Remove(ctx context.Context, items []Item) (int, error) {
	for _, i := range items {
		m.log = append(m.log, "-"+PrefixText(i.Prefix))
	}
	return m.memTarget.Remove(ctx, items)
}

// TestMeteredOrder: un-bans first, then the most recent bans; a quarter of what is left goes to other removals.
func TestMeteredOrder(t *testing.T) {
	for changes, want := range map[int][]string{
		0:  nil,
		1:  {"-192.0.2.9"},
		2:  {"-192.0.2.9", "+192.0.2.3"},
		5:  {"-192.0.2.9", "+192.0.2.3", "+192.0.2.1", "+192.0.2.2", "-192.0.2.7"},
		20: {"-192.0.2.9", "+192.0.2.3", "+192.0.2.1", "+192.0.2.2", "-192.0.2.7", "-192.0.2.8"},
	} {
		target := &meteredTarget{memTarget: newMemTarget(items("192.0.2.7 own 1h -1h fail2ban:sshd", "192.0.2.8 own 1h -1h fail2ban:sshd",
			"192.0.2.9 own 1h -1h fail2ban:sshd")...), changes: changes}
		r := run(target, f2b("192.0.2.1 sshd -5m 1h", "192.0.2.2 sshd -6m 1h", "192.0.2.3 sshd -1m 1h", "192.0.2.7 sshd -3h -2h", "192.0.2.8 sshd -3h -2h"))
		rep := r.Do(t.Context())
		if missing, stale, known := rep.Drift(); rep.Err != nil || !known || missing+stale != 6-len(want) || fmt.Sprint(target.log) != fmt.Sprint(want) {
			t.Errorf("%d changes: %v, %v, %d missing, %d stale", changes, rep.Err, target.log, missing, stale)
		}
	}
}

// TestMeteredRoom: what is made one by one tells the room to the item. The next run tries no more, and has nothing to do.
func TestMeteredRoom(t *testing.T) {
	target := &meteredTarget{memTarget: newMemTarget(items("192.0.2.9 created=-1h by hand")...), changes: 100, room: 3}
	target.survey.Items = 1
	source := f2b("192.0.2.1 sshd -5m 1h", "192.0.2.2 sshd -4m 1h", "192.0.2.3 sshd -3m 1h", "192.0.2.4 sshd -2m 1h", "192.0.2.5 sshd -1m 1h")
	r := run(target, source)
	first := r.Do(t.Context())
	if !full(first.Err) || fmt.Sprint(target.log) != "[+192.0.2.5 +192.0.2.4]" || first.Next.Capacity.Fits != 3 || first.Next.Capacity.Over != 4 {
		t.Fatalf("%v, %v, %+v", first.Err, target.log, first.Next.Capacity)
	}
	r.Past = first.Next
	second := r.Do(t.Context())
	if second.Outcome != OutcomeInStep || len(second.Plan.NoRoom) != 3 || len(target.log) != 2 {
		t.Errorf("%s, %v, %d without room", second.Outcome, second.Err, len(second.Plan.NoRoom))
	}
	target.room = 100
	r.Past, r.Now = second.Next, r.Now.Add(forgetCapacity+1)
	source = f2b("192.0.2.1 sshd 5m 3h", "192.0.2.2 sshd 5m 3h", "192.0.2.4 sshd 0s 3h", "192.0.2.5 sshd 0s 3h")
	r.Sources = []Source{source}
	if third := r.Do(t.Context()); third.Err != nil || len(target.items) != 5 {
		t.Errorf("the twin: %v, %v", third.Err, target.log)
	}
}

// TestByHandInOtherMode: a block by hand is not turned into the challenge that a source wants, as long as it lasts. A challenge by hand gives
// way to a block.
func TestByHandInOtherMode(t *testing.T) {
	for _, c := range []struct {
		item   string
		effect Effect
		want   []string
	}{
		{"192.0.2.1 manual 1h -1h manual:x", Stronger, nil},
		{"192.0.2.1 manual 0s -1h manual:x", Stronger, []string{"add 192.0.2.1 new"}},
		{"192.0.2.1 own 1h -1h fail2ban:sshd", Stronger, []string{"add 192.0.2.1 new"}},
		{"192.0.2.1 manual 1h -1h manual:x", Weaker, []string{"add 192.0.2.1 new"}},
	} {
		have := items(c.item)
		have[0].Effect = c.effect
		s := scene{bans: []string{"192.0.2.1 sshd -5m 1h"}, room: 10}
		p := Diff(Desire(bans(s.bans...), s.policy(), at("0s")), have, s.view())
		same(t, changes(p), c.want)
		if (p.Satisfied == 1) != (c.want == nil) {
			t.Errorf("%s: %d satisfied", c.item, p.Satisfied)
		}
	}
}

// TestOtherMode: own items of another mode are not the target's, take room all the same, and are counted.
func TestOtherMode(t *testing.T) {
	have := items("192.0.2.1 own 1h -1h fail2ban:sshd", "192.0.2.2 own 1h -1h fail2ban:sshd", "192.0.2.3 created=-1h by hand")
	have[1].Effect, have[2].Effect = Weaker, Weaker
	s := scene{bans: []string{"192.0.2.1 sshd -5m 1h"}, room: 10}
	p := Diff(Desire(bans(s.bans...), s.policy(), at("0s")), have, s.view())
	if p.Items != 2 || p.Own != 1 || p.Foreign != 1 || p.OtherMode != 1 || p.Room != 9 || !p.Empty() {
		t.Errorf("%+v", p)
	}
}
