package reconcile

import (
	"testing"

	"pgregory.net/rapid"
)

// TestTwoListsSettle: whatever stands on the two lists, after a few runs there is nothing left to do on either, what is blocked
// is not challenged, and no ban that has to be on a list with room is on neither.
func TestTwoListsSettle(t *testing.T) {
	beaten := 0
	rapid.Check(t, func(rt *rapid.T) {
		all := rapid.SliceOfN(someBan(), 0, 25).Draw(rt, "bans")
		for i := range all {
			if rapid.Bool().Draw(rt, "challenge") {
				all[i].Remedy = Challenge
			}
		}
		block, challenge := newMemTarget(someItems(rt, "block")...), newMemTarget(someItems(rt, "challenge")...)
		room := rapid.SampledFrom([]int{3, 10, 1000}).Draw(rt, "room")
		source := f2b()
		source.reading.Bans = all
		var a, b Report
		for range 4 {
			a, b = twoLists(t, shared{block, challenge}, shared{challenge, block}, func(one, two *Run) {
				one.MaxItems, two.MaxItems = room, room
				one.Limits.AllowRemovals, two.Limits.AllowRemovals = true, true
			}, source)
		}
		if !a.Plan.Empty() || !b.Plan.Empty() || b.Err != nil {
			rt.Fatalf("no fixed point: %q and %q, %v", changes(*a.Plan), changes(*b.Plan), b.Err)
		}
		blocked := a.blocking()
		for _, e := range b.Desired.Entries {
			if by, ok := blocked.Covering(e.Prefix); ok {
				rt.Fatalf("%v is to be challenged, and blocked by %v", e.Prefix, by.Prefix)
			}
		}
		for _, e := range append(a.Desired.Entries, b.Desired.Entries...) {
			if e.active(b.Now) && room == 1000 && !block.covers(e.Prefix) && !challenge.covers(e.Prefix) {
				rt.Fatalf("%v is on neither list", e.Prefix)
			}
		}
		beaten += len(b.Desired.Beaten)
	})
	if beaten == 0 {
		t.Error("no challenge was beaten")
	}
}

// someItems are what a list may hold, one at each prefix.
func someItems(t *rapid.T, name string) []Item {
	seen := map[string]bool{}
	var all []Item
	for _, it := range rapid.SliceOfN(someItem(), 0, 12).Draw(t, name) {
		if !seen[it.Prefix.String()] {
			seen[it.Prefix.String()] = true
			it.ID = it.Prefix.String()
			all = append(all, it)
		}
	}
	return all
}
