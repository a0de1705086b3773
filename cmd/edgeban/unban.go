package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/urfave/cli/v3"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

func unbanCommand(sys *system) *cli.Command {
	return &cli.Command{
		Name:      "unban",
		Usage:     "take an address or a network off the list at once",
		ArgsUsage: "PREFIX",
		Description: "Removes this host's items for PREFIX, those by hand included. What Fail2Ban still bans would be back after\n" +
			"the next run: un-ban it there, or keep it off the list for a while with --for. With --for, networks around PREFIX go,\n" +
			"too. No run brings back those of them that were banned by hand, so the commands that do are printed.\n\n" + byHandStatuses,
		Flags: sys.settingFlags(
			&cli.DurationFlag{Name: "for", HideDefault: true, Local: true, Usage: "keep it off the list for this long, whatever the sources say"},
		),
		ArgValidator: oneNetwork,
		Action: func(ctx context.Context, cmd *cli.Command) error {
			network, err := networkOf(cmd)
			if err != nil {
				return err
			}
			length, err := lengthOf(cmd, "for")
			if err != nil {
				return err
			}
			s, err := loadSettings(cmd, sys, needSources|needCloudflare)
			if err != nil {
				return err
			}
			x, err := openSession(sys, s, person)
			if err != nil {
				return err
			}
			return x.out.fail(x.unban(ctx, network, length))
		},
	}
}

// unban takes a network off the list, and keeps it off for the length if that is not 0.
func (x *session) unban(ctx context.Context, network netip.Prefix, length time.Duration) error {
	unlock, err := x.alone(ctx, x.settings.Timeout)
	if err != nil {
		return err
	}
	defer unlock()
	var until time.Time
	if length > 0 {
		until = x.now.Add(length).Truncate(time.Second)
		if err := x.allowFor(network, until); err != nil {
			return err
		}
	}
	bans, unread := x.stillBanned(ctx, network, length > 0)
	problems, refused := x.takeOffAll(ctx, network, until)
	if refused != nil {
		return refused
	}
	x.warnOfAbandoned() // it may be there, too
	if !until.IsZero() {
		x.say("%s stays %s %s", reconcile.PrefixText(network), x.off(), end(x.now, until))
	}
	if length == 0 {
		problems = append(problems, unread...)
		if len(bans) > 0 {
			problems = append(problems, stillBannedError{network, x.off(), bans})
		}
		return errors.Join(problems...)
	}
	for _, err := range unread {
		x.out.warnOf(err, "; whether it still bans this is unknown")
	}
	if len(bans) > 0 {
		x.say("%s still bans it. To make this last:\n%s", whoBans(bans), unbanCommands(bans))
	}
	return errors.Join(problems...)
}

// takeOffAll takes a network off all targets. last is the error after which Cloudflare's lists are to be written to no more.
func (x *session) takeOffAll(ctx context.Context, network netip.Prefix, until time.Time) (problems []error, last error) {
	var held []reconcile.Stuck
	removed := 0
	inside := 0 // own items inside the network that stay
	for _, w := range x.allWorks() {
		if w.mode == cloudflare.ModeAllow || last != nil && !w.spill {
			continue
		}
		still, remains, report, err := w.takeOff(ctx, network, until)
		if plan := report.Whole(); plan != nil {
			removed += len(plan.Remove)
		}
		inside += remains.Inside
		switch {
		case err == nil:
			problems = append(problems, still...)
		case lastWord(err) && !x.settings.Spill:
			return nil, w.notUnbanned(err, network, until)
		case lastWord(err) && !w.spill:
			stuck := report.Held(network)
			last, held = w.notUnbanned(err, network, until), append(held, stuck...)
			w.remember(stuck)
		default: // the other list may be well
			problems = append(problems, w.notUnbanned(err, network, until))
		}
	}
	if x.settings.AccessRules && removed == 0 && len(problems) == 0 {
		x.say("nothing of ours to remove for %s among the access rules", reconcile.PrefixText(network))
	}
	if len(held) > 0 && x.settings.SpillAllow && ctx.Err() == nil {
		if inside > 0 {
			narrower := fmt.Errorf("%s is not let through: %s inside it", reconcile.PrefixText(network), stay(inside, "item"))
			return nil, errors.Join(append(problems, last, &notDoneError{narrower, "An Allow rule would let these through, too. Un-ban them first, or un-ban single addresses."})...)
		}
		if err := x.letThrough(ctx, network, held); err != nil {
			return nil, errors.Join(append(problems, last, err)...)
		}
		x.say("%s is let through by an Allow rule until the list lets it go; the rule bypasses all other protection for it, too\n"+
			"The list cannot now: %s", reconcile.PrefixText(network), last)
		last = nil
	}
	if last != nil {
		return nil, errors.Join(append(problems, last)...)
	}
	return problems, nil
}

// lastWord reports whether Cloudflare is to be written to no more: it refused, or may be at work on what it was told.
func lastWord(err error) bool {
	var (
		hold      *reconcile.HoldError
		refusal   reconcile.Refusal
		uncertain reconcile.Uncertain
	)
	return errors.As(err, &hold) || errors.As(err, &refusal) && refusal.Refused() || errors.As(err, &uncertain) && uncertain.Uncertain() ||
		errors.Is(err, context.Canceled)
}

