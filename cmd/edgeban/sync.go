package main

import (
	"context"
	"errors"
	"time"

	"github.com/urfave/cli/v3"

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
		Flags: sys.settingFlags(
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
	if x.rests(x.triggered()) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, x.settings.Timeout)
	defer cancel()
	if err := x.keepDistance(ctx); err != nil {
		return x.out.fail(x.interrupted(ctx, err))
	}
	done := x.runAll(ctx, func(w work) reconcile.Run {
		run := w.run(w.target())
		run.Limits.AllowRemovals = allowRemovals
		return run
	})
	x.publish(ctx, done)
	x.warnOfAbandoned()
	return x.conclude(done)
}

// ended is a run on one of the lists that has ended.
type ended struct {
	work
	report   reconcile.Report
	requests int  // that it made
	untold   bool // there was no time left for it, and the report of another run says so

	spilled *spilled // what access rules hold in place of the lists, set in the first run; nil: nobody looked
}

// runAll asks the sources once and reconciles the targets, one after the other, with the runs that prepare makes; then the access rules that
// hold what the lists could not take.
func (x *session) runAll(ctx context.Context, prepare func(work) reconcile.Run) (done []ended) {
	var said reconcile.Readings
	works := x.works()
	for i, w := range works {
		stopped := ctx.Err() != nil
		run := x.spilling(ctx, prepare(w))
		run.StandingSince = x.standingSince(ctx, run.Throttle)
		if i == 0 {
			said = run.Read(ctx)
		} else {
			said.Notes, said.Took = nil, 0 // told already
			if w.remedy == reconcile.Challenge {
				run = run.After(done[i-1].report)
			} else {
				run = run.Following(done[i-1].report)
			}
		}
		readings := said
		if i == len(works)-1 && len(x.spillWorks()) == 0 {
			said = reconcile.Readings{} // the bans are many, and nobody needs them any more
		}
		e := x.reconcile(ctx, w, run, readings)
		e.untold = i > 0 && stopped
		done = append(done, e)
	}
	x.keepMoved(done)
	if len(x.spillWorks()) > 0 {
		done = append(done, x.overflow(ctx, done, said, prepare)...)
		done[0].spilled = spilledBy(done)
	}
	return done
}

// reconcile does one run and keeps what it leaves for the next one.
func (x *session) reconcile(ctx context.Context, w work, run reconcile.Run, said reconcile.Readings) ended {
	before, took := x.requests(), said.Took
	report := run.DoWith(ctx, said)
	x.progress.done()
	report.Duration += took
	report.Err = x.interrupted(ctx, report.Err)
	if !run.DryRun {
		w.keep(report, run.Target)
		retrier, ok := run.Target.(interface{ Retried() bool })
		x.retried = x.retried || ok && retrier.Retried()
	}
	return ended{work: w, report: report, requests: x.requests() - before}
}

// keepDistance waits until the last write is far enough back, before anything is read: a storm of bans becomes one write.
func (x *session) keepDistance(ctx context.Context) error {
	interval := min(x.settings.WriteInterval, x.settings.Timeout/2) // the default may be too long for a short timeout
	pause := x.blocking().past().Throttle.Distance(x.now, interval)
	if len(x.spillWorks()) > 0 { // while the list is refused, these are what is written
		pause = max(pause, x.account.Rules.Distance(x.now, interval))
	}
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
