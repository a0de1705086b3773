package reconcile

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Overflow is what access rules are to hold in place of a list. A run with one wants this, and not all that the sources ban.
type Overflow struct {
	Spilled []netip.Prefix // bans that the list does not hold
	Stuck   []Stuck        // to be let through, in place of bans
	Allow   bool           // the rules are those that let through

	// Unknown: what a list holds could not be read. Then no rule is made, and one goes only when what the sources ban demands it.
	Unknown bool

	// NoneNew: spilling was switched off. What spilled before stays until the list holds it, and nobody is let through.
	NoneNew bool

	// ByHand is what a person banned by hand, on whichever list. Nothing that touches it is let through.
	ByHand []netip.Prefix
}

// LeftOutOnList explains the removal of a rule: the list holds its ban. Such a ban is not left out, so this is none of LeftOutReasons.
const LeftOutOnList LeftOutReason = "on_list"

// overflow narrows down what the sources want to what spills.
func (r *Run) overflow(bans []Ban, want Desired) Desired {
	if r.Overflow.Allow {
		r.banned = r.Policy.banned(bans, r.Now)
		for _, p := range r.Overflow.ByHand {
			r.banned = append(r.banned, Protected{Prefix: p})
		}
		return Desired{Margin: want.Margin}
	}
	return r.Overflow.blocking(want, r.Policy, r.Now)
}

// fitOverflow adapts what an overflow wants to the rules that are there now, and notes whom it cannot let through.
func (r *Run) fitOverflow(rep *Report, items []Item) {
	switch o := r.Overflow; {
	case o == nil:
	case o.Allow:
		allow, mayStay, notes := o.allowing(NewProtection(r.bannedWith(items)), rep.Desired.Margin, r.Policy.Widths, r.Now)
		r.moving, rep.Desired = mayStay, &allow
		for _, note := range notes {
			if !slices.Contains(rep.Notes, note) { // the rules may be read again
				rep.Notes = append(rep.Notes, note)
			}
		}
		for i := range items {
			if o.Unknown {
				mayStay[items[i].Prefix] = true
			}
		}
	case o.Unknown || o.NoneNew:
		there := map[netip.Prefix]bool{}
		for i := range items {
			there[items[i].Prefix] = true
		}
		want := *rep.Desired
		want.Entries = slices.DeleteFunc(slices.Clone(want.Entries), func(e Entry) bool { return !there[e.Prefix] })
		rep.Desired = &want
	}
}

// bannedWith is all that is banned, with what a person banned by hand among the rules.
func (r *Run) bannedWith(items []Item) []Protected {
	all := slices.Clone(r.banned)
	for i := range items {
		h := r.Ownership.classify(&items[i])
		if _, goes := r.Policy.Protected.Touching(h.Prefix); !goes && h.lasts(r.Now) && h.Effect == Stops {
			all = append(all, Protected{Prefix: h.Prefix})
		}
	}
	return all
}

// blocking narrows down what the sources want to what spills. Bans that ended are kept, because their rules may linger. Left out are only
// those that no rule can hold: the list's run tells of all others.
func (o *Overflow) blocking(want Desired, policy Policy, now time.Time) Desired {
	if o.Unknown {
		want.LeftOut, want.Beaten = nil, nil
		return want
	}
	spilled, pieces := map[netip.Prefix]bool{}, map[netip.Prefix]bool{}
	for _, p := range o.Spilled {
		spilled[p] = true
		for piece := range policy.Widths.Pieces(p) {
			pieces[piece] = true
		}
	}
	var kept []Entry
	for _, e := range want.Entries {
		if pieces[e.Prefix] || !e.active(now) {
			kept = append(kept, e)
		} else {
			want.hidden[e.Prefix] = LeftOutOnList
		}
	}
	want.LeftOut = slices.DeleteFunc(want.LeftOut, func(l LeftOut) bool {
		p, _ := ParsePrefix(l.Ban.Value)
		return l.Reason != LeftOutWidth || !spilled[policy.widest(p)]
	})
	want.Entries, want.Beaten = kept, nil
	return want
}

// banned is all that the sources ban, whichever the remedy.
func (p Policy) banned(bans []Ban, now time.Time) []Protected {
	p.Split, p.Blocked, p.Widths = true, Protection{}, Widths{}
	var all []Protected
	for _, p.Remedy = range []Remedy{Block, Challenge} {
		for _, e := range Desire(bans, p, now).Entries {
			if e.active(now) {
				all = append(all, Protected{Prefix: e.Prefix})
			}
		}
	}
	return all
}

