package reconcile

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestDesireShared: the result does not depend on how many goroutines do the work.
func TestDesireShared(t *testing.T) {
	merged, left, hidden := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := someWorld().Draw(t, "world")
		w.bans = rapid.SliceOfN(someBan(), 10, 60).Draw(t, "more bans")
		if d := sharedUnlike(w.bans, w.policy, w.view.Now); d != "" {
			t.Fatal(d)
		}
		alone := w.desire()
		merged = count(merged, slices.ContainsFunc(alone.Entries, func(e Entry) bool { return len(e.Terms) > 1 }))
		left, hidden = count(left, len(alone.LeftOut) > 1), count(hidden, len(alone.hidden) > 1)
	})
	notVacuous(t, merged, "prefixes with several bans")
	notVacuous(t, left, "worlds with bans left out")
	notVacuous(t, hidden, "worlds with hidden prefixes")
}

// TestDesireSharesMany bans, as it does by itself: half of them twice, some left out.
func TestDesireSharesMany(t *testing.T) {
	all := manyBans(2 * shareSize)
	all = append(all, all[:shareSize]...)
	for i := range shareSize {
		if all[i].Reason = "recidive"; i%100 == 0 {
			all[i].Void = LeftOutJailRemoved
		}
	}
	inOrder := slices.SortedFunc(slices.Values(all), func(a, b Ban) int { return comparePrefixes(prefix(a.Value), prefix(b.Value)) })
	for _, bans := range [][]Ban{all, inOrder} { // in order, each goroutine places a range of its own
		if d := sharedUnlike(bans, scene{}.policy(), at("0s")); d != "" {
			t.Error(d)
		}
	}
	got := Desire(all, scene{}.policy(), at("0s"))
	if d := unlike(got, desire(all, scene{}.policy(), at("0s"), 1)); d != "" {
		t.Error(d)
	}
	if n := len(got.Entries); n < 2*shareSize*9/10 || n > 2*shareSize {
		t.Errorf("%d entries", n)
	}
}

// sharedUnlike tells what becomes different when the work is shared; "": nothing does.
func sharedUnlike(bans []Ban, policy Policy, now time.Time) string {
	alone := desire(bans, policy, now, 1)
	for _, workers := range []int{2, 3, 8} {
		if d := unlike(desire(bans, policy, now, workers), alone); d != "" {
			return fmt.Sprintf("%d goroutines (-), one (+): %s", workers, d)
		}
	}
	return ""
}

// unlike compares to the letter, and what other packages do not see, too.
func unlike(got, want Desired) string {
	same := slices.EqualFunc(got.Entries, want.Entries, func(a, b Entry) bool {
		return a.Prefix == b.Prefix && slices.Equal(a.Terms, b.Terms) && slices.Equal(a.From, b.From)
	})
	if same && slices.Equal(got.LeftOut, want.LeftOut) && maps.Equal(got.hidden, want.hidden) && got.Margin == want.Margin {
		return ""
	}
	return fmt.Sprintf("%s\nhidden %v, %v", difference(got, want), got.hidden, want.hidden)
}

// TestSortFirst finds the first n, whatever the order was, and loses nothing.
func TestSortFirst(t *testing.T) {
	const many = 20_000
	random := rand.New(rand.NewPCG(1, 2))
	orders := map[string]func(i int) int64{
		"none":       func(int) int64 { return random.Int64N(1000) },
		"oldest":     func(i int) int64 { return int64(i) },
		"latest":     func(i int) int64 { return int64(-i) },
		"all alike":  func(int) int64 { return 7 },
		"misleading": func(i int) int64 { return int64(min(i%64, 1)) * -many }, // every sample is later than the rest
	}
	for name, seconds := range orders {
		for _, size := range []int{0, 1, 100, many} {
			for _, n := range []int{0, 1, 64, 5000, many / 2, many, 2 * many} {
				all := make([]age, size)
				for i := range all {
					all[i] = age{seconds: seconds(i), index: int32(i)}
				}
				want := slices.SortedFunc(slices.Values(all), age.compare)
				sortFirst(all, n)
				first := min(n, size)
				if !slices.Equal(all[:first], want[:first]) {
					t.Errorf("%s, %d of %d: not the first", name, n, size)
				}
				slices.SortFunc(all, age.compare)
				if !slices.Equal(all, want) {
					t.Errorf("%s, %d of %d: not the same any more", name, n, size)
				}
			}
		}
	}
}
