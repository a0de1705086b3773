package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"edgeban/reconcile"
)

func adoptCommand(sys *system) *cli.Command {
	return &cli.Command{
		Name:  "adopt",
		Usage: "take over the items of an older script that match active bans",
		Description: "Items without an edgeban tag that stand exactly where an active ban wants one get this host's tag. Those that\n" +
			"match none are listed, and stay unless --remove-rest is given.\n\n" + byHandStatuses,
		Flags: append(settingFlags(),
			&cli.BoolFlag{Name: "remove-rest", HideDefault: true, Local: true, Usage: "remove the items without a tag that match no active ban"},
			yesFlag(),
		),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Bool("remove-rest") {
				if err := confirmable(cmd, sys); err != nil {
					return err
				}
			}
			s, err := loadSettings(cmd, sys, needSources|needCloudflare)
			if err != nil {
				return err
			}
			x, err := openSession(sys, s, person)
			if err != nil {
				return err
			}
			return x.out.fail(x.adopt(ctx, cmd.Bool("remove-rest"), cmd.Bool("yes")))
		},
	}
}

func (x *session) adopt(ctx context.Context, rest, agreed bool) error {
	x.recall()
	planner, err := x.adoption(ctx, x.run(nil), rest)
	if err != nil {
		return err
	}
	if rest && !agreed {
		shown, err := x.rehearse(ctx, x.run(nil), planner)
		if err != nil {
			return err
		}
		if len(shown.Remove) > 0 {
			x.sayRest(shown.Remove)
			if err := x.confirm(ctx, fmt.Sprintf("Remove %s from list %s?", plural(len(shown.Remove), "item"), x.settings.List)); err != nil {
				return err
			}
		}
		planner = onlyRemoving(planner, shown.Remove)
	}
	unlock, err := x.alone(ctx, x.settings.Timeout)
	if err != nil {
		return err
	}
	defer unlock()
	report, err := x.carry(ctx, x.run(nil), planner)
	if err != nil {
		return advised(err, "Nothing tries again by itself: give the command again later.")
	}
	x.sayAdopted(report)
	return nil
}

// adoption is the planner for the bans as they are. All sources have to answer: what one that did not holds would look like nobody's.
func (x *session) adoption(ctx context.Context, run reconcile.Run, rest bool) (reconcile.Planner, error) {
	ctx, cancel := context.WithTimeout(ctx, x.settings.Timeout)
	defer cancel()
	desired, sources, notes, err := run.Ask(ctx)
	if err != nil {
		return nil, x.stopped(ctx, err)
	}
	var unread []error
	for _, s := range sources {
		if s.Err != nil {
			unread = append(unread, s.Err)
		}
	}
	for _, note := range notes {
		x.out.warn(note)
	}
	return func(items []reconcile.Item, now time.Time) reconcile.Plan {
		return reconcile.PlanAdopt(desired, items, run.Ownership, rest, now)
	}, errors.Join(unread...)
}

// onlyRemoving keeps a plan from removing what nobody was shown.
func onlyRemoving(planner reconcile.Planner, shown []reconcile.Removal) reconcile.Planner {
	agreed := map[string]bool{}
	for _, r := range shown {
		agreed[r.Item.ID] = true
	}
	return func(items []reconcile.Item, now time.Time) reconcile.Plan {
		p := planner(items, now)
		p.Remove = slices.DeleteFunc(p.Remove, func(r reconcile.Removal) bool { return !agreed[r.Item.ID] })
		return p
	}
}

func (x *session) sayAdopted(report reconcile.Report) {
	var b strings.Builder
	writeChanges(&b, x.now, report.Plan)
	if text := strings.TrimPrefix(b.String(), "\n"); text != "" {
		x.say("%s", text)
	}
	if len(report.Plan.Withheld) > 0 {
		x.sayRest(report.Plan.Withheld)
	}
	text := fmt.Sprintf("list %s: %s adopted", x.settings.List, plural(len(report.Plan.Add), "item"))
	if n := len(report.Plan.Remove); n > 0 {
		text += fmt.Sprintf(", %d removed", n)
	}
	if n := len(report.Plan.Withheld); n > 0 {
		text += fmt.Sprintf(", %d left without a tag; to remove these: edgeban adopt --remove-rest", n)
	}
	x.say("%s", text)
}

// sayRest lists the items without a tag that match no active ban.
func (x *session) sayRest(rest []reconcile.Removal) {
	var b strings.Builder
	table(&b, func(w io.Writer) {
		for _, r := range rest {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", reconcile.PrefixText(r.Item.Prefix), printable(r.Detail), shortened(printable(r.Item.Comment)))
		}
	})
	x.say("without an edgeban tag, and without a ban%s", b.String())
}
