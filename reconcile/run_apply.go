package reconcile

import (
	"context"
	"fmt"
	"time"
)

// forgetOperation is when an operation that was not seen to end is believed to be over.
const forgetOperation = 30 * time.Minute

// resume waits for an operation that an earlier run left behind, for a third of the time that this run has. What was not seen to
// end may still take effect, so nothing is written then.
func (r Run) resume(ctx context.Context, rep *Report) {
	open := r.Open
	rep.Next.Open = Open{}
	target, ok := r.Target.(Awaiter)
	if open.Operation == "" || !ok || r.Now.Sub(open.Since).Abs() >= forgetOperation {
		return
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/3)
		defer cancel()
	}
	if err := target.Await(ctx, open.Operation); err != nil {
		rep.Next.Open = open
		rep.Notes = append(rep.Notes, fmt.Sprintf("an operation of %s has not ended: %v", open.Since.UTC().Format(time.TimeOnly), err))
	}
}

// apply writes the plan, unless there is a reason not to.
func (r Run) apply(ctx context.Context, rep *Report, items []Item) (Outcome, error) {
	plan := *rep.Plan
	switch {
	case plan.Empty():
		return r.concluded(rep, OutcomeInStep)
	case r.DryRun:
		return r.concluded(rep, OutcomePlanned)
	case rep.Next.Open.Operation != "":
		return OutcomeHeld, &HoldError{Since: rep.Next.Open.Since, Operation: rep.Next.Open.Operation}
	case r.Throttle.Held(r.Now):
		return OutcomeHeld, &HoldError{Since: r.Throttle.Since, Until: r.Throttle.Hold}
	}
	var err error
	if r.Throttle.Lately(r.Now) {
		rep.Applied, err = applySparingly(ctx, r.Target, plan, r.content(rep, items), r.Waiting)
	} else {
		rep.Applied, err = Apply(ctx, r.Target, plan)
	}
	r.learn(rep, err)
	if err != nil {
		return OutcomeFailed, err
	}
	return r.concluded(rep, OutcomeChanged)
}

// concluded is the end of a run that did what it should, but for what it withholds.
func (r Run) concluded(rep *Report, outcome Outcome) (Outcome, error) {
	if err := rep.Plan.withheld(); err != nil {
		return OutcomeWithheld, err
	}
	return outcome, nil
}

// content is the whole list after the plan, nil when it must not be written whole.
func (r Run) content(rep *Report, items []Item) []Post {
	if rep.Degraded() || rep.doubtful {
		return nil
	}
	return rep.Plan.content(items)
}

// learn keeps what the writes told about the account.
func (r Run) learn(rep *Report, err error) {
	there := rep.Survey.Elsewhere + rep.Plan.Items
	if rep.Applied != (Applied{}) {
		rep.Next.Throttle = rep.Next.Throttle.Written(r.Now)
	}
	if rep.Applied.Added > 0 {
		rep.Next.Capacity = rep.Next.Capacity.fitted(there)
	}
	switch {
	case refused(err):
		rep.Next.Throttle = rep.Next.Throttle.Refused(r.Now)
	case full(err):
		rep.Next.Capacity = rep.Next.Capacity.refused(there, there+rep.Plan.Missing(), r.Now)
	}
	if id := pendingOperation(err); id != "" {
		rep.Next.Open = Open{Operation: id, Since: r.Now.UTC()}
	}
}

// next is what the next run should know.
func (r Run) next(rep *Report) Past {
	next := rep.Next
	for _, s := range rep.Sources {
		key := s.Name + " " + s.Label
		next.Memory = with(next.Memory, key, s.Memory, s.Memory != nil)
		next.Known = with(next.Known, key, s.Identity, s.Identity != "")
	}
	if rep.settled() {
		next.Waiting = waitingAfter(*rep.Plan, rep.Applied, r.Waiting)
	}
	if rep.Plan != nil {
		next.Orphans = rep.Plan.Orphaned
	}
	return next
}

// with is a copy of m that holds the value at the key, or does not.
func with[V any](m map[string]V, key string, value V, holds bool) map[string]V {
	c := make(map[string]V, len(m)+1)
	for k, v := range m {
		c[k] = v
	}
	if delete(c, key); holds {
		c[key] = value
	}
	return c
}

// HoldError says why a run that had something to write did not.
type HoldError struct {
	Since     time.Time // since when writes are refused, or the operation is under way
	Until     time.Time // the next attempt; zero: as soon as the operation has ended
	Operation string    // the operation that has not ended; empty: writes are refused
}

func (e *HoldError) Error() string {
	if e.Operation != "" {
		return fmt.Sprintf("an operation of ours has not ended since %s", e.Since.Format(time.TimeOnly))
	}
	return fmt.Sprintf("Cloudflare refuses writes since %s; next attempt at %s", e.Since.Format(time.TimeOnly), e.Until.Format(time.TimeOnly))
}
