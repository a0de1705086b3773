package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"
	"time"
)

const (
	leastEnforced = 0.999           // share of the time of all bans
	mostBlocked   = 3 * time.Minute // after a person's un-ban: one run, plus a minute
	mostLingers   = 3 * time.Minute // beyond what lingering wants: a run, and what it takes
	mostStuck     = 74 * time.Hour  // … on a list that lets one write through in 72 hours, and is asked every hour
	mostMissing   = 4 * time.Minute // one run, plus up to 75 s until the one further attempt after the first refused write
)

// replayVariant is a way to use Cloudflare, and what the account is like.
type replayVariant struct {
	name      string
	throttled bool
	settings  map[string]string
	keepsUp   bool // it is to enforce bans and un-bans in time
	rules     bool // it is to use access rules
	stuck     bool // what ended may stay on the list for long
}

func replayVariants() []replayVariant {
	spill := map[string]string{"EDGEBAN_SPILL": "access-rules"}
	return []replayVariant{
		{name: "list alone", throttled: true, stuck: true},
		{name: "list that spills", throttled: true, settings: spill, keepsUp: true, rules: true, stuck: true},
		{name: "access rules", throttled: true, settings: map[string]string{"EDGEBAN_TARGET": "access-rules"}, keepsUp: true, rules: true},
		{name: "list that spills on a kind account", settings: spill, keepsUp: true},
	}
}

// TestThirtyDays replays thirty days of bans, with the program's own run every two minutes: on an account that lets one write of its lists
// through in 72 hours, as one was measured, and on one that lets all through. That takes minutes; without EDGEBAN_THIRTY_DAYS it is two
// hours, in which bans come more often.
func TestThirtyDays(t *testing.T) {
	rt, seeds := replayTime{2 * time.Hour, 400, 30}, []uint64{1}
	long := os.Getenv("EDGEBAN_THIRTY_DAYS") != ""
	if !long {
		t.Parallel()
	} else {
		hurry(t)
		rt, seeds = replayTime{30 * 24 * time.Hour, 40, 150}, []uint64{1, 2, 3}
	}
	variants := replayVariants()
	measured := make([][]replayMeasures, len(seeds)) // by seed and variant
	t.Run("replay", func(t *testing.T) {
		for i, seed := range seeds {
			measured[i] = make([]replayMeasures, len(variants))
			for j, v := range variants {
				t.Run(fmt.Sprintf("seed %d/%s", seed, v.name), func(t *testing.T) {
					t.Parallel()
					inBubble(t, func(t *testing.T) {
						measured[i][j] = v.replay(t, rt.traffic(seed), rt.length)
						v.check(t, measured[i][j], long)
					})
				})
			}
		}
	})
	for i, seed := range seeds {
		t.Logf("seed %d: %s\n\n%s", seed, rt.describe(rt.traffic(seed)), replayTable(variants, measured[i:i+1]))
	}
	if len(seeds) > 1 {
		t.Logf("the worst of all seeds:\n\n%s", replayTable(variants, measured))
	}
}

// hurry keeps the 200 000 runs from waiting for a disk that has to keep nothing, and from looking for garbage too often.
func hurry(t *testing.T) {
	t.Helper()
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() {
		t.Setenv("TMPDIR", memory)
	}
	before := debug.SetGCPercent(800)
	t.Cleanup(func() { debug.SetGCPercent(before) })
}

// check holds what was measured to what the variant promises. What a list alone does on a throttled account is told as it is.
func (v replayVariant) check(t *testing.T, m replayMeasures, long bool) {
	t.Helper()
	if long && v.keepsUp && m.share() < leastEnforced {
		t.Errorf("%s of the ban-time was enforced", percent(m.share()))
	}
	if v.keepsUp && (m.missing > mostMissing || m.afterUnban > mostBlocked) {
		t.Errorf("a ban was missing for %v, an un-banned address blocked for %v", m.missing, m.afterUnban)
	}
	if !v.keepsUp && m.missing <= mostMissing {
		t.Errorf("no ban was missing for more than %v: what do the others prove?", m.missing)
	}
	if m.tooLong > mostStuck || m.tooLong > mostLingers && !v.stuck {
		t.Errorf("an address was blocked for %v after it had lingered", m.tooLong)
	}
	if (m.ruleWrites > 0) != v.rules || (m.mostRules > 0) != v.rules {
		t.Errorf("%d access rules were written", m.ruleWrites)
	}
	if m.mostInFive > requestShare {
		t.Errorf("%d requests in five minutes", m.mostInFive)
	}
}
