package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"edgeban/reconcile"
)

// byHandStatuses is the part of --help that says what the exit status of a command by hand means.
const byHandStatuses = `It waits for a run that is at work, for as long as a run may take, and tries once even while writes are on hold.
In a script it waits for the distance between writes (write-interval), at a terminal it does not.

Exit status: 0 done; 1 not done, or only in part; 2 usage or settings.`

// oneNetwork wants one argument of a command.
func oneNetwork(_ context.Context, cmd *cli.Command) error {
	switch args := cmd.Args(); args.Len() {
	case 0:
		return usagef("%s: which address or network?", cmd.Name)
	case 1:
		return nil
	default:
		return usagef("%s: unexpected argument %s", cmd.Name, quotedArgument(args.Get(1)))
	}
}

// networkOf is the argument that oneNetwork let through.
func networkOf(cmd *cli.Command) (netip.Prefix, error) {
	text := cmd.Args().First()
	network, reason := reconcile.ParsePrefix(text)
	switch reason {
	case "":
		return network, nil
	case reconcile.LeftOutUnspecified:
		return network, usagef("%s: %s stands for every address", cmd.Name, quotedArgument(text))
	default:
		return network, usagef("%s: %s is neither an address nor a network", cmd.Name, quotedArgument(text))
	}
}

// lengthOf is a duration that a person gave; 0: none.
func lengthOf(cmd *cli.Command, name string) (time.Duration, error) {
	if !cmd.IsSet(name) {
		return 0, nil
	}
	d := cmd.Duration(name)
	if d < time.Minute || d > tenYears {
		return 0, usagef("%s: --%s %s is not between %s and %s", cmd.Name, name, brief(d), brief(time.Minute), brief(tenYears))
	}
	return d, nil
}

// carry lets the core carry out what the person asked for, and keeps what it learned of the account. Whoever sits at a terminal
// does not wait for the distance between writes; a script does.
func (w work) carry(ctx context.Context, run reconcile.Run, planner reconcile.Planner) (reconcile.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, w.settings.Timeout)
	defer cancel()
	if !w.sys.terminal && !w.distant {
		w.distant = true // between the lists of one command there is none
		if err := w.keepDistance(ctx); err != nil {
			return reconcile.Report{}, w.stopped(ctx, err)
		}
	}
	target := w.target()
	run.Target, run.Now = target, w.now
	report := run.Carry(ctx, planner)
	w.progress.done()
	list := w.listState()
	if w.spill && (report.Plan == nil || !report.Plan.Empty()) {
		list.LastRun = nil // the next run has to look at the rules
	}
	if err := w.save(list, report, target); err != nil {
		w.out.warnOf(err, "")
	}
	w.remark(report)
	return report, w.stopped(ctx, report.Err)
}

// rehearse shows what carry would do.
func (w work) rehearse(ctx context.Context, run reconcile.Run, planner reconcile.Planner) (reconcile.Plan, error) {
	ctx, cancel := context.WithTimeout(ctx, w.settings.Timeout)
	defer cancel()
	run.Target, run.DryRun = reconcile.ReadOnly(w.target()), true
	report := run.Carry(ctx, planner)
	w.progress.done()
	if report.Err != nil {
		return reconcile.Plan{}, w.stopped(ctx, report.Err)
	}
	return *report.Plan, nil
}

// stopped turns the end of ctx into words. No run goes on with what a person asked for.
func (x *session) stopped(ctx context.Context, err error) error {
	switch {
	case err == nil || ctx.Err() == nil:
		return err
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return &notDoneError{fmt.Errorf("out of time after %v: %w", x.settings.Timeout, err), "Try again, or give it more time with --timeout."}
	default:
		return fmt.Errorf("interrupted: %w", err)
	}
}

// notDoneError is an error with another hint.
type notDoneError struct {
	err  error
	hint string
}

func (e *notDoneError) Error() string { return e.err.Error() }
func (e *notDoneError) Unwrap() error { return e.err }
func (e *notDoneError) Hint() string  { return e.hint }

// advised adds to the hint of an error what to do when Cloudflare let no write through. When nobody knows what became of a write, no
// run sees to it.
func advised(err error, advice string) error {
	var uncertain reconcile.Uncertain
	if errors.As(err, &uncertain) && uncertain.Uncertain() {
		return &notDoneError{err, "Look with `edgeban bans --ip ADDRESS` or in the dashboard, and give the command again."}
	}
	var (
		refusal reconcile.Refusal
		hold    *reconcile.HoldError
	)
	if !errors.As(err, &hold) && !(errors.As(err, &refusal) && refusal.Refused()) {
		return err
	}
	return &notDoneError{err, strings.TrimPrefix(hintOf(err)+"\n"+advice, "\n")}
}

// confirmable refuses, before anything is asked of Cloudflare, what a person has to confirm when there is nobody to ask.
func confirmable(cmd *cli.Command, sys *system) error {
	if cmd.Bool("yes") || sys.interactive {
		return nil
	}
	return &usageError{[]problem{{text: cmd.Name + ": there is nobody to ask", hint: "Add --yes to remove items without being asked."}}}
}

func yesFlag() cli.Flag {
	return &cli.BoolFlag{Name: "yes", HideDefault: true, Local: true, Usage: "remove without asking"}
}

// errDeclined says that a person answered no.
var errDeclined = errors.New("not confirmed: nothing was changed")

// confirm asks for a yes; everything else is a no.
func (x *session) confirm(ctx context.Context, question string) error {
	q := newQuestions(x.sys)
	q.out = x.out.stderr // stdout is for what was done
	yes, err := q.confirm(ctx, question)
	if err == nil && !yes {
		err = errDeclined
	}
	return err
}

// say prints a line for the person who gave the command.
func (x *session) say(format string, args ...any) { fmt.Fprintf(x.out.stdout, format+"\n", args...) }

// sayUnconfirmed tells that the list was seen to be as it should be, although Cloudflare did not say so.
func (w work) sayUnconfirmed(report reconcile.Report) {
	if report.Unconfirmed() > 0 {
		what := "list " + w.list + ", read again, is as it should be"
		if w.onRules() {
			what = "the rules, read again, are as they should be"
		}
		w.say("Cloudflare's answer was lost, but %s", what)
	}
}

// whoseItem names the owner of an item that a command by hand leaves as it is.
func (x *session) whoseItem(h reconcile.Holder) string {
	owner, _ := h.Tag.Host()
	switch h.Class {
	case reconcile.Foreign:
		return "without an edgeban tag"
	case reconcile.Peer:
		return "of " + owner + ", " + leaseText(x.now, h.Tag.Until)
	case reconcile.Manual:
		return "banned by hand, " + leaseText(x.now, h.Tag.Until)
	default:
		return "ours: " + printable(h.Tag.Reasons())
	}
}

// leaseText is when a lease ends.
func leaseText(now, until time.Time) string {
	if until.Year() > 9000 {
		return "permanent"
	}
	return end(now, until)
}
