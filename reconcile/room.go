package reconcile

// fullShare is to how many percent of its room a list that overflows is cut in one go, so that the next bans find room without a removal
// each.
const fullShare = 98

// cut drops the entries that find no room: first those that only others' lists name, which are not told apart by age, then the
// oldest bans, because an attack that goes on now outweighs one of last year. Ties are decided by address. The same input keeps
// the same entries, and a list that was cut stays as it is until new bans fill it again.
func (d *differ) cut() {
	own := make([]age, 0, len(d.wishes))
	for i := range d.wishes {
		if w := &d.wishes[i]; w.fate == fateOwn {
			own = append(own, ageOf(w.start, i))
		}
	}
	free := d.plan.Room - d.staying()
	if len(own) <= free {
		return
	}
	sortFirst(own, max(free, 0)) // no more than these are kept

	// An item that would stay anyway takes its place whether its wish is among the first n or not.
	n, places := len(own), len(own)
	drop := func() {
		if n--; !d.staysAt(int(own[n].index)) {
			places--
		}
	}
	for n > 0 && places > free {
		drop()
	}
	for top := (n*fullShare + 99) / 100; n > top && !d.view.Probe; {
		drop()
	}
	d.cutRest(own[n:], free-places)
	d.countOut()
}

// cutRest drops wishes, but for those that are on the list already when all of these find room.
func (d *differ) cutRest(rest []age, spare int) {
	present := 0
	for _, r := range rest {
		if i := int(r.index); d.present(i) && !d.staysAt(i) {
			present++
		}
	}
	for _, r := range rest {
		i := int(r.index)
		w := &d.wishes[i]
		switch stays := d.staysAt(i); {
		case stays && w.item.class == Peer: // blocked for now; not taken over, because it would have to go at once
			w.fate = fateSatisfied
		case d.present(i) && (stays && w.item.tagged || !stays && present <= spare):
		default:
			w.fate = fateNoRoom
		}
	}
}

// countOut drops what a dropped entry covered, because it began no later, and lists all that found no room.
func (d *differ) countOut() {
	d.plan.NoRoom = make([]*Entry, 0, len(d.wishes))
	for i := range d.wishes {
		w := &d.wishes[i]
		if w.fate == fateCovered && d.wishes[w.by].fate == fateNoRoom {
			w.fate = fateNoRoom
			d.plan.Covered--
		}
		if w.fate == fateNoRoom {
			d.plan.NoRoom = append(d.plan.NoRoom, w.entry)
		}
	}
}

// staying is how many items take room whatever is cut; those at the prefix of an own wish are not counted.
func (d *differ) staying() int {
	n := 0
	for i := range d.held {
		if h := &d.held[i]; !d.posts(h) && d.stays(h) {
			n++
		}
	}
	return n
}

// present reports whether an own item for the wish is on the list already.
func (d *differ) present(i int) bool { return d.wishes[i].item != nil && d.wishes[i].item.ours() }

// staysAt reports whether an item at the wish's prefix stays even when the wish is dropped.
func (d *differ) staysAt(i int) bool { return d.wishes[i].item != nil && d.stays(d.wishes[i].item) }
