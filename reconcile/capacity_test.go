package reconcile

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCapacityLimit(t *testing.T) {
	for _, c := range []struct {
		name      string
		capacity  Capacity
		elsewhere int
		want      int
		probe     bool
	}{
		{"nothing was found", Capacity{}, 0, 10_000, false},
		{"half way", Capacity{Fits: 0, Over: 9_800, At: at("-1m")}, 0, 4_900, true},
		{"nearer", Capacity{Fits: 4_900, Over: 9_800, At: at("-1m")}, 0, 7_350, true},
		{"near enough", Capacity{Fits: 6_950, Over: 7_000, At: at("-1m")}, 0, 6_950, false},
		{"near for this list, most being elsewhere", Capacity{Fits: 6_950, Over: 7_000, At: at("-1m")}, 6_900, 6_975, true},
		{"exact", Capacity{Fits: 3, Over: 4, At: at("-1m")}, 0, 3, false},
		{"more than the quota", Capacity{Fits: 20_000, Over: 40_000, At: at("-1m")}, 0, 10_000, false},
		{"an hour ago, less a second", Capacity{Fits: 3, Over: 4, At: at("-59m59s")}, 0, 3, false},
		{"an hour ago", Capacity{Fits: 3, Over: 4, At: at("-1h")}, 0, 10_000, false},
		{"the clock was set back", Capacity{Fits: 3, Over: 4, At: at("1h")}, 0, 10_000, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, probe := c.capacity.Limit(10_000, c.elsewhere, at("0s"))
			if got != c.want || probe != c.probe {
				t.Errorf("%d, %v", got, probe)
			}
		})
	}
}

func TestCapacityLearns(t *testing.T) {
	refused := func(fits, tried int) func(Capacity) Capacity {
		return func(c Capacity) Capacity { return c.refused(fits, tried, at("0s")) }
	}
	fitted := func(n int) func(Capacity) Capacity { return func(c Capacity) Capacity { return c.fitted(n) } }
	for _, c := range []struct {
		name  string
		was   Capacity
		learn func(Capacity) Capacity
		want  Capacity
	}{
		{"fits, and nothing was ever refused", Capacity{}, fitted(9), Capacity{}},
		{"refused for the first time", Capacity{}, refused(2, 9), Capacity{2, 9, at("0s")}},
		{"fits more than known", Capacity{2, 9, at("-1m")}, fitted(5), Capacity{5, 9, at("-1m")}},
		{"fits less than known", Capacity{5, 9, at("-1m")}, fitted(3), Capacity{5, 9, at("-1m")}},
		{"fits what was refused: somebody made room", Capacity{5, 9, at("-1m")}, fitted(9), Capacity{}},
		{"refused again, nearer", Capacity{5, 9, at("-1m")}, refused(3, 7), Capacity{5, 7, at("0s")}},
		{"refused what fitted: somebody took room", Capacity{5, 9, at("-1m")}, refused(3, 5), Capacity{3, 5, at("0s")}},
		{"refused again after an hour", Capacity{5, 9, at("-1h")}, refused(3, 7), Capacity{3, 7, at("0s")}},
		{"refused although nothing was to be added", Capacity{}, refused(3, 3), Capacity{3, 4, at("0s")}},
	} {
		t.Run(c.name, func(t *testing.T) { same(t, c.learn(c.was), c.want) })
	}
}

