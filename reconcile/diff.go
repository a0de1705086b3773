package reconcile

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// View is what Diff knows besides the bans and the items.
type View struct {
	Now       time.Time // whole seconds
	Ownership Ownership
	Room      int      // how many items this list may hold: the quota less what other lists take of it
	Probe     bool     // Room is a guess that is to be tried: when it is short, all of it is used
	Refused   bool     // the account refused a write within a day: peers' overdue items are left to others
	Sources   []string // names of all sources, each once
	Failed    []string // … of those that did not answer
	Limits    Limits
	Spills    bool // what the list cannot take goes into access rules, so it matters whether a person lifted a ban
	Recent    bool // the last run was so recent that it saw each record that has been cleared away since, see recently
	Metered   bool // the target makes only so many changes a run: the plan is sorted by urgency

	// Steady are the names of sources that the last run read too, the very same: what they lack was lifted. Replaced are those
	// that took another's place since.
	Steady, Replaced []string

	// Moving are the prefixes that another list is to take over and is not known to hold yet: until then their items stay.
	Moving map[netip.Prefix]bool

	// Ended are the prefixes of own items whose bans ended by themselves, Lifted those of items by hand that a person un-banned.
	Ended, Lifted []netip.Prefix

	// Short is when bans end that end before the leases of their items, by what the sources told the last run.
	Short map[netip.Prefix]time.Time

	// Unnamed are the prefixes of own items whose comments may lack a source that banned them when it answered last.
	Unnamed []netip.Prefix

	// Orphans are the prefixes of own items whose source was replaced in an earlier run.
	Orphans []netip.Prefix

	// StandingSince is since when another target holds prefixes that this one is to take over.
	StandingSince map[netip.Prefix]time.Time
}

// Diff decides what has to change on a list so that it holds what is desired. It is pure, and the plan depends neither on
// the order of the items nor on anything but its arguments.
//
// What becomes of an entry depends on whose item stands at its prefix:
//
//	item      the entry is active                              all its bans ended
//	none      posted                                           nothing
//	own       stays; posted again when its lease needs it      stays while it lingers, else goes
//	former    posted again under our tag                       stays while it lingers, else goes
//	manual    satisfies until its lease ends, then as former   stays until its lease ends, then as former
//	peer's    satisfies until shortly before its lease ends;   not touched
//	          then, if wanted longer, posted under our tag
//	foreign   satisfies                                        not touched
//
// Access rules hold items that do different things, see Effect. For those it is:
//
//	foreign, and weaker or an allowance   keeps the entry off                  not touched
//	peer's, and weaker                    posted under our tag                 not touched
//	ours, and of the other mode           posted again, unless a person        the other target's
//	                                      banned it by hand and it is
//	                                      stronger: then it satisfies
//
// An own item without an entry goes. Entries that a broader one covers for at least as long are dropped before that, and so are all but
// the most recent when room is short.
func Diff(want Desired, have []Item, view View) Plan {
	d := differ{want: want, view: view, plan: Plan{Now: view.Now, Items: len(have), Room: max(view.Room, 0), Peers: map[string]int{}}}
	d.plan.Covered = want.beatenAt(view.Now)
	d.classify(have)
	d.judge()
	d.guard()
	d.cover()
	d.cut()
	d.listAdditions()
	d.listRemovals()
	if view.Spills {
		d.shadow()
	}
	if view.Metered {
		d.plan.byUrgency()
	}
	return d.plan
}

// differ holds the working state of one Diff; its steps run in the order of Diff.
type differ struct {
	want Desired
	view View
	plan Plan

	held   []holding             // sorted by prefix
	hand   map[netip.Prefix]bool // what a person banned by hand in the other mode, which is stronger
	wishes []wish                // one per entry, in the same order

	broadest [129]int // the least prefix length among the entries, by the length of an address: 32 or 128
}

// wish is an entry and what is decided about it.
type wish struct {
	entry *Entry
	item  *holding  // what stands at its prefix; nil: nothing
	start time.Time // when the most recent ban began, its own or of an entry that it covers
	seen  time.Time // when its item was put at the edge; the run's now when that is still to be done, or unknown
	keep  time.Time // until when item must stay; zero: there is none
	by    int32     // for fateCovered: index of the covering wish
	fate  fate
}

type fate uint8

const (
	fateNothing   fate = iota // neither to be added nor to stay: its bans ended
	fateSatisfied             // another's item does the work
	fateOwn                   // an own item is there or is to be posted
	fateCovered               // a broader entry does the work
	fateNoRoom                // cut
	fateOccupied              // another's item stands there that does not do the work, and is not ours to change
)

