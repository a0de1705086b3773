package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"edgeban/reconcile"
)

func flushCommand(sys *system) *cli.Command {
	return &cli.Command{
		Name:  "flush",
		Usage: "remove everything that this host has on the list",
		Description: "Items by hand and of former owners are this host's, too. What has no edgeban tag stays. The next run fills the\n" +
			"list again: stop the timer first.\n\n" + byHandStatuses,
		Flags: sys.settingFlags(
			&cli.BoolFlag{Name: "all-owners", HideDefault: true, Local: true, Usage: "the items of all other edgebans, too"},
			yesFlag(),
		),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := confirmable(cmd, sys); err != nil {
				return err
			}
			s, err := loadSettings(cmd, sys, needCloudflare)
			if err != nil {
				return err
			}
			x, err := openSession(sys, s, person)
			if err != nil {
				return err
			}
			return x.out.fail(x.flush(ctx, cmd.Bool("all-owners"), cmd.Bool("yes")))
		},
	}
}

func (x *session) flush(ctx context.Context, everybody, agreed bool) error {
	planner := func(items []reconcile.Item, now time.Time) reconcile.Plan {
		return reconcile.PlanFlush(items, x.ownership(), everybody, now)
	}
	x.byHand()
	if !agreed {
		x.recall()
		if err := x.confirmFlush(ctx, planner); err != nil {
			return err
		}
	}
	unlock, err := x.alone(ctx, x.settings.Timeout)
	if err != nil {
		return err
	}
	defer unlock()
	if problems := x.flushAll(ctx, planner); len(problems) > 0 {
		return errors.Join(problems...)
	}
	x.sayRefill()
	return nil
}

// flushAll flushes all targets. After a refusal Cloudflare's lists are left alone, but the access rules that stand in for them may be well.
func (x *session) flushAll(ctx context.Context, planner reconcile.Planner) (problems []error) {
	refused := false
	for _, w := range x.allWorks() {
		if refused && !w.spill {
			continue
		}
		report, err := w.carry(ctx, w.run(nil), planner)
		if err != nil {
			advice := "Nothing tries again by itself: give the command again later."
			if !w.onRules() {
				advice += " To un-ban everybody right now, switch the WAF rule off."
			}
			problems = append(problems, advised(err, advice))
			if len(x.spillWorks()) == 0 {
				return problems
			}
			refused = refused || lastWord(err)
			continue
		}
		if err := w.forgetItems(); err != nil {
			x.out.warnOf(err, "")
		}
		if left := len(report.Plan.Remove) - report.Applied.Removed; left > 0 {
			problems = append(problems, w.budgetUsed(report.Applied.Removed, left))
		} else {
			w.sayFlushed(report)
		}
		w.sayUnconfirmed(report)
	}
	return problems
}

// sayFlushed tells what was removed.
func (w work) sayFlushed(report reconcile.Report) {
	switch whole := report.Whole(); {
	case !whole.Empty():
		w.say("removed %s from %s, %s left", flushed(*whole, w.noun()), w.title(), plural(report.Plan.Items-report.Applied.Removed, w.noun()))
	case !w.spill:
		w.say("nothing to remove from %s", w.title())
	}
}

// sayRefill warns that runs fill the targets again, if there are runs.
func (x *session) sayRefill() {
	if last := x.blocking().listState().lastKept(); !last.IsZero() && x.now.Sub(last) >= abandonedAfter {
		x.say("A run on %s would bring them back; the last one was at %s.", x.theTargets(), clock(x.now, last))
		return
	}
	what := "list"
	if x.settings.AccessRules {
		what = "access rules"
	} else if len(x.works()) > 1 {
		what = "lists"
	}
	x.say("The next run fills the %s again. To stop runs: systemctl disable --now %s %s", what, x.unit("timer"), x.unit("path"))
}

// budgetUsed says that a command by hand made so many changes, and that so many are left.
func (w work) budgetUsed(done, left int) error {
	return &notDoneError{fmt.Errorf("%s: %s changed, %s left: the requests or the time of one command are used up", w.title(), thousands(done), thousands(left)),
		"Give the command again in five minutes: it goes on from here. Cloudflare allows 1200 requests in that time (--request-budget)."}
}

// confirmFlush asks once for all lists.
func (x *session) confirmFlush(ctx context.Context, planner reconcile.Planner) error {
	var parts []string
	for _, w := range x.allWorks() {
		plan, err := w.rehearse(ctx, w.run(nil), planner)
		if err != nil {
			return err
		}
		if !plan.Empty() {
			parts = append(parts, flushed(plan, w.noun())+" from "+w.title())
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return x.confirm(ctx, "Remove "+strings.Join(parts, " and ")+"?")
}

// flushed is "41 items (1 by hand, 3 of 2 other hosts)".
func flushed(p reconcile.Plan, noun string) string {
	text := plural(len(p.Remove), noun)
	peers := len(p.Remove) - p.Own
	switch hosts := plural(len(p.Peers), "other host"); {
	case p.Manual > 0 && peers > 0:
		return fmt.Sprintf("%s (%d by `edgeban ban`, %d of %s)", text, p.Manual, peers, hosts)
	case p.Manual > 0:
		return fmt.Sprintf("%s (%d by `edgeban ban`)", text, p.Manual)
	case peers > 0:
		return fmt.Sprintf("%s (%d of %s)", text, peers, hosts)
	}
	return text
}
