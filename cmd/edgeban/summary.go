package main

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"edgeban/reconcile"
)

// skipped tells why a run did nothing, and what that means.
func (o output) skipped(err error, meaning string) {
	for _, e := range each(err) {
		if o.words {
			complain(o.stderr, e.Error(), strings.TrimSpace(meaning+"\n"+hintOf(e)))
			meaning = ""
		} else {
			o.log.Warn("run skipped", append([]any{"err", e.Error(), "meaning", meaning}, hintAttr(e)...)...)
		}
	}
}

// summary is the one line at the end of a run.
func (o output) summary(list string, r reconcile.Report, requests int) {
	if o.words {
		fmt.Fprintln(o.stdout, summaryLine(list, r, requests))
		return
	}
	standing, known := r.Standing()
	attrs := []any{"list", list, "outcome", string(r.Outcome), "added", r.Applied.Added, "removed", r.Applied.Removed, "kept", r.Plan.Keep}
	if known {
		attrs = append(attrs, "own", standing.Own, "foreign", standing.Foreign, "peers", standing.Peers)
	}
	attrs = append(attrs, "left_out", len(r.LeftOut()))
	if missing, stale, known := r.Drift(); known {
		attrs = append(attrs, "drift", missing+stale)
	}
	if r.Degraded() {
		attrs = append(attrs, "degraded", true)
	}
	attrs = append(attrs, "requests", requests, slog.String("duration", fmt.Sprintf("%.1fs", seconds(r.Duration))))
	message := "list in step"
	if n := len(r.Plan.Withheld); n > 0 {
		message = "removals withheld"
		attrs = append(attrs, "withheld", n)
	}
	o.log.Info(message, attrs...)
}

// summaryLine is the summary in words: "list edgeban: +3 −1, 41 items (38 ours, 2 by hand, 1 of mail-2) · 4 requests · 1.2 s".
func summaryLine(list string, r reconcile.Report, requests int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "list %s: ", list)
	withheld := len(r.Plan.Withheld)
	switch {
	case r.Applied != (reconcile.Applied{}):
		b.WriteString(strings.Join(changes(r), " "))
	case withheld > 0:
		b.WriteString("nothing changed")
	default:
		b.WriteString("in step")
	}
	if withheld > 0 {
		fmt.Fprintf(&b, ", %d withheld", withheld)
	}
	if s, known := r.Standing(); known {
		fmt.Fprintf(&b, ", %s%s", plural(s.Items, "item"), whose(s, r.Plan.Peers))
	}
	if n := r.Plan.Lingering; n > 0 {
		fmt.Fprintf(&b, ", %d lingering", n)
	}
	if r.Degraded() {
		b.WriteString(", degraded")
	}
	fmt.Fprintf(&b, " · %s · %.1f s", plural(requests, "request"), seconds(r.Duration))
	return b.String()
}

// changes are what a run did: "+3", "−1", "2 renewed".
func changes(r reconcile.Report) []string {
	var added, rewritten int
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
	if r.Applied.Removed > 0 {
		parts = append(parts, fmt.Sprintf("−%d", r.Applied.Removed))
	}
	if rewritten > 0 {
		parts = append(parts, fmt.Sprintf("~%d", rewritten))
	}
	return parts
}

// whose tells the items' owners apart, when there are others than we.
func whose(s reconcile.Standing, peers map[string]int) string {
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

// held tells why a run that had something to write did not, what waits and for how long.
func (o output) held(list string, r reconcile.Report) {
	missing, stale := len(r.Plan.Add), len(r.Plan.Remove)+len(r.Plan.Withheld)
	what := fmt.Sprintf("%s to write and %s to remove are waiting", plural(missing, "item"), plural(stale, "item"))
	if since := oldestWaiting(r); !since.IsZero() {
		what += ", the oldest for " + span(r.Now.Sub(since))
	}
	if o.words {
		complain(o.stderr, fmt.Sprintf("list %s: %v", list, r.Err), what+".")
		return
	}
	o.log.Warn("writes are on hold", append([]any{"list", list, "err", r.Err.Error(), "missing", missing, "stale", stale}, waitingAttrs(r)...)...)
}

// oldestWaiting is since when the oldest change waits; zero: none does.
func oldestWaiting(r reconcile.Report) time.Time {
	missing, stale := r.Next.Waiting.Oldest()
	if missing.IsZero() || !stale.IsZero() && stale.Before(missing) {
		return stale
	}
	return missing
}

// waitingAttrs are how long the oldest ban and the oldest removal wait.
func waitingAttrs(r reconcile.Report) []any {
	var attrs []any
	missing, stale := r.Next.Waiting.Oldest()
	if !missing.IsZero() {
		attrs = append(attrs, "missing_for", r.Now.Sub(missing).String())
	}
	if !stale.IsZero() {
		attrs = append(attrs, "stale_for", r.Now.Sub(stale).String())
	}
	return attrs
}
