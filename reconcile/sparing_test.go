package reconcile

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// wholeTarget can also be written whole. It notes the writes in their order.
type wholeTarget struct {
	*memTarget
	writes []string
	errs   []error // of Replace, the first one first
}

func newWholeTarget(have ...Item) *wholeTarget {
	w := &wholeTarget{memTarget: newMemTarget(have...)}
	w.fail = func(call string) (int, error) {
		if call == "add" || call == "remove" {
			w.writes = append(w.writes, call)
		}
		return 0, nil
	}
	return w
}

func (w *wholeTarget) Replace(_ context.Context, posts []Post) error {
	w.writes = append(w.writes, "replace")
	if len(w.errs) > 0 {
		err := w.errs[0]
		w.errs = w.errs[1:]
		return err
	}
	old := w.items
	w.items = nil
	fresh := newMemTarget()
	for _, p := range posts {
		if it := old[p.Prefix]; it.Comment == p.Comment { // as it was, but for its id
			fresh.items[p.Prefix] = Item{ID: "again " + it.ID, Prefix: it.Prefix, Comment: it.Comment, Created: it.Created}
			continue
		}
		fresh.items[p.Prefix] = Item{ID: "fresh " + PrefixText(p.Prefix), Prefix: p.Prefix, Comment: p.Comment}
	}
	if len(fresh.items) != len(posts) {
		return errors.New("a prefix is there twice")
	}
	w.items = fresh.items
	return nil
}

// sparse is a run on an account that refused a write an hour ago.
func sparse(target Target, sources ...Source) Run {
	r := run(target, sources...)
	r.Throttle.Last = at("-1h")
	return r
}

// doubtfulTarget counts other items than it lists.
type doubtfulTarget struct{ *wholeTarget }

func (d doubtfulTarget) Items(ctx context.Context) ([]Item, []string, error) {
	all, _, err := d.wholeTarget.Items(ctx)
	return all, []string{"the list counts 7 items"}, err
}

