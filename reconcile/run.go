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

// Run is one reconciliation. Do and Carry change nothing in it, so a Run may be done again.
type Run struct {
	Sources   []Source
	Target    Target
	Policy    Policy
	Ownership Ownership
	MaxItems  int // the account's quota of items over all its lists
	Limits    Limits

	// Now is the one time of the run. Comments hold whole seconds, so a fraction is dropped.
	Now time.Time

	// StandingSince is since when another target holds prefixes that this one is to take over, see Ownership.StandingSince.
	StandingSince map[netip.Prefix]time.Time

	Reserved int        // items of the account's room that are not for this list
	Hold     *HoldError // why nothing is to be written; nil: nothing speaks against it

	Spills      bool   // what the list cannot take goes into access rules, see Plan.Spilled
	Drain       bool   // the list takes no new bans, whatever is remembered of refusals
	NoDrain     bool   // the list takes what it can in spite of refusals, because access rules could not be used lately
	SpillWidths Widths // of what access rules can hold

	// Overflow makes this a run on the access rules that hold what a list cannot take; nil: it is none.
	Overflow *Overflow

	moving map[netip.Prefix]bool // see View.Moving
	banned []Protected           // all that is banned, where this is a run on Allow rules
	unread bool                  // the block list's items could not be read in its run, which came first

	// Past is what earlier runs left. The zero value is a run without a memory: it is less polite, and as correct.
	Past

	// DryRun stops before the first write, which the target is also made to refuse.
	DryRun bool
}

// maxSkew is how far the clocks of this host and of the target may be apart.
const maxSkew = 5 * time.Minute

// ErrClock says that a run was skipped because the clocks are too far apart.
var ErrClock = errors.New("the clocks are too far apart")

// Do asks all sources, reads the target, plans and applies. It always returns a report; Report.Err says why a run was skipped
// or failed. There is no way from a read that failed to a write.
func (r Run) Do(ctx context.Context) Report {
	said := r.Read(ctx)
	took := said.Took
	rep := r.DoWith(ctx, said)
	rep.Duration += took
	return rep
}

// DoWith is Do with what the sources said a moment ago, to a run with the same Now.
func (r Run) DoWith(ctx context.Context, said Readings) Report {
	began := time.Now()
	r.Now = r.Now.Truncate(time.Second)
	rep := Report{Target: r.Target.Name(), Now: r.Now, Next: r.Past, Notes: slices.Clone(said.Notes), began: said.began}
	_, rep.metered = metered(r.Target)
	for _, s := range said.Sources {
		if s.Err != nil { // then the list knows what it knew
			s.Memory, s.Identity = r.Memory[s.key()], r.Known[s.key()]
		}
		rep.Sources = append(rep.Sources, s)
	}
	rep.Outcome, rep.Err = r.steps(ctx, &rep, said)
	rep.Next = r.next(&rep)
	rep.Duration = time.Since(began)
	return rep
}

func (r Run) steps(ctx context.Context, rep *Report, said Readings) (Outcome, error) {
	if said.Err != nil {
		return OutcomeSkipped, said.Err
	}
	desired := Desire(said.Bans, r.Policy, r.Now)
	if r.Overflow != nil {
		desired = r.overflow(said.Bans, desired)
	} else {
		r.moving = r.wantedElsewhere(said.Bans, desired.Beaten)
	}
	rep.Desired = &desired

	if err := r.survey(ctx, rep); err != nil {
		return OutcomeFailed, err
	}
	if err := r.compareClocks(rep, *rep.Survey, rep.began); err != nil {
		return OutcomeSkipped, err
	}
	r.Throttle = r.resume(ctx, rep)
	for tries := 0; ; tries++ {
		items, err := r.read(ctx, rep)
		if err != nil {
			return OutcomeFailed, err
		}
		outcome, err := r.apply(ctx, rep, items)
		if !r.again(ctx, rep, err, tries) {
			return outcome, err
		}
		if err := r.survey(ctx, rep); err != nil {
			return OutcomeFailed, err
		}
	}
}

// maxReplans is how often a run may read the list again after a write whose end nobody knows.
const maxReplans = 2

