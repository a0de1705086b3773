package reconcile

import (
	"net/netip"
	"slices"
	"time"
)

// LeftOutOtherList explains a removal: the ban's remedy has a list of its own. Such a ban is not left out, so this is none of
// LeftOutReasons.
const LeftOutOtherList LeftOutReason = "other_list"

// remedy is what the edge is to do with those that b bans.
func (p *Policy) remedy(b *Ban) Remedy {
	switch globs := p.Challenged[b.Source]; {
	case p.ChallengeAsBlock && b.Remedy == Challenge:
		return Block
	case !p.ChallengeAsBlock && len(globs) > 0 && Filter{Include: globs}.passes(b.Reason):
		return Challenge
	}
	return b.Remedy
}

// Beaten is a challenge for what is blocked already.
type Beaten struct {
	Entry Entry
	By    netip.Prefix // what the block list holds: the entry's prefix, or one that contains it
}

// yield takes out the challenges for what the block list holds. They are kept in Beaten, ended ones too, to explain removals.
func (d *Desired) yield(blocked Protection) {
	if len(blocked.sorted) == 0 {
		return
	}
	kept := d.Entries[:0]
	for _, e := range d.Entries {
		if by, ok := blocked.Covering(e.Prefix); ok {
			d.Beaten = append(d.Beaten, Beaten{e, by.Prefix})
		} else {
			kept = append(kept, e)
		}
	}
	clear(d.Entries[len(kept):])
	d.Entries = kept
}

// beaten finds what the block list holds of the challenges for exactly that prefix.
func (d *Desired) beaten(p netip.Prefix) (by netip.Prefix, ok bool) {
	i, ok := slices.BinarySearchFunc(d.Beaten, p, func(b Beaten, p netip.Prefix) int { return comparePrefixes(b.Entry.Prefix, p) })
	if ok {
		by = d.Beaten[i].By
	}
	return by, ok
}

// beatenAt is how many of the challenges that the block list makes needless have not ended.
func (d *Desired) beatenAt(now time.Time) int {
	n := 0
	for i := range d.Beaten {
		if d.Beaten[i].Entry.active(now) {
			n++
		}
	}
	return n
}

// Blocking is what a block list that holds all of d's active entries blocks: a Policy's Blocked.
func (d Desired) Blocking(now time.Time) Protection { return d.blocking(now, nil) }

func (d Desired) blocking(now time.Time, absent map[netip.Prefix]bool) Protection {
	var all []Protected
	for i := range d.Entries {
		if e := &d.Entries[i]; e.active(now) && !absent[e.Prefix] {
			all = append(all, Protected{Prefix: e.Prefix})
		}
	}
	return NewProtection(all)
}

// blocking is what the block list holds after its run, as far as that is known; after a dry run, what it would hold.
func (r Report) blocking() Protection {
	if r.Desired == nil || !r.settled() {
		return Protection{}
	}
	absent := map[netip.Prefix]bool{}
	for _, e := range r.Plan.NoRoom {
		absent[e.Prefix] = true
	}
	for _, a := range r.Plan.Add[r.Applied.Added:] {
		absent[a.Entry.Prefix] = a.Why == AddNew && r.Outcome != OutcomePlanned
	}
	return r.Desired.blocking(r.Now, absent)
}

// After is r, a run on the challenge list, adapted to the block list's run, which came first: what is blocked there is not challenged here,
// and room is left for what found none there. If the block list could not be read, what it should hold is not challenged anew, and what is
// challenged stays so. While Cloudflare refuses writes there, or may be at work on one, none is tried here.
func (r Run) After(first Report) Run {
	r.Policy.Remedy, r.Policy.Split, r.Policy.Blocked = Challenge, true, first.blocking()
	r.Capacity = first.Next.Capacity
	if first.Survey != nil && first.Desired != nil && first.Plan == nil { // the list is there: what it should hold it most likely holds
		r.Policy.Blocked, r.unread = first.Desired.Blocking(first.Now), true
	}
	if first.Plan != nil {
		r.Reserved = len(first.Plan.NoRoom)
	}
	return r.Following(first)
}

// Following is r, adapted to a run on the same account that came before it.
func (r Run) Following(first Report) Run {
	r.Throttle = first.Next.Throttle
	switch open := first.Next.Open; {
	case open.Operation != "":
		r.Hold = &HoldError{Since: open.Since, Operation: open.Operation}
	case uncertain(first.Err):
		r.Hold = &HoldError{Since: first.Now, Operation: "unknown"}
	case refused(first.Err):
		r.Hold = &HoldError{Since: first.Next.Throttle.Since, Until: first.Next.Throttle.Hold, Why: first.Next.Throttle.Why}
	}
	return r
}
