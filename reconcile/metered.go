package reconcile

import (
	"cmp"
	"context"
	"slices"
)

// A metered target makes each change with a request of its own, and a run has only so many requests. So a plan for it is sorted by urgency,
// not by prefix: what a person waits for comes first, and whatever the requests do not suffice for is left to the next run.

// metered returns how many changes the target can make in this run; ok is false when there is no such bound.
func metered(t Target) (changes int, ok bool) {
	if r, dry := t.(readOnly); dry {
		t = r.Target
	}
	m, ok := t.(Metered)
	if !ok {
		return 0, false
	}
	return m.Changes(), true
}

// urgent reports whether a removal comes before all else: whoever is blocked wrongly waits for it.
func (r Removal) urgent() bool {
	switch r.Why {
	case RemoveLifted, RemoveProtected, RemoveLeftOut, RemoveByHand:
		return true
	default:
		return false
	}
}

// byUrgency sorts the plan: removals of un-banned and protected prefixes first, then the others; the most recent bans first, changes of
// comments last.
func (p *Plan) byUrgency() {
	slices.SortFunc(p.Remove, func(a, b Removal) int {
		return cmp.Or(compareBools(b.urgent(), a.urgent()), comparePrefixes(a.Item.Prefix, b.Item.Prefix))
	})
	slices.SortFunc(p.Add, func(a, b Addition) int {
		return cmp.Or(compareBools(b.Why == AddNew, a.Why == AddNew), b.Entry.latestStart(p.Now).Compare(a.Entry.latestStart(p.Now)),
			comparePrefixes(a.Post.Prefix, b.Post.Prefix))
	})
}

// applyMetered makes at most the given number of changes of a plan that is sorted by urgency: first the urgent removals, then the additions,
// last the other removals, for which a quarter of what is left is reserved. Where room demands it, these come before the additions.
func applyMetered(ctx context.Context, t Target, p Plan, changes int) (done Applied, err error) {
	urgent := 0
	for urgent < len(p.Remove) && p.Remove[urgent].urgent() {
		urgent++
	}
	first := min(urgent, changes)
	left := changes - first
	later := min(len(p.Remove)-urgent, left/4)
	adds := min(len(p.Add), left-later)
	later = min(len(p.Remove)-urgent, left-adds)

	defer func() {
		if forLater(err) && done != (Applied{}) { // it goes on, run by run
			err = nil
		}
	}()
	remove := func(from, to int) error {
		n, err := removeAll(ctx, t, Plan{Remove: p.Remove[from:to]})
		done.Removed += n
		return err
	}
	if p.RemoveFirst {
		first, later = first+later, 0
	}
	if err := remove(0, first); err != nil {
		return done, err
	}
	if done.Added, err = addAll(ctx, t, Plan{Add: p.Add[:adds]}); err != nil {
		return done, err
	}
	return done, remove(first, first+later)
}