func (d *differ) classify(have []Item) {
	d.held, d.hand = make([]holding, 0, len(have)), map[netip.Prefix]bool{}
	for i := range have {
		h := d.view.Ownership.classify(&have[i])
		h.lifted = h.class == Manual && slices.Contains(d.view.Lifted, h.Prefix)
		if h.elsewhere() {
			d.plan.OtherMode++
			if h.lasts(d.view.Now) && h.Effect == Stronger {
				d.hand[h.Prefix] = true
			}
			d.plan.Items--
			d.plan.Room--
			continue
		}
		switch {
		case h.ours():
			_, h.protected = d.want.protected.Touching(h.Prefix)
			d.plan.Own++
			if h.class == Manual {
				d.plan.Manual++
			}
		case h.class == Peer:
			host, _ := h.tag.Host()
			d.plan.Peers[host]++
			d.blocks(&h)
		default:
			d.plan.Foreign++
			d.blocks(&h)
		}
		if h.lasts(d.view.Now) && !h.protected {
			d.plan.ByHand = append(d.plan.ByHand, h.Prefix)
		}
		d.held = append(d.held, h)
	}
	slices.SortFunc(d.plan.ByHand, comparePrefixes)
	slices.SortFunc(d.held, func(a, b holding) int {
		if c := comparePrefixes(a.Prefix, b.Prefix); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	slices.SortFunc(d.plan.Blocked, func(a, b Blocked) int {
		return cmp.Or(comparePrefixes(a.Prefix, b.Prefix), strings.Compare(a.Owner, b.Owner))
	})
}

// blocks notes an item of somebody else that blocks what is protected. Nobody visits from a reserved range.
func (d *differ) blocks(h *holding) {
	if p, ok := d.want.protected.Touching(h.Prefix); ok && p.Reason != LeftOutReserved && h.Effect != Allows {
		d.plan.Blocked = append(d.plan.Blocked, Blocked{Prefix: h.Prefix, Owner: h.tag.Owner, Protected: p})
	}
}

// judge decides each entry by itself. Entries and items are both sorted by prefix.
func (d *differ) judge() {
	d.wishes = make([]wish, len(d.want.Entries))
	d.broadest[32], d.broadest[128] = 32, 128
	j := 0
	for i := range d.wishes {
		w := &d.wishes[i]
		w.entry = &d.want.Entries[i]
		d.broadest[w.entry.Prefix.Addr().BitLen()] = min(d.broadest[w.entry.Prefix.Addr().BitLen()], w.entry.Prefix.Bits())
		for j < len(d.held) && comparePrefixes(d.held[j].Prefix, w.entry.Prefix) < 0 {
			j++
		}
		for ; j < len(d.held) && d.held[j].Prefix == w.entry.Prefix; j++ {
			d.held[j].wish = i
			w.item = &d.held[j]
		}
		d.judgeOne(w)
	}
}

func (d *differ) judgeOne(w *wish) {
	now := d.view.Now
	w.start = w.entry.latestStart(now)
	w.seen = now
	if since, stands := d.view.StandingSince[w.entry.Prefix]; stands {
		w.seen = earlier(since, now)
	}
	if w.item != nil && (w.item.tagged || !w.item.tag.Seen.IsZero()) {
		w.seen = w.item.tag.Seen
	}
	if w.item != nil { // otherwise nobody asks
		w.keep = w.entry.keepUntil(w.seen, d.want.Margin)
	}

	active := w.entry.active(now)
	switch {
	case w.item != nil && w.item.lasts(now):
		if active {
			w.fate = fateSatisfied
		}
	case w.item != nil && w.item.ours():
		if active || w.keep.After(now) { // its bans' records ended, but it lingers
			w.fate = fateOwn
		}
	case !active:
		w.fate = fateNothing
	case d.hand[w.entry.Prefix]:
		w.fate = fateSatisfied
	case w.item != nil && (w.item.Effect == Allows || w.item.Effect == Stops || w.item.Effect == Weaker && w.item.class == Foreign):
		w.fate = fateOccupied
	case w.item != nil && w.item.Effect == Weaker:
		w.fate = fateOwn
	case w.item == nil, w.item.class == Peer && w.outlasts(now):
		w.fate = fateOwn
	default:
		w.fate = fateSatisfied
	}
}

// outlasts reports whether a peer's item is about to run out before our entry does. Ours then gets the longer lease, so that
// two owners never take an item from each other in turn.
func (w *wish) outlasts(now time.Time) bool {
	lease := w.item.tag.Until
	return !lease.After(now.Add(2*Interval)) && w.keep.After(lease.Add(w.entry.slack()))
}
