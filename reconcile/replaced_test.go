package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// history does runs one after the other on one list, each knowing what the one before left.
type history struct {
	*testing.T
	run    Run
	target *memTarget
}

// of begins with n items whose bans run on, in a store that the last run read.
func of(t *testing.T, n int) *history {
	h := &history{T: t, target: newMemTarget(items(ownItems(n, "fail2ban:sshd")...)...)}
	h.run = run(h.target)
	h.run.MaxItems = 10_000
	h.run.Known = map[string]string{"fail2ban /f2b.sqlite3": "inode 1"}
	return h
}

// next does a run and checks what it removes, withholds and leaves until leases end.
func (h *history) next(what string, removed, withheld, orphaned int, sources ...Source) Report {
	h.Helper()
	h.run.Sources = sources
	h.run.Now = h.run.Now.Add(Interval)
	rep := h.run.Do(h.Context())
	h.run.Past = rep.Next
	p := rep.Plan
	if p == nil {
		p = &Plan{}
	}
	if len(p.Remove) != removed || len(p.Withheld) != withheld || len(p.Orphaned) != orphaned {
		h.Errorf("%s: %d removed, %d withheld, %d orphaned; want %d, %d, %d", what, len(p.Remove), len(p.Withheld), len(p.Orphaned), removed, withheld, orphaned)
	}
	return rep
}

func store(id string, lines ...string) memSource { return identified(id, f2b(lines...)) }

// TestReplacedStore: Fail2Ban replaces a malformed database by an empty one. That one proves nothing about the bans it lacks, so
// their items stay until their leases end. A row deleted from the very same store is an un-ban, and all go at once.
func TestReplacedStore(t *testing.T) {
	for _, n := range []int{1, 14, 500} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			all := numberedBans(0, n, "sshd")
			h := of(t, n)
			h.next("steady", 0, 0, 0, store("inode 1", all...))
			h.next("unban --all", n, 0, 0, store("inode 1"))

			h = of(t, n)
			h.next("replaced by an empty one", 0, 0, n, store("inode 2"))
			h.next("still empty", 0, 0, n, store("inode 2"))
			h.next("in use again", 0, 0, n, store("inode 2", "192.0.2.1 sshd 0s 1d"))
			h.next("replaced again", 0, 0, n, store("inode 3", "192.0.2.1 sshd 0s 1d"))
			h.next("banned again", 0, 0, n-1, store("inode 3", "192.0.2.1 sshd 0s 1d", all[0]))
			h.next("and un-banned", 1, 0, n-1, store("inode 3", "192.0.2.1 sshd 0s 1d"))
			h.next("a new one un-banned", 1, 0, n-1, store("inode 3"))
			h.run.Now = at("10d")
			h.next("their leases ended", n-1, 0, 0, store("inode 3"))

			h = of(t, n)
			h.run.Limits.AllowRemovals = true
			h.next("replaced, allowed", n, 0, 0, store("inode 2"))
		})
	}
}

// TestUnknownStore: where nobody knows whether the store is the one that the last run read.
func TestUnknownStore(t *testing.T) {
	none := func(h *history) { h.run.Known = nil }
	for _, c := range []struct {
		name                        string
		prepare                     func(*history)
		n, keep                     int // items; bans of these that are still there
		id                          string
		removed, withheld, orphaned int
	}{
		{"empty, with live leases: replaced", none, 14, 0, "inode 1", 0, 0, 14},
		{"empty, with one", none, 1, 0, "inode 1", 0, 0, 1},
		{"not empty, few removals", none, 14, 4, "inode 1", 10, 0, 0},
		{"not empty, many", none, 100, 40, "inode 1", 0, 60, 0},
		{"the source cannot tell, all", func(*history) {}, 14, 0, "", 0, 14, 0},
		{"the source cannot tell, all of few", func(*history) {}, 10, 0, "", 10, 0, 0},
		{"the source cannot tell, many", func(*history) {}, 100, 40, "", 0, 60, 0},
		{"known: no guard at all", func(*history) {}, 100, 40, "inode 1", 60, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := of(t, c.n)
			c.prepare(h)
			source := store(c.id, numberedBans(c.n-c.keep, c.n, "sshd")...)
			rep := h.next("first", c.removed, c.withheld, c.orphaned, source)
			if withheld, ok := errors.AsType[*WithheldError](rep.Err); ok != (c.withheld > 0) || ok && (withheld.Withheld != c.withheld || rep.Outcome != OutcomeWithheld) {
				t.Errorf("%s: %v", rep.Outcome, rep.Err)
			}
			if unknown := strings.Contains(strings.Join(rep.Notes, ""), "database empty, and nothing tells whether it was replaced"); unknown != (c.orphaned > 0) {
				t.Errorf("%q", rep.Notes)
			}
			// The second run read the same store as the first, but what that one held back is no un-ban for it.
			h.next("second", 0, c.withheld, c.orphaned, source)
			h.run.Limits.AllowRemovals = true
			h.next("allowed", c.withheld+c.orphaned, 0, 0, source)
			h.run.Limits.AllowRemovals = false
			if c.id != "" {
				h.next("from now on it is known", c.keep, 0, 0, store(c.id))
			}
		})
	}
}

