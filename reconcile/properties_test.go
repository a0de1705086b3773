package reconcile

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestFixedPoint: a plan that was applied leaves nothing to do, whatever the list and the bans were.
func TestFixedPoint(t *testing.T) {
	adds, removes, cuts := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := someWorld().Draw(t, "world")
		p, target := w.apply(t)
		if next := w.plan(target.all()); !next.Empty() {
			t.Fatalf("%q, then %q", changes(p), changes(next))
		}
		adds, removes, cuts = count(adds, len(p.Add) > 0), count(removes, len(p.Remove) > 0), count(cuts, len(p.LeftOut()) > 0)
	})
	notVacuous(t, adds, "plans that add")
	notVacuous(t, removes, "plans that remove")
	notVacuous(t, cuts, "lists that overflow")
}

// TestFixedPointLasts: nothing happens either while time passes until something ends, begins or runs out.
func TestFixedPointLasts(t *testing.T) {
	plans, leaps := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := someWorld().Draw(t, "world")
		w.view.Room = 1000
		p, target := w.apply(t)
		last := w.nextBoundary(target.all()).Add(-time.Nanosecond)
		for _, after := range []time.Duration{time.Nanosecond, time.Second, Interval, time.Hour, 24 * time.Hour, last.Sub(w.view.Now)} {
			later := w
			later.view.Now = w.view.Now.Add(after)
			if after <= 0 || later.view.Now.After(last) {
				continue
			}
			if next := later.plan(target.all()); !next.Empty() {
				t.Fatalf("%q, after %v %q", changes(p), after, changes(next))
			}
			leaps++
		}
		plans = count(plans, !p.Empty())
	})
	notVacuous(t, plans, "plans")
	notVacuous(t, leaps, "leaps in time")
}

// nextBoundary is the first time from now on at which a ban or an item changes its meaning.
func (w world) nextBoundary(have []Item) time.Time {
	next := never()
	consider := func(at time.Time) {
		if !at.Before(w.view.Now) {
			next = earlier(next, at)
		}
	}
	for _, b := range w.bans {
		if !b.Permanent() {
			consider(b.Until)
			consider(b.Until.Add(max(b.Length(), 0)).Add(w.policy.Margin + time.Hour)) // forgotten
		}
	}
	for _, it := range have {
		h := w.view.Ownership.classify(&it)
		for _, d := range []time.Duration{-renewEarly, -renewLate, -2 * Interval, 0, overdue} {
			consider(h.tag.Until.Add(d))
		}
		for _, e := range w.desire().Entries {
			consider(e.keepUntil(h.tag.Seen, w.policy.Margin))
		}
	}
	return next
}

// TestEndsThatWaver: where a source tells how much longer its bans last, their ends differ by seconds from read to read. That makes no
// item come and go: each prefix is written once more at most, and removed once.
func TestEndsThatWaver(t *testing.T) {
	wavering, settled := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := someWorld().Draw(t, "world")
		w.view.Room = 1000
		soon, absurd := w.view.Now.Add(5*time.Minute), w.view.Now.Add(100*24*time.Hour)
		w.bans = slices.DeleteFunc(w.bans, func(b Ban) bool { return b.Since.IsZero() && !b.Permanent() && b.Until.Before(soon) })
		_, target := w.apply(t)
		certain := w.bans
		added, removed := map[netip.Prefix]int{}, map[netip.Prefix]int{}
		for range 8 {
			w.bans = slices.Clone(certain)
			for i := range w.bans {
				if b := &w.bans[i]; b.Since.IsZero() && !b.Permanent() && b.Until.Before(absurd) {
					b.Until = b.Until.Add(time.Duration(rapid.IntRange(-7000, 7000).Draw(t, "off by")) * time.Millisecond)
					wavering++
				}
			}
			p := w.plan(target.all())
			for _, a := range p.Add {
				added[a.Entry.Prefix]++
			}
			for _, r := range p.Remove {
				removed[r.Item.Prefix]++
			}
			settled = count(settled, p.Empty())
			if _, err := Apply(t.Context(), target, p); err != nil {
				t.Fatal(err)
			}
		}
		for prefix, n := range added {
			if n > 1 {
				t.Fatalf("%s was written %d times", prefix, n)
			}
		}
		for prefix, n := range removed {
			if n > 1 {
				t.Fatalf("%s was removed %d times", prefix, n)
			}
		}
	})
	notVacuous(t, wavering, "bans whose ends wavered")
	notVacuous(t, settled, "runs with nothing to do")
}