func (r Run) survey(ctx context.Context, rep *Report) error {
	rep.Plan, rep.Applied = nil, Applied{}
	survey, err := r.Target.Survey(ctx)
	if err != nil {
		return err
	}
	rep.Survey = &survey
	return nil
}

// read reads the items and makes the plan.
func (r Run) read(ctx context.Context, rep *Report) ([]Item, error) {
	items, notes, err := r.Target.Items(ctx)
	if err != nil {
		return nil, err
	}
	rep.Notes = append(rep.Notes, notes...)
	rep.doubtful = len(notes) > 0
	r.fitOverflow(rep, items)
	view := r.view(rep)
	plan := Diff(*rep.Desired, items, view)
	if rep.Draining = r.drains(); rep.Draining {
		plan.spill(Applied{}, r.SpillWidths)
	}
	if r.Overflow != nil && r.Overflow.Allow {
		plan.Blocked = nil // others' Allow rules block nobody
	}
	rep.Plan = &plan
	if n := len(plan.Orphaned); n > 0 {
		rep.Notes = append(rep.Notes, fmt.Sprintf("%s: the bans of %s are unknown to it, which stay until their leases end; "+
			"to let them go, sync --allow-removals", r.replaced(rep), plural(n, "item")))
	}
	return items, nil
}

func (r Run) view(rep *Report) View {
	v := View{
		Now: r.Now, Ownership: r.Ownership, Limits: r.Limits, Refused: r.Throttle.Lately(r.Now),
		Orphans: r.Orphans, Unnamed: r.Unnamed, Moving: r.moving, StandingSince: r.StandingSince,
		Spills: r.Spills, Recent: r.recent(), Ended: r.Ended, Short: r.Short, Lifted: r.Lifted,
	}
	_, v.Metered = metered(r.Target)
	v.Room, v.Probe = r.Capacity.Limit(r.MaxItems, rep.Survey.Elsewhere, r.Now)
	v.Room -= rep.Survey.Elsewhere + r.Reserved
	gone := r.gone(rep)
	broken := maps.Clone(gone) // names of which some source is not the same one as in the last run
	for _, s := range rep.Sources {
		if !slices.Contains(v.Sources, s.Name) {
			v.Sources = append(v.Sources, s.Name)
		}
		known := r.Known[s.key()]
		switch {
		case s.Err != nil:
			v.Failed = append(v.Failed, s.Name)
		case s.Identity == "" || known == "" && s.Held > 0 && !gone[s.Name]:
			broken[s.Name] = true
		case s.Identity != known: // also when it takes the place of a source that is not read any more
			broken[s.Name] = true
			v.Replaced = append(v.Replaced, s.Name)
		}
	}
	for _, name := range v.Sources {
		if !broken[name] && !slices.Contains(v.Failed, name) {
			v.Steady = append(v.Steady, name)
		}
	}
	return v
}

// replaced says what happened to a database whose bans are missing. Without a memory an empty one may be the one that there always was.
func (r Run) replaced(rep *Report) string {
	for _, s := range rep.Sources {
		if s.Err == nil && s.Identity != "" && r.Known[s.key()] == "" && len(r.Orphans) == 0 && len(r.Known) == 0 {
			return "database empty, and nothing tells whether it was replaced"
		}
	}
	return "database replaced"
}

// gone are the names of which the last run read a source that this one does not read: its bans may go on.
func (r Run) gone(rep *Report) map[string]bool {
	read := map[string]bool{}
	for _, s := range rep.Sources {
		read[s.key()] = true
	}
	names := map[string]bool{}
	for key := range r.Known {
		if name, _, _ := strings.Cut(key, " "); !read[key] {
			names[name] = true
		}
	}
	return names
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
	return &clockError{fmt.Sprintf("this host's clock is %v %s the API's", rep.Skew.Abs(), side)}
}

type clockError struct{ what string }

func (e *clockError) Error() string { return e.what }
func (e *clockError) Unwrap() error { return ErrClock }
func (e *clockError) Hint() string {
	return "Set the clock (timedatectl status). Until then nothing is changed."
}