const aDay = 24 * time.Hour

// lease is that of an Allow rule: the lease of the item that is stuck. If that is about to end, or has ended, it ends one to two days
// from now, so it is renewed once a day.
func (s Stuck) lease(now time.Time) time.Time {
	if s.Until.After(now.Add(aDay)) {
		return s.Until
	}
	return now.Truncate(aDay).Add(2 * aDay)
}

// allowing wants a rule for each network that a person un-banned. mayStay are the prefixes whose rules may stay if there are some. Nothing
// that touches a ban is let through.
func (o *Overflow) allowing(banned Protection, margin time.Duration, widths Widths, now time.Time) (
	allow Desired, mayStay map[netip.Prefix]bool, notes []string,
) {
	// With the bans as what is protected, a rule that touches one goes in any case.
	allow = Desired{Margin: margin, protected: banned, hidden: map[netip.Prefix]LeftOutReason{}}
	mayStay = map[netip.Prefix]bool{}
	for _, s := range o.Stuck {
		if o.Unknown {
			break
		}
		ban, touches := banned.Touching(s.Prefix)
		many := widths.tooMany(s.Prefix)
		switch {
		case touches && s.Sure:
			notes = append(notes, fmt.Sprintf("%s was un-banned, and the list cannot let it go; no rule lets it through, because %s is banned",
				PrefixText(s.Prefix), PrefixText(ban.Prefix)))
		case touches:
		case many != "" && s.Sure:
			notes = append(notes, fmt.Sprintf("%s was un-banned, and the list cannot let it go; no rule lets it through: %s", PrefixText(s.Prefix), many))
		case many != "":
		default:
			for piece := range widths.Pieces(s.Prefix) {
				if s.Sure {
					allow.Entries = append(allow.Entries, Entry{Prefix: piece, Terms: s.terms(now)})
				}
				mayStay[piece] = true
			}
		}
	}
	slices.SortStableFunc(allow.Entries, func(a, b Entry) int { return comparePrefixes(a.Prefix, b.Prefix) })
	allow.Entries = slices.CompactFunc(allow.Entries, func(a, b Entry) bool { return a.Prefix == b.Prefix })
	return allow, mayStay, notes
}

// terms name the sources of the item, so that the rule stays while one of them does not answer.
func (s Stuck) terms(now time.Time) []Term {
	var terms []Term
	for word := range strings.FieldsSeq(cmp.Or(s.Tag.Text, "manual")) {
		source, _, _ := strings.Cut(word, ":")
		terms = append(terms, Term{Source: source, Reason: "un-banned", Since: now, Until: s.lease(now), Remedy: Challenge}) // it does not linger
	}
	e := Entry{Terms: terms}
	e.tidy()
	return e.Terms
}

// PlanAllow plans Allow rules for networks that a person un-banned just now and the list could not let go. It removes nothing.
func (r Run) PlanAllow(stuck []Stuck) Planner {
	return func(items []Item, now time.Time) Plan {
		allow, _, _ := (&Overflow{Stuck: stuck}).allowing(Protection{}, r.Policy.Margin, r.Policy.Widths, now)
		plan := Diff(allow, items, View{Now: now, Ownership: r.Ownership, Room: r.MaxItems, Limits: Limits{AllowRemovals: true}, Metered: true})
		plan.Remove, plan.Withheld = nil, nil
		return plan
	}
}

// PlanDisallow takes away our Allow rules that touch a network which a person bans now. items are those of a target of Allow rules.
func PlanDisallow(network netip.Prefix, items []Item, o Ownership, now time.Time) Plan {
	plan := Plan{Now: now, Items: len(items)}
	for i := range items {
		h := o.classify(&items[i])
		if h.ours() && h.Effect == OfTarget && h.Prefix.Overlaps(network) {
			plan.Remove = append(plan.Remove, h.removal(RemoveByHand))
		}
	}
	plan.sort()
	return plan
}

// Owns is how many of the items are ours, those banned by hand not counted.
func (o Ownership) Owns(items []Item) int {
	n := 0
	for i := range items {
		if h := o.classify(&items[i]); h.class == Own || h.class == Former && h.tagged {
			n++
		}
	}
	return n
}