// TestSparing: one write holds the whole content when, and only when, that is sure to touch nobody else's items and to rest on
// full knowledge; otherwise one direction goes out per run.
func TestSparing(t *testing.T) {
	was := []string{"192.0.2.7 own 2h -1h fail2ban:sshd", "192.0.2.8 own 2h -1h fail2ban:sshd"}
	now := []string{"192.0.2.1 sshd 0s 1h", "192.0.2.7 sshd -1h 1h"} // one comes, one stays, one goes
	replace, add, remove := []string{"replace"}, []string{"add"}, []string{"remove"}
	for _, c := range []struct {
		name    string
		bans    []string
		items   []string
		prepare func(*Run, *wholeTarget)
		writes  []string
		outcome Outcome
	}{
		{name: "all is ours", items: was, bans: now, writes: replace},
		{name: "never refused", items: was, bans: now, prepare: func(r *Run, _ *wholeTarget) { r.Throttle = Throttle{} }, writes: []string{"add", "remove"}},
		{name: "refused a day ago", items: was, bans: now, prepare: func(r *Run, _ *wholeTarget) { r.Throttle.Last = at("-24h") }, writes: []string{"add", "remove"}},
		{name: "refused today, let through since", items: was, bans: now, prepare: func(r *Run, _ *wholeTarget) { r.Throttle.Wrote = at("-1m") }, writes: replace},
		{name: "only additions", items: was[:1], bans: now, writes: add},
		{name: "only removals", items: was, bans: now[1:], writes: remove},
		{name: "a former owner's is ours", items: append([]string{"192.0.2.6 former 2h -1h fail2ban:sshd"}, was...), bans: now, writes: replace},
		{name: "an untagged item, exclusive and looked at", items: append([]string{"192.0.2.6 created=-1h x"}, was...), bans: now,
			prepare: func(r *Run, _ *wholeTarget) { r.Ownership.Exclusive, r.Limits.AllowUntagged = true, true }, writes: replace},
		{name: "everything goes but what comes", items: was[1:], bans: now[:1], writes: replace},

		{name: "an item by hand", items: append([]string{"192.0.2.9 created=-1h x"}, was...), bans: now, writes: add},
		{name: "a peer's", items: append([]string{"192.0.2.9 peer 2h -1h fail2ban:sshd"}, was...), bans: now, writes: add},
		{name: "the count is in doubt", items: was, bans: now, prepare: func(r *Run, w *wholeTarget) { r.Target = doubtfulTarget{w} }, writes: add},
		{name: "a source that did not answer", items: was, bans: now,
			prepare: func(r *Run, _ *wholeTarget) { r.Sources = append(r.Sources, failing(crowdsec())) }, writes: add},
		{name: "… and that may want an item", items: append([]string{"192.0.2.6 own 2h -1h crowdsec:x"}, was...), bans: now,
			prepare: func(r *Run, _ *wholeTarget) { r.Sources = append(r.Sources, failing(crowdsec())) }, writes: add},
		{name: "an untagged item, withheld", items: append([]string{"192.0.2.6 created=-1h x"}, was...), bans: now,
			prepare: func(r *Run, _ *wholeTarget) { r.Ownership.Exclusive = true }, writes: add, outcome: OutcomeWithheld},
		{name: "an orphan", items: append([]string{"192.0.2.6 own 2h -1h fail2ban:sshd"}, was...), bans: now,
			prepare: func(r *Run, _ *wholeTarget) { r.Orphans = each([]string{"192.0.2.6"}, prefix) }, writes: add},
		{name: "a target that is not written whole", items: was, bans: now, prepare: func(r *Run, w *wholeTarget) {
			r.Target = struct{ Target }{w}
		}, writes: add},
		{name: "more than one write carries", items: was, bans: now, prepare: func(_ *Run, w *wholeTarget) { w.errs = []error{fault{tooLarge: true}} },
			writes: []string{"replace", "add"}},

		{name: "refused", items: was, bans: now, prepare: func(_ *Run, w *wholeTarget) { w.errs = []error{fault{refused: true}} }, writes: replace, outcome: OutcomeFailed},
		{name: "nobody knows", items: was, bans: now, prepare: func(_ *Run, w *wholeTarget) { w.errs = []error{fault{uncertain: true, stale: true}} },
			writes: []string{"replace", "replace"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := newWholeTarget(items(c.items...)...)
			r := sparse(target, f2b(c.bans...))
			if c.prepare != nil {
				c.prepare(&r, target)
			}
			if c.outcome == "" {
				c.outcome = OutcomeChanged
			}
			rep := r.Do(t.Context())
			same(t, target.writes, c.writes)
			if rep.Outcome != c.outcome {
				t.Errorf("%s: %v", rep.Outcome, rep.Err)
			}
			if rep.Outcome == OutcomeFailed {
				return
			}
			r.Past = rep.Next
			r.Throttle = Throttle{} // the rest goes out
			if rep = r.Do(t.Context()); rep.Outcome == OutcomeFailed {
				t.Fatal(rep.Err)
			}
			if rep = r.Do(t.Context()); !rep.Plan.Empty() {
				t.Errorf("no fixed point: %q", changes(*rep.Plan))
			}
			missing, stale, known := rep.Drift()
			if missing > 0 || stale != len(rep.Plan.Withheld) || !known || !target.covers(prefix("192.0.2.1")) && len(c.bans) > 1 {
				t.Errorf("drift %d and %d", missing, stale)
			}
		})
	}
}

// TestSparingKeepsComments to the letter, of all items that stay.
func TestSparingKeepsComments(t *testing.T) {
	stays := item("192.0.2.7 own 2h -1h fail2ban:oldname")
	target := newWholeTarget(stays, item("192.0.2.8 own 2h -1h fail2ban:sshd"))
	rep := sparse(target, f2b("192.0.2.1 sshd 0s 1h", "192.0.2.7 sshd -1h 1h")).Do(t.Context())
	same(t, target.writes, []string{"replace"})
	same(t, target.items[stays.Prefix].Comment, stays.Comment)
	if missing, stale, known := rep.Drift(); missing+stale != 0 || !known || rep.Applied != (Applied{1, 1}) || !rep.Next.Throttle.Wrote.Equal(at("0s")) {
		t.Errorf("%+v", rep)
	}
	if tally, _ := rep.Tally(); tally != (Tally{Items: 2, Own: 2}) {
		t.Errorf("%+v", tally)
	}
}

