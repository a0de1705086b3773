package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// spillWorks are those on the account's access rules that hold what the lists cannot take; none when that is not set. Whom a person un-banned
// comes first.
func (x *session) spillWorks() []work {
	if !x.settings.Spill {
		return nil
	}
	return []work{
		{session: x, spill: true, mode: cloudflare.ModeAllow},
		{session: x, spill: true, mode: cloudflare.ModeBlock},
		{session: x, spill: true, mode: cloudflare.ModeChallenge, remedy: reconcile.Challenge},
	}
}

// allWorks are those on all targets, with those that hold what the lists cannot take.
func (x *session) allWorks() []work { return append(x.works(), x.spillWorks()...) }

// spills is what the work's rules do in place of a list, "" for every other work.
func (w work) spills() string {
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

// spilling makes a run on a list one that leaves to access rules what the list cannot take.
func (x *session) spilling(ctx context.Context, run reconcile.Run) reconcile.Run {
	if !x.settings.Spill {
		return run
	}
	run.Spills = true
	if !run.Throttle.Draining(x.now) && !x.remembersSpill() {
		run.Drain = x.spilledBefore(ctx) // then Cloudflare refused lately
	}
	return run
}

// remembersSpill reports whether an earlier run left word of what spilled.
func (x *session) remembersSpill() bool {
	for _, w := range x.spillWorks() {
		if w.listState().Measured == nil {
			return false
		}
	}
	return true
}

// spilledBefore looks for rules of ours. That they cannot be read is told when they are to be changed.
func (x *session) spilledBefore(ctx context.Context) bool {
	w := x.spillWorks()[1]
	own := 0
	run := w.run(reconcile.ReadOnly(w.target()))
	run.DryRun = true
	run.Carry(ctx, func(items []reconcile.Item, now time.Time) reconcile.Plan {
		plan := reconcile.PlanFlush(items, run.Ownership, false, now)
		own = plan.Own
		return reconcile.Plan{Now: now, Items: len(items)}
	})
	return own > 0
}

// overflow reconciles the access rules with what the lists could not take, after the lists.
func (x *session) overflow(ctx context.Context, done []ended, said reconcile.Readings, prepare func(work) reconcile.Run) []ended {
	stuck, known := stuckOn(done)
	if !x.settings.SpillAllow {
		stuck = nil
	}
	if !known || !x.spillDue(done, stuck) {
		return nil
	}
	said.Notes, said.Took = nil, 0 // told already
	var rules []ended
	for _, w := range x.spillWorks() {
		run := prepare(w)
		run.Policy.Split = true
		run.Overflow = &reconcile.Overflow{Spilled: missingOn(done, w.remedy), Stuck: stuck, Allow: w.mode == cloudflare.ModeAllow}
		if run.Overflow.Allow {
			run.Limits.AllowRemovals = true // nothing but a list that cannot let go speaks for these
		}
		if len(rules) > 0 {
			run = run.Following(rules[len(rules)-1].report)
		}
		rules = append(rules, x.reconcile(ctx, w, run, said))
	}
	return rules
}

// stuckOn is whom a person un-banned and the lists cannot let go. known is false when some list's run did not come to know that.
func stuckOn(done []ended) (stuck []reconcile.Staying, known bool) {
	for _, e := range done {
		if _, settled := e.report.Missing(); !settled {
			return nil, false
		}
		stuck = append(stuck, e.report.Stuck()...)
	}
	return stuck, true
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
func (x *session) spillDue(done []ended, stuck []reconcile.Staying) bool {
	if len(stuck)+len(missingOn(done, reconcile.Block))+len(missingOn(done, reconcile.Challenge)) > 0 || !x.remembersSpill() {
		return true
	}
	for _, w := range x.spillWorks() {
		if m := w.listState().Measured; m.Own > 0 || m.Missing > 0 || m.Stale > 0 {
			return true
		}
	}
	return done[0].past().Throttle.Draining(x.now)
}

// letThrough makes rules that let a network through which a person un-banned and the lists cannot let go. The next runs keep them for as long.
func (x *session) letThrough(ctx context.Context, network netip.Prefix, held []reconcile.Staying) error {
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
		if !w.spill && s.remedy == w.remedy && s.mode != cloudflare.ModeAllow {
			return s, true
		}
	}
	return work{}, false
}
