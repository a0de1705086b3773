package metrics

import (
	"cmp"
	"maps"
	"slices"

	"edgeban/reconcile"
)

// maxJails is how many jails or scenarios of one source have a series of their own; the bans of the smallest beyond that
// are added up under otherJails. CrowdSec takes any text as a reason for a decision made by hand, so there is no natural limit.
const (
	maxJails   = 100
	otherJails = "(other)"
)

func (s sheet) sources(sources []reconcile.SourceReport) {
	up := s.gauge("edgeban_source_up",
		"Source answered in the last run: 1 yes, 0 no.", "source", "location")
	each := s.gauge("edgeban_source_active_bans",
		"Bans in force at one source before anything is left out.", "source", "location")
	byJail := s.gauge("edgeban_active_bans",
		"Bans in force by jail (Fail2Ban) or scenario (CrowdSec), before anything is left out.", "source", "jail")

	whole := answered(sources)
	sums := map[string]map[string]int{}
	for _, src := range sources {
		if src.Err != nil {
			up.set(0, src.Name, src.Label)
			continue
		}
		up.set(1, src.Name, src.Label)
		each.add(0, src.Name, src.Label)
		if sums[src.Name] == nil {
			sums[src.Name] = map[string]int{}
		}
		for jail, n := range src.Active {
			each.add(n, src.Name, src.Label)
			sums[src.Name][jail] += n
		}
	}
	for name, jails := range sums {
		if !whole[name] {
			continue
		}
		for i, jail := range largestFirst(jails) {
			n := jails[jail]
			if i >= maxJails {
				jail = otherJails
			}
			byJail.add(n, name, jail)
		}
	}
}

// answered tells for each name of a source whether all sources of this name answered.
func answered(sources []reconcile.SourceReport) map[string]bool {
	all := map[string]bool{}
	for _, src := range sources {
		before, known := all[src.Name]
		all[src.Name] = src.Err == nil && (before || !known)
	}
	return all
}

// largestFirst returns the jails by number of bans, then by name.
func largestFirst(jails map[string]int) []string {
	return slices.SortedFunc(maps.Keys(jails), func(a, b string) int {
		return cmp.Or(cmp.Compare(jails[b], jails[a]), cmp.Compare(a, b))
	})
}

// leftOut publishes every reason of every source that answered. What finds no room is known only with a plan of every list.
func (s sheet) leftOut(run Run) {
	bans := s.gauge("edgeban_left_out_bans",
		"Bans in force that are not on the list, by the reason why.", "source", "reason")
	planned := !slices.ContainsFunc(run.lists(), func(list Run) bool { return list.Report.Plan == nil })
	for _, list := range run.lists() {
		r := list.Report
		if r.Desired == nil {
			continue
		}
		whole := answered(r.Sources)
		for name, complete := range whole {
			for _, reason := range reconcile.LeftOutReasons() {
				if complete && (reason != reconcile.LeftOutNoRoom || planned) {
					bans.add(0, name, string(reason))
				}
			}
		}
		for _, out := range r.LeftOut() {
			if whole[out.Ban.Source] && (out.Reason != reconcile.LeftOutNoRoom || planned) {
				bans.add(1, out.Ban.Source, string(out.Reason))
			}
		}
	}
}