// TestOthersItems: foreign items are never touched, a peer's only when its lease is about to end or ended long ago.
func TestOthersItems(t *testing.T) {
	foreign, live, taken, cleared := 0, 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := someWorld().Draw(t, "world")
		_, target := w.apply(t)
		for _, it := range w.items {
			h := w.view.Ownership.classify(&it)
			now, stands := target.items[it.Prefix]
			lease := h.tag.Until.Sub(w.view.Now)
			switch {
			case h.class == Foreign:
				foreign++
				if !stands || now != it {
					t.Fatalf("foreign %s: %v became %v", it.Prefix, it, now)
				}
			case h.class == Peer && lease > 2*Interval:
				live++
				if !stands || now != it {
					t.Fatalf("live peer's %s became %v", it.Prefix, now)
				}
			case h.class == Peer && stands && now != it:
				taken++
				if tag, _ := ParseTag(now.Comment); !tag.Until.After(h.tag.Until) {
					t.Fatalf("%s was taken over for no longer", it.Prefix)
				}
			case h.class == Peer && !stands:
				cleared++
				if lease >= -overdue {
					t.Fatalf("peer's %s was removed", it.Prefix)
				}
			}
		}
	})
	notVacuous(t, foreign, "foreign items")
	notVacuous(t, live, "live items of peers")
	notVacuous(t, taken, "take-overs")
	notVacuous(t, cleared, "overdue items")
}

// TestOrderDoesNotMatter of bans, of items.
func TestOrderDoesNotMatter(t *testing.T) {
	plans := 0
	rapid.Check(t, func(t *rapid.T) {
		w := someWorld().Draw(t, "world")
		shuffled := w
		shuffled.bans = rapid.Permutation(w.bans).Draw(t, "bans")
		shuffled.items = rapid.Permutation(w.items).Draw(t, "items")
		if d := difference(shuffled.desire(), w.desire()); d != "" {
			t.Fatal(d)
		}
		p := w.plan(w.items)
		if d := difference(shuffled.plan(shuffled.items), p); d != "" {
			t.Fatal(d)
		}
		plans = count(plans, !p.Empty())
	})
	notVacuous(t, plans, "plans")
}

// TestDesireIsCanonical: what Desire says, said as bans again, is the same.
func TestDesireIsCanonical(t *testing.T) {
	widened := 0
	rapid.Check(t, func(t *rapid.T) {
		w := someWorld().Draw(t, "world")
		once := w.desire()
		again := w
		again.bans = nil
		for i, e := range once.Entries {
			for _, term := range e.Terms {
				again.bans = append(again.bans, Ban{Value: PrefixText(e.Prefix), Source: term.Source, Reason: term.Reason, Since: term.Since, Until: term.Until, Community: term.Community})
			}
			widened = count(widened, len(e.From) > 0)
			once.Entries[i].From = nil
		}
		once.LeftOut = nil
		if d := difference(again.desire(), once); d != "" {
			t.Fatal(d)
		}
	})
	notVacuous(t, widened, "widened bans")
}

// TestEveryBanIsBlocked when there is room, and none that is protected.
func TestEveryBanIsBlocked(t *testing.T) {
	blocked, spared := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := someWorld().Draw(t, "world")
		w.view.Room = 1000
		p, target := w.apply(t)
		out := map[Ban]bool{}
		for _, l := range w.desire().LeftOut {
			out[l.Ban] = true
		}
		for _, b := range w.bans {
			if out[b] || !b.Permanent() && !b.Until.After(w.view.Now) {
				continue
			}
			blocked++
			if !target.covers(prefix(b.Value)) {
				t.Fatalf("%+v is not blocked", b)
			}
		}
		for _, a := range p.Add {
			if x, ok := w.policy.Protected.Touching(a.Post.Prefix); ok {
				t.Fatalf("%s touches %s", a.Post.Prefix, x.Prefix)
			}
		}
		for _, it := range target.all() {
			h := w.view.Ownership.classify(&it)
			if _, ok := w.policy.Protected.Touching(it.Prefix); ok && h.ours() {
				t.Fatalf("our %s blocks what is protected", it.Prefix)
			}
		}
		spared = count(spared, slices.ContainsFunc(p.Remove, func(r Removal) bool { return r.Why == RemoveProtected }))
	})
	notVacuous(t, blocked, "active bans")
	notVacuous(t, spared, "removals of what became protected")
}

