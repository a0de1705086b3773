package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// forgetOperation is when an operation that was not seen to end is believed to be over.
const forgetOperation = 30 * time.Minute

// aMoment is how long a dry run waits for an operation of an earlier run.
const aMoment = time.Second

// resume waits for an operation that an earlier run left behind, for a third of the time that this run has. What was not seen to
// end may still take effect, so nothing is written then. It returns what is known of refusals by then.
func (r Run) resume(ctx context.Context, rep *Report) Throttle {
	open := r.Open
	if r.Hold != nil { // nothing is written, so nothing needs to be waited for
		return r.Throttle
	}
	rep.Next.Open = Open{}
	target, ok := r.Target.(Awaiter)
	if open.Operation == "" || !ok || r.Now.Sub(open.Since).Abs() >= forgetOperation {
		return r.Throttle
	}
	patience := forgetOperation
	if deadline, ok := ctx.Deadline(); ok {
		patience = time.Until(deadline) / 3
	}
	if r.DryRun {
		patience = min(patience, aMoment)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch err := target.Await(ctx, open.Operation); {
	case err == nil:
	case refused(err):
		rep.Notes = append(rep.Notes, fmt.Sprintf("the operation of %s was refused: %v", open.Since.UTC().Format(time.TimeOnly), err))
		rep.Next.Throttle = r.Throttle.Refused(r.Now)
		rep.Next.Throttle.Why = brief(err)
	default:
		rep.Next.Open = open
		if !errors.Is(err, context.DeadlineExceeded) { // that it lasts is told in any case
			rep.Notes = append(rep.Notes, fmt.Sprintf("whether the operation of %s has ended is unknown: %v", open.Since.UTC().Format(time.TimeOnly), err))
		}
	}
	return rep.Next.Throttle
}

// apply writes the plan, unless there is a reason not to.
func (r Run) apply(ctx context.Context, rep *Report, items []Item) (Outcome, error) {
	plan := *rep.Plan
	switch {
	case plan.Empty():
		return r.concluded(rep, OutcomeInStep)
	case r.DryRun:
		return r.concluded(rep, OutcomePlanned)
	case r.Hold != nil:
		return OutcomeHeld, r.Hold
	case rep.Next.Open.Operation != "":
		return OutcomeHeld, &HoldError{Since: rep.Next.Open.Since, Operation: rep.Next.Open.Operation}
	case r.Throttle.Held(r.Now):
		return OutcomeHeld, &HoldError{Since: r.Throttle.Since, Until: r.Throttle.Hold, Why: r.Throttle.Why}
	}
	var err error
	if changes, ok := metered(r.Target); ok {
		rep.Applied, err = applyMetered(ctx, r.Target, plan, changes)
	} else if r.Throttle.Lately(r.Now) {
		rep.Applied, err = applySparingly(ctx, r.Target, plan, r.content(rep, items), r.Waiting)
	} else {
		rep.Applied, err = Apply(ctx, r.Target, plan)
	}
	r.learn(rep, err)
	if err != nil {
		if r.Spills && refused(err) {
			rep.Plan.spill(rep.Applied, r.SpillWidths)
		}
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
	at := r.Now.Add(time.Since(rep.began)).Truncate(time.Second) // the quiet begins now, not when the run began
	there := rep.Survey.Elsewhere + rep.Plan.OtherMode + rep.Plan.Items - rep.Applied.Removed
	fits := there + missing(rep.Plan.Add[:rep.Applied.Added])
	over := there + rep.Plan.Missing()
	if _, ok := metered(r.Target); ok {
		over = fits + 1 // they are made one by one
	}
	if rep.Applied != (Applied{}) {
		rep.Next.Throttle = rep.Next.Throttle.Written(at)
	}
	switch {
	case refused(err):
		rep.Next.Throttle = rep.Next.Throttle.Refused(at)
		rep.Next.Throttle.Why = brief(err)
	case full(err):
		rep.Next.Capacity = rep.Next.Capacity.refused(fits, over, r.Now)
	case rep.Applied.Added > 0:
		rep.Next.Capacity = rep.Next.Capacity.fitted(fits)
	}
	if id := pendingOperation(err); id != "" {
		rep.Next.Open = Open{Operation: id, Since: r.Now.UTC()}
	}
}

// HoldError says why a run that had something to write did not.
type HoldError struct {
	Since     time.Time // since when writes are refused, or the operation is under way
	Until     time.Time // the next attempt; zero: in the next run, when the operation has ended by then
	Operation string    // the operation that has not ended; empty: writes are refused
	Why       string    // what the last refusal said, in a few words; may be empty
}

func (e *HoldError) Error() string {
	if e.Operation != "" {
		return fmt.Sprintf("an operation of ours has not ended since %s", e.Since.Format(time.TimeOnly))
	}
	if e.Until.IsZero() {
		return fmt.Sprintf("Cloudflare refuses writes since %s; next attempt in the next run", e.Since.Format(time.TimeOnly))
	}
	return fmt.Sprintf("Cloudflare refuses writes since %s; next attempt at %s", e.Since.Format(time.TimeOnly), e.Until.Format(time.TimeOnly))
}
