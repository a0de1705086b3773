package reconcile

import (
	"slices"
	"strings"
)

// listAdditions lists the posts. Renewals that can wait are listed only beside something that cannot.
func (d *differ) listAdditions() {
	additions := make([]Addition, 0, d.unposted())
	urgent := false
	for i := range d.wishes {
		w := &d.wishes[i]
		switch w.fate {
		case fateSatisfied:
			d.plan.Satisfied++
		case fateOccupied:
			d.plan.Occupied = append(d.plan.Occupied, Occupied{Entry: w.entry, Effect: w.item.Effect, Owner: w.item.tag.Owner})
		case fateOwn:
			if w.item != nil && w.item.ours() && !d.names(w) {
				d.plan.Unnamed = append(d.plan.Unnamed, w.entry.Prefix)
			}
			why, now := d.writing(w)
			if why != "" {
				a := Addition{Entry: w.entry, Why: why, Post: d.post(w)}
				if w.item != nil {
					a.From = w.item.class
				}
				additions = append(additions, a)
				urgent = urgent || now
			}
		}
	}
	if urgent {
		d.plan.Add = additions
	}
}

// unposted is how many wishes have no item yet.
func (d *differ) unposted() int {
	n := 0
	for i := range d.wishes {
		if d.wishes[i].fate == fateOwn && d.wishes[i].item == nil {
			n++
		}
	}
	return n
}

// writing tells whether a wish needs a post, and whether that post is a reason for a write by itself.
func (d *differ) writing(w *wish) (why AdditionReason, urgent bool) {
	switch {
	case w.item == nil:
		return AddNew, true
	case w.item.class != Own:
		return AddTakeOver, true
	case !d.names(w):
		return AddRenewal, true
	}
	if lease := w.item.tag.Until; lease.Add(w.entry.slack()).Before(w.keep) && lease.Before(d.view.Now.Add(renewEarly)) {
		return AddRenewal, lease.Before(d.view.Now.Add(renewLate))
	}
	return "", false
}

// names reports whether our item's comment names every source that bans its prefix now: without that, a source that fails
// would not hold the item.
func (d *differ) names(w *wish) bool {
	for _, t := range w.entry.inForce(d.view.Now) {
		if !w.item.tag.names(t.Source) {
			return false
		}
	}
	return true
}

func (d *differ) post(w *wish) Post {
	tag := Tag{
		Owner: d.view.Ownership.Owner,
		Until: w.entry.lease(w.seen, d.view.Now, d.want.Margin),
		Seen:  w.seen,
		Text:  d.text(w),
	}
	return Post{Prefix: w.entry.Prefix, Comment: tag.Comment()}
}

// text names the sources that ban the prefix and, after them, those that did not answer but may ban it too: what our item's
// comment says of these must outlive the rewrite, else the next run would remove what they may want.
func (d *differ) text(w *wish) string {
	text := tagText(w.entry.inForce(d.view.Now))
	if w.item == nil || !w.item.ours() {
		return text
	}
	old := strings.Fields(w.item.tag.Text)
	for _, source := range d.view.Failed {
		of := func(word string) bool { return strings.HasPrefix(word, source+":") }
		named := !w.item.tagged || w.item.class == Manual || w.item.tag.names(source) || slices.Contains(d.view.Unnamed, w.entry.Prefix)
		if !named || slices.ContainsFunc(strings.Fields(text), of) {
			continue
		}
		word := source + ":unread" // an untagged item, one by hand, or a comment that was cut before this source or never named it
		if i := slices.IndexFunc(old, of); w.item.tagged && i >= 0 {
			word = old[i]
		}
		text += " " + word
	}
	return text
}
