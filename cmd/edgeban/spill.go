package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"edgeban/cloudflare"
	"edgeban/reconcile"
	"edgeban/sources/crowdsec"
)

// spillWorks are those on the account's access rules that hold what the lists cannot take, Allow rules first; none when spill is not set and
// nothing is left from when it was. Where access rules are the target, only Allow rules can be left: the others are the target's own.
func (x *session) spillWorks() []work {
	all := []work{
		{session: x, spill: true, mode: cloudflare.ModeAllow},
		{session: x, spill: true, mode: cloudflare.ModeBlock},
		{session: x, spill: true, mode: cloudflare.ModeChallenge, remedy: reconcile.Challenge},
	}
	if x.settings.AccessRules {
		all = all[:1]
	}
	left := func(w work) bool { m := w.state.Lists[w.key()].Measured; return m != nil && m.Own > 0 }
	if !x.settings.Spill && (x.settings.accountless() || !slices.ContainsFunc(all, left)) {
		return nil
	}
	return all
}

// allWorks are those on all targets, with those that hold what the lists cannot take.
func (x *session) allWorks() []work { return append(x.works(), x.spillWorks()...) }

// spillMode is what the work's rules do in place of a list, "" for every other work.
func (w work) spillMode() string {
	switch {
	case !w.spill:
		return ""
	case w.mode == cloudflare.ModeAllow:
		return "allow"
	case w.mode == cloudflare.ModeChallenge:
		return "challenge"
	default:
		return "block"
	}
}

// spilling adapts a run on a list, so that it leaves to access rules what the list cannot take.
func (x *session) spilling(ctx context.Context, run reconcile.Run) reconcile.Run {
	if !x.settings.Spill {
		return run
	}
	run.Spills, run.SpillWidths = true, cloudflare.RuleWidths()
	if run.NoDrain = x.spillFails(); run.NoDrain || !run.Throttle.Draining(x.now) && x.remembersSpill() {
		return run
	}
	own, err := x.ownRules(ctx)
	run.NoDrain = err != nil                   // told by the run on the rules
	run.Drain = own > 0 && !x.remembersSpill() // then Cloudflare refused lately
	return run
}

// spillFails reports whether the last run could not use access rules. Then the list takes what it can.
func (x *session) spillFails() bool {
	return slices.ContainsFunc(x.spillWorks(), func(w work) bool {
		last := w.listState().LastRun
		return last != nil && last.Outcome == reconcile.OutcomeFailed && !last.Later
	})
}

// remembersSpill reports whether the state says what spilled: earlier runs saw all of these rules.
func (x *session) remembersSpill() bool {
	for _, w := range x.spillWorks() {
		if w.listState().Measured == nil {
			return false
		}
	}
	return true
}

// ownRules is how many access rules there are of ours, whatever they do.
func (x *session) ownRules(ctx context.Context) (own int, err error) {
	w := x.spillWorks()[0]
	run := w.run(reconcile.ReadOnly(w.target()))
	run.DryRun = true
	report := run.Carry(ctx, func(items []reconcile.Item, now time.Time) reconcile.Plan {
		own = run.Ownership.Owns(items)
		return reconcile.Plan{Now: now, Items: len(items)}
	})
	return own, report.Err
}

// overflow reconciles the access rules with what the lists could not take, after the lists.
func (x *session) overflow(ctx context.Context, done []ended, said reconcile.Readings, prepare func(work) reconcile.Run) []ended {
	stuck, byHand := x.stuckOn(done)
	if !x.settings.SpillAllow || !x.settings.Spill {
		stuck = nil
	}
	stopped := ctx.Err() != nil && slices.ContainsFunc(done, func(e ended) bool { return e.report.Err != nil })
	skipped := slices.ContainsFunc(done, func(e ended) bool { return e.report.Outcome == reconcile.OutcomeSkipped })
	if stopped || skipped || !x.spillDue(done, stuck) {
		return nil
	}
	said.Notes, said.Took = nil, 0 // told already
	var rules []ended
	for _, w := range x.spillWorks() {
		run := prepare(w)
		run.Policy.Split = true
		allow := w.mode == cloudflare.ModeAllow
		run.Overflow = &reconcile.Overflow{Spilled: missingOn(done, w.remedy), Stuck: stuck, Allow: allow, ByHand: byHand, NoneNew: !x.settings.Spill,
			Unknown: slices.ContainsFunc(done, func(e ended) bool { return e.report.Plan == nil && (allow || e.remedy == w.remedy) })}
		if run.Overflow.Allow {
			run.Limits.AllowRemovals = true // nothing but a list that cannot let go speaks for these
		}
		if len(rules) > 0 {
			run = run.Following(rules[len(rules)-1].report)
		}
		stopped := ctx.Err() != nil
		e := x.reconcile(ctx, w, run, said)
		e.untold = stopped && len(rules) > 0
		rules = append(rules, e)
		if e.report.Plan == nil { // nor can the others read what is there
			break
		}
	}
	return rules
}

