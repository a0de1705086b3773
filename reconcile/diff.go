package reconcile

import (
	"net/netip"
	"slices"
	"time"
)

// View is what Diff knows besides the bans and the items.
type View struct {
	Now       time.Time // whole seconds
	Ownership Ownership
	Room      int      // how many items this list may hold: the quota less what other lists take of it
	Failed    []string // names of sources that did not answer
}

// Diff decides what has to change on a list so that it holds what is desired. It is pure, and the plan depends neither on
// the order of the items nor on anything but its arguments.
//
// For each entry, by whose item stands at its prefix:
//
//	item        the entry is active                            all its bans ended
//	own         stays; posted again when the lease needs it    stays while it lingers, else goes
//	former      posted again under our tag                     stays while it lingers, else goes
//	peer's      satisfies until shortly before its lease ends,  not touched
//	            then posted again under our tag
//	foreign     satisfies                                      not touched
//	none        posted                                         nothing
//
// An own item without an entry goes. Before that, entries that a broader one covers for at least as long are dropped,
// and when room is short all but the most recent.
func Diff(want Desired, have []Item, view View) Plan {
	d := differ{want: want, view: view, plan: Plan{Now: view.Now, Items: len(have), Room: max(view.Room, 0), Peers: map[string]int{}}}
	d.classify(have)
	d.judge()
	d.cover()
	d.cut()
	d.write()
	d.clear()
	return d.plan
}

// differ holds the working state of one Diff; its steps run in the order of Diff.
type differ struct {
	want Desired
	view View
	plan Plan

	held  []holding            // sorted by prefix
	at    map[netip.Prefix]int // index into held
	cases []wish               // one per entry, in the same order
	wish  map[netip.Prefix]int // index into cases
}

// wish is an entry and what is decided about it.
type wish struct {
	entry *Entry
	item  *holding // what stands at its prefix; nil: nothing
	fate  fate
	start time.Time // when the most recent ban began, its own or of an entry that it covers
	by    int       // for fateCovered: index of the covering wish
}

type fate uint8

const (
	fateNothing   fate = iota // neither to be added nor to stay: its bans ended
	fateSatisfied             // another's item does the work
	fateOwn                   // an own item is there or is to be posted
	fateCovered               // a broader entry does the work
	fateNoRoom                // cut
)

func (d *differ) classify(have []Item) {
	d.held = make([]holding, 0, len(have))
	for _, item := range have {
		d.held = append(d.held, d.view.Ownership.classify(item))
	}
	slices.SortFunc(d.held, func(a, b holding) int { return comparePrefixes(a.Prefix, b.Prefix) })
	d.at = make(map[netip.Prefix]int, len(d.held))
	for i, h := range d.held {
		d.at[h.Prefix] = i
		switch {
		case h.ours():
			d.plan.Own++
		case h.class == Peer:
			d.plan.Peers[h.tag.Owner]++
		default:
			d.plan.Foreign++
		}
	}
}

// judge decides each entry by itself.
func (d *differ) judge() {
	d.cases = make([]wish, len(d.want.Entries))
	d.wish = make(map[netip.Prefix]int, len(d.want.Entries))
	for i := range d.want.Entries {
		e := &d.want.Entries[i]
		w := wish{entry: e, start: e.latestStart(d.view.Now)}
		if j, ok := d.at[e.Prefix]; ok {
			w.item = &d.held[j]
		}
		w.fate = d.judgeOne(w)
		d.cases[i] = w
		d.wish[e.Prefix] = i
	}
}

func (d *differ) judgeOne(w wish) fate {
	active := w.entry.active(d.view.Now)
	switch {
	case w.item == nil && active:
		return fateOwn
	case w.item == nil:
		return fateNothing
	case w.item.ours():
		if active || d.lingers(w) {
			return fateOwn
		}
		return fateNothing
	case !active:
		return fateNothing
	case w.item.class == Peer && !w.item.tag.Until.After(d.view.Now.Add(2*Interval)):
		return fateOwn
	default:
		return fateSatisfied
	}
}

// lingers reports whether our item of an entry must stay although its bans' records ended.
func (d *differ) lingers(w wish) bool {
	return w.entry.keepUntil(w.item.tag.Seen, d.want.Margin).After(d.view.Now)
}

// cover drops every entry that a broader one covers for at least as long. Both ends are taken as the next run will see
// them, so that it decides alike.
func (d *differ) cover() {
	var around []int // wishes that contain the current one, broadest first
	for i := range d.cases {
		w := &d.cases[i]
		for len(around) > 0 && !contains(d.cases[around[len(around)-1]].entry.Prefix, w.entry.Prefix) {
			around = around[:len(around)-1]
		}
		if w.fate == fateNothing {
			continue
		}
		if w.fate == fateOwn {
			d.coverOne(i, around)
		}
		if w.fate != fateCovered {
			around = append(around, i)
		}
	}
}

func (d *differ) coverOne(i int, around []int) {
	w := &d.cases[i]
	need := after(w.entry.activeUntil(), d.want.Margin)
	if w.item != nil && w.item.ours() {
		need = w.entry.keepUntil(w.item.tag.Seen, d.want.Margin)
	}
	for _, j := range around {
		broad := &d.cases[j]
		seen := d.view.Now
		if broad.item != nil {
			seen = broad.seen(seen)
		}
		if broad.entry.keepUntil(seen, d.want.Margin).Before(need) {
			continue
		}
		w.fate, w.by = fateCovered, j
		broad.start = later(broad.start, w.start)
		d.plan.Covered++
		return
	}
}

// seen is when the wish's item was put at the edge, as far as its comment or the API tells.
func (w *wish) seen(now time.Time) time.Time {
	seen := w.item.tag.Seen
	if !w.item.tagged {
		seen = w.item.Created
	}
	if seen.IsZero() || seen.After(now) {
		return now
	}
	return seen
}

// write lists the posts.
func (d *differ) write() {
	var additions []Addition
	urgent := false
	for i := range d.cases {
		w := &d.cases[i]
		switch w.fate {
		case fateSatisfied:
			d.plan.Satisfied++
		case fateOwn:
			why, now := d.writing(w)
			if why != "" {
				a := Addition{Entry: *w.entry, Why: why, Post: d.post(w)}
				if w.item != nil {
					a.From = w.item.class
				}
				additions = append(additions, a)
				urgent = urgent || now
			}
		}
	}
	if urgent { // renewals that can wait ride along or wait
		d.plan.Add = additions
	}
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
	lease, need := w.item.tag.Until, w.entry.keepUntil(w.item.tag.Seen, d.want.Margin)
	if lease.Before(need) && lease.Before(d.view.Now.Add(renewEarly)) {
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
	now := d.view.Now
	seen := now
	if w.item != nil {
		seen = w.seen(now)
	}
	until := w.entry.lease(now, d.want.Margin)
	if !w.entry.active(now) {
		until = earlier(after(w.entry.keepUntil(seen, d.want.Margin), time.Second), now.Add(maxLease))
	}
	tag := Tag{Owner: d.view.Ownership.Owner, Until: until, Seen: seen, Text: tagText(w.entry.inForce(now))}
	return Post{Prefix: w.entry.Prefix, Comment: tag.Comment()}
}
