package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// conclude tells how the runs ended and returns the error that gives the exit status.
func (x *session) conclude(done []ended) error {
	x.adviseOnProxy(done)
	all := []error{done[0].conclude(true)}
	for i, e := range done[1:] {
		if e.untold || e.unreadAs(done[i]) || e.report.Outcome == reconcile.OutcomeSkipped && done[0].report.Outcome == reconcile.OutcomeSkipped {
			continue // for the same reason
		}
		all = append(all, e.conclude(false))
	}
	return joined(all)
}

// unreadAs reports whether the run could not read the very rules that the one before it could not read: that is told once.
func (e ended) unreadAs(before ended) bool {
	return e.onRules() && before.onRules() && e.scope == before.scope && e.report.Plan == nil && before.report.Plan == nil &&
		e.report.Outcome == reconcile.OutcomeFailed && before.report.Outcome == reconcile.OutcomeFailed
}

// joined is errors.Join that leaves a single error as it is.
func joined(all []error) error {
	all = slices.DeleteFunc(all, func(err error) bool { return err == nil })
	if len(all) == 1 {
		return all[0]
	}
	return errors.Join(all...)
}

// conclude tells how one run ended. With first, it tells of the sources, too.
func (e ended) conclude(first bool) error {
	report := e.report
	e.remark(report)
	e.advise(report)
	e.warnOfAllow()
	switch {
	case report.Outcome != reconcile.OutcomeSkipped:
	case errors.Is(report.Err, context.Canceled):
		return e.out.fail(report.Err)
	default:
		return e.skipped(report)
	}
	for _, s := range report.Sources {
		if s.Err != nil && first {
			e.out.warnOf(s.Err, "; its items stay until it answers again")
		}
	}
	switch report.Outcome {
	case reconcile.OutcomeFailed:
		if !e.out.words && report.Plan != nil { // some of it may have been done
			e.out.summary(e.work, report, e.requests, e.spilled.text())
		}
		return e.out.fail(report.Err)
	case reconcile.OutcomeHeld:
		e.out.held(e)
		return nil
	}
	if !e.quiet() {
		e.out.summary(e.work, report, e.requests, e.spilled.text())
	}
	if report.Err != nil && len(e.works()) > 1 {
		report.Err = fmt.Errorf("%s: %w", e.title(), report.Err)
	}
	return e.out.fail(report.Err)
}

// skipped tells why a run did nothing. A skipped run is no failure, because the next one may do better; but when none does for long,
// somebody must learn of it.
func (w work) skipped(report reconcile.Report) error {
	since := w.listState().SkippedSince
	if lasting := report.Now.Sub(since); !since.IsZero() && lasting >= w.settings.SkipAlarm {
		return w.out.fail(&skipAlarmError{what: w.asItWas(), lasting: lasting, err: report.Err})
	}
	meaning := "The run was skipped and the list left as it is."
	switch {
	case w.settings.AccessRules:
		meaning = "The run was skipped and the access rules left as they are."
	case len(w.works()) > 1:
		meaning = "The run was skipped and the lists left as they are."
	}
	w.out.skipped(report.Err, meaning)
	return nil
}

// asItWas is what nobody has changed.
func (w work) asItWas() string {
	if w.onRules() {
		return "the access rules are as they were"
	}
	return "the list is as it was"
}

// skipAlarmError is a skipped run, when all runs have been skipped for too long.
type skipAlarmError struct {
	what    string // is as it was
	lasting time.Duration
	err     error
}

func (e *skipAlarmError) Error() string {
	return fmt.Sprintf("every run was skipped for %s, %s then: %v", span(e.lasting), e.what, e.err)
}
func (e *skipAlarmError) Unwrap() error { return e.err }

// remark passes on the run's notes, and warns when no rule uses the list.
func (w work) remark(report reconcile.Report) {
	for _, note := range report.Notes {
		w.out.warn(note)
	}
	if report.Survey != nil && report.Survey.References == 0 && !w.onRules() {
		w.out.warn(fmt.Sprintf("no rule uses list %s: nothing is %s; add a WAF custom rule %s with action %s, or run %s",
			w.list, w.remedied(), cloudflare.ListExpression(w.list), w.actionTitle(), w.settings.typed("edgeban setup")))
	}
}

// adviseOnProxy says once in a run, however many lists or zones it is for, what bans of Cloudflare's own addresses tell. Zones have the same bans.
func (x *session) adviseOnProxy(done []ended) {
	most := map[reconcile.Remedy]int{}
	for _, e := range done {
		most[e.remedy] = max(most[e.remedy], countLeftOut(e.report.LeftOut(), reconcile.LeftOutCloudflare))
	}
	if n := most[reconcile.Block] + most[reconcile.Challenge]; n > 0 {
		x.out.warn(plural(n, "ban") + " left out as Cloudflare's own: your web server logs the proxy, not the visitor " +
			"(nginx: set_real_ip_from … and real_ip_header CF-Connecting-IP; Apache: mod_remoteip)")
	}
}

// advise says what the bans that were left out tell about the set-up. diff lists them one by one instead.
func (w work) advise(report reconcile.Report) {
	if report.Plan != nil && len(report.Plan.Blocked) > 0 {
		w.out.warn(w.blockedNote(report.Plan.Blocked))
	}
	if n := countLeftOut(report.LeftOut(), reconcile.LeftOutFiltered); n > 0 && n == activeBans(report) {
		what := fmt.Sprintf("all %d active bans are", n)
		if n == 1 {
			what = "the only active ban is"
		}
		w.out.warn(what + " left out by the filters of jails and scenarios")
	}
	if report.Plan != nil && len(report.Plan.Occupied) > 0 {
		w.out.warn(w.occupiedNote(report.Plan))
	}
	if n := countLeftOut(report.LeftOut(), reconcile.LeftOutNoRoom); n > 0 {
		note := plural(n, "ban") + " left out for want of room: the most recent ones are kept"
		if lists := communityWithoutRoom(report); lists > 0 {
			note += fmt.Sprintf("; %d of them are of CrowdSec's lists, which come last (crowdsec-origin)", lists)
		}
		w.out.warn(note)
	}
}

// occupiedNote tells in one sentence of bans in whose place somebody else's rule stands.
func (w work) occupiedNote(p *reconcile.Plan) string {
	first := p.LeftOut()[0] // these come first
	note := fmt.Sprintf("%s is banned but not %s: %s, and edgeban never changes what it did not write", first.Ban.Value, w.remedied(), leftOutText(first))
	if n := len(p.Occupied) - 1; n > 0 {
		note += fmt.Sprintf("; %d more: %s", n, w.settings.typed("edgeban diff"))
	}
	return note
}

// activeBans is how many the sources that answered hold.
func activeBans(report reconcile.Report) int {
	n := 0
	for _, s := range report.Sources {
		for _, active := range s.Active {
			n += active
		}
	}
	return n
}

// countLeftOut is how many bans were left out for a reason.
func countLeftOut(all []reconcile.LeftOut, reason reconcile.LeftOutReason) int {
	n := 0
	for _, l := range all {
		if l.Reason == reason {
			n++
		}
	}
	return n
}

// communityWithoutRoom is how many bans of lists that others made found no room.
func communityWithoutRoom(report reconcile.Report) int {
	n := 0
	for _, l := range report.LeftOut() {
		if l.Reason == reconcile.LeftOutNoRoom && l.Ban.Community {
			n++
		}
	}
	return n
}

// seconds is a duration as the summary prints it.
func seconds(d time.Duration) float64 { return d.Round(100 * time.Millisecond).Seconds() }
