package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"edgeban/reconcile"
)

// held tells why a run that had something to write did not, what waits and for how long, and what access rules hold meanwhile.
func (o output) held(e ended) {
	w, r, spilled := e.work, e.report, e.spilled.sentence()
	var hold *reconcile.HoldError
	if !errors.As(r.Err, &hold) {
		return
	}
	what := waits(r.Plan)
	if since := oldestWaiting(r); !since.IsZero() && r.Now.Sub(since) >= time.Second {
		what += ", the oldest for " + span(r.Now.Sub(since))
	}
	what += "."
	if n := len(r.Plan.Withheld); n > 0 {
		what += " " + plural(n, "removal") + " withheld besides."
	}
	if spilled != "" {
		what += " " + spilled
	}
	if hold.Operation == "" {
		what += " " + nextAttempt(o.now, hold) + "."
	}
	if o.words {
		if lifted(r.Plan) > 0 && spilled == "" {
			what += "\nTo un-ban somebody now, see \"Un-ban somebody right now\" in the README."
		}
		complain(o.stderr, fmt.Sprintf("%s: %s", w.title(), whyHeld(o.now, hold)), what)
		return
	}
	missing, stale, _ := r.Drift()
	attrs := append(numbers(w, r, e.requests, e.spilled.text()), "why", whyHeld(o.now, hold), "waiting", what, "missing", missing, "stale", stale)
	if hold.Operation == "" {
		attrs = append(attrs, "since", hold.Since)
		if !hold.Until.IsZero() {
			attrs = append(attrs, "until", hold.Until)
		}
	}
	o.log.Warn("writes are on hold", attrs...)
}

// nextAttempt is "Next attempt at 10:02".
func nextAttempt(now time.Time, hold *reconcile.HoldError) string {
	if hold.Until.IsZero() {
		return "Next attempt in the next run"
	}
	return "Next attempt at " + clock(now, hold.Until)
}

// whyHeld is "Cloudflare refuses writes (429, code 10040) since 09:14".
func whyHeld(now time.Time, hold *reconcile.HoldError) string {
	if hold.Operation != "" {
		return "nothing is written while an operation of " + clock(now, hold.Since) + " has not ended"
	}
	why := ""
	if hold.Why != "" {
		why = " (" + printable(hold.Why) + ")"
	}
	return "Cloudflare refuses writes" + why + " since " + clock(now, hold.Since)
}

// holdOf is what keeps the next run from writing, nil when nothing does.
func holdOf(r reconcile.Report) *reconcile.HoldError {
	switch open, throttle := r.Next.Open, r.Next.Throttle; {
	case open.Operation != "":
		return &reconcile.HoldError{Since: open.Since, Operation: open.Operation}
	case throttle.Held(r.Now):
		return &reconcile.HoldError{Since: throttle.Since, Until: throttle.Hold, Why: throttle.Why}
	}
	return nil
}

// holdNote is the hold as diff tells it.
func holdNote(now time.Time, hold *reconcile.HoldError) string {
	next := ""
	if hold.Operation == "" {
		next = "; next attempt at " + clock(now, hold.Until)
	}
	return "Writes are on hold: " + whyHeld(now, hold) + next + ".\n"
}

// lifted is how many removals are un-bans.
func lifted(p *reconcile.Plan) int {
	n := 0
	for _, m := range p.Remove {
		if m.Why == reconcile.RemoveLifted {
			n++
		}
	}
	return n
}

// waits is "5 bans and 1 un-ban are waiting": an un-ban is somebody's, other items go because their bans ended or must not be there.
func waits(p *reconcile.Plan) string {
	lifted := lifted(p)
	var parts []string
	total := 0
	for _, kind := range []struct {
		n    int
		noun string
	}{
		{p.Missing(), "ban"}, {len(p.Add) - p.Missing(), "renewal"}, {lifted, "un-ban"}, {len(p.Remove) - lifted, "removal"},
	} {
		if kind.n > 0 {
			parts = append(parts, plural(kind.n, kind.noun))
			total += kind.n
		}
	}
	verb := " are waiting"
	if total == 1 {
		verb = " is waiting"
	}
	text := strings.Join(parts, ", ")
	if last := len(parts) - 1; last > 0 {
		text = strings.Join(parts[:last], ", ") + " and " + parts[last]
	}
	return text + verb
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
