package fail2ban

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"edgeban/reconcile"
)

// goneAfter is how long a jail has to be off, while others are on, before it counts as gone. A start of Fail2Ban, with its
// jails switched on one by one, takes seconds.
const goneAfter = 10 * time.Minute

// jailMemory is what is kept from one read to the next.
type jailMemory struct {
	// DisabledSince holds, for each jail that was off at the last read while another was on, when that was first seen.
	DisabledSince map[string]time.Time `json:"disabled_since,omitempty"`

	// Gone are the jails that were judged to be gone and were not seen on since.
	Gone []string `json:"gone,omitempty"`
}

// parseJailMemory never fails: without memory, bans are kept.
func parseJailMemory(raw json.RawMessage) jailMemory {
	var m jailMemory
	if json.Unmarshal(raw, &m) != nil {
		return jailMemory{}
	}
	return m
}

// json returns nil when there is nothing to remember.
func (m jailMemory) json() json.RawMessage {
	if len(m.DisabledSince) == 0 && len(m.Gone) == 0 {
		return nil
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil // a year beyond 9999: as good as no memory
	}
	return raw
}

// next judges what a read at now saw: gone are the jails that are no longer in Fail2Ban's configuration. A jail that is
// not listed is never gone. When all are off, Fail2Ban is stopped or starting, which says nothing new about any of them:
// a jail that was gone before stays gone, so that its bans do not come back to the edge at every restart.
func (m jailMemory) next(enabled map[string]bool, now time.Time) (gone map[string]bool, remembered jailMemory) {
	gone = make(map[string]bool)
	remembered.DisabledSince = make(map[string]time.Time)
	anyOn := slices.Contains(slices.Collect(maps.Values(enabled)), true)
	for jail, on := range enabled {
		if on {
			continue
		}
		gone[jail] = slices.Contains(m.Gone, jail)
		if anyOn {
			since, seen := m.DisabledSince[jail]
			if !seen || since.After(now) { // the clock was set back
				since = now
			}
			remembered.DisabledSince[jail] = since.UTC()
			gone[jail] = gone[jail] || now.Sub(since) >= goneAfter
		}
		if gone[jail] {
			remembered.Gone = append(remembered.Gone, jail)
		}
	}
	slices.Sort(remembered.Gone)
	maps.DeleteFunc(gone, func(_ string, is bool) bool { return !is })
	return gone, remembered
}

// void marks the bans of jails that are gone. It returns how many per jail were still running.
func void(bans []reconcile.Ban, gone map[string]bool, now time.Time) map[string]int {
	running := make(map[string]int)
	if len(gone) == 0 {
		return running
	}
	for i := range bans {
		b := &bans[i]
		if b.Void != "" || !gone[b.Reason] {
			continue
		}
		b.Void = reconcile.LeftOutJailRemoved
		if b.Permanent() || b.Until.After(now) {
			running[b.Reason]++
		}
	}
	return running
}

// goneNotes says what void withheld, jails in order.
func goneNotes(running map[string]int) []string {
	var notes []string
	for _, jail := range slices.Sorted(maps.Keys(running)) {
		are := "are"
		if running[jail] == 1 {
			are = "is"
		}
		notes = append(notes, fmt.Sprintf("jail %s is no longer in Fail2Ban's configuration: its %s %s not mirrored",
			jail, plural(running[jail], "ban"), are))
	}
	return notes
}
