package metrics

import (
	"maps"
	"testing"
	"time"

	"edgeban/reconcile"
)

// TestWaiting: the age of the drift is that of its oldest change, and a 0 where nothing waits.
func TestWaiting(t *testing.T) {
	tests := []struct {
		name           string
		waiting        reconcile.Waiting
		missing, stale float64
	}{
		{"nothing", nil, 0, 0},
		{"a ban", reconcile.Waiting{"+192.0.2.1": now.Add(-time.Hour)}, 3600, 0},
		{"a removal", reconcile.Waiting{"-192.0.2.1": now.Add(-time.Minute)}, 0, 60},
		{"several", reconcile.Waiting{"+192.0.2.1": now, "+192.0.2.2": now.Add(-time.Second), "-2001:db8::/64": now}, 1, 0},
		{"since a time to come", reconcile.Waiting{"+192.0.2.1": now.Add(time.Hour)}, 0, 0},
		{"a file that makes no sense", reconcile.Waiting{"": now.Add(-time.Hour)}, 3600, 0},
	}
	for _, tt := range tests {
		run := fullRun()
		run.Report.Next.Waiting = tt.waiting
		got := parse(t, render(t, run))["edgeban_drift_age_seconds"].series
		if want := map[string]float64{"missing|edgeban": tt.missing, "stale|edgeban": tt.stale}; !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", tt.name, got, want)
		}
	}
}

// A dry run writes no metrics, so that its outcome is no label value; a run on hold is one.
func TestOutcomes(t *testing.T) {
	run := fullRun()
	run.Report.Outcome = reconcile.OutcomeHeld
	got := parse(t, render(t, run))["edgeban_last_run_outcome"].series
	want := map[string]float64{"in_step": 0, "changed": 0, "skipped": 0, "held": 1, "withheld": 0, "failed": 0}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