// TestRoomIsNeverExceeded by what we add, at no moment. What finds no room is said.
func TestRoomIsNeverExceeded(t *testing.T) {
	full, removeFirst := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := someWorld().Draw(t, "world")
		w.view.Room = rapid.IntRange(0, 12).Draw(t, "little room")
		p, target := w.apply(t)
		if p.Missing() > 0 && len(target.items) > w.view.Room {
			t.Fatalf("%d new items, now %d of %d", p.Missing(), len(target.items), w.view.Room)
		}
		if target.peak > max(w.view.Room, len(w.items)) {
			t.Fatalf("%d items at a time", target.peak)
		}
		said := map[netip.Prefix]bool{}
		for _, l := range p.LeftOut() {
			said[prefix(l.Ban.Value)] = true
		}
		for _, e := range w.desire().Entries {
			if e.active(w.view.Now) && !said[e.Prefix] && !target.covers(e.Prefix) {
				t.Fatalf("%s is neither blocked nor left out", e.Prefix)
			}
		}
		full, removeFirst = count(full, len(p.LeftOut()) > 0 && p.Missing() > 0), count(removeFirst, p.RemoveFirst && p.Missing() > 0)
	})
	notVacuous(t, full, "full lists")
	notVacuous(t, removeFirst, "plans that remove first")
}

// TestFailedSourcesKeepTheirItems: as long as a source does not answer, whatever the others do meanwhile.
func TestFailedSourcesKeepTheirItems(t *testing.T) {
	kept, rewritten := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := someWorld().Draw(t, "world")
		w.view.Failed = []string{"crowdsec"}
		w.bans = slices.DeleteFunc(w.bans, func(b Ban) bool { return b.Source == "crowdsec" })
		_, target := w.apply(t)
		then := w
		then.bans = nil
		p := then.plan(target.all())
		if _, err := Apply(t.Context(), target, p); err != nil {
			t.Fatal(err)
		}
		for _, it := range w.items {
			h := w.view.Ownership.classify(&it)
			_, guarded := w.policy.Protected.Touching(it.Prefix)
			if !h.ours() || guarded || h.tagged && !h.tag.names("crowdsec") {
				continue
			}
			now, stands := target.items[it.Prefix]
			if !stands {
				t.Fatalf("%s %q is gone", it.Prefix, it.Comment)
			}
			kept, rewritten = kept+1, count(rewritten, now.Comment != it.Comment)
		}
	})
	notVacuous(t, kept, "items of a source that failed")
	notVacuous(t, rewritten, "rewritten items of a source that failed")
}

// TestOrphansStay until their leases end, unless something other than a missing row says that they go; and they are remembered.
func TestOrphansStay(t *testing.T) {
	stayed, kept := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := someWorld().Draw(t, "world")
		w.view.Limits.AllowRemovals = false
		p, target := w.apply(t)
		banned := func(it Item) bool { // by an entry at its prefix, around it or, where IPv6 was widened further, in it
			return slices.ContainsFunc(w.bans, func(b Ban) bool {
				q, _ := ParsePrefix(b.Value)
				return q.IsValid() && w.policy.widest(q).Overlaps(it.Prefix)
			})
		}
		for _, it := range w.items {
			h := w.view.Ownership.classify(&it)
			_, guarded := w.policy.Protected.Touching(it.Prefix)
			replaced := slices.ContainsFunc(w.view.Replaced, h.tag.names) || slices.Contains(w.view.Orphans, it.Prefix)
			if !h.ours() || h.class == Manual || !h.tagged || guarded || !replaced || !h.tag.Until.After(w.view.Now) || banned(it) {
				continue
			}
			stayed++
			if target.items[it.Prefix] != it || !slices.Contains(prefixes(p.Orphaned), it.Prefix) {
				t.Fatalf("%s %q became %v", it.Prefix, it.Comment, target.items[it.Prefix])
			}
		}
		then := w
		then.view.Orphans, then.view.Replaced, then.view.Steady, then.view.Failed = prefixes(p.Orphaned), nil, w.view.Sources, nil
		if next := then.plan(target.all()); len(next.Orphaned) < len(p.Orphaned) {
			t.Fatalf("%v, then %v", p.Orphaned, next.Orphaned)
		}
		kept += len(p.Orphaned)
	})
	notVacuous(t, stayed, "items whose store was replaced")
	notVacuous(t, kept, "orphans in the next run")
}
