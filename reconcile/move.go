package reconcile

import (
	"net/netip"
	"slices"
)

// A ban that changes its remedy moves from one list to the other. Its item leaves the old list only when the new one holds its prefix:
// that one may be full, throttled or not there at all. The challenge list's run knows what the block list holds, whose run comes first. The
// block list's run learns it from the run before, by Past.Moved.

// wantedElsewhere are the prefixes that the other list is to hold, and is not known to; while the block list is unread, also those of
// the challenges that it most likely makes needless.
func (r Run) wantedElsewhere(bans []Ban, beaten []Beaten) map[netip.Prefix]bool {
	if !r.Policy.Split {
		return nil
	}
	other, held := r.Policy, r.Policy.Blocked
	other.Remedy, other.Blocked = Challenge-r.Policy.Remedy, Protection{}
	moving := map[netip.Prefix]bool{}
	if r.unread {
		held = Protection{}
		for i := range beaten {
			moving[beaten[i].Entry.Prefix] = beaten[i].Entry.active(r.Now)
		}
	}
	want := Desire(bans, other, r.Now)
	for i := range want.Entries {
		e := &want.Entries[i]
		if !e.active(r.Now) || slices.Contains(r.Moved, e.Prefix) {
			continue
		}
		if _, holds := held.Covering(e.Prefix); !holds {
			moving[e.Prefix] = true
		}
	}
	return moving
}

// Moved are the prefixes of the block list's items that stayed until the challenge list would hold them, and that it holds now.
func Moved(block, challenge Report) []netip.Prefix {
	if block.Plan == nil || len(block.Plan.Moving) == 0 {
		return nil
	}
	var moved []netip.Prefix
	held := challenge.blocking()
	for _, p := range prefixes(block.Plan.Moving) {
		if _, ok := held.Covering(p); ok {
			moved = append(moved, p)
		}
	}
	return moved
}
