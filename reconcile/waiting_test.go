package reconcile

import (
	"errors"
	"testing"
	"time"
)

// TestWaiting: since a change was first seen, for as long as it waits.
func TestWaiting(t *testing.T) {
	s := scene{
		bans:  []string{"192.0.2.1 x 0s 1d", "192.0.2.2 x 0s 1d", "192.0.2.3 x 0s 1d"},
		items: []string{"192.0.2.3 former 1h 0s fail2ban:x", "192.0.2.8 own 1h 0s fail2ban:x", "192.0.2.9 own 1h 0s fail2ban:x"},
	}
	p := s.expect(t, "add 192.0.2.1 new", "add 192.0.2.2 new", "add 192.0.2.3 take-over", "remove 192.0.2.8 lifted", "remove 192.0.2.9 lifted")
	now := at("0s")
	all := Waiting{"+192.0.2.1": now, "+192.0.2.2": now, "-192.0.2.8": now, "-192.0.2.9": now}
	for _, c := range []struct {
		name           string
		before         Waiting
		done           Applied
		want           Waiting
		missing, stale string
	}{
		{"nothing waited, nothing was done", nil, Applied{}, all, "0s", "0s"},
		{"all was done", all, Applied{3, 2}, nil, "?", "?"},
		{"some was done", nil, Applied{1, 1}, Waiting{"+192.0.2.2": now, "-192.0.2.9": now}, "0s", "0s"},
		{"only a comment is to be changed", nil, Applied{2, 2}, nil, "?", "?"},
		{
			"what waited goes on waiting, what was done is forgotten",
			Waiting{"+192.0.2.1": at("-2h"), "+192.0.2.2": at("-1h"), "-192.0.2.9": at("-3h"), "-203.0.113.1": at("-9h"), "+192.0.2.8": at("-9h")},
			Applied{1, 1}, Waiting{"+192.0.2.2": at("-1h"), "-192.0.2.9": at("-3h")}, "-1h", "-3h",
		},
		{"the oldest of several", Waiting{"+192.0.2.1": at("-2h"), "+192.0.2.2": at("-1h")}, Applied{0, 2}, Waiting{"+192.0.2.1": at("-2h"), "+192.0.2.2": at("-1h")}, "-2h", "?"},
		{"the clock was set back", Waiting{"+192.0.2.1": at("1h"), "-192.0.2.9": at("1s")}, Applied{}, all, "0s", "0s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := waitingAfter(p, c.done, c.before)
			same(t, got, c.want)
			missing, stale := got.Oldest()
			same(t, missing, at(c.missing))
			same(t, stale, at(c.stale))
		})
	}
}

// TestWithheldRemovalsWait, too: they are drift.
func TestWithheldRemovalsWait(t *testing.T) {
	s := scene{items: []string{"192.0.2.8 created=-1d"}, exclusive: true}
	p := s.expect(t, "withhold 192.0.2.8 lifted")
	same(t, waitingAfter(p, Applied{}, nil), Waiting{"-192.0.2.8": at("0s")})
}

// TestWaitingThroughRuns: a run that cannot know what became of its writes, or that made no plan, leaves what it was told.
func TestWaitingThroughRuns(t *testing.T) {
	source := f2b("192.0.2.1 sshd 0s 1h")
	told := Waiting{"+192.0.2.1": at("-1h"), "+192.0.2.2": at("-2h")}
	for _, c := range []struct {
		name    string
		sources []Source
		broken  string
		err     error
		want    Waiting
	}{
		{"done", []Source{source}, "", nil, nil},
		{"refused", []Source{source}, "add", fault{refused: true}, Waiting{"+192.0.2.1": at("-1h")}},
		{"nobody knows", []Source{source}, "add", fault{uncertain: true}, told},
		{"not ended", []Source{source}, "add", fault{uncertain: true, pending: "op"}, told},
		{"no items", []Source{source}, "items", errors.New("boom"), told},
		{"no source", []Source{failing(source)}, "", nil, told},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := newMemTarget()
			answering(target, map[string][]error{c.broken: {c.err}})
			r := run(target, c.sources...)
			r.Waiting = told
			rep := r.Do(t.Context())
			same(t, rep.Next.Waiting, c.want)
			same(t, len(told), 2)
		})
	}
}

func TestOldestOfNone(t *testing.T) {
	missing, stale := Waiting{"": time.Time{}}.Oldest() // a damaged state
	if !missing.IsZero() || !stale.IsZero() {
		t.Errorf("%v, %v", missing, stale)
	}
}
