package reconcile

import (
	"encoding/json"
	"fmt"
	"time"
)

// Outcome is how a run ended.
type Outcome string

const (
	OutcomeInStep   Outcome = "in_step"  // nothing to do
	OutcomeChanged  Outcome = "changed"  // the plan was applied, all of it
	OutcomePlanned  Outcome = "planned"  // a dry run that found something to do; nothing was written
	OutcomeSkipped  Outcome = "skipped"  // no source answered, the clock is wrong, another run holds the lock: the list is as it was
	OutcomeHeld     Outcome = "held"     // writes are on hold, or an operation of ours has not ended: nothing was written
	OutcomeWithheld Outcome = "withheld" // removals that nobody expects were held back; all the rest was applied
	OutcomeFailed   Outcome = "failed"   // the target failed or refused; some or nothing of the plan was applied
)

// Outcomes are all that a run may have which may write, in a fixed order: not OutcomePlanned.
func Outcomes() []Outcome {
	return []Outcome{OutcomeInStep, OutcomeChanged, OutcomeSkipped, OutcomeHeld, OutcomeWithheld, OutcomeFailed}
}

// Report is what one run saw and did. What the run did not come to is nil, so that nobody takes it for a zero.
type Report struct {
	Target   string
	Now      time.Time
	Duration time.Duration
	Outcome  Outcome
	Err      error // why the run was skipped or failed; nil otherwise

	Sources []SourceReport // in the order of the run's sources
	Desired *Desired       // nil: no source answered
	Survey  *Survey        // nil: the target did not answer
	Skew    time.Duration  // how far the target's clock is ahead of ours; 0 when Survey or its Clock is unknown
	Plan    *Plan          // nil: the run did not come to a plan
	Applied Applied        // of the plan
	Earlier Applied        // of earlier plans of this run, before the list was read again
	First   *Plan          // of Carry: its first plan, where the list was read again after a write that was not confirmed; nil: it was not
	Notes   []string       // whole sentences that a person ought to read
	Next    Past           // what the next run should know

	// Draining: the list only lets go, and bans are left to access rules.
	Draining bool

	began    time.Time // on the clock of this process: the moment that is Now
	metered  bool      // the target makes only so many changes a run
	doubtful bool      // the number of items read is not the number that the target counts
}

// SourceReport is what one source said.
type SourceReport struct {
	Name     string
	Label    string
	Err      error           // nil: it answered
	Damaged  bool            // the store was there, but not what it should be
	Identity string          // of the store that was read; empty: the source cannot tell
	Held     int             // bans that it holds, ended ones included
	Active   map[string]int  // active bans by jail or scenario; nil when it did not answer
	Memory   json.RawMessage // what to hand to its next read
}

// key is the source's MemoryKey.
func (s SourceReport) key() string { return s.Name + " " + s.Label }

// Degraded reports whether some source did not answer.
func (r Report) Degraded() bool {
	for _, s := range r.Sources {
		if s.Err != nil {
			return true
		}
	}
	return false
}

// LeftOut are the active bans that are not on the list: those that must not be, and those that found no room.
func (r Report) LeftOut() []LeftOut {
	var all []LeftOut
	if r.Desired != nil {
		all = append(all, r.Desired.LeftOut...)
	}
	if r.Plan != nil {
		all = append(all, r.Plan.LeftOut()...)
	}
	return all
}

// Sparing reports whether a plan that adds and removes may take two runs, because the account refused a write lately.
func (r Report) Sparing() bool {
	return r.Plan != nil && !r.metered && r.Plan.bothDirections() && r.Next.Throttle.Lately(r.Now)
}

// settled reports whether it is known what the run wrote.
func (r Report) settled() bool {
	return r.Plan != nil && !uncertain(r.Err)
}

// Drift is how many additions and removals, withheld ones included, lie between the bans and the list after the run.
// known is false when the run did not come to a plan, or when it is open what a write did.
func (r Report) Drift() (missing, stale int, known bool) {
	if !r.settled() {
		return 0, 0, false
	}
	return len(r.Plan.Add) - r.Applied.Added, len(r.Plan.Remove) + len(r.Plan.Withheld) - r.Applied.Removed, true
}

// Tally is how many items the target holds, and whose they are. Manual ones are among the own.
type Tally struct{ Items, Own, Manual, Foreign, Peers int }

// Tally counts the target's items by owner as they are after the run. known is false when the run did not come to a plan,
// or when it is open which of the plan's writes took effect.
func (r Report) Tally() (t Tally, known bool) {
	if !r.settled() {
		return t, false
	}
	t = Tally{Items: r.Plan.Items, Own: r.Plan.Own, Manual: r.Plan.Manual, Foreign: r.Plan.Foreign}
	for _, n := range r.Plan.Peers {
		t.Peers += n
	}
	for _, a := range r.Plan.Add[:r.Applied.Added] {
		switch {
		case a.Why == AddNew:
			t.Items, t.Own = t.Items+1, t.Own+1
		case a.From == Peer:
			t.Own, t.Peers = t.Own+1, t.Peers-1
		case a.From == Manual:
			t.Manual--
		}
	}
	for _, m := range r.Plan.Remove[:r.Applied.Removed] {
		t.Items--
		_, manual := m.Tag.Host()
		switch {
		case m.Why == RemoveOverdue:
			t.Peers--
		case manual:
			t.Own, t.Manual = t.Own-1, t.Manual-1
		default:
			t.Own--
		}
	}
	return t, true
}

// plural is "1 item", "2 items".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
