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
			"match none are listed, and stay unless --remove-rest is given.\n" +
			"Of access rules it takes only those that Fail2Ban's own actions left, with notes that begin with \"Fail2Ban\". Each takes a\n" +
			"request, so of thousands some may be left: it then ends with 1, and goes on from there when you give the command again.\n\n" + byHandStatuses,
		Flags: sys.settingFlags(
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
	said, err := x.askAll(ctx)
	if err != nil {
		return err
	}
	x.byHand()
	x.all = true // the leftovers of other programs have no tag
	planners := x.adoptions(said, rest)
	if rest && !agreed {
		if err := x.agreeOnRest(ctx, planners); err != nil {
			return err
		}
	}
	unlock, err := x.alone(ctx, x.settings.Timeout)
	if err != nil {
		return err
	}
	defer unlock()
	for _, w := range x.works() {
		report, err := w.carry(ctx, w.run(nil), planners[w.key()])
		if err != nil {
			return advised(err, "Nothing tries again by itself: give the command again later.")
		}
		left := len(report.Plan.Add) + len(report.Plan.Remove) - report.Applied.Added - report.Applied.Removed
		w.sayAdopted(report)
		if left > 0 {
			return w.budgetUsed(report.Applied.Added+report.Applied.Removed, left)
		}
	}
	return nil
}

// askAll asks the sources, all of which have to answer: what one that did not holds would look like nobody's.
func (x *session) askAll(ctx context.Context) (reconcile.Readings, error) {
	ctx, cancel := context.WithTimeout(ctx, x.settings.Timeout)
	defer cancel()
	said := x.blocking().run(nil).Read(ctx)
	if said.Err != nil {
		return said, x.stopped(ctx, said.Err)
	}
	for _, note := range said.Notes {
		x.out.warn(note)
	}
	return said, errors.Join(unanswered(said)...)
}

// adoptions are the planners for the bans as they are, by the keys of the works.
func (x *session) adoptions(said reconcile.Readings, rest bool) map[string]reconcile.Planner {
	var desired [2]reconcile.Desired // by remedy
	for _, w := range x.remedies() {
		desired[w.remedy] = w.desired(said, desired[reconcile.Block])
	}
	planners := map[string]reconcile.Planner{}
	for _, w := range x.works() {
		planners[w.key()] = w.adoption(desired[w.remedy], desired[1-w.remedy], rest)
	}
	return planners
}

// adoption is the planner of one work. On a list everything without a tag may be of an older script. other is what the other mode is to hold.
func (w work) adoption(desired, other reconcile.Desired, rest bool) reconcile.Planner {
	ownership := w.ownership()
	var candidate func(reconcile.Item) bool
	if w.onRules() {
		candidate = func(i reconcile.Item) bool { return byStockAction(i.Comment) && !other.Wants(i.Prefix, w.now) }
	}
	return func(items []reconcile.Item, now time.Time) reconcile.Plan {
		return reconcile.PlanAdopt(desired, items, ownership, candidate, rest, now)
	}
}

// byStockAction reports whether Fail2Ban's own action wrote the notes of a rule: "Fail2Ban sshd", in some versions "Fail2ban"
// (https://github.com/fail2ban/fail2ban/blob/1.1.0/config/action.d/cloudflare-token.conf).
func byStockAction(notes string) bool { return strings.HasPrefix(strings.ToLower(notes), "fail2ban") }

// agreeOnRest shows what the plans remove, and asks for a yes to just that.
func (x *session) agreeOnRest(ctx context.Context, planners map[string]reconcile.Planner) error {
	var parts []string
	for _, w := range x.works() {
		shown, err := w.rehearse(ctx, w.run(nil), planners[w.key()])
		if err != nil {
			return err
		}
		if n := len(shown.Remove); n > 0 {
			w.sayRest(shown.Remove)
			parts = append(parts, plural(n, w.noun())+" from "+w.title())
		}
		planners[w.key()] = onlyRemoving(planners[w.key()], shown.Remove)
	}
	if len(parts) == 0 {
		return nil
	}
	return x.confirm(ctx, "Remove "+strings.Join(parts, " and ")+"?")
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

func (w work) sayAdopted(report reconcile.Report) {
	var b strings.Builder
	done := carriedOut(report)
	told, more := firstRows(done)
	writeChanges(&b, w.now, &told)
	if more > 0 {
		fmt.Fprintf(&b, "… and %d more\n", more)
	}
	if text := strings.TrimPrefix(b.String(), "\n"); text != "" {
		w.say("%s", text)
	}
	if len(report.Plan.Withheld) > 0 {
		w.sayRest(report.Plan.Withheld)
	}
	text := fmt.Sprintf("%s: %s adopted", w.title(), plural(len(done.Add), w.noun()))
	if n := len(done.Remove); n > 0 {
		text += fmt.Sprintf(", %d removed", n)
	}
	if n := len(report.Plan.Withheld); n > 0 {
		text += fmt.Sprintf(", %d left without a tag; to remove these: %s --remove-rest", n, w.settings.typed("edgeban adopt"))
	}
	w.say("%s", text)
	w.sayUnconfirmed(report)
}

// carriedOut is what of a plan was done. Where the target was read again nothing was left over.
func carriedOut(r reconcile.Report) reconcile.Plan {
	done := *r.Whole()
	if r.First == nil {
		done.Add, done.Remove = done.Add[:r.Applied.Added], done.Remove[:r.Applied.Removed]
	}
	return done
}

// mostRows is how many rows somebody reads at a terminal, where leftovers may be thousands.
const mostRows = 20

// firstRows is a plan of the first so many changes, and how many more there are.
func firstRows(p reconcile.Plan) (first reconcile.Plan, more int) {
	first = p
	first.Add = p.Add[:min(len(p.Add), mostRows)]
	first.Remove = p.Remove[:min(len(p.Remove), mostRows-len(first.Add))]
	return first, len(p.Add) + len(p.Remove) - len(first.Add) - len(first.Remove)
}

// sayRest lists the items without a tag that match no active ban: a screenful at a terminal, all of them where one can scroll or search.
func (x *session) sayRest(rest []reconcile.Removal) {
	shown := rest
	if x.sys.terminal {
		shown = rest[:min(len(rest), mostRows)]
	}
	var b strings.Builder
	table(&b, func(w io.Writer) {
		for _, r := range shown {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", reconcile.PrefixText(r.Item.Prefix), printable(r.Detail), shortened(printable(r.Item.Comment)))
		}
	})
	if more := len(rest) - len(shown); more > 0 {
		fmt.Fprintf(&b, "  … and %d more; all of them: %s | less\n", more, x.settings.typed("edgeban adopt"))
	}
	x.say("without an edgeban tag, and without a ban%s", b.String())
}
