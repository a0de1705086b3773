package reconcile

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Bans that a list cannot take spill into access rules: while writes of the list are refused or on hold, and for drainFor after the last
// refusal. In that time the writes that are let through only take away, so that what is enforced moves to where writes are possible, and
// back when there was no refusal for so long. A plan leaves what it does not write on the list in Spilled.
//
// Whom a person un-banned and the list cannot let go gets a rule that lets through: it beats the block by the list.

// drainFor is how long after a refusal the list takes no bans.
const drainFor = 7 * 24 * time.Hour

// Draining reports whether the account refused a write so lately that the list takes no bans, where they can spill.
func (t Throttle) Draining(now time.Time) bool {
	return !t.Last.IsZero() && now.Sub(t.Last).Abs() < drainFor
}

// drains reports whether the run writes no additions.
func (r Run) drains() bool {
	return r.Spills && (r.Drain || r.Hold != nil || r.Throttle.Draining(r.Now))
}

// spill takes the additions that are left out of the plan: new ones are for access rules, changes of comments can wait.
func (p *Plan) spill(done Applied) {
	for _, a := range p.Add[done.Added:] {
		if a.Why == AddNew {
			p.Spilled = append(p.Spilled, a.Post.Prefix)
		}
	}
	p.Add = p.Add[:done.Added]
	p.RemoveFirst = false
}

// Stuck are the items, by their tags, of whom a person un-banned and that the run could not remove, sorted by prefix.
func (r Report) Stuck() []Staying {
	if !r.settled() {
		return nil
	}
	var all []Staying
	for _, m := range r.Plan.Remove[r.Applied.Removed:] {
		switch {
		case m.Unbanned.IsValid():
			all = append(all, Staying{Prefix: m.Unbanned, Tag: m.Tag, Until: m.Tag.Until})
		case m.Why == RemoveLifted:
			all = append(all, Staying{Prefix: m.Item.Prefix, Tag: m.Tag, Until: m.Tag.Until})
		}
	}
	slices.SortFunc(all, func(a, b Staying) int { return comparePrefixes(a.Prefix, b.Prefix) })
	return all
}

// Missing are the prefixes of bans that the list does not hold after the run. known is false when that is open.
func (r Report) Missing() (missing []netip.Prefix, known bool) {
	if !r.settled() {
		return nil, false
	}
	missing = slices.Clone(r.Plan.Spilled)
	for _, a := range r.Plan.Add[r.Applied.Added:] {
		if a.Why == AddNew {
			missing = append(missing, a.Post.Prefix)
		}
	}
	return missing, true
}

// Overflow is what access rules are to hold in place of a list. It takes the place of all that the sources want.
type Overflow struct {
	Spilled []netip.Prefix // bans that the list does not hold
	Stuck   []Staying      // of the list's report: to be let through, in place of bans
	Allow   bool           // the rules are those that let through
}

// LeftOutOnList explains the removal of a rule: the list holds its ban. Such a ban is not left out, so this is none of LeftOutReasons.
const LeftOutOnList LeftOutReason = "on_list"

// apply narrows down what the sources want to what spills. Bans that ended stay, because the rules of some may linger.
func (o *Overflow) apply(want Desired, widths Widths, now time.Time) Desired {
	if o.Allow {
		return o.allowing(want, widths, now)
	}
	var all []Protected
	for _, p := range o.Spilled {
		all = append(all, Protected{Prefix: p})
	}
	spilled := NewProtection(all)
	var kept []Entry
	for _, e := range want.Entries {
		if _, spills := spilled.Covering(e.Prefix); spills || !e.active(now) {
			kept = append(kept, e)
			continue
		}
		want.hidden[e.Prefix] = LeftOutOnList
	}
	want.Entries, want.LeftOut, want.Beaten = kept, nil, nil // the list's run tells of those
	return want
}

// leastAllowed is the least time for which a rule that lets through is made, where the item's own lease is over.
const leastAllowed = 24 * time.Hour

// allowing is what lets through whom a person un-banned. Its lease is that of the item that is stuck.
func (o *Overflow) allowing(want Desired, widths Widths, now time.Time) Desired {
	allow := Desired{Margin: want.Margin, hidden: map[netip.Prefix]LeftOutReason{}}
	for _, s := range o.Stuck {
		var terms []Term
		for word := range strings.FieldsSeq(s.Tag.Text) {
			source, _, _ := strings.Cut(word, ":")
			t := Term{Source: source, Reason: "un-banned", Since: now, Until: s.Until, Remedy: Challenge} // it does not linger
			if s.Until.Before(now.Add(leastAllowed)) {
				t.Until = time.Time{}
			}
			terms = append(terms, t)
		}
		for piece := range widths.Pieces(s.Prefix) {
			if len(terms) > 0 && widths.holds(piece) {
				e := Entry{Prefix: piece, Terms: terms}
				e.tidy()
				allow.Entries = append(allow.Entries, e)
			}
		}
	}
	slices.SortStableFunc(allow.Entries, func(a, b Entry) int { return comparePrefixes(a.Prefix, b.Prefix) })
	allow.Entries = slices.CompactFunc(allow.Entries, func(a, b Entry) bool { return a.Prefix == b.Prefix })
	return allow
}

// PlanAllow is the planner of rules that let through whom a person un-banned just now and the list could not let go. It removes nothing.
func (r Run) PlanAllow(stuck []Staying) Planner {
	return func(items []Item, now time.Time) Plan {
		want := (&Overflow{Stuck: stuck}).allowing(Desired{Margin: r.Policy.Margin}, r.Policy.Widths, now)
		plan := Diff(want, items, View{Now: now, Ownership: r.Ownership, Room: r.MaxItems, Limits: Limits{AllowRemovals: true}, Metered: true})
		plan.Remove, plan.Withheld = nil, nil
		return plan
	}
}

// Held are the items that a plan by hand was to remove for a network and did not, narrowed down to the network.
func (r Report) Held(network netip.Prefix) []Staying {
	var all []Staying
	if r.Plan == nil {
		return nil
	}
	for _, m := range r.Plan.Remove[r.Applied.Removed:] {
		s := Staying{Prefix: m.Item.Prefix, Tag: m.Tag, Until: m.Tag.Until}
		if contains(m.Item.Prefix, network) {
			s.Prefix = network
		}
		all = append(all, s)
	}
	return all
}
