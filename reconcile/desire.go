package reconcile

import (
	"cmp"
	"net/netip"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Policy is what may go on a list, and how wide.
type Policy struct {
	Filters    map[string]Filter   // by source name: which jails or scenarios to mirror; none: all
	Challenged map[string][]string // by source name: globs of the jails or scenarios whose bans are challenges, whatever the source says

	Remedy           Remedy // the list's: bans of the other one do not go on it
	Split            bool   // those have a list of their own, so they are not left out
	ChallengeAsBlock bool   // every challenge is a block

	// Blocked is what the block list holds, where this is the challenge list: a challenge for any of that is not posted.
	Blocked Protection

	IPv6Prefix int // a narrower IPv6 ban is widened to this prefix length; 12 to 128
	MinPrefix4 int // a broader IPv4 ban is left out; 8 to 32
	MinPrefix6 int // a broader IPv6 ban is left out; 12 to 128

	Widths Widths // of what the target can hold: a ban of another width is split

	Margin    time.Duration // how long a lingering item outlives its ban, see Entry
	Protected Protection
}

// Filter selects jails or scenarios by globs in the syntax of path.Match. A glob without a slash is for what follows the last one,
// so that "ssh-*" means crowdsecurity/ssh-bf, too. A bad glob matches nothing.
type Filter struct {
	Include []string // empty: all
	Exclude []string // beats Include
}

func (f Filter) passes(reason string) bool {
	last := reason[strings.LastIndexByte(reason, '/')+1:]
	match := func(glob string) bool {
		whole := reason
		if !strings.Contains(glob, "/") {
			whole = last
		}
		ok, err := path.Match(glob, whole)
		return ok && err == nil
	}
	if slices.ContainsFunc(f.Exclude, match) {
		return false
	}
	return len(f.Include) == 0 || slices.ContainsFunc(f.Include, match)
}

// Entry is what we want on the list: a prefix and why.
type Entry struct {
	Prefix netip.Prefix
	Terms  []Term   // at least one; sorted by source, reason, since, until
	From   []string // the banned values that were widened to Prefix, sorted; empty when the ban is for Prefix itself
}

// Term is one ban behind an entry. It may have ended: an ended term adds no item, but it may let one linger.
type Term struct {
	Source string
	Reason string
	Since  time.Time // zero: unknown
	Until  time.Time // zero: no end
	Remedy Remedy    // Block, or Challenge on the list of challenges

	Community bool // of a list that others made
}

// Desired is the whole of what the sources want.
type Desired struct {
	Entries []Entry   // sorted by prefix, one each
	LeftOut []LeftOut // active bans that must not go on the list, sorted by reason and value
	Beaten  []Beaten  // challenges that the block list makes needless, sorted by prefix
	Margin  time.Duration

	protected Protection
	hidden    map[netip.Prefix]LeftOutReason // why prefixes are left out, ended bans included
}

// Desire turns what the sources said into entries: parsed, masked, IPv6 widened, filtered, merged per prefix. It is
// pure: the same bans in any order give the same result.
func Desire(bans []Ban, policy Policy, now time.Time) Desired {
	return desire(bans, policy, now, min(runtime.GOMAXPROCS(0), 1+len(bans)/shareSize))
}

// desire shares the work among as many goroutines as there are workers. The result does not depend on their number.
func desire(bans []Ban, policy Policy, now time.Time, workers int) Desired {
	drafts := make([]draft, workers)
	together(workers, func(i int) {
		drafts[i] = policy.draft(bans, len(bans)*i/workers, len(bans)*(i+1)/workers, now)
	})
	all := drafts[0]
	for _, d := range drafts[1:] {
		all.leftOut = append(all.leftOut, d.leftOut...)
		for prefix, reason := range d.hidden {
			all.hide(prefix, reason)
		}
	}
	slices.SortFunc(all.leftOut, compareLeftOut)
	want := Desired{
		Entries: mergeAll(sorted(drafts), bans, policy.Remedy), LeftOut: all.leftOut, Margin: policy.Margin,
		protected: policy.Protected, hidden: all.hidden,
	}
	want.yield(policy.Blocked)
	return want
}

// draft is what becomes of some of the bans.
type draft struct {
	placed  []placing
	leftOut []LeftOut
	hidden  map[netip.Prefix]LeftOutReason
}

// placing is a ban that goes on the list. There may be many, so it is small and has no pointers.
type placing struct {
	order   order // of the prefix under which it goes there
	ban     int32
	widened bool
}

// draft places bans[from:to].
func (p *Policy) draft(bans []Ban, from, to int, now time.Time) draft {
	d := draft{placed: make([]placing, 0, to-from), hidden: map[netip.Prefix]LeftOutReason{}}
	for i := from; i < to; i++ {
		b := &bans[i]
		if forgotten(b, p.Margin, now) {
			continue
		}
		exact, reason := ParsePrefix(b.Value)
		prefix, reason, detail := p.place(b, exact, reason)
		if reason != "" {
			d.leaveOut(b, reason, detail, now)
			if prefix.IsValid() {
				for piece := range p.Widths.Pieces(prefix) {
					d.hide(piece, reason)
				}
			}
			continue
		}
		if p.Widths.holds(prefix) {
			d.placed = append(d.placed, placing{order: orderOf(prefix), ban: int32(i), widened: prefix != exact})
			continue
		}
		for piece := range p.Widths.Pieces(prefix) {
			d.placed = append(d.placed, placing{order: orderOf(piece), ban: int32(i), widened: prefix != exact})
		}
	}
	return d
}

// merge makes one entry of all bans with the same prefix, which stand together, and appends it to entries. terms is room for
// the terms of all these entries.
func merge(placed []placing, bans []Ban, remedy Remedy, entries []Entry, terms []Term) []Entry {
	end := 0
	for start := 0; start < len(placed); start = end {
		e := Entry{Prefix: placed[start].order.prefix()}
		for ; end < len(placed) && placed[end].order == placed[start].order; end++ {
			b := &bans[placed[end].ban]
			terms = append(terms, Term{Source: b.Source, Reason: b.Reason, Since: b.Since, Until: b.Until, Remedy: remedy, Community: b.Community})
			if placed[end].widened {
				e.From = append(e.From, b.Value)
			}
		}
		e.Terms = terms[start:end:end]
		e.tidy()
		entries = append(entries, e)
	}
	return entries
}

// tidy sorts, and drops what is there twice.
func (e *Entry) tidy() {
	if len(e.Terms) > 1 {
		slices.SortFunc(e.Terms, compareTerms)
		e.Terms = slices.Compact(e.Terms)
		slices.Sort(e.From)
		e.From = slices.Compact(e.From)
	}
}

// forgotten reports whether a ban ended so long ago that it cannot let an item linger any more. An hour more lets the
// removal of that item be explained.
func forgotten(b *Ban, margin time.Duration, now time.Time) bool {
	if b.Permanent() || b.Until.After(now) {
		return false
	}
	return after(after(b.Until, max(b.Length(), 0)), margin+time.Hour).Before(now)
}

func (d *draft) leaveOut(b *Ban, reason LeftOutReason, detail string, now time.Time) {
	if reason != LeftOutOtherList && (b.Permanent() || b.Until.After(now)) {
		d.leftOut = append(d.leftOut, LeftOut{Ban: *b, Reason: reason, Detail: detail})
	}
}

// hide keeps the least of a prefix's reasons, whatever the order of the bans.
func (d *draft) hide(prefix netip.Prefix, reason LeftOutReason) {
	if known, ok := d.hidden[prefix]; !ok || reason < known {
		d.hidden[prefix] = reason
	}
}

func compareTerms(a, b Term) int {
	return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Reason, b.Reason),
		a.Since.Compare(b.Since), a.Until.Compare(b.Until), compareBools(a.Community, b.Community))
}

// compareBools orders false before true.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

func compareLeftOut(a, b LeftOut) int {
	return cmp.Or(strings.Compare(string(a.Reason), string(b.Reason)), strings.Compare(a.Ban.Value, b.Ban.Value),
		strings.Compare(a.Ban.Source, b.Ban.Source), strings.Compare(a.Ban.Reason, b.Ban.Reason),
		a.Ban.Since.Compare(b.Ban.Since), a.Ban.Until.Compare(b.Ban.Until), cmp.Compare(a.Ban.Remedy, b.Ban.Remedy),
		compareBools(a.Ban.Community, b.Ban.Community))
}
