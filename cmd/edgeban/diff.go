package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v3"

	"edgeban/reconcile"
)

type diffOptions struct {
	json, exitCode, allowRemovals bool
}

func diffCommand(sys *system) *cli.Command {
	return &cli.Command{
		Name:  "diff",
		Usage: "show what sync would change, and change nothing",
		Description: "The same run as sync, with a target that refuses every write: it cannot lie and cannot write.\n\n" +
			"Exit status: 0 shown; 1 a source or Cloudflare could not be read, or the clock is wrong; 2 usage or settings;\n" +
			"3 removals would be withheld; 4 with --exit-code: changes are pending.",
		Flags: sys.settingFlags(
			&cli.BoolFlag{Name: "json", HideDefault: true, Local: true, Usage: "print JSON"},
			&cli.BoolFlag{Name: "exit-code", HideDefault: true, Local: true, Usage: "exit with 4 when changes are pending"},
			allowRemovalsFlag(),
		),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			return runDiff(ctx, cmd, sys, diffOptions{json: cmd.Bool("json"), exitCode: cmd.Bool("exit-code")})
		},
	}
}

// runDiff is diff, and sync --dry-run.
func runDiff(ctx context.Context, cmd *cli.Command, sys *system, o diffOptions) error {
	s, err := loadSettings(cmd, sys, needSources|needCloudflare)
	if err != nil {
		return err
	}
	x, err := openSession(sys, s, person)
	if err != nil {
		return err
	}
	o.allowRemovals = cmd.Bool("allow-removals")
	return x.diff(ctx, o)
}

func (x *session) diff(ctx context.Context, o diffOptions) error {
	ctx, cancel := context.WithTimeout(ctx, x.settings.Timeout)
	defer cancel()
	x.recall()
	done := x.runAll(ctx, func(w work) reconcile.Run {
		run := w.run(reconcile.ReadOnly(w.target()))
		run.DryRun = true
		run.Limits.AllowRemovals = o.allowRemovals
		return run
	})
	for _, e := range done {
		e.remark(e.report)
	}
	if err := x.printDiffs(done, o); err != nil {
		return err
	}
	return x.out.fail(diffsStatus(done, o))
}

// printDiffs prints what is known of each list. JSON without the block list would be another interface.
func (x *session) printDiffs(done []ended, o diffOptions) error {
	if o.json {
		if done[0].report.Plan == nil {
			return nil
		}
		return writeJSON(x.out.stdout, diffsView(done))
	}
	printed := false
	for _, e := range done {
		if e.report.Plan == nil || e.quiet() {
			continue
		}
		if printed {
			fmt.Fprintln(x.out.stdout)
		}
		printed = true
		if err := writeDiff(e.work, e.report); err != nil {
			return err
		}
	}
	return nil
}

// diffsStatus is the error that gives diff its exit status: the worst of both lists.
func diffsStatus(done []ended, o diffOptions) error {
	first := diffStatus(done[0].report, o)
	for i, e := range done[1:] {
		if e.unreadAs(done[i]) {
			continue
		}
		var pending pendingError
		switch err := diffStatus(e.report, o); {
		case err == nil, e.untold, done[0].report.Outcome == reconcile.OutcomeSkipped, errors.As(err, &pending) && first != nil:
		case first == nil, errors.As(first, &pending):
			first = err
		case e.report.Err != nil:
			first = errors.Join(first, e.report.Err)
		}
	}
	return first
}

// diffStatus is the error that gives diff its exit status: a source that did not answer, withheld removals, pending
// changes.
func diffStatus(report reconcile.Report, o diffOptions) error {
	var unread []error
	for _, s := range report.Sources {
		if s.Err != nil {
			unread = append(unread, s.Err)
		}
	}
	switch {
	case report.Plan == nil:
		return report.Err
	case len(unread) > 0:
		return errors.Join(unread...)
	case report.Err != nil:
		return report.Err
	case o.exitCode && !report.Plan.Empty():
		return pendingError{}
	}
	return nil
}
