package main

import (
	"context"
	"errors"

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
			exitStatuses,
		Flags: append(settingFlags(),
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
	run := x.run(reconcile.ReadOnly(x.target()))
	run.DryRun = true
	run.Limits.AllowRemovals = o.allowRemovals
	report := run.Do(ctx)
	x.progress.done()
	report.Err = x.interrupted(ctx, report.Err)
	x.remark(report)
	if report.Plan == nil {
		return x.out.fail(report.Err)
	}
	if err := x.printDiff(report, o); err != nil {
		return err
	}
	return x.out.fail(diffStatus(report, o))
}

func (x *session) printDiff(report reconcile.Report, o diffOptions) error {
	if !o.json {
		return writeDiff(x.out, x.settings, report)
	}
	return writeJSON(x.out.stdout, diffView(x.settings, report))
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
	case len(unread) > 0:
		return errors.Join(unread...)
	case report.Err != nil:
		return report.Err
	case o.exitCode && !report.Plan.Empty():
		return pendingError{}
	}
	return nil
}
