package metrics

import (
	"testing"
	"time"

	"edgeban/reconcile"
)

// twoLists is a full run that also came to the challenge list.
func twoLists(outcome reconcile.Outcome) Run {
	run := fullRun()
	run.Others = []Target{{List: "edgeban_challenge", Report: reconcile.Report{
		Now: now, Duration: 250 * time.Millisecond, Outcome: outcome, Sources: run.Report.Sources,
		Desired: &reconcile.Desired{LeftOut: []reconcile.LeftOut{{Ban: reconcile.Ban{Source: "fail2ban"}, Reason: reconcile.LeftOutAllowed}}},
		Survey:  &reconcile.Survey{References: 1, Clock: now},
		Plan:    &reconcile.Plan{Items: 2, Own: 2, Room: 40, Covered: 3},
	}}}
	return run
}

// TestTwoLists: what has a label target is told of each list, the rest of the whole run.
func TestTwoLists(t *testing.T) {
	one, two := parse(t, render(t, fullRun())), parse(t, render(t, twoLists(reconcile.OutcomeInStep)))
	for name, f := range two {
		if len(f.labels) != 0 && f.labels[len(f.labels)-1] == "target" && name != "edgeban_hold_until_timestamp_seconds" && len(f.series) != 2*len(one[name].series) {
			t.Errorf("%s: %v, and of one list %v", name, f.series, one[name].series)
		}
		if len(f.labels) == 0 && len(f.series) != 1 {
			t.Errorf("%s: %v", name, f.series)
		}
	}
	for series, want := range map[[2]string]float64{
		{"edgeban_last_run_duration_seconds", ""}:                             1.5,
		{"edgeban_list_capacity_items", "edgeban"}:                            9_990,
		{"edgeban_list_capacity_items", "edgeban_challenge"}:                  40,
		{"edgeban_list_covered_entries", "edgeban_challenge"}:                 3,
		{"edgeban_list_items", "own|edgeban_challenge"}:                       2,
		{"edgeban_left_out_bans", "allowed|fail2ban"}:                         3,
		{"edgeban_left_out_bans", "no_room|fail2ban"}:                         1,
		{"edgeban_source_active_bans", "/srv/mail/fail2ban.sqlite3|fail2ban"}: 7,
	} {
		if got, ok := two[series[0]].series[series[1]]; !ok || got != want {
			t.Errorf("%v: %v, want %v; there are %v", series, got, want, two[series[0]].series)
		}
	}
}

// TestEarlierPlans: what a run wrote before it read the list again counts as well.
func TestEarlierPlans(t *testing.T) {
	run := fullRun()
	before := parse(t, render(t, run))
	run.Report.Earlier = reconcile.Applied{Added: 20, Removed: 30}
	after := parse(t, render(t, run))
	for name, more := range map[string]float64{"edgeban_last_run_added_items": 20, "edgeban_last_run_removed_items": 30, "edgeban_drift_items": 0} {
		for series, was := range before[name].series {
			if got := after[name].series[series]; got != was+more {
				t.Errorf("%s %s: %v, want %v", name, series, got, was+more)
			}
		}
	}
}

// TestWorstOutcome: a run ends as badly as on the list where it ended worse.
func TestWorstOutcome(t *testing.T) {
	for _, c := range []struct{ first, second, want reconcile.Outcome }{
		{reconcile.OutcomeInStep, reconcile.OutcomeInStep, reconcile.OutcomeInStep},
		{reconcile.OutcomeInStep, reconcile.OutcomeChanged, reconcile.OutcomeChanged},
		{reconcile.OutcomeFailed, reconcile.OutcomeHeld, reconcile.OutcomeFailed},
		{reconcile.OutcomeChanged, reconcile.OutcomeHeld, reconcile.OutcomeHeld},
		{reconcile.OutcomeWithheld, reconcile.OutcomeHeld, reconcile.OutcomeWithheld},
		{reconcile.OutcomeSkipped, reconcile.OutcomeSkipped, reconcile.OutcomeSkipped},
		{reconcile.OutcomeChanged, reconcile.OutcomeFailed, reconcile.OutcomeFailed},
	} {
		run := twoLists(c.second)
		run.Report.Outcome = c.first
		outcomes := parse(t, render(t, run))["edgeban_last_run_outcome"].series
		if outcomes[string(c.want)] != 1 || len(outcomes) != len(reconcile.Outcomes()) {
			t.Errorf("%s and %s: %v", c.first, c.second, outcomes)
		}
	}
}

// TestRoomUnknown: what found no room is not told while one of the lists has no plan. The twin is TestTwoLists.
func TestRoomUnknown(t *testing.T) {
	run := twoLists(reconcile.OutcomeFailed)
	run.Others[0].Report.Plan = nil
	left := parse(t, render(t, run))["edgeban_left_out_bans"].series
	if _, told := left["no_room|fail2ban"]; told || left["allowed|fail2ban"] != 3 {
		t.Error(left)
	}
}
