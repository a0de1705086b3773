package reconcile

import (
	"net/netip"
	"slices"
	"time"
)

// PlanAdopt takes over the items without a tag that stand exactly where an active ban wants one: they are posted again under our
// tag. Those that match none are withheld, or removed with rest. It is the way over from an older script that filled the same list.
// candidate tells whether an item may be of that script; nil: every one may. An item that does something else than the target is for
// gets its effect, too, where a ban wants it; otherwise it is left to the target for what it does.
func PlanAdopt(want Desired, items []Item, o Ownership, candidate func(Item) bool, rest bool, now time.Time) Plan {
	p := Plan{Now: now, Items: len(items)}
	for i := range items {
		h := o.classify(&items[i])
		if h.tagged || h.Effect == Allows || candidate != nil && !candidate(items[i]) {
			continue
		}
		if e, ok := want.at(h.Prefix); ok && e.active(now) {
			seen := h.tag.Seen
			if seen.IsZero() || seen.After(now) {
				seen = now
			}
			tag := Tag{Owner: o.Owner, Until: e.lease(seen, now, want.Margin), Seen: seen, Text: tagText(e.inForce(now))}
			p.Add = append(p.Add, Addition{Entry: e, Why: AddTakeOver, From: Foreign, Post: Post{Prefix: h.Prefix, Comment: tag.Comment()}})
			continue
		}
		if h.Effect != OfTarget {
			continue
		}
		r := h.removal(RemoveUnmatched)
		r.Detail = want.near(h.Prefix, now)
		p.Withheld = append(p.Withheld, r)
	}
	if rest {
		p.Remove, p.Withheld = p.Withheld, nil
	}
	p.sort()
	return p
}

// Wants reports whether an active ban wants an item at exactly that prefix.
func (d Desired) Wants(p netip.Prefix, now time.Time) bool {
	e, ok := d.at(p)
	return ok && e.active(now)
}

// at is the entry for exactly that prefix.
func (d Desired) at(p netip.Prefix) (*Entry, bool) {
	i, ok := slices.BinarySearchFunc(d.Entries, p, func(e Entry, p netip.Prefix) int { return comparePrefixes(e.Prefix, p) })
	if !ok {
		return nil, false
	}
	return &d.Entries[i], true
}

// near says for a person which active ban contains a prefix that matches none exactly, or why it is protected.
func (d Desired) near(p netip.Prefix, now time.Time) string {
	for bits := p.Bits() - 1; bits >= 0; bits-- {
		if e, ok := d.at(netip.PrefixFrom(p.Addr(), bits).Masked()); ok && e.active(now) {
			return "no ban of its own, but " + PrefixText(e.Prefix) + " is banned"
		}
	}
	if protected, ok := d.protected.Touching(p); ok {
		return "protected: " + protected.Detail
	}
	return "no active ban"
}
