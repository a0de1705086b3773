package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Run is one reconciliation. Its fields are read only; a Run may be done again.
type Run struct {
	Sources   []Source
	Target    Target
	Policy    Policy
	Ownership Ownership
	MaxItems  int // the account's quota of items over all its lists
	Limits    Limits

	// Now is the one time of the run. Comments hold whole seconds, so a fraction is dropped.
	Now time.Time

	// Memory is what the sources' last good readings asked to have remembered, by MemoryKey.
	Memory map[string]json.RawMessage

	// DryRun stops before the first write, which the target is also made to refuse.
	DryRun bool
}

// MemoryKey names a source's memory.
func MemoryKey(s Source) string { return s.Name() + " " + s.Label() }

// maxSkew is how far the clocks of this host and of the target may be apart.
const maxSkew = 5 * time.Minute

// ErrClock says that a run was skipped because the clocks are too far apart.
var ErrClock = errors.New("the clocks are too far apart")

// Do asks all sources, reads the target, plans and applies. It always returns a report; Report.Err says why a run was skipped
// or failed. There is no way from a read that failed to a write.
func (r Run) Do(ctx context.Context) Report {
	began := time.Now()
	r.Now = r.Now.Truncate(time.Second)
	rep := Report{Target: r.Target.Name(), Now: r.Now}
	rep.Outcome, rep.Err = r.steps(ctx, &rep, began)
	rep.Duration = time.Since(began)
	return rep
}

// Ask asks the sources alone: what they want, what each said, and notes for a person. It fails only when none answered.
func (r Run) Ask(ctx context.Context) (Desired, []SourceReport, []string, error) {
	r.Now = r.Now.Truncate(time.Second)
	var rep Report
	bans, _, err := r.ask(ctx, &rep)
	if err != nil {
		return Desired{}, rep.Sources, rep.Notes, err
	}
	return Desire(bans, r.Policy, r.Now), rep.Sources, rep.Notes, nil
}

func (r Run) steps(ctx context.Context, rep *Report, began time.Time) (Outcome, error) {
	bans, failed, err := r.ask(ctx, rep)
	if err != nil {
		return OutcomeSkipped, err
	}
	desired := Desire(bans, r.Policy, r.Now)
	rep.Desired = &desired

	survey, err := r.Target.Survey(ctx)
	if err != nil {
		return OutcomeFailed, err
	}
	rep.Survey = &survey
	if err := r.compareClocks(rep, survey, began); err != nil {
		return OutcomeSkipped, err
	}
	items, notes, err := r.Target.Items(ctx)
	if err != nil {
		return OutcomeFailed, err
	}
	rep.Notes = append(rep.Notes, notes...)

	view := View{Now: r.Now, Ownership: r.Ownership, Room: r.MaxItems - survey.Elsewhere, Failed: failed, Limits: r.Limits}
	plan := Diff(desired, items, view).Check(r.Limits)
	rep.Plan = &plan
	return r.apply(ctx, rep, plan)
}

func (r Run) apply(ctx context.Context, rep *Report, plan Plan) (Outcome, error) {
	outcome := OutcomeInStep
	switch {
	case plan.Empty():
	case r.DryRun:
		outcome = OutcomePlanned
	default:
		var err error
		if rep.Applied, err = Apply(ctx, r.Target, plan); err != nil {
			return OutcomeFailed, err
		}
		outcome = OutcomeChanged
	}
	if n := len(plan.Withheld); n > 0 {
		return OutcomeWithheld, &WithheldError{Withheld: n, Of: n + len(plan.Remove)}
	}
	return outcome, nil
}

// ask reads all sources concurrently. It fails only when none answered.
func (r Run) ask(ctx context.Context, rep *Report) (bans []Ban, failed []string, err error) {
	if len(r.Sources) == 0 {
		return nil, nil, errors.New("no source of bans")
	}
	readings := make([]Reading, len(r.Sources))
	errs := make([]error, len(r.Sources))
	var wait sync.WaitGroup
	for i, s := range r.Sources {
		wait.Go(func() { readings[i], errs[i] = s.Bans(ctx, r.Now, r.Memory[MemoryKey(s)]) })
	}
	wait.Wait()
	for i, s := range r.Sources {
		sr := SourceReport{Name: s.Name(), Label: s.Label(), Err: errs[i]}
		if errs[i] != nil {
			failed = append(failed, s.Name())
			sr.Memory = r.Memory[MemoryKey(s)]
		} else {
			sr.Held, sr.Active = len(readings[i].Bans), activeByReason(readings[i].Bans, r.Now)
			sr.Memory = readings[i].Memory
			rep.Notes = append(rep.Notes, readings[i].Notes...)
			bans = append(bans, readings[i].Bans...)
		}
		rep.Sources = append(rep.Sources, sr)
	}
	if len(failed) == len(r.Sources) {
		return nil, nil, errors.Join(errs...)
	}
	return bans, failed, nil
}

func activeByReason(bans []Ban, now time.Time) map[string]int {
	active := map[string]int{}
	for _, b := range bans {
		if b.Void == "" && (b.Permanent() || b.Until.After(now)) {
			active[b.Reason]++
		}
	}
	return active
}

// compareClocks refuses to decide about leases and ends of bans by a clock that is wrong.
func (r Run) compareClocks(rep *Report, survey Survey, began time.Time) error {
	if survey.Clock.IsZero() {
		rep.Notes = append(rep.Notes, r.Target.Name()+" did not tell its time, so this host's clock could not be checked")
		return nil
	}
	rep.Skew = survey.Clock.Sub(r.Now.Add(time.Since(began))).Round(time.Second)
	if rep.Skew.Abs() <= maxSkew {
		return nil
	}
	side := "behind"
	if rep.Skew < 0 {
		side = "ahead of"
	}
	return &clockError{fmt.Sprintf("this host's clock is %v %s %s's", rep.Skew.Abs(), side, r.Target.Name())}
}

type clockError struct{ what string }

func (e *clockError) Error() string { return e.what }
func (e *clockError) Unwrap() error { return ErrClock }
func (e *clockError) Hint() string {
	return "Set the clock (timedatectl status). Until then nothing is changed."
}