// TestSparingByWhatWaitsLongest: with others' items on the list only one direction goes out.
func TestSparingByWhatWaitsLongest(t *testing.T) {
	list := []string{"192.0.2.9 created=-1h x", "192.0.2.8 own 2h -1h fail2ban:sshd"}
	for _, c := range []struct {
		name    string
		items   []string
		waiting Waiting
		max     int
		want    string
	}{
		{"equally long: nothing is unblocked before the rest", nil, nil, 100, "add"},
		{"the ban", nil, Waiting{"+192.0.2.1": at("-2m"), "-192.0.2.8": at("-1m")}, 100, "add"},
		{"the removal", nil, Waiting{"+192.0.2.1": at("-1m"), "-192.0.2.8": at("-2m")}, 100, "remove"},
		{"the removal, the ban is new", nil, Waiting{"-192.0.2.8": at("-2m")}, 100, "remove"},
		{"room demands the removal", nil, Waiting{"+192.0.2.1": at("-2m"), "-192.0.2.8": at("-1m")}, 2, "remove"},
		{"what is withheld waits for a person", []string{"192.0.2.6 created=-1h x"}, Waiting{"+192.0.2.1": at("-2m"), "-192.0.2.6": at("-9h")}, 100, "add"},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := newWholeTarget(items(append(list, c.items...)...)...)
			r := sparse(target, f2b("192.0.2.1 sshd 0s 1h"))
			r.Waiting, r.MaxItems = c.waiting, c.max
			if c.items != nil {
				r.Ownership.Exclusive = true
			}
			r.Do(t.Context())
			same(t, target.writes, []string{c.want})
		})
	}
}

// TestSparingNeverStarves a direction: whatever comes up anew, what waits goes out with the second write.
func TestSparingNeverStarves(t *testing.T) {
	target := newWholeTarget(items("192.0.2.9 created=-1h x", "192.0.2.8 own 2h -1h fail2ban:sshd")...)
	var all []string
	for i := range 6 {
		all = append(all, numbered(i)+" sshd 0s 1d")
		r := sparse(target, f2b(all...))
		r.Now = at("0s").Add(Interval)
		if i > 0 {
			r.Waiting = Waiting{"-192.0.2.8": at("0s")}
		}
		r.Do(t.Context())
	}
	same(t, target.writes, []string{"add", "remove", "add", "add", "add", "add"})
}

// TestReplaceIsSafe: whatever the list and the bans, Replace is called only when every item is ours, and leaves what the two
// writes would have left.
func TestReplaceIsSafe(t *testing.T) {
	replaced, spared := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := someWorld().Draw(t, "world")
		if rapid.Bool().Draw(t, "all ours") {
			w.items = slices.DeleteFunc(w.items, func(i Item) bool { return !w.view.Ownership.classify(&i).ours() })
		}
		p := w.plan(w.items)
		target := newWholeTarget(w.items...)
		content := p.content(w.items)
		if content != nil && p.Unanswered+len(p.Withheld)+len(p.Orphaned) > 0 {
			t.Fatal("written whole while items are in doubt")
		}
		if len(w.view.Failed) > 0 {
			content = nil
		}
		if _, err := applySparingly(t.Context(), target, p, content, nil); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(target.writes, "replace") {
			if len(target.writes) > 1 {
				t.Fatalf("writes %q", target.writes)
			}
			spared = count(spared, len(p.Add) > 0 && len(p.Remove) > 0)
			return
		}
		replaced++
		for _, it := range w.items {
			if h := w.view.Ownership.classify(&it); !h.ours() {
				t.Fatalf("%s %q was there", it.Prefix, it.Comment)
			}
		}
		twin := newMemTarget(w.items...)
		if _, err := Apply(t.Context(), twin, p); err != nil {
			t.Fatal(err)
		}
		same := func(a, b Item) bool { return a.Prefix == b.Prefix && a.Comment == b.Comment }
		if !slices.EqualFunc(target.all(), twin.all(), same) {
			t.Fatalf("%v, but two writes leave %v", target.all(), twin.all())
		}
		if next := w.plan(target.all()); !next.Empty() {
			t.Fatalf("%q, then %q", changes(p), changes(next))
		}
	})
	notVacuous(t, replaced, "lists that were written whole")
	notVacuous(t, spared, "lists of which one direction was written")
}
