package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
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

// damagedStore is no store's identity: whichever is read next has taken the place of the one that the items came from.
const damagedStore = "damaged"

// next is what the next run should know.
func (r Run) next(rep *Report) Past {
	next := rep.Next
	next.Moved = nil // told anew by each run, see Moved
	next.Ended, next.Lifted, next.Unnamed = r.ended(rep), r.lifted(rep), r.unnamed(rep)
	next.Memory = maps.Clone(r.Memory)
	for _, s := range rep.Sources {
		if errors.Is(rep.Err, ErrClock) { // what it says of times is wrong
			break
		}
		if delete(next.Memory, s.key()); s.Memory != nil {
			next.Memory = put(next.Memory, s.key(), s.Memory)
		}
	}
	if rep.settled() {
		next.Waiting = waitingAfter(*rep.Plan, rep.Applied, r.Waiting)
	}
	if rep.Plan != nil && r.Spills && !rep.Degraded() {
		next.Read, next.Short = r.Now.UTC(), nil
		for _, s := range rep.Plan.Shortened {
			next.Short = put(next.Short, s.Prefix, s.Until.UTC())
		}
	}
	if rep.Plan != nil { // otherwise nobody knows yet whose bans a replaced store lacks
		next.Orphans = prefixes(rep.Plan.Orphaned)
		next.Known = r.known(rep)
	}
	for _, s := range rep.Sources {
		if s.Damaged {
			next.Known = maps.Clone(next.Known)
			next.Known = put(next.Known, s.key(), damagedStore)
		}
	}
	return next
}

// unnamed are the own items of which a source that fails in the next run may hold a ban that their comments do not tell, for Past.Unnamed.
func (r Run) unnamed(rep *Report) []netip.Prefix {
	if rep.Plan == nil {
		return r.Unnamed
	}
	all := slices.Clone(rep.Plan.Unnamed)
	if rep.Degraded() { // what the others hold is unknown
		all = append(all, r.Unnamed...)
	}
	if len(all) == 0 {
		return nil
	}
	settled := map[netip.Prefix]bool{}
	for _, a := range rep.Plan.Add[:rep.Applied.Added] {
		settled[a.Post.Prefix] = true
	}
	for _, m := range rep.Plan.Remove[:rep.Applied.Removed] {
		settled[m.Item.Prefix] = true
	}
	all = slices.DeleteFunc(all, func(p netip.Prefix) bool { return settled[p] })
	slices.SortFunc(all, comparePrefixes)
	return slices.Compact(all)
}

// known are the identities of the stores that were read. A source stays as unknown as it was while removals of what it named
// are withheld: were it the very same in the next run, then that run would let them go.
func (r Run) known(rep *Report) map[string]string {
	withheld := func(key string) bool {
		name, _, _ := strings.Cut(key, " ")
		return slices.ContainsFunc(rep.Plan.Withheld, func(w Removal) bool { return w.Tag.names(name) })
	}
	known := map[string]string{}
	for key, identity := range r.Known {
		if withheld(key) {
			known[key] = identity
		}
	}
	for _, s := range rep.Sources {
		if key := s.key(); s.Identity != "" && !withheld(key) {
			known[key] = s.Identity
		}
	}
	return known
}

// put is m with the value at the key; m may be nil.
func put[K comparable, V any](m map[K]V, key K, value V) map[K]V {
	if m == nil {
		m = map[K]V{}
	}
	m[key] = value
	return m
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
