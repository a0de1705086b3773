package reconcile

import (
	"net/netip"
	"time"
)

// StandingSince is since when items of ours block or challenge networks, by prefix. Where another target takes these over,
// Run.StandingSince has it post them as old as they are: how long a ban lingers is counted from when the edge first blocked, see Tag.Seen.
func (o Ownership) StandingSince(items []Item) map[netip.Prefix]time.Time {
	since := map[netip.Prefix]time.Time{}
	for i := range items {
		if h := o.classify(&items[i]); h.ours() && h.tagged && h.Effect != Allows {
			since[h.Prefix] = h.tag.Seen
		}
	}
	return since
}
