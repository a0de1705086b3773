package reconcile

import (
	"encoding/json"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Past is what a run leaves for the next one.
type Past struct {
	// Of sources, by MemoryKey: what their last good readings asked to have remembered, and their identities.
	Memory map[string]json.RawMessage `json:"memory,omitempty"`
	Known  map[string]string          `json:"known,omitempty"`

	// Of own items:
	Orphans []netip.Prefix `json:"orphans,omitempty"` // their source was replaced
	Unnamed []netip.Prefix `json:"unnamed,omitempty"` // their comments may lack a source that bans them
	Moved   []netip.Prefix `json:"moved,omitempty"`   // another list has taken their prefixes over

	// Of own items where bans spill, to tell a person's un-ban from a ban that ended:
	ReadAt time.Time                  `json:"read,omitzero"`    // when the last run that came to a plan read all sources
	Ended  []netip.Prefix             `json:"ended,omitempty"`  // their bans ended by themselves
	Short  map[netip.Prefix]time.Time `json:"short,omitempty"`  // when their bans end, if that is before their leases do
	Lifted []netip.Prefix             `json:"lifted,omitempty"` // by hand; a person un-banned them, and the list could not let go

	// Of the account and its target:
	Throttle Throttle `json:"throttle,omitzero"` // refusals of writes
	Waiting  Waiting  `json:"waiting,omitempty"` // since when changes wait
	Capacity Capacity `json:"capacity,omitzero"` // what the account was found to hold
	Open     Open     `json:"open,omitzero"`     // a write that may still take effect
}

// Open is an operation of ours whose end was not seen.
type Open struct {
	Operation string    `json:"operation,omitempty"` // "": there is none
	Since     time.Time `json:"since,omitzero"`
}

// MemoryKey names a source's memory.
func MemoryKey(s Source) string { return s.Name() + " " + s.Label() }

// damagedStore is no store's identity: whichever is read next has taken the place of the one that the items came from.
const damagedStore = "damaged"

// next is what the next run should know: Report.Next.
func (r Run) next(rep *Report) Past {
	next := rep.Next
	next.Moved = nil // told anew by each run, see Moved
	next.Ended, next.Lifted, next.Unnamed = r.ended(rep), r.lifted(rep), r.unnamed(rep)
	next.Memory = maps.Clone(r.Memory)
	for _, s := range rep.Sources {
		if errors.Is(rep.Err, ErrClock) { // what it says of times is wrong
			break
		}
		if delete(next.Memory, s.key()); s.Memory != nil {
			next.Memory = put(next.Memory, s.key(), s.Memory)
		}
	}
	if rep.settled() {
		next.Waiting = waitingAfter(*rep.Plan, rep.Applied, r.Waiting)
	}
	if rep.Plan != nil && r.Spills && !rep.Degraded() {
		next.ReadAt, next.Short = r.Now.UTC(), nil
		for _, s := range rep.Plan.Shortened {
			next.Short = put(next.Short, s.Prefix, s.Until.UTC())
		}
	}
	if rep.Plan != nil { // otherwise nobody knows yet whose bans a replaced store lacks
		next.Orphans = prefixes(rep.Plan.Orphaned)
		next.Known = r.known(rep)
	}
	for _, s := range rep.Sources {
		if s.Damaged {
			next.Known = maps.Clone(next.Known)
			next.Known = put(next.Known, s.key(), damagedStore)
		}
	}
	return next
}

// unnamed are the own items whose comments may lack a source that bans them, for Past.Unnamed: if that source fails in the next run,
// nothing else would hold the item.
func (r Run) unnamed(rep *Report) []netip.Prefix {
	if rep.Plan == nil {
		return r.Unnamed
	}
	all := slices.Clone(rep.Plan.Unnamed)
	if rep.Degraded() { // what the others hold is unknown
		all = append(all, r.Unnamed...)
	}
	if len(all) == 0 {
		return nil
	}
	settled := map[netip.Prefix]bool{}
	for _, a := range rep.Plan.Add[:rep.Applied.Added] {
		settled[a.Post.Prefix] = true
	}
	for _, m := range rep.Plan.Remove[:rep.Applied.Removed] {
		settled[m.Item.Prefix] = true
	}
	all = slices.DeleteFunc(all, func(p netip.Prefix) bool { return settled[p] })
	slices.SortFunc(all, comparePrefixes)
	return slices.Compact(all)
}

// known are the identities of the stores that were read. A source stays as unknown as it was while removals of what it named
// are withheld: were it the very same in the next run, then that run would let them go.
func (r Run) known(rep *Report) map[string]string {
	withheld := func(key string) bool {
		name, _, _ := strings.Cut(key, " ")
		return slices.ContainsFunc(rep.Plan.Withheld, func(w Removal) bool { return w.Tag.names(name) })
	}
	known := map[string]string{}
	for key, identity := range r.Known {
		if withheld(key) {
			known[key] = identity
		}
	}
	for _, s := range rep.Sources {
		if key := s.key(); s.Identity != "" && !withheld(key) {
			known[key] = s.Identity
		}
	}
	return known
}

// put is m with the value at the key; m may be nil.
func put[K comparable, V any](m map[K]V, key K, value V) map[K]V {
	if m == nil {
		m = map[K]V{}
	}
	m[key] = value
	return m
}