// TestCapacityIsFound: whatever the account holds, after a few runs the list is full of the most recent bans, and stays so.
func TestCapacityIsFound(t *testing.T) {
	const quota, settled, enough = 1_000, 15, 20
	cramped, partial := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		elsewhere := rapid.IntRange(0, 450).Draw(t, "elsewhere")
		room := rapid.IntRange(1, 750).Draw(t, "room") // of this list in truth
		n := rapid.IntRange(1, 1_250).Draw(t, "bans")
		target := &fullTarget{memTarget: newMemTarget(), batch: rapid.SampledFrom([]int{25, 500, 10_000}).Draw(t, "batch")}
		target.quota, target.survey.Elsewhere = room, elsewhere
		r := run(target, f2b(youngFirst(n)...))
		r.MaxItems = quota
		refusals, last := 0, []Item(nil)
		for i := range enough {
			r.Now = at("0s").Add(time.Duration(i) * Interval)
			rep := r.Do(t.Context())
			r.Past = rep.Next
			if rep.Outcome == OutcomeFailed {
				refusals++
			}
			if i >= settled && (rep.Outcome == OutcomeFailed || last != nil && !slices.Equal(last, target.all())) {
				t.Fatalf("run %d: not at rest: %s %+v", i, rep.Outcome, rep.Next.Capacity)
			}
			if i >= settled-1 {
				last = target.all()
			}
		}
		most := min(n, room, quota-elsewhere)
		if got := len(target.items); got > room || got*100 < 98*most-100 {
			t.Fatalf("%d items, %d find room: %+v", got, most, r.Capacity)
		}
		for i := range len(target.items) { // the youngest ones, without a gap
			if !target.covers(prefix(numbered(i))) {
				t.Fatalf("%d of %d items, but not number %d", len(target.items), n, i)
			}
		}
		cramped, partial = count(cramped, refusals > 1), count(partial, target.halfway > 0)
	})
	notVacuous(t, cramped, "limits that were found by trying")
	notVacuous(t, partial, "writes of which a part found room")
}

// fullTarget takes batch after batch until one finds no room.
type fullTarget struct {
	*memTarget
	batch, halfway int
}

func (f *fullTarget) Add(ctx context.Context, posts []Post) (done int, err error) {
	for part := range slices.Chunk(posts, f.batch) {
		if _, err := f.memTarget.Add(ctx, part); err != nil {
			f.halfway = count(f.halfway, done > 0)
			return done, fault{full: true}
		}
		done += len(part)
	}
	return done, nil
}

func numbered(i int) string { return fmt.Sprintf("198.51.%d.%d", i/256, i%256) }

// youngFirst are so many bans, each a second older than the one before.
func youngFirst(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s sshd -%ds 30d", numbered(i), i+1)
	}
	return all
}

// TestCapacityIsForgotten: an hour after the last refusal the quota is tried again, for somebody may have made room.
func TestCapacityIsForgotten(t *testing.T) {
	target := &fullTarget{memTarget: newMemTarget(), batch: 1_000}
	target.quota = 30
	r := run(target, f2b(youngFirst(80)...))
	step := func(now string) {
		r.Now = at(now)
		r.Past = r.Do(t.Context()).Next
	}
	for i := range 15 {
		step((time.Duration(i) * Interval).String())
	}
	found := len(target.items)
	if found < 29 {
		t.Fatalf("%d items", found)
	}
	target.quota = 100
	step("50m")
	same(t, len(target.items), found)
	step("2h")
	same(t, len(target.items), 80)
	same(t, r.Capacity.Over > 0 && r.Capacity.Fits > 80, false)
}

// TestCapacityCountsWhatWasThere at the moment of the refusal: after the removals that made room, and with the part that fitted.
func TestCapacityCountsWhatWasThere(t *testing.T) {
	target := newMemTarget(items("192.0.2.7 own 2h -1h fail2ban:x", "192.0.2.8 own 2h -1h fail2ban:x", "192.0.2.9 created=-1h x")...)
	target.survey.Elsewhere = 10
	target.fail = func(call string) (int, error) {
		if call == "add" {
			return 1, fault{full: true}
		}
		return 0, nil
	}
	r := run(target, f2b("192.0.2.1 x 0s 1h", "192.0.2.2 x 0s 1h", "192.0.2.3 x 0s 1h"))
	for _, c := range []struct {
		max  int
		want Capacity
	}{
		{14, Capacity{Fits: 10 + 3 - 2 + 1, Over: 10 + 3 - 2 + 3, At: at("0s")}}, // removals first
		{16, Capacity{Fits: 10 + 2 + 1, Over: 10 + 2 + 2, At: at("0s")}},         // one of the three is there
	} {
		r.MaxItems = c.max
		rep := r.Do(t.Context())
		same(t, rep.Next.Capacity, c.want)
		same(t, rep.Outcome, OutcomeFailed)
	}
}
