package reconcile

// cover drops every entry that a broader one covers for at least as long. That the broader one's item may linger after its
// bans ended does not count: it need not be there by then, and when it is cut and comes back, it lingers for longer. Where ends
// differ from read to read, more is needed to drop what is listed than to leave out what is not, or it would come and go; so an end
// that comes a little too early will do for a ban that its source goes on naming, because the next run makes up for it.
func (d *differ) cover() {
	var around []int // wishes that contain the current one, broadest first
	for i := range d.wishes {
		w := &d.wishes[i]
		for len(around) > 0 && !contains(d.wishes[around[len(around)-1]].entry.Prefix, w.entry.Prefix) {
			around = around[:len(around)-1]
		}
		if w.fate == fateOwn {
			d.coverOne(w, around)
		}
		if w.fate == fateOwn || w.fate == fateSatisfied {
			around = append(around, i)
		}
	}
}

func (d *differ) coverOne(w *wish, around []int) {
	for _, j := range around {
		broad := &d.wishes[j]
		// The next run finds no item of ours here, so it knows only since when the broader one is at the edge.
		need := w.entry.keepUntil(broad.seen, d.want.Margin)
		if w.item != nil && w.item.ours() {
			need = later(need, w.keep)
			if w.entry.slack() == 0 {
				need = after(need, broad.entry.slack())
			}
		} else {
			need = need.Add(-w.entry.slack())
		}
		if broad.entry.activeUntil().Before(need) {
			continue
		}
		w.fate, w.by = fateCovered, int32(j)
		broad.start = later(broad.start, w.start)
		d.plan.Covered++
		return
	}
}
