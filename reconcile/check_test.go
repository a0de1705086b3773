package reconcile

import "testing"

func TestCheck(t *testing.T) {
	tagged := Removal{Item: item("192.0.2.1 own 1h 0s x:y"), Why: RemoveLifted}
	untagged := Removal{Item: item("192.0.2.2 created=-1h x"), Why: RemoveLifted, Untagged: true}
	protected := Removal{Item: item("192.0.2.3 created=-1h x"), Why: RemoveProtected, Untagged: true}
	plan := Plan{Remove: []Removal{tagged, untagged, protected}}

	p := plan.Check(Limits{})
	same(t, p.Remove, []Removal{tagged, protected})
	same(t, p.Withheld, []Removal{untagged})
	same(t, plan.Remove, []Removal{tagged, untagged, protected}) // the plan is a value
	same(t, p.Check(Limits{}), p)

	p = plan.Check(Limits{AllowRemovals: true})
	same(t, p.Remove, plan.Remove)
	same(t, p.Withheld, []Removal(nil))
}

func TestWithheldError(t *testing.T) {
	err := &WithheldError{Withheld: 2, Of: 5}
	if err.Error() != "2 of 5 removals withheld: these items have no edgeban tag" || err.Hint() == "" {
		t.Errorf("%v: %s", err, err.Hint())
	}
}
