package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// Planner makes a plan of what stands on the list, without asking anybody.
type Planner func(items []Item, now time.Time) Plan

// Carry carries out what a person asked for: it reads the target, has a plan made of it and applies that. Unlike Do it asks no
// source, touches nothing but what the planner names, and tries also while writes are on hold; a refusal counts like any other.
// What runs remember stays as it was, but for what the write told about the account.
func (r Run) Carry(ctx context.Context, planner Planner) Report {
	r.Now = r.Now.Truncate(time.Second)
	rep := Report{Target: r.Target.Name(), Now: r.Now, Next: r.Past, began: time.Now()}
	rep.Outcome, rep.Err = r.carry(ctx, &rep, planner)
	rep.Duration = time.Since(rep.began)
	return rep
}

func (r Run) carry(ctx context.Context, rep *Report, planner Planner) (Outcome, error) {
	if err := r.survey(ctx, rep); err != nil {
		return OutcomeFailed, err
	}
	if err := r.compareClocks(rep, *rep.Survey, rep.began); err != nil {
		return OutcomeFailed, err
	}
	r.resume(ctx, rep)
	for tries := 0; ; tries++ {
		outcome, err := r.carryOnce(ctx, rep, planner)
		if !r.again(ctx, rep, err, tries) {
			return outcome, err
		}
		rep.First = cmp.Or(rep.First, rep.Plan)
		if err := r.survey(ctx, rep); err != nil {
			return OutcomeFailed, err
		}
	}
}

// Whole is all that a Carry that ended well was to do: where the list was read again, later plans are only what was left of the first.
func (r Report) Whole() *Plan { return cmp.Or(r.First, r.Plan) }

// Unconfirmed is how many changes of a Carry that ended well the target did not confirm: they are on the list all the same.
func (r Report) Unconfirmed() int {
	if r.First == nil || r.Plan == nil || r.Err != nil {
		return 0
	}
	confirmed := r.Earlier.Added + r.Earlier.Removed + r.Applied.Added + r.Applied.Removed
	return max(len(r.First.Add)+len(r.First.Remove)-confirmed, 0)
}

func (r Run) carryOnce(ctx context.Context, rep *Report, planner Planner) (Outcome, error) {
	items, notes, err := r.Target.Items(ctx)
	if err != nil {
		return OutcomeFailed, err
	}
	rep.Notes = append(rep.Notes, notes...)
	plan := planner(items, r.Now)
	rep.Plan = &plan
	switch {
	case plan.Empty():
		return OutcomeInStep, nil
	case r.DryRun:
		return OutcomePlanned, nil
	case rep.Next.Open.Operation != "":
		return OutcomeHeld, &HoldError{Since: rep.Next.Open.Since, Operation: rep.Next.Open.Operation}
	}
	if changes, ok := metered(r.Target); ok {
		plan.byUrgency()
		rep.Applied, err = applyMetered(ctx, r.Target, plan, changes)
	} else {
		rep.Applied, err = Apply(ctx, r.Target, plan)
	}
	r.learn(rep, err)
	if err != nil {
		return OutcomeFailed, err
	}
	return OutcomeChanged, nil
}

// again reports whether a write whose end nobody knows is to be followed by another look at the list. Nothing is replayed: what is
// missing then is planned anew.
func (r Run) again(ctx context.Context, rep *Report, err error, tries int) bool {
	if !stale(err) || refused(err) || tries == maxReplans || ctx.Err() != nil {
		return false
	}
	rep.Notes = append(rep.Notes, fmt.Sprintf("%v; the list is read again", err))
	rep.Earlier.Added += rep.Applied.Added
	rep.Earlier.Removed += rep.Applied.Removed
	return true
}
