package reconcile

import (
	"errors"
	"testing"
)

func TestApply(t *testing.T) {
	boom := errors.New("boom")
	s := scene{
		bans:  []string{"192.0.2.1 x 0s 1d", "192.0.2.2 x 0s 1d"},
		items: []string{"192.0.2.8 own 1h 0s fail2ban:x", "192.0.2.9 own 1h 0s fail2ban:x"},
	}
	for _, c := range []struct {
		name        string
		removeFirst bool
		failing     string
		done        int
		calls       []string
		want        Applied
		err         string
	}{
		{"all is well", false, "", 0, []string{"add", "remove"}, Applied{2, 2}, ""},
		{"room demands it", true, "", 0, []string{"remove", "add"}, Applied{2, 2}, ""},
		{"additions fail: nothing is unblocked", false, "add", 1, []string{"add"}, Applied{1, 0}, "boom"},
		{"removals fail", false, "remove", 1, []string{"add", "remove"}, Applied{2, 1}, "boom"},
		{"removals fail first", true, "remove", 1, []string{"remove"}, Applied{0, 1}, "boom"},
		{"additions fail last", true, "add", 0, []string{"remove", "add"}, Applied{0, 2}, "boom"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := s.plan()
			p.RemoveFirst = c.removeFirst
			target := newMemTarget(items(s.items...)...)
			var calls []string
			target.fail = func(call string) (int, error) {
				calls = append(calls, call)
				if call == c.failing {
					return c.done, boom
				}
				return 0, nil
			}
			done, err := Apply(t.Context(), target, p)
			same(t, calls, c.calls)
			same(t, done, c.want)
			if c.err == "" && err != nil || c.err != "" && (err == nil || err.Error() != c.err || !errors.Is(err, boom)) {
				t.Errorf("%v", err)
			}
			target.fail = nil
			if _, err := Apply(t.Context(), target, s.planFor(target.all())); err != nil {
				t.Error(err)
			}
			if next := s.planFor(target.all()); !next.Empty() || len(target.items) != 2 {
				t.Errorf("the next run does not repair it: %q", changes(next))
			}
		})
	}
}

func TestApplyOfNothingAsksNobody(t *testing.T) {
	target := newMemTarget()
	target.fail = func(call string) (int, error) { t.Error(call); return 0, nil }
	if done, err := Apply(t.Context(), target, Plan{RemoveFirst: true}); err != nil || done != (Applied{}) {
		t.Errorf("%v %v", done, err)
	}
}

func TestReadOnly(t *testing.T) {
	under := newMemTarget(item("192.0.2.1 own 1h 0s x:y"))
	target := ReadOnly(under)
	if all, _, err := target.Items(t.Context()); err != nil || len(all) != 1 || target.Name() != under.Name() {
		t.Errorf("%v %v", all, err)
	}
	_, err1 := target.Add(t.Context(), []Post{{}})
	_, err2 := target.Remove(t.Context(), under.all())
	if !errors.Is(err1, ErrReadOnly) || !errors.Is(err2, ErrReadOnly) || under.posts+under.removals > 0 {
		t.Errorf("%v, %v", err1, err2)
	}
}