// stuckOn are the networks that a person un-banned and the lists cannot let go, and those banned by hand there, as far as the runs on the
// lists got to know them.
func (x *session) stuckOn(done []ended) (stuck []reconcile.Stuck, byHand []netip.Prefix) {
	for _, e := range done {
		all, known := e.report.Stuck()
		if !known {
			continue
		}
		for _, s := range all {
			s.Sure = s.Sure && !x.ofCommunity(s)
			stuck = append(stuck, s)
		}
		byHand = append(byHand, e.report.Plan.ByHand...)
	}
	return stuck, byHand
}

// ofCommunity reports whether an item may come from a list that others made. Such a list may drop a network, and that is no person's un-ban.
func (x *session) ofCommunity(s reconcile.Stuck) bool {
	if !strings.Contains(s.Tag.Text, "crowdsec:") {
		return false
	}
	return slices.ContainsFunc(x.settings.CrowdSecOrigins, func(origin string) bool { return !slices.Contains(crowdsec.DefaultOrigins(), origin) })
}

// missingOn is what the lists for a remedy do not hold.
func missingOn(done []ended, remedy reconcile.Remedy) []netip.Prefix {
	var all []netip.Prefix
	for _, e := range done {
		if e.remedy == remedy {
			missing, _ := e.report.Missing()
			all = append(all, missing...)
		}
	}
	return all
}

// spillDue reports whether access rules have to be looked at: there is something for them, or something of ours may stand there.
func (x *session) spillDue(done []ended, stuck []reconcile.Stuck) bool {
	if len(stuck)+len(missingOn(done, reconcile.Block))+len(missingOn(done, reconcile.Challenge)) > 0 {
		return true
	}
	if !x.remembersSpill() {
		return slices.ContainsFunc(done, func(e ended) bool { return e.report.Plan != nil })
	}
	for _, w := range x.spillWorks() {
		if last := w.listState().LastRun; last == nil || last.Outcome == reconcile.OutcomeFailed { // nil: a command by hand came after it
			return true
		}
		if m := w.listState().Measured; m.Own > 0 || m.Missing > 0 || m.Stale > 0 {
			return true
		}
	}
	return done[0].past().Throttle.Draining(x.now)
}

// letThrough makes Allow rules for a network that a person un-banned and the lists cannot let go. The next runs keep them until they can.
func (x *session) letThrough(ctx context.Context, network netip.Prefix, held []reconcile.Stuck) error {
	w := x.spillWorks()[0]
	run := w.run(nil)
	report, err := w.carry(ctx, run, run.PlanAllow(held))
	switch {
	case err != nil:
		return advised(err, "To let it through right now, make an access rule in the dashboard: Security → WAF → Tools, action Allow.")
	case len(report.Plan.Occupied) > 0 || report.Applied.Added < len(report.Plan.Add):
		return &notDoneError{fmt.Errorf("%s: no Allow rule could be made: another's rule stands there, or the budget of requests is used up", reconcile.PrefixText(network)),
			"Look at the access rules in the dashboard: Security → WAF → Tools."}
	}
	return nil
}

// instead is the work on the access rules that hold what the work's list cannot take.
func (w work) instead() (work, bool) {
	for _, s := range w.spillWorks() {
		if w.settings.Spill && !w.spill && s.remedy == w.remedy && s.mode != cloudflare.ModeAllow {
			return s, true
		}
	}
	return work{}, false
}

// remember tells the next runs which items by hand a person un-banned and the list could not let go, so that they take these off.
func (w work) remember(held []reconcile.Stuck) {
	list := w.listState()
	for _, s := range held {
		if _, manual := s.Tag.Host(); manual && !slices.Contains(list.Lifted, s.Item) {
			list.Lifted = append(list.Lifted, s.Item)
		}
	}
	w.keepLifted(list)
}

// forget takes back what remember said of a network that a person bans now.
func (w work) forget(network netip.Prefix) {
	list := w.listState()
	list.Lifted = slices.DeleteFunc(slices.Clone(list.Lifted), network.Overlaps)
	w.keepLifted(list)
}

func (w work) keepLifted(list listState) {
	if w.dir == nil || slices.Equal(list.Lifted, w.listState().Lifted) {
		return
	}
	w.state.Lists = with(w.state.Lists, w.key(), list)
	if err := w.dir.lists().save(w.state); err != nil {
		w.out.warnOf(err, "")
	}
}

// disallowRules takes away our Allow rules that touch a network which a person bans now.
func (x *session) disallowRules(ctx context.Context, network netip.Prefix) error {
	works := x.spillWorks()
	if len(works) == 0 {
		return nil
	}
	w := works[0]
	run := w.run(nil)
	report, err := w.carry(ctx, run, func(items []reconcile.Item, now time.Time) reconcile.Plan {
		return reconcile.PlanDisallow(network, items, run.Ownership, now)
	})
	if err == nil && report.Applied.Removed < len(report.Plan.Remove) {
		err = w.budgetUsed(report.Applied.Removed, len(report.Plan.Remove)-report.Applied.Removed)
	}
	if n := report.Applied.Removed; n > 0 {
		x.say("removed %s by which %s was let through", plural(n, "Allow rule"), reconcile.PrefixText(network))
	}
	return err
}