// TestReplacedWhileNothingWorked: a run that came to no plan does not take the new store for the known one.
func TestReplacedWhileNothingWorked(t *testing.T) {
	for _, broken := range []string{"survey", "items", "clock"} {
		h := of(t, 100)
		answering(h.target, map[string][]error{broken: {errors.New("boom"), nil}})
		if broken == "clock" {
			h.target.survey.Clock = at("1h")
		}
		h.next("no plan", 0, 0, 0, store("inode 2"))
		h.target.survey.Clock = at("4m")
		h.next("replaced meanwhile", 0, 0, 100, store("inode 2"))
	}
}

// TestReplacedWhileAnotherFailed: that items stay for one reason does not hide the other.
func TestReplacedWhileAnotherFailed(t *testing.T) {
	other := identified("inode 9", memSource{name: "fail2ban", label: "/other"})
	h := of(t, 100)
	h.run.Known["fail2ban /other"] = "inode 9"
	h.next("replaced, another away", 0, 0, 100, store("inode 2"), failing(other))
	h.next("the other is back", 0, 0, 100, store("inode 2"), other)
}

// TestSeveralStores of one kind: a comment names the kind alone, so each may be the one whose rows are gone.
func TestSeveralStores(t *testing.T) {
	other := func(id string, lines ...string) memSource {
		s := identified(id, f2b(lines...))
		s.label = "/other"
		return s
	}
	begin := func() *history {
		h := of(t, 100)
		h.run.Known["fail2ban /other"] = "inode 9"
		return h
	}
	begin().next("both steady", 100, 0, 0, store("inode 1"), other("inode 9"))
	begin().next("one replaced", 0, 0, 100, store("inode 1"), other("inode 8"))
	begin().next("one cannot tell", 0, 100, 0, store("inode 1"), other(""))
	begin().next("one holds all", 0, 0, 0, store("inode 1"), other("inode 8", numberedBans(0, 100, "sshd")...))

	h := begin()
	h.next("one is not read any more", 0, 60, 0, store("inode 1", numberedBans(60, 100, "sshd")...))
	h.next("nor in the next run", 0, 60, 0, store("inode 1", numberedBans(60, 100, "sshd")...))
	h.next("read again", 60, 0, 0, store("inode 1", numberedBans(60, 100, "sshd")...), other("inode 9"))

	// The setting names another file: what it lacks may go on in the first one.
	h = of(t, 40)
	moved := other("inode 9", numberedBans(10, 40, "sshd")...)
	h.next("another file in its place", 0, 0, 10, moved)
	h.next("and in the next run", 0, 0, 10, moved)
	h.next("where an un-ban is one", 1, 0, 10, other("inode 9", numberedBans(11, 40, "sshd")...))

	h = begin()
	h.next("few removals when one is not read any more", 10, 0, 0, store("inode 1", numberedBans(10, 100, "sshd")...))
	h.next("then it is forgotten", 90, 0, 0, store("inode 1"))
}

// TestReplacedStoreAndRoom: orphans take room, the most recent bans get the rest, and the protected go.
func TestReplacedStoreAndRoom(t *testing.T) {
	h := of(t, 60)
	h.run.MaxItems = 70
	h.run.Policy = scene{protected: []string{numbered(0) + "/32"}}.policy()
	var fresh []string
	for i := range 20 {
		fresh = append(fresh, fmt.Sprintf("192.0.2.%d sshd -%dm 1d", i, i))
	}
	rep := h.next("full", 1, 0, 59, store("inode 2", fresh...))
	if len(h.target.items) > 70 || len(rep.LeftOut()) < 9 || !h.target.covers(prefix("192.0.2.0")) || slices.Contains(rep.Next.Orphans, prefix(numbered(0))) {
		t.Errorf("%d items, %d left out", len(h.target.items), len(rep.LeftOut()))
	}
}

// broken is a source whose store is there, but not in order.
type broken struct{ memSource }

type brokenError struct{}

func (brokenError) Error() string { return "empty file" }
func (brokenError) Damaged() bool { return true }

func (b broken) Bans(context.Context, time.Time, json.RawMessage) (Reading, error) {
	return Reading{}, brokenError{}
}

// TestDamagedStore: a file that was cut to nothing and filled anew keeps its inode, and yet it forgot. A store that was only locked
// did not.
func TestDamagedStore(t *testing.T) {
	all := numberedBans(0, 120, "sshd")
	h := of(t, 120)
	h.next("steady", 0, 0, 0, store("inode 1", all...))
	h.next("empty file", 0, 0, 0, broken{store("inode 1")})
	h.next("its tables are made again", 0, 0, 120, store("inode 1"))
	h.next("still", 0, 0, 120, store("inode 1"))

	h = of(t, 120)
	locked := store("inode 1")
	locked.err = errors.New("locked")
	h.next("steady", 0, 0, 0, store("inode 1", all...))
	h.next("locked", 0, 0, 0, locked)
	h.next("un-banned meanwhile", 120, 0, 0, store("inode 1"))
}
