package reconcile

import (
	"net/netip"
	"slices"
	"time"
)

// Bans that a list cannot take spill into access rules: while writes to the list are refused or on hold, and for drainFor after the last
// refusal. In that time the writes that Cloudflare lets through only take items off the list. So the bans move to where writes are
// possible, and back when there was no refusal for that long. A plan leaves what it does not write to the list in Spilled.
//
// A network that a person un-banned and the list cannot let go gets an Allow rule, which beats the list. See Overflow.

// drainFor is how long after a refusal the list takes no bans.
const drainFor = 7 * 24 * time.Hour

// Draining reports whether the account refused a write so lately that the list takes no bans, where they can spill.
func (t Throttle) Draining(now time.Time) bool {
	return !t.Last.IsZero() && now.Sub(t.Last).Abs() < drainFor
}

// drains reports whether the run adds nothing to the list.
func (r Run) drains() bool {
	return r.Spills && !r.NoDrain && (r.Drain || r.Hold != nil || r.Throttle.Draining(r.Now))
}

// spill takes the additions that were not made out of the plan: new ones go into access rules, changed comments can wait. What no rule can
// hold stays in the plan.
func (p *Plan) spill(done Applied, widths Widths) {
	left := slices.Clone(p.Add[:done.Added])
	for _, a := range p.Add[done.Added:] {
		switch {
		case a.Why != AddNew:
		case widths.tooMany(a.Post.Prefix) != "":
			left = append(left, a)
		default:
			p.Spilled = append(p.Spilled, a.Post.Prefix)
		}
	}
	p.Add = left
	p.RemoveFirst = p.RemoveFirst && len(left) > 0
}

// Stuck is a network that a person un-banned and a list cannot let go.
type Stuck struct {
	Prefix netip.Prefix // what is to be let through
	Item   netip.Prefix // of the item that the list cannot let go
	Tag    Tag          // of the item
	Until  time.Time    // when the item's lease ends

	// Sure: a person un-banned it, beyond doubt. If not, an Allow rule that is there may stay, but none is made.
	Sure bool
}

// Stuck are the own items that a person's un-ban should have removed and that the list still holds, sorted by prefix; known is false when
// the run did not come to a plan. Where an item that stays bans some of the network as well, it is not among them.
func (r Report) Stuck() (all []Stuck, known bool) {
	if r.Plan == nil {
		return nil, false
	}
	for _, m := range r.undone().Remove {
		if m.Shadowed || !m.ByPerson && m.Why != RemoveLifted {
			continue
		}
		for _, p := range m.freed() {
			all = append(all, Stuck{Prefix: p, Item: m.Item.Prefix, Tag: m.Tag, Until: m.Tag.Until, Sure: m.ByPerson})
		}
	}
	for _, o := range r.Plan.Orphaned {
		all = append(all, Stuck{Prefix: o.Prefix, Item: o.Prefix, Tag: o.Tag, Until: o.Until})
	}
	slices.SortFunc(all, func(a, b Stuck) int { return comparePrefixes(a.Prefix, b.Prefix) })
	return all, true
}

// Missing are the prefixes of bans that the list is not known to hold after the run; known is false when the run did not come to a plan.
func (r Report) Missing() (missing []netip.Prefix, known bool) {
	if r.Plan == nil {
		return nil, false
	}
	missing = slices.Clone(r.Plan.Spilled)
	for _, a := range r.undone().Add {
		if a.Why == AddNew {
			missing = append(missing, a.Post.Prefix)
		}
	}
	return missing, true
}

// undone is what of the plan is not known to be done; of a dry run's, what a run would not do.
func (r Report) undone() (p Plan) {
	held := r.Next.Open.Operation != "" || r.Next.Throttle.Held(r.Now)
	if r.Outcome == OutcomePlanned && !held {
		return p
	}
	p.Add, p.Remove = r.Plan.Add[r.Applied.Added:], r.Plan.Remove[r.Applied.Removed:]
	return p
}

// freed are the prefixes that the removal lets go.
func (r Removal) freed() []netip.Prefix {
	if len(r.Unbanned) > 0 {
		return r.Unbanned
	}
	return []netip.Prefix{r.Item.Prefix}
}

