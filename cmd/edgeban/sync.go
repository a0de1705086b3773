package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

func syncCommand(sys *system) *cli.Command {
	return &cli.Command{
		Name:  "sync",
		Usage: "make the list equal to the active bans; what the timer starts",
		Description: "Reads every active ban, reads the whole list, adds what is missing and removes what is no longer\n" +
			"wanted. Items by hand and of other hosts stay. If no source can be read the run is skipped and\n" +
			"the list stays as it is.\n\n" +
			exitStatuses,
		Flags: append(settingFlags(),
			&cli.BoolFlag{Name: "dry-run", HideDefault: true, Local: true, Usage: "change nothing, print what would change: the same as diff"},
			allowRemovalsFlag(),
		),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Bool("dry-run") {
				return runDiff(ctx, cmd, sys, diffOptions{})
			}
			s, err := loadSettings(cmd, sys, needSources|needCloudflare)
			if err != nil {
				return err
			}
			x, err := openSession(sys, s, journal)
			if err != nil {
				return err
			}
			return x.sync(ctx, cmd.Bool("allow-removals"))
		},
	}
}

func allowRemovalsFlag() cli.Flag {
	return &cli.BoolFlag{Name: "allow-removals", HideDefault: true, Local: true,
		Usage: "let removals through that are otherwise withheld"}
}

// sync makes the list equal to the bans.
func (x *session) sync(ctx context.Context, allowRemovals bool) error {
	patience := time.Duration(0) // the timer's next run does what this one would
	if x.sys.terminal || allowRemovals {
		patience = x.settings.Timeout
	}
	unlock, err := x.alone(ctx, patience)
	switch {
	case errors.Is(err, errLocked) && patience == 0:
		x.out.skipped(err, "This run was skipped. What changed since the other one began is for the next run.")
		return nil
	case err != nil:
		return x.out.fail(err)
	}
	defer unlock()
	if x.rest() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, x.settings.Timeout)
	defer cancel()
	if err := x.keepDistance(ctx); err != nil {
		return x.out.fail(x.interrupted(ctx, err))
	}
	done := x.each(ctx, func(w work) reconcile.Run {
		run := w.run(w.target())
		run.Limits.AllowRemovals = allowRemovals
		return run
	})
	x.publish(ctx, done)
	return x.conclude(done)
}

// ended is a run on one of the lists that has ended.
type ended struct {
	work
	report   reconcile.Report
	requests int  // that it made
	untold   bool // there was no time left for it, and another run says why
}

// each asks the sources and reconciles the lists, one after the other, with the runs that prepare makes.
func (x *session) each(ctx context.Context, prepare func(work) reconcile.Run) (done []ended) {
	var said reconcile.Readings
	for i, w := range x.works() {
		stopped := ctx.Err() != nil
		run := prepare(w)
		if i == 0 {
			said = run.Read(ctx)
		} else {
			run = run.After(done[0].report)
			said.Notes, said.Took = nil, 0 // told already
		}
		before := x.requests()
		report := run.DoWith(ctx, said)
		x.progress.done()
		report.Duration += said.Took
		report.Err = x.interrupted(ctx, report.Err)
		if target, ok := run.Target.(*cloudflare.ListTarget); ok && !run.DryRun {
			w.keep(report, target)
		}
		done = append(done, ended{w, report, x.requests() - before, i > 0 && stopped})
	}
	return done
}

// keepDistance waits until the last write is far enough back, before anything is read: a storm of bans becomes one write.
func (x *session) keepDistance(ctx context.Context) error {
	interval := min(x.settings.WriteInterval, x.settings.Timeout/2) // the default may be too long for a short timeout
	pause := x.blocking().past().Throttle.Distance(x.now, interval)
	if pause == 0 {
		return nil
	}
	x.out.log.Debug("the last write was a moment ago", "pause", pause)
	if err := sleep(ctx, pause); err != nil {
		return err
	}
	x.now = x.sys.now()
	x.out.now = x.now
	return nil
}

// keep writes the state for the next run.
func (w work) keep(report reconcile.Report, target *cloudflare.ListTarget) {
	list := w.listState()
	list.LastRun = lastRunOf(report)
	if m := measuredBy(report, w.settings.MaxItems); m != nil {
		list.Measured = m
	}
	switch {
	case report.Outcome != reconcile.OutcomeSkipped:
		list.SkippedSince = time.Time{}
		list.Allowed = inForce(list.Allowed, report.Now) // the clock is right
	case list.SkippedSince.IsZero() || list.SkippedSince.After(report.Now):
		list.SkippedSince = report.Now.UTC()
	}
	if succeeded(report) {
		list.LastSuccess = report.Now.UTC()
	}
	list.UntaggedAllowed = list.UntaggedAllowed || removedUntagged(report)
	if err := w.save(list, report, target); err != nil {
		w.out.warnOf(err, "")
	}
}

// save writes the state with what a run, or a command by hand, left on the list and on its account.
func (w work) save(list listState, report reconcile.Report, target *cloudflare.ListTarget) error {
	list.Past = report.Next
	list.Throttle, list.Capacity = reconcile.Throttle{}, reconcile.Capacity{}
	account := w.account
	account.Throttle, account.Capacity = report.Next.Throttle, report.Next.Capacity
	if size := target.BatchSize(); size < w.settings.BatchSize {
		account.BatchSize = size
	}
	for _, other := range w.works() { // whose operation it was, this run has seen to it
		if state, known := w.state.Lists[other.key()]; known {
			state.Open = reconcile.Open{}
			w.state.Lists = with(w.state.Lists, other.key(), state)
		}
	}
	w.state.Lists = with(w.state.Lists, w.key(), list)
	return errors.Join(w.keepAccount(account), w.dir.lists().save(w.state))
}

