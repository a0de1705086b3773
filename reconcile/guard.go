package reconcile

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Limits are what a plan may do without being asked twice.
type Limits struct {
	AllowRemovals bool // let everything through, this once
	AllowUntagged bool // let untagged items go where ownership is exclusive: a person has looked before
}

// A removal is surprising when the item's lease still runs, no entry covers it, and nothing explains why. Surprising removals are withheld
// when they are more than surprisingFew and more than surprisingShare percent of what we own, or all of it and more than surprisingAll.
const (
	surprisingFew   = 50
	surprisingShare = 30
	surprisingAll   = 10
)

// rounding is by how much a lease may be too long: the source told the end in whole seconds, and a lease is rounded up to one.
const rounding = 2 * time.Second

// guard marks the items whose removal nobody expects. It comes before the cut to room, because what stays takes room.
//
// Ownership "exclusive" makes untagged items ours; that they are no longer wanted is a guess until a person has looked. A source
// that was replaced proves nothing about bans that it lacks: their items stay until their leases end. And too many removals that
// nothing explains are more likely a mistake than an un-ban. So is a filter that no active ban passes.
func (d *differ) guard() {
	limits := d.view.Limits
	orphans := make(map[netip.Prefix]bool, len(d.view.Orphans))
	for _, p := range d.view.Orphans {
		orphans[p] = true
	}
	silenced := d.silenced()
	var surprising []*holding
	for i := range d.held {
		h := &d.held[i]
		switch {
		case limits.AllowRemovals || !h.ours() || h.protected || h.class == Manual:
		case !h.tagged:
			h.withheld = !limits.AllowUntagged
		case silenced && h.wish < 0 && d.want.hidden[h.Prefix] == LeftOutFiltered:
			h.withheld = true
		case !d.unexplained(h):
		case orphans[h.Prefix], slices.ContainsFunc(d.view.Replaced, h.tag.names):
			h.orphan = true
		case !h.tag.Until.After(d.view.Now.Add(rounding)):
		case !d.mayBeWanted(h) && !d.steady(h):
			surprising = append(surprising, h)
		}
	}
	n, own := len(surprising), d.plan.Own-d.plan.Manual
	if n > surprisingFew && n*100 > surprisingShare*own || n > surprisingAll && n == own {
		for _, h := range surprising {
			h.withheld, h.surprising = true, true
		}
	}
}

// silenced reports whether there are active bans and the filters pass none of them.
func (d *differ) silenced() bool {
	filtered := slices.ContainsFunc(d.want.LeftOut, func(l LeftOut) bool { return l.Reason == LeftOutFiltered })
	return filtered && !slices.ContainsFunc(d.want.Entries, func(e Entry) bool { return e.active(d.view.Now) })
}

// unexplained reports whether a tagged item's lease runs although no entry stands at its prefix or around it, and no ban
// for it was left out.
func (d *differ) unexplained(h *holding) bool {
	if h.wish >= 0 || !h.tag.Until.After(d.view.Now) {
		return false
	}
	if _, hidden := d.want.hidden[h.Prefix]; hidden {
		return false
	}
	if _, beaten := d.want.beaten(h.Prefix); beaten {
		return false
	}
	_, covered := d.around(h.Prefix)
	return !covered && !d.narrowed(h.Prefix)
}

// narrowed reports whether entries stand inside an IPv6 prefix, as when IPv6 is widened less than it was.
func (d *differ) narrowed(p netip.Prefix) bool {
	if !p.Addr().Is6() {
		return false
	}
	i, _ := slices.BinarySearchFunc(d.wishes, p, func(w wish, p netip.Prefix) int { return comparePrefixes(w.entry.Prefix, p) })
	return i < len(d.wishes) && contains(p, d.wishes[i].entry.Prefix)
}

// steady reports whether every source that the item names is the same one that the last run read: then a ban that it lacks now was lifted.
// A source that is no longer read does not count as the same.
func (d *differ) steady(h *holding) bool {
	if h.tag.cut && len(d.view.Steady) < len(d.view.Sources) {
		return false
	}
	words := strings.Fields(h.tag.Text)
	return len(words) > 0 && !slices.ContainsFunc(words, func(word string) bool {
		name, _, _ := strings.Cut(word, ":")
		return !slices.Contains(d.view.Steady, name)
	})
}

// WithheldError says that removals were held back. It makes a run that did all the rest end with exit status 3.
type WithheldError struct {
	Withheld int
	Untagged int // of these, items without a tag
	Filtered int // … items whose bans no filter passes
	Of       int // removals in all
}

func (e *WithheldError) Error() string {
	var parts []string
	for _, kind := range []struct {
		n         int
		all, some string
	}{
		{e.Withheld - e.Untagged - e.Filtered, "these items' bans should have gone on, but their source no longer knows them",
			"the bans of %d should have gone on, but their source no longer knows them"},
		{e.Filtered, "the filters of jails and scenarios leave out every active ban",
			"the filters of jails and scenarios leave out every active ban, those of %d among them"},
		{e.Untagged, "these items have no edgeban tag", "%d have no edgeban tag"},
	} {
		switch kind.n {
		case 0:
		case e.Withheld:
			parts = append(parts, kind.all)
		default:
			parts = append(parts, fmt.Sprintf(kind.some, kind.n))
		}
	}
	return fmt.Sprintf("%d of %d removals withheld: %s", e.Withheld, e.Of, strings.Join(parts, ", and "))
}

// Hint says what to do.
func (e *WithheldError) Hint() string {
	hint := "Look with `edgeban diff`. To let them go: `edgeban sync --allow-removals`."
	switch {
	case e.Filtered > 0:
		hint = "Is the name of a jail or scenario mistyped? " + hint
	case e.Untagged < e.Withheld:
		hint = "Was the source emptied or replaced? " + hint
	}
	return hint
}

// withheld is the error of a plan that holds removals back, nil when it does not.
func (p Plan) withheld() error {
	if len(p.Withheld) == 0 {
		return nil
	}
	e := &WithheldError{Withheld: len(p.Withheld), Of: len(p.Withheld) + len(p.Remove)}
	for _, r := range p.Withheld {
		switch {
		case r.Untagged:
			e.Untagged++
		case r.LeftOut == LeftOutFiltered:
			e.Filtered++
		}
	}
	return e
}