// shadow marks the removals whose prefixes an item that stays bans as well, and those that a ban touches.
func (d *differ) shadow() {
	if len(d.plan.Remove) == 0 {
		return
	}
	var all, banned []Protected
	for i := range d.held {
		if h := &d.held[i]; d.posts(h) || d.stays(h) {
			all = append(all, Protected{Prefix: h.Prefix})
		}
	}
	for i := range d.wishes {
		if w := &d.wishes[i]; w.fate == fateOwn || w.entry.active(d.view.Now) {
			banned = append(banned, Protected{Prefix: w.entry.Prefix})
		}
	}
	staying, bans := NewProtection(all), NewProtection(banned)
	for i := range d.plan.Remove {
		m := &d.plan.Remove[i]
		_, m.Touched = bans.Touching(m.Item.Prefix)
		free := slices.DeleteFunc(m.freed(), func(p netip.Prefix) bool {
			_, shadowed := staying.Touching(p)
			return shadowed
		})
		if m.Shadowed = len(free) == 0; len(m.Unbanned) > 0 {
			m.Unbanned = free
		}
	}
}

// recently is how long ago the last run may lie for its successor to know what a missing record means. Fail2Ban clears away records a day
// after their ends by default (dbpurgeage), and in between each run sees that they ended.
const recently = time.Hour

// recent reports whether the last run was recently.
func (r Run) recent() bool {
	since := r.Now.Sub(r.ReadAt)
	return since >= 0 && since <= recently
}

// byPerson reports whether it is beyond doubt that a person lifted the ban of an item that nothing wants any more: the sources that it
// names are the very ones of the last run, which was recently, and the ban had not ended by itself. A source may tell the end to within
// loose.
func (d *differ) byPerson(h *holding) bool {
	lease, soon := h.tag.Until, d.view.Now.Add(loose)
	if end, ok := d.view.Short[h.Prefix]; ok {
		lease = end
	}
	return d.view.Recent && h.tagged && lease.After(soon) && d.steady(h) && !slices.Contains(d.view.Ended, h.Prefix)
}

// ended are the prefixes of own items whose bans ended by themselves, or may have, for Past.Ended: that nothing wants them later is no
// un-ban.
func (r Run) ended(rep *Report) []netip.Prefix {
	if !r.Spills || rep.Plan == nil {
		return r.Ended
	}
	all := slices.Concat(prefixes(rep.Plan.Lingering), prefixes(rep.Plan.Orphaned), rep.Plan.Undecided)
	for _, m := range rep.Plan.Withheld {
		all = append(all, m.Item.Prefix)
	}
	for _, m := range rep.Plan.Remove[rep.Applied.Removed:] {
		if m.Why != RemoveLifted || m.Doubtful || m.Touched { // whatever else it goes for, a ban of it, or of some of it, may end meanwhile
			all = append(all, m.Item.Prefix)
		}
	}
	slices.SortFunc(all, comparePrefixes)
	return all
}

// lifted are those of the items banned by hand that a person un-banned, and that the list still holds: for Past.Lifted.
func (r Run) lifted(rep *Report) (all []netip.Prefix) {
	if rep.Plan == nil {
		return r.Lifted
	}
	for _, m := range rep.Plan.Remove[rep.Applied.Removed:] {
		if slices.Contains(r.Lifted, m.Item.Prefix) {
			all = append(all, m.Item.Prefix)
		}
	}
	slices.SortFunc(all, comparePrefixes)
	return all
}

// Held are the items that a plan by hand was to remove for a network and did not, narrowed down to the network.
func (r Report) Held(network netip.Prefix) (all []Stuck) {
	if r.Plan == nil {
		return nil
	}
	for _, m := range r.Plan.Remove[r.Applied.Removed:] {
		s := Stuck{Prefix: m.Item.Prefix, Item: m.Item.Prefix, Tag: m.Tag, Until: m.Tag.Until, Sure: true}
		if contains(m.Item.Prefix, network) {
			s.Prefix = network
		}
		all = append(all, s)
	}
	return all
}
