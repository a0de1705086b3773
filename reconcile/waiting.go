package reconcile

import (
	"strings"
	"time"
)

// Waiting says since when each change that lies between the bans and the list has been waiting: "+prefix" for one that is
// missing, "-prefix" for one that should be gone.
type Waiting map[string]time.Time

// waitingAfter is what still waits after a run that made the first done additions and removals of the plan. What waited before keeps its
// time.
func waitingAfter(p Plan, done Applied, before Waiting) Waiting {
	w := Waiting{}
	note := func(key string) {
		since, known := before[key]
		if !known || since.After(p.Now) {
			since = p.Now.UTC()
		}
		w[key] = since
	}
	for _, a := range p.Add[done.Added:] {
		if a.Why == AddNew {
			note("+" + PrefixText(a.Entry.Prefix))
		}
	}
	for _, r := range p.Remove[done.Removed:] {
		note("-" + PrefixText(r.Item.Prefix))
	}
	for _, r := range p.Withheld {
		note("-" + PrefixText(r.Item.Prefix))
	}
	return w
}

// Oldest is since when the longest waiting ban and the longest waiting removal wait; zero: none does.
func (w Waiting) Oldest() (missing, stale time.Time) {
	for key, since := range w {
		oldest := &missing
		if strings.HasPrefix(key, "-") {
			oldest = &stale
		}
		if oldest.IsZero() || since.Before(*oldest) {
			*oldest = since
		}
	}
	return missing, stale
}