// keepAccount writes what is known of the account, unless nothing of it is new.
func (x *session) keepAccount(account accountState) error {
	if account == x.account {
		return nil
	}
	x.account = account
	return x.accounts(x.dir).change(func(s *state) { s.Accounts = with(s.Accounts, x.settings.Account, account) })
}

// removedUntagged reports whether untagged items were removed: somebody looked at them and allowed it, then or before.
func removedUntagged(r reconcile.Report) bool {
	return r.Plan != nil && slices.ContainsFunc(r.Plan.Remove[:r.Applied.Removed], func(m reconcile.Removal) bool {
		return m.Untagged && m.Why != reconcile.RemoveProtected
	})
}

// with is a copy of m that holds the value at the key.
func with[V any](m map[string]V, key string, value V) map[string]V {
	c := maps.Clone(m)
	if c == nil {
		c = map[string]V{}
	}
	c[key] = value
	return c
}

// succeeded reports whether a run left nothing to do.
func succeeded(r reconcile.Report) bool {
	missing, stale, known := r.Drift()
	return known && missing == 0 && stale == 0 && !r.Degraded() && r.Err == nil
}

// conclude tells how the runs ended and returns the error that gives the exit status.
func (x *session) conclude(done []ended) error {
	err := done[0].conclude(true)
	for _, e := range done[1:] {
		if e.untold || e.report.Outcome == reconcile.OutcomeSkipped && done[0].report.Outcome == reconcile.OutcomeSkipped {
			continue // for the same reason
		}
		err = joined(err, e.conclude(false))
	}
	return err
}

// joined is errors.Join that leaves a single error as it is.
func joined(a, b error) error {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return errors.Join(a, b)
}

// conclude tells how one run ended. The first one tells of the sources, too.
func (e ended) conclude(first bool) error {
	report := e.report
	e.remark(report)
	e.advise(report)
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
		return e.out.fail(report.Err)
	case reconcile.OutcomeHeld:
		e.out.held(e.list, report)
		return nil
	}
	e.out.summary(e.list, report, e.requests)
	if report.Err != nil && len(e.works()) > 1 {
		report.Err = fmt.Errorf("list %s: %w", e.list, report.Err)
	}
	return e.out.fail(report.Err)
}

// skipped tells why a run did nothing. A run that is skipped is no failure, the next one may do; but somebody must learn of it
// when no run does.
func (w work) skipped(report reconcile.Report) error {
	since := w.listState().SkippedSince
	if lasting := report.Now.Sub(since); !since.IsZero() && lasting >= w.settings.SkipAlarm {
		return w.out.fail(&skipAlarmError{since: since, lasting: lasting, err: report.Err})
	}
	meaning := "The run was skipped and the list left as it is."
	if len(w.works()) > 1 {
		meaning = "The run was skipped and the lists left as they are."
	}
	w.out.skipped(report.Err, meaning)
	return nil
}

// skipAlarmError is a skipped run, when all runs have been skipped for too long.
type skipAlarmError struct {
	since   time.Time
	lasting time.Duration
	err     error
}

func (e *skipAlarmError) Error() string {
	return fmt.Sprintf("every run was skipped for %s, the list is as it was then: %v", span(e.lasting), e.err)
}
func (e *skipAlarmError) Unwrap() error { return e.err }

// remark says what a person ought to know besides the numbers.
func (w work) remark(report reconcile.Report) {
	for _, note := range report.Notes {
		w.out.warn(note)
	}
	if report.Survey != nil && report.Survey.References == 0 {
		w.out.warn(fmt.Sprintf("no rule uses list %s: nothing is %s; add a WAF custom rule %s with action %s, or run edgeban setup",
			w.list, w.done(), cloudflare.ListExpression(w.list), w.actionTitle()))
	}
}

// advise says what the bans that were left out tell about the set-up. diff lists them one by one instead.
func (w work) advise(report reconcile.Report) {
	if n := leftOutBy(report, reconcile.LeftOutCloudflare); n > 0 {
		w.out.warn(plural(n, "ban") + " left out as Cloudflare's own: your web server logs the proxy, not the visitor " +
			"(nginx: set_real_ip_from … and real_ip_header CF-Connecting-IP; Apache: mod_remoteip)")
	}
	if report.Plan != nil && len(report.Plan.Blocked) > 0 {
		w.out.warn(blockedNote(report.Plan.Blocked))
	}
	if n := leftOutBy(report, reconcile.LeftOutFiltered); n > 0 && n == activeBans(report) {
		what := fmt.Sprintf("all %d active bans are", n)
		if n == 1 {
			what = "the only active ban is"
		}
		w.out.warn(what + " left out by the filters of jails and scenarios")
	}
	if n := leftOutBy(report, reconcile.LeftOutNoRoom); n > 0 {
		note := plural(n, "ban") + " left out for want of room: the most recent ones are kept"
		if lists := communityWithoutRoom(report); lists > 0 {
			note += fmt.Sprintf("; %d of them are of CrowdSec's lists, which come last (crowdsec-origin)", lists)
		}
		w.out.warn(note)
	}
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

func leftOutBy(report reconcile.Report, reason reconcile.LeftOutReason) int {
	n := 0
	for _, l := range report.LeftOut() {
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
