package reconcile

import "slices"

// clear lists the removals: our items that nothing wants, and other owners' that were left behind.
func (d *differ) clear() {
	for i := range d.held {
		h := &d.held[i]
		switch {
		case h.ours():
			d.clearOwn(h)
		case h.class == Peer && h.tag.Until.Add(overdue).Before(d.view.Now) && !d.posts(h):
			d.plan.Remove = append(d.plan.Remove, Removal{Item: h.Item, Tag: h.tag, Why: RemoveOverdue, Detail: "left behind by " + h.tag.Owner})
		}
	}
	d.plan.RemoveFirst = len(d.plan.Remove) > 0 && d.plan.Items+d.plan.Missing() > d.plan.Room
}

// posts reports whether the plan posts an item at h's prefix.
func (d *differ) posts(h *holding) bool {
	i, ok := d.wish[h.Prefix]
	return ok && d.cases[i].fate == fateOwn
}

func (d *differ) clearOwn(h *holding) {
	r := Removal{Item: h.Item, Tag: h.tag, Untagged: !h.tagged}
	if p, ok := d.want.protected.Touching(h.Prefix); ok {
		r.Why, r.Detail = RemoveProtected, p.Detail
		d.plan.Remove = append(d.plan.Remove, r)
		return
	}
	if d.posts(h) {
		d.plan.Keep++
		if w := d.cases[d.wish[h.Prefix]]; !w.entry.active(d.view.Now) {
			d.plan.Lingering++
		}
		return
	}
	if d.mayBeWanted(h) {
		d.plan.Unanswered++
		return
	}
	d.explain(&r)
	d.plan.Remove = append(d.plan.Remove, r)
}

// mayBeWanted reports whether a source that did not answer may hold a ban for one of our items.
func (d *differ) mayBeWanted(h *holding) bool {
	if len(d.view.Failed) == 0 {
		return false
	}
	return !h.tagged || slices.ContainsFunc(d.view.Failed, h.tag.names)
}

// explain says why an own item that is not protected goes.
func (d *differ) explain(r *Removal) {
	i, ok := d.wish[r.Item.Prefix]
	if !ok {
		r.Why = RemoveLifted
		if reason, hidden := d.want.hidden[r.Item.Prefix]; hidden {
			r.Why, r.Detail = RemoveLeftOut, string(reason)
		}
		return
	}
	switch w := d.cases[i]; w.fate {
	case fateCovered:
		r.Why, r.Detail = RemoveCovered, PrefixText(d.cases[w.by].entry.Prefix)
	case fateNoRoom:
		r.Why = RemoveNoRoom
	default:
		r.Why, r.Ended = RemoveEnded, w.entry.activeUntil()
	}
}
