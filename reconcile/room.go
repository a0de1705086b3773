package reconcile

import "slices"

// fullShare: a list that overflows is cut to this many hundredths in one go, so that the next bans find room without a removal
// each.
const fullShare = 98

// cut drops the entries that find no room: the oldest bans first, because an attack that goes on now outweighs one
// of last year. Ties are decided by address. The same input keeps the same entries, and a list that was cut stays as it is
// until new bans fill it again.
func (d *differ) cut() {
	room := max(d.plan.Room-d.standing(), 0)
	var own []int
	for i := range d.cases {
		if d.cases[i].fate == fateOwn {
			own = append(own, i)
		}
	}
	if len(own) <= room {
		return
	}
	slices.SortStableFunc(own, func(a, b int) int { return d.cases[b].start.Compare(d.cases[a].start) })
	top := (room*fullShare + 99) / 100
	rest := own[top:]
	spare := room - top
	present := 0
	for _, i := range rest {
		if d.present(i) {
			present++
		}
	}
	for _, i := range rest {
		if present > spare || !d.present(i) {
			d.cases[i].fate = fateNoRoom
		}
	}
	d.countOut()
}

// countOut drops what a dropped entry covered, which began no later, and counts all that found no room.
func (d *differ) countOut() {
	for i := range d.cases {
		w := &d.cases[i]
		if w.fate == fateCovered && d.cases[w.by].fate == fateNoRoom {
			w.fate = fateNoRoom
			d.plan.Covered--
		}
		if w.fate == fateNoRoom {
			d.leaveOut(w.entry)
		}
	}
	slices.SortFunc(d.plan.LeftOut, compareLeftOut)
}

// standing is how many items take room whatever we do: foreign ones, peers' that we do not take over, and our own that a source
// that did not answer may want.
func (d *differ) standing() int {
	n := 0
	for i := range d.held {
		h := &d.held[i]
		switch {
		case d.posts(h):
		case !h.ours(), d.mayBeWanted(h):
			n++
		}
	}
	return n
}

// present reports whether an own item for the wish is on the list already.
func (d *differ) present(i int) bool { return d.cases[i].item != nil && d.cases[i].item.ours() }

func (d *differ) leaveOut(e *Entry) {
	for _, t := range e.Terms {
		if t.end().After(d.view.Now) {
			b := Ban{Value: PrefixText(e.Prefix), Source: t.Source, Reason: t.Reason, Since: t.Since, Until: t.Until}
			d.plan.LeftOut = append(d.plan.LeftOut, LeftOut{Ban: b, Reason: LeftOutNoRoom})
		}
	}
}
