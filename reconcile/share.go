package reconcile

import (
	"slices"
	"sync"
)

// shareSize is how many bans are worth another goroutine. A usual run has fewer and needs none.
const shareSize = 20_000

// together calls do with each number below n, each in a goroutine of its own, and waits for all.
func together(n int, do func(i int)) {
	var others sync.WaitGroup
	for i := 1; i < n; i++ {
		others.Go(func() { do(i) })
	}
	do(0)
	others.Wait()
}

// sorted deals the drafts' placings out anew: as many runs, each in order and all of it before the next. Equal ones are in one run.
func sorted(drafts []draft) [][]placing {
	runs := make([][]placing, len(drafts))
	limits := bounds(drafts)
	together(len(drafts), func(i int) {
		runs[i] = drafts[0].placed
		if len(drafts) > 1 {
			runs[i] = between(drafts, limits[i], limits[i+1])
		}
		slices.SortFunc(runs[i], func(a, b placing) int { return a.order.compare(b.order) })
	})
	return runs
}

// bounds are where the runs of placings begin, and where the last one ends. A sample makes them about as long.
func bounds(drafts []draft) []order {
	const fromEach = 100
	var sample []order
	for _, d := range drafts {
		for i := 0; i < len(d.placed); i += 1 + len(d.placed)/fromEach {
			sample = append(sample, d.placed[i].order)
		}
	}
	slices.SortFunc(sample, order.compare)
	all := []order{{}}
	for i := 1; i < len(drafts); i++ {
		bound := order{}
		if len(sample) > 0 {
			bound = sample[len(sample)*i/len(drafts)]
		}
		all = append(all, bound)
	}
	return append(all, order{family: 255}) // after all prefixes
}

// between are the placings from one bound to before the next.
func between(drafts []draft, from, to order) []placing {
	total := 0
	for _, d := range drafts {
		total += len(d.placed)
	}
	run := make([]placing, 0, total/len(drafts)*9/8) // about
	for _, d := range drafts {
		for _, p := range d.placed {
			if p.order.compare(from) >= 0 && p.order.compare(to) < 0 {
				run = append(run, p)
			}
		}
	}
	return run
}

// mergeAll makes the entries of all runs, in their order.
func mergeAll(runs [][]placing, bans []Ban, remedy Remedy) []Entry {
	starts, n := make([]int, len(runs)), 0
	for i, run := range runs {
		starts[i] = n
		n += len(run)
	}
	entries, terms, merged := make([]Entry, n), make([]Term, n), make([][]Entry, len(runs))
	together(len(runs), func(i int) {
		from, to := starts[i], starts[i]+len(runs[i])
		merged[i] = merge(runs[i], bans, remedy, entries[from:from:to], terms[from:from:to])
	})
	entries = entries[:0]
	for _, m := range merged { // where bans shared a prefix, their run left room over
		entries = append(entries, m...)
	}
	return entries
}