// takeOff takes a network off one list; everything that has to do with it where it is to stay off until a time. It returns what is on the
// list still.
func (w work) takeOff(ctx context.Context, network netip.Prefix, until time.Time) (still []error, remains reconcile.Remains, r reconcile.Report, err error) {
	run := w.run(nil)
	report, err := w.carry(ctx, run, func(items []reconcile.Item, now time.Time) (p reconcile.Plan) {
		u := reconcile.Unban{Network: network, Touching: !until.IsZero()}
		p, remains = run.Policy.PlanUnban(u, items, run.Ownership, now)
		return p
	})
	if err == nil {
		w.sayUnbanned(network, report, remains)
	}
	if plan := report.Whole(); plan != nil && !until.IsZero() { // when the write failed, the next run takes the same off
		w.sayRestore(network, plan.Remove, until)
	}
	if err != nil {
		return nil, remains, report, err
	}
	return w.stillBlocked(network, remains), remains, report, nil
}

// allowFor keeps a temporary allow line in the state, before anything is written: the next run holds to it, too. It forgets none that
// have ended: nobody has compared the clock yet.
func (x *session) allowFor(network netip.Prefix, until time.Time) error {
	failed := func(err error) error {
		return &notDoneError{fmt.Errorf("keep %s off the list: %w", reconcile.PrefixText(network), err),
			"The time until then is kept in the state directory, which has to be writable. Nothing was changed."}
	}
	if x.dir == nil {
		return failed(errors.New("there is no state directory"))
	}
	x.setAllowed(withAllowed(x.allowed(), allowedUntil{network, until.UTC()}))
	if err := x.dir.lists().save(x.state); err != nil {
		return failed(err)
	}
	return nil
}

// stillBanned are the sources' bans that put the network back on the list; where a temporary allow line keeps it off, those that
// would without it.
func (x *session) stillBanned(ctx context.Context, network netip.Prefix, allowed bool) (bans []reconcile.Ban, unread []error) {
	ctx, cancel := context.WithTimeout(ctx, x.settings.Timeout)
	defer cancel()
	said := x.blocking().run(nil).Read(ctx)
	if unread = unanswered(said); said.Err != nil && len(unread) == 0 {
		unread = append(unread, said.Err)
	}
	for _, w := range x.remedies() {
		for _, p := range w.run(nil).About(said, network) {
			if p.Reason == "" || allowed && p.Reason == reconcile.LeftOutAllowed {
				bans = append(bans, p.Ban)
			}
		}
	}
	return bans, unread
}

// sayUnbanned tells what was done.
func (w work) sayUnbanned(network netip.Prefix, report reconcile.Report, remains reconcile.Remains) {
	name := reconcile.PrefixText(network)
	if report.Whole().Empty() && !w.onRules() {
		w.say("nothing of ours to remove for %s %s", name, w.on())
	}
	removed := report.Whole().Remove
	if n := len(removed); w.onRules() && n > mostPieces { // of a network that was split
		w.say("removed %s from %s, of %s", plural(n, w.noun()), w.title(), name)
		removed = nil
	}
	for _, r := range removed {
		reasons := printable(r.Tag.Reasons())
		if r.Untagged {
			reasons = "no tag"
		}
		w.say("removed %s (%s) from %s", reconcile.PrefixText(r.Item.Prefix), reasons, w.title())
	}
	w.sayUnconfirmed(report)
	if remains.Inside > 0 {
		w.say("%s inside it: each is a ban of its own", stay(remains.Inside, w.noun()))
	}
}

// mostPieces is how many rules that are removed are told one by one.
const mostPieces = 4

// stay is "1 narrower item stays", "2 narrower items stay".
func stay(n int, noun string) string {
	if n == 1 {
		return "1 narrower " + noun + " stays"
	}
	return fmt.Sprintf("%d narrower %ss stay", n, noun)
}

// stillBlocked is what is on the list still, and how it could go.
func (w work) stillBlocked(network netip.Prefix, remains reconcile.Remains) (all []error) {
	name := reconcile.PrefixText(network)
	for _, h := range remains.Around {
		if w.onRules() && h.Effect != reconcile.OfTarget {
			continue // the target of its own mode tells
		}
		item := reconcile.PrefixText(h.Prefix)
		owner, _ := h.Tag.Host()
		hint := "To remove that: edgeban unban " + item
		switch h.Class {
		case reconcile.Foreign:
			hint = "edgeban never removes what it did not write: remove it in the dashboard, or see `edgeban adopt`."
		case reconcile.Peer:
			hint = "Un-ban it on that host (" + owner + "): edgeban unban " + item
		}
		what := fmt.Sprintf("%s is still %s", name, w.on())
		if h.Prefix != network {
			what = fmt.Sprintf("%s is still %s: %s is %s", name, w.remedied(), item, w.on())
		}
		all = append(all, &notDoneError{fmt.Errorf("%s (%s)", what, w.whoseItem(h)), hint})
	}
	return all
}

// notUnbanned adds what can be done when Cloudflare lets no change of the list through.
func (w work) notUnbanned(err error, network netip.Prefix, until time.Time) error {
	advice := fmt.Sprintf("To un-ban somebody right now, change the rule's expression, which is not throttled:\n"+
		"  (ip.src in $%s and not ip.src in {%s})", w.list, reconcile.PrefixText(network))
	later := "takes it off the list"
	if w.onRules() {
		advice = "To un-ban somebody right now, remove the rule in the dashboard: Security → WAF → Tools."
		later = "removes it"
	}
	if !until.IsZero() {
		advice += "\nThe next run that may write " + later + "."
	}
	return advised(err, advice)
}
