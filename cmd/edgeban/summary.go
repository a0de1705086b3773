package main

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"edgeban/reconcile"
)

// skipped tells why a run did nothing, and what that means.
func (o output) skipped(err error, meaning string) {
	for _, e := range unjoined(o.named(err)) {
		if o.words {
			complain(o.stderr, e.Error(), strings.TrimSpace(meaning+"\n"+hintOf(e)))
			meaning = ""
		} else {
			o.log.Warn("run skipped", append([]any{"err", e.Error(), "meaning", meaning}, hintAttr(e)...)...)
		}
	}
}

// summary is the one line at the end of a run. spilled is what access rules hold in place of the list, in words.
func (o output) summary(w work, r reconcile.Report, requests int, spilled string) {
	if o.words {
		fmt.Fprintln(o.stdout, summaryLine(w.title(), w.noun(), r, requests, spilled))
		return
	}
	message := "list in step"
	if w.onRules() {
		message = "rules in step"
	}
	if missing, stale, known := r.Drift(); known && missing+stale > len(r.Plan.Withheld) {
		message = "changes left for the next run"
	}
	attrs := numbers(w, r, requests, spilled)
	if n := len(r.Plan.Withheld); n > 0 {
		message = "removals withheld"
		attrs = append(attrs, "withheld", n)
	}
	if r.Outcome == reconcile.OutcomeFailed {
		message = "run failed"
	}
	o.log.Info(message, attrs...)
}

// numbers are what a run's line in the log tells, whatever the run came to. One that is not known is not there.
func numbers(w work, r reconcile.Report, requests int, spilled string) []any {
	attrs := []any{"list", w.label(), "outcome", string(r.Outcome), "added", r.Earlier.Added + r.Applied.Added, "removed", r.Earlier.Removed + r.Applied.Removed, "kept", r.Plan.Keep}
	if tally, known := r.Tally(); known {
		attrs = append(attrs, "own", tally.Own, "foreign", tally.Foreign, "peers", tally.Peers)
	}
	attrs = append(attrs, "left_out", len(r.LeftOut()))
	if missing, stale, known := r.Drift(); known {
		attrs = append(attrs, "drift", missing+stale)
		attrs = append(attrs, waitingAttrs(r)...)
	}
	if r.Degraded() {
		attrs = append(attrs, "degraded", true)
	}
	if spilled != "" {
		attrs = append(attrs, "in_access_rules", spilled)
	}
	return append(attrs, "requests", requests, slog.String("duration", fmt.Sprintf("%.1fs", seconds(r.Duration))))
}

// summaryLine is the summary in words: "list edgeban: +3 −1, 41 items (38 ours, 2 by hand, 1 of mail-2) · 4 requests · 1.2 s".
func summaryLine(title, noun string, r reconcile.Report, requests int, spilled string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", title)
	withheld, left := len(r.Plan.Withheld), 0
	if missing, stale, known := r.Drift(); known {
		left = missing + stale - withheld
	}
	switch {
	case r.Applied != (reconcile.Applied{}) || r.Earlier != (reconcile.Applied{}):
		b.WriteString(strings.Join(changes(r), " "))
	case withheld > 0 || left > 0:
		b.WriteString("nothing changed")
	default:
		b.WriteString("in step")
	}
	if withheld > 0 {
		fmt.Fprintf(&b, ", %d withheld", withheld)
	}
	if left > 0 {
		fmt.Fprintf(&b, ", %d left for the next run", left)
	}
	if s, known := r.Tally(); known {
		fmt.Fprintf(&b, ", %s%s", plural(s.Items, noun), whose(s, r.Plan.Peers))
	}
	if n := len(r.Plan.Lingering); n > 0 {
		fmt.Fprintf(&b, ", %d lingering", n)
	}
	if spilled != "" {
		fmt.Fprintf(&b, ", %s in access rules", spilled)
	}
	if r.Degraded() {
		b.WriteString(", degraded")
	}
	fmt.Fprintf(&b, " · %s · %.1f s", plural(requests, "request"), seconds(r.Duration))
	return b.String()
}

// changes are what a run did: "+3", "−1", "2 renewed".
func changes(r reconcile.Report) []string {
	added, rewritten, removed := r.Earlier.Added, 0, r.Earlier.Removed+r.Applied.Removed
	for _, a := range r.Plan.Add[:r.Applied.Added] {
		if a.Why == reconcile.AddNew {
			added++
		} else {
			rewritten++
		}
	}
	var parts []string
	if added > 0 {
		parts = append(parts, fmt.Sprintf("+%d", added))
	}
	if removed > 0 {
		parts = append(parts, fmt.Sprintf("−%d", removed))
	}
	if rewritten > 0 {
		parts = append(parts, fmt.Sprintf("~%d", rewritten))
	}
	return parts
}

// whose tells the items' owners apart, when there are others than we.
func whose(s reconcile.Tally, peers map[string]int) string {
	if s.Foreign == 0 && s.Peers == 0 {
		return ""
	}
	parts := []string{fmt.Sprintf("%d ours", s.Own)}
	if s.Foreign > 0 {
		parts = append(parts, fmt.Sprintf("%d by hand", s.Foreign))
	}
	switch owners := sortedKeys(peers); {
	case s.Peers == 0:
	case len(owners) == 1:
		parts = append(parts, fmt.Sprintf("%d of %s", s.Peers, owners[0]))
	default:
		parts = append(parts, fmt.Sprintf("%d of %d other hosts", s.Peers, len(owners)))
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
