package reconcile

import "fmt"

// Limits are what a plan may do without being asked twice.
type Limits struct {
	// AllowRemovals lets a plan remove what it would withhold.
	AllowRemovals bool
}

// withholds reports whether the removal of an item must wait for a person.
//
// Ownership "exclusive" makes untagged items ours. That they are no longer wanted is a guess until a person has looked, so their
// first removal needs AllowRemovals.
func (l Limits) withholds(untagged, protected bool) bool {
	return untagged && !protected && !l.AllowRemovals
}

// Check returns the plan with those removals withheld that nobody expects. Diff has to know the same limits, because what is
// withheld keeps its place on the list.
func (p Plan) Check(l Limits) Plan {
	kept := make([]Removal, 0, len(p.Remove))
	for _, r := range p.Remove {
		if l.withholds(r.Untagged, r.Why == RemoveProtected) {
			p.Withheld = append(p.Withheld, r)
			continue
		}
		kept = append(kept, r)
	}
	p.Remove = kept
	return p
}

// WithheldError says that removals were held back. It makes a run that did all the rest end with exit status 3.
type WithheldError struct{ Withheld, Of int }

func (e *WithheldError) Error() string {
	return fmt.Sprintf("%d of %d removals withheld: these items have no edgeban tag", e.Withheld, e.Of)
}

// Hint says what to do.
func (e *WithheldError) Hint() string {
	return "Look with `edgeban diff`. To let them go: `edgeban sync --allow-removals`."
}
