package reconcile

import (
	"net/netip"
	"slices"
)

// listRemovals lists the removals: our items that nothing wants, and other owners' that were left behind.
func (d *differ) listRemovals() {
	d.plan.Remove = make([]Removal, 0, d.leaving())
	for i := range d.held {
		h := &d.held[i]
		switch {
		case h.ours():
			d.removeOwn(h)
		case d.overdue(h) && !d.posts(h):
			d.plan.Remove = append(d.plan.Remove, Removal{Item: *h.Item, Tag: h.tag, Why: RemoveOverdue, Detail: "left behind by " + h.tag.Owner})
		}
	}
	d.plan.RemoveFirst = len(d.plan.Remove) > 0 && d.plan.Items+d.plan.Missing() > d.plan.Room
}

// leaving is how many items go.
func (d *differ) leaving() int {
	n := 0
	for i := range d.held {
		if h := &d.held[i]; !d.posts(h) && !d.stays(h) {
			n++
		}
	}
	return n
}

// posts reports whether an own item is to stand at h's prefix.
func (d *differ) posts(h *holding) bool { return h.wish >= 0 && d.wishes[h.wish].fate == fateOwn }

// moves reports whether another list is to take h's prefix over, and does not hold it yet.
func (d *differ) moves(h *holding) bool { return d.view.Moving[h.Prefix] }

// overdue reports whether h is a peer's that we may remove.
func (d *differ) overdue(h *holding) bool {
	return h.class == Peer && h.tag.Until.Add(overdue).Before(d.view.Now) && !d.view.Refused
}

// stays reports whether h keeps its place on the list when nothing is posted at its prefix.
func (d *differ) stays(h *holding) bool {
	switch {
	case !h.ours():
		return !d.overdue(h)
	case h.protected:
		return false
	default:
		return h.lasts(d.view.Now) || !h.lifted && (d.moves(h) || d.mayBeWanted(h) || h.orphan || h.withheld)
	}
}

// removeOwn lists the removal of an own item, or notes why it stays.
func (d *differ) removeOwn(h *holding) {
	r := Removal{Item: *h.Item, Untagged: !h.tagged}
	if h.tagged {
		r.Tag = h.tag
	}
	switch {
	case h.protected:
		p, _ := d.want.protected.Touching(h.Prefix)
		r.Why, r.Detail = RemoveProtected, p.Detail
		r.Unbanned = d.want.protected.unbanned(h.Prefix)
		r.ByPerson = len(r.Unbanned) > 0
	case h.lasts(d.view.Now):
		d.plan.Keep++
		return
	case d.posts(h):
		d.plan.Keep++
		w := &d.wishes[h.wish]
		if until := w.entry.activeUntil(); d.view.Spills && w.entry.slack() > 0 && until.Before(h.tag.Until.Add(-loose)) {
			d.plan.Shortened = append(d.plan.Shortened, Staying{Prefix: h.Prefix, Tag: h.tag, Until: until})
		}
		if !w.entry.active(d.view.Now) {
			d.plan.Lingering = append(d.plan.Lingering, Staying{Prefix: h.Prefix, Tag: h.tag, Until: w.keep})
		}
		return
	case h.lifted:
		r.Why, r.ByPerson = RemoveByHand, true
	case d.moves(h):
		d.plan.Moving = append(d.plan.Moving, Staying{Prefix: h.Prefix, Tag: h.tag, Until: h.tag.Until})
		d.undecided(h)
		return
	case h.orphan: // also while a source does not answer, so that the next run knows it
		d.plan.Orphaned = append(d.plan.Orphaned, Staying{Prefix: h.Prefix, Tag: h.tag, Until: h.tag.Until})
		return
	case d.mayBeWanted(h):
		d.plan.Unanswered++
		d.undecided(h)
		return
	default:
		d.explain(&r, h)
		r.Doubtful = r.Why == RemoveLifted && !d.byPerson(h)
		r.ByPerson = r.Why == RemoveLifted && !r.Doubtful && len(d.view.Failed) == 0
		if h.withheld {
			d.plan.Withheld = append(d.plan.Withheld, r)
			return
		}
	}
	d.plan.Remove = append(d.plan.Remove, r)
}

// undecided keeps in mind that the ban of an item ended by itself, for as long as the item stays for another reason.
func (d *differ) undecided(h *holding) {
	if slices.Contains(d.view.Ended, h.Prefix) {
		d.plan.Undecided = append(d.plan.Undecided, h.Prefix)
	}
}

// mayBeWanted reports whether a source that did not answer may hold a ban for one of our items.
func (d *differ) mayBeWanted(h *holding) bool {
	if len(d.view.Failed) == 0 {
		return false
	}
	// An item by hand may have satisfied a ban that it does not name.
	return !h.tagged || h.class == Manual || slices.ContainsFunc(d.view.Failed, h.tag.names) || slices.Contains(d.view.Unnamed, h.Prefix)
}

// explain says why an own item that is not protected goes.
func (d *differ) explain(r *Removal, h *holding) {
	if h.wish < 0 && h.class == Manual {
		r.Why, r.Ended = RemoveEnded, h.tag.Until
		return
	}
	if h.wish < 0 {
		d.explainUnwished(r)
		return
	}
	switch w := d.wishes[h.wish]; w.fate {
	case fateCovered:
		r.Why, r.Detail = RemoveCovered, PrefixText(d.wishes[w.by].entry.Prefix)
	case fateNoRoom:
		r.Why = RemoveNoRoom
	default:
		r.Why, r.Ended = RemoveEnded, w.entry.activeUntil()
	}
}

func (d *differ) explainUnwished(r *Removal) {
	r.Why = RemoveLifted
	if by, ok := d.want.beaten(r.Item.Prefix); ok {
		r.Why, r.Detail = RemoveBlocked, PrefixText(by)
	} else if reason, hidden := d.want.hidden[r.Item.Prefix]; hidden {
		r.Why, r.LeftOut = RemoveLeftOut, reason
	} else if broad, ok := d.around(r.Item.Prefix); ok { // IPv6 is widened further than it was
		r.Why, r.Detail = RemoveCovered, PrefixText(broad)
	}
}

// around finds the narrowest prefix that is to be blocked and contains p, but is not p.
func (d *differ) around(p netip.Prefix) (netip.Prefix, bool) {
	for bits := p.Bits() - 1; bits >= d.broadest[p.Addr().BitLen()]; bits-- {
		outer := netip.PrefixFrom(p.Addr(), bits).Masked()
		i, found := slices.BinarySearchFunc(d.wishes, outer, func(w wish, p netip.Prefix) int { return comparePrefixes(w.entry.Prefix, p) })
		if found && (d.wishes[i].fate == fateOwn || d.wishes[i].fate == fateSatisfied) {
			return outer, true
		}
	}
	return netip.Prefix{}, false
}
