package reconcile

import (
	"net/netip"
	"time"
)

// Plan is what to add to a target and what to remove from it: a value, sorted by prefix, or by urgency for a metered target; printable.
type Plan struct {
	Now time.Time

	Add      []Addition
	Remove   []Removal
	Withheld []Removal // removals that are held back until a person has looked

	// RemoveFirst: the additions fit only when the removals are made before them.
	RemoveFirst bool

	Items      int            // on the list before the plan
	Own        int            // … of these ours, untagged ones included when ownership is exclusive
	Manual     int            // … of these banned by hand, whose leases may have ended
	Foreign    int            // … without an edgeban tag
	Peers      map[string]int // … of other edgebans, by owner; what they banned by hand included
	OtherMode  int            // own items that are another target's: rules of the other mode; not among Items
	Keep       int            // own items that stay, those of which the comment changes included
	Lingering  []Staying      // … of these, items whose bans ended but may go on in Fail2Ban's memory
	Unanswered int            // own items that nothing wants, but a source that did not answer may
	Orphaned   []Staying      // own items that nothing wants, but their source was replaced: they stay until their leases end

	// Unnamed are the prefixes of own items whose comments do not name each source that bans them now. A post that changes that can be
	// refused, or wait while bans spill.
	Unnamed []netip.Prefix

	// Undecided are the prefixes of own items whose bans ended by themselves, as an earlier run saw, and that stay for another reason.
	Undecided []netip.Prefix

	// Shortened are own items whose bans end before their leases, by the ends that a source without records of the past tells.
	Shortened []Staying

	// Moving are own items that stay until another list holds their prefixes.
	Moving []Staying

	// ByHand are the prefixes of items that a person banned by hand, whose leases run.
	ByHand []netip.Prefix

	// Blocked are the items that block what is protected and are not ours to remove.
	Blocked []Blocked

	// Satisfied is how many entries need no item of ours, because a foreign item or a peer's stands there already.
	Satisfied int

	// Covered is how many entries need no item because a broader entry covers them for at least as long, or, of challenges that have
	// not ended, because the block list holds them.
	Covered int

	// Spilled are the new prefixes that are not for the list now, but for access rules. They are not in Add.
	Spilled []netip.Prefix

	// Occupied are the entries that cannot be posted, because another's item stands there that does not do the work. It is not ours to change.
	Occupied []Occupied

	Room   int      // how many items the list may hold
	NoRoom []*Entry // what found no room, sorted by prefix
}

// Staying is an own item without an active ban that stays nevertheless.
type Staying struct {
	Prefix netip.Prefix
	Tag    Tag
	Until  time.Time
}

func prefixes(stays []Staying) []netip.Prefix {
	var all []netip.Prefix
	for _, s := range stays {
		all = append(all, s.Prefix)
	}
	return all
}

// Blocked is an item, by hand or a peer's, that touches a protected prefix: one of the allowlist, of this host or of Cloudflare.
type Blocked struct {
	Prefix    netip.Prefix
	Owner     string // empty: it has no tag
	Protected Protected
}

// Occupied is an entry where another's item stands that lets the visitor through, or only challenges whom we would block.
type Occupied struct {
	Entry  *Entry
	Effect Effect // Weaker, Allows or Stops
	Owner  string // empty: it has no tag
}

func (o Occupied) detail() string {
	what := "a challenge"
	switch o.Effect {
	case Allows:
		what = "an Allow rule"
	case Stops:
		what = "a rule that blocks or challenges"
	}
	if o.Owner == "" {
		return what + " stands there that is not edgeban's"
	}
	return what + " of " + o.Owner + " stands there"
}

// Addition is an item to be posted.
type Addition struct {
	Entry *Entry
	Why   AdditionReason
	From  Class // for all but AddNew: whose item stands there now
	Post  Post
}

// AdditionReason says why an item is posted.
type AdditionReason string

const (
	AddNew      AdditionReason = "new"       // the ban is not at the edge
	AddRenewal  AdditionReason = "renewal"   // our item's lease needs renewing
	AddTakeOver AdditionReason = "take-over" // a former owner's, an untagged one, a peer's whose lease is about to end, one by hand whose lease ended
)

// Removal is an item to be removed.
type Removal struct {
	Item     Item
	Tag      Tag            // zero for an untagged item
	Untagged bool           // no edgeban wrote it: ours only because ownership is exclusive
	Unbanned []netip.Prefix // the parts of it that a person took off for a while, see Protected; sorted
	ByPerson bool           // a person un-banned it, beyond doubt
	Doubtful bool           // nobody wants it any more, and whether a person un-banned it will never be known
	Shadowed bool           // items that stay ban it, or some of it, as well
	Touched  bool           // a ban in force contains it or some of it, whether that is on the list or not
	Why      RemovalReason
	Ended    time.Time     // for RemoveEnded: when the last ban's record ended
	LeftOut  LeftOutReason // for RemoveLeftOut: why its ban is not mirrored
	Detail   string        // for a person: the broader prefix, the reason it is protected
}

// RemovalReason says why an item goes.
type RemovalReason string

const (
	RemoveEnded     RemovalReason = "ended"     // its bans ended
	RemoveLifted    RemovalReason = "lifted"    // no source holds a ban for it any more
	RemoveProtected RemovalReason = "protected" // it became protected, or contains what did
	RemoveLeftOut   RemovalReason = "left out"  // its ban is there but is not to be mirrored
	RemoveCovered   RemovalReason = "covered"   // a broader entry covers it for at least as long
	RemoveBlocked   RemovalReason = "blocked"   // a challenge for what the block list holds
	RemoveNoRoom    RemovalReason = "no room"   // more recent bans need its place
	RemoveOverdue   RemovalReason = "overdue"   // another owner's lease ended a week ago: that host is gone
	RemoveByHand    RemovalReason = "by hand"   // a person asked for it: PlanUnban, PlanFlush
	RemoveUnmatched RemovalReason = "unmatched" // without a tag and without an active ban: PlanAdopt
)

// Empty reports whether there is nothing to do.
func (p Plan) Empty() bool { return len(p.Add) == 0 && len(p.Remove) == 0 }

// Missing is how many prefixes are to be blocked and are not: additions that do more than change a comment.
func (p Plan) Missing() int { return missing(p.Add) }

func missing(additions []Addition) int {
	n := 0
	for _, a := range additions {
		if a.Why == AddNew {
			n++
		}
	}
	return n
}

// LeftOut are the active bans whose places are taken and then those that found no room, each sorted by prefix.
func (p Plan) LeftOut() []LeftOut {
	var all []LeftOut
	for _, o := range p.Occupied {
		all = append(all, p.leftOut(o.Entry, LeftOutOccupied, o.detail())...)
	}
	for _, e := range p.NoRoom {
		all = append(all, p.leftOut(e, LeftOutNoRoom, "")...)
	}
	return all
}

func (p Plan) leftOut(e *Entry, reason LeftOutReason, detail string) []LeftOut {
	var all []LeftOut
	for _, t := range e.Terms {
		if t.end().After(p.Now) {
			b := Ban{Value: PrefixText(e.Prefix), Remedy: t.Remedy, Source: t.Source, Reason: t.Reason, Since: t.Since, Until: t.Until, Community: t.Community}
			all = append(all, LeftOut{Ban: b, Reason: reason, Detail: detail})
		}
	}
	return all
}
