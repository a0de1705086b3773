//go:build figures

package reconcile

import (
	"runtime"
	"testing"
	"time"
)

// TestFiguresOfPlan holds what BenchmarkDesireDiff measures to its targets, on two cores. Ten times as many bans or items may take little
// more than ten times as long and as much memory; what does not grow with them makes it less. Other work on the machine can only make a
// round worse, so of time the least disturbed one counts.
func TestFiguresOfPlan(t *testing.T) {
	const (
		mostTime   = 100 * time.Millisecond
		mostMemory = 100_000_000 // bytes allocated
		mostGrowth = 15          // for ten times as many
		rounds     = 40
	)
	type figure struct {
		took  time.Duration
		bytes uint64
	}
	measure := func(bans, items int) figure {
		plan := planner(bans, items)
		least := figure{took: time.Hour}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range rounds {
			began := time.Now()
			p := plan()
			least.took = min(least.took, time.Since(began))
			if len(p.Add) == 0 || len(p.Remove) == 0 {
				t.Fatal("nothing to do")
			}
		}
		runtime.ReadMemStats(&after)
		least.bytes = (after.TotalAlloc - before.TotalAlloc) / rounds
		t.Logf("%6d bans, %6d items: %5.1f ms, %4.1f MB", bans, items, least.took.Seconds()*1e3, float64(least.bytes)/1e6)
		return least
	}
	grows := func(what string, from, to figure) {
		if to.took > mostGrowth*from.took || to.bytes > mostGrowth*from.bytes {
			t.Errorf("not linear in %s", what)
		}
	}
	few, usual, many := measure(1_000, 10_000), measure(10_000, 10_000), measure(100_000, 10_000)
	short, long := measure(10_000, 1_000), measure(10_000, 100_000)
	if many.took > mostTime || many.bytes > mostMemory {
		t.Errorf("100 000 bans against 10 000 items take more than %v or %d bytes", mostTime, mostMemory)
	}
	grows("bans", few, usual)
	grows("bans", usual, many)
	grows("items", short, usual)
	grows("items", usual, long)
}
