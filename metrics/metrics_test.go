package metrics

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"edgeban/reconcile"
)

var now = time.Date(2026, 11, 20, 10, 0, 7, 0, time.UTC)

// fullRun is a run that measured everything: two databases and a Local API answered, and each number is another one.
func fullRun() Run {
	leftOut := func(source string, reason reconcile.LeftOutReason) reconcile.LeftOut {
		return reconcile.LeftOut{Ban: reconcile.Ban{Source: source, Reason: "sshd"}, Reason: reason}
	}
	return Run{
		List:        "edgeban",
		LastSuccess: now.Add(-2 * time.Minute),
		Version:     "1.2.3",
		GoVersion:   "go1.26.8",
		Requests: []Request{
			{Method: "GET", Status: 200, Count: 4},
			{Method: "POST", Status: 429, Count: 1},
			{Method: "POST", Status: 0, Count: 2},
			{Method: "GET", Status: 200, Count: 3},
		},
		Report: reconcile.Report{
			Target: "list edgeban", Now: now, Duration: 1250 * time.Millisecond,
			Outcome: reconcile.OutcomeWithheld, Err: errors.New("1 of 4 removals withheld"),
			Sources: []reconcile.SourceReport{
				{Name: "fail2ban", Label: "/var/lib/fail2ban/fail2ban.sqlite3", Active: map[string]int{"sshd": 20, "recidive": 3}},
				{Name: "fail2ban", Label: "/srv/mail/fail2ban.sqlite3", Active: map[string]int{"sshd": 2, "postfix": 5}},
				{Name: "crowdsec", Label: "http://127.0.0.1:8080", Active: map[string]int{"crowdsecurity/http-probing": 7}},
			},
			Desired: &reconcile.Desired{LeftOut: []reconcile.LeftOut{
				leftOut("fail2ban", reconcile.LeftOutAllowed), leftOut("fail2ban", reconcile.LeftOutAllowed),
				leftOut("crowdsec", reconcile.LeftOutRemedy),
			}},
			Survey: &reconcile.Survey{References: 2, Clock: now.Add(3 * time.Second)},
			Skew:   3 * time.Second,
			Plan: &reconcile.Plan{
				Add:    slices.Repeat([]reconcile.Addition{{Why: reconcile.AddNew}}, 9),
				Remove: slices.Repeat([]reconcile.Removal{{Why: reconcile.RemoveEnded}}, 3), Withheld: make([]reconcile.Removal, 1),
				Items: 60, Own: 40, Foreign: 12, Peers: map[string]int{"web-2-00000000": 8},
				Lingering: make([]reconcile.Staying, 4), Satisfied: 6, Covered: 5, Room: 9_990, Unanswered: 2,
				Orphaned: make([]reconcile.Staying, 7),
				NoRoom:   []*reconcile.Entry{{Terms: []reconcile.Term{{Source: "fail2ban"}}}},
			},
			Applied: reconcile.Applied{Added: 9, Removed: 3},
			Next: reconcile.Past{
				Throttle: reconcile.Throttle{InARow: 2, Since: now.Add(-4 * time.Minute), Last: now, Hold: now.Add(2 * time.Minute)},
				Waiting: reconcile.Waiting{"+203.0.113.7": now.Add(-34 * time.Minute), "+203.0.113.8": now.Add(-time.Minute),
					"-192.0.2.44": now.Add(-90 * time.Second)},
			},
		},
	}
}

// spillRun is a full run that also came to the access rules which hold what the list cannot take: every metric is there.
func spillRun() Run {
	run := fullRun()
	for i, mode := range []string{"allow", "block", "challenge"} {
		own := 11 + i
		run.Others = append(run.Others, Target{List: "spill " + mode, Spill: mode, Report: reconcile.Report{
			Now: now, Duration: 100 * time.Millisecond, Outcome: reconcile.OutcomeInStep, Sources: run.Report.Sources,
			Desired: &reconcile.Desired{},
			Survey:  &reconcile.Survey{References: 1, Clock: now.Add(3 * time.Second)},
			Plan:    &reconcile.Plan{Items: 30, Own: own, Keep: own, Foreign: 5, Room: 50_000},
		}})
	}
	return run
}

// skippedRun is one in which no source answered.
func skippedRun() Run {
	run := fullRun()
	run.Requests = nil
	run.Report = reconcile.Report{
		Target: "list edgeban", Now: now, Duration: 5 * time.Second,
		Outcome: reconcile.OutcomeSkipped, Err: errors.New("no such file"),
		Sources: []reconcile.SourceReport{{Name: "fail2ban", Label: "/var/lib/fail2ban/fail2ban.sqlite3", Err: errors.New("no such file")}},
	}
	return run
}

// failedRun is one that ended before there was a plan: one source of three failed, then the API refused. It was the first of
// all runs, so that no success is known.
func failedRun() Run {
	run := fullRun()
	run.LastSuccess = time.Time{}
	run.Requests = []Request{{Method: "GET", Status: 403, Count: 1}}
	r := &run.Report
	r.Outcome, r.Err = reconcile.OutcomeFailed, errors.New("HTTP 403")
	r.Sources[1] = reconcile.SourceReport{Name: "fail2ban", Label: r.Sources[1].Label, Err: errors.New("locked")}
	r.Survey, r.Skew, r.Plan, r.Applied, r.Next = nil, 0, nil, reconcile.Applied{}, reconcile.Past{}
	return run
}

// render returns the file of a run.
func render(t *testing.T, run Run) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "edgeban.prom")
	if err := WriteFile(path, run); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// golden compares got with a file in testdata, or writes the file: UPDATE=1 go test ./metrics
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// family is a metric as Prometheus reads it.
type family struct {
	name, kind, help string
	labels           []string           // names, in the file's order
	series           map[string]float64 // by label values, joined by "|"
}

// parse reads a file the way Prometheus does, and fails the test on a timestamp.
func parse(t *testing.T, text string) map[string]family {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	read, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	families := map[string]family{}
	for name, mf := range read {
		f := family{name: name, kind: strings.ToLower(mf.GetType().String()), help: mf.GetHelp(), series: map[string]float64{}}
		for _, m := range mf.GetMetric() {
			if m.TimestampMs != nil {
				t.Errorf("%s has a timestamp: node_exporter drops the file", name)
			}
			var labels, values []string
			for _, l := range m.GetLabel() {
				labels, values = append(labels, l.GetName()), append(values, l.GetValue())
			}
			if f.labels != nil && !slices.Equal(f.labels, labels) {
				t.Errorf("%s has series with labels %q and with %q", name, f.labels, labels)
			}
			f.labels = labels
			f.series[strings.Join(values, "|")] = m.GetGauge().GetValue()
		}
		families[name] = f
	}
	return families
}

func TestFiles(t *testing.T) {
	full := parse(t, render(t, spillRun()))
	for name, run := range map[string]Run{"full.prom": fullRun(), "spill.prom": spillRun(), "skipped.prom": skippedRun(), "failed.prom": failedRun()} {
		t.Run(name, func(t *testing.T) {
			text := render(t, run)
			golden(t, name, text)

			problems, err := promlint.New(strings.NewReader(text)).Lint()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range problems {
				t.Errorf("promlint: %s: %s", p.Metric, p.Text)
			}
			for name, f := range parse(t, text) {
				want := full[name]
				if f.kind != want.kind || f.help != want.help || !slices.Equal(f.labels, want.labels) {
					t.Errorf("%s differs from the full run's in type, HELP or labels", name)
				}
			}
		})
	}
}

// TestNames freezes what dashboards and alerts of other people rest on.
func TestNames(t *testing.T) {
	families := parse(t, render(t, spillRun()))
	registered := names(Registry(spillRun()))
	if len(registered) < 20 {
		t.Fatalf("only %q are registered", registered)
	}
	for _, name := range registered {
		if _, found := families[name]; !found {
			t.Errorf("%s has no series in a run that measured everything, so that nothing freezes it", name)
		}
	}
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(families)) {
		f := families[name]
		if !strings.HasPrefix(name, "edgeban_") || f.kind != "gauge" {
			t.Errorf("%s is a %s", name, f.kind)
		}
		fmt.Fprintf(&b, "%s %s {%s}\n\t%s\n", name, f.kind, strings.Join(f.labels, ","), f.help)
	}
	golden(t, "names.txt", b.String())
}

// names are those of all metrics that a registry knows, those without a series included.
func names(registry *prometheus.Registry) []string {
	descriptions := make(chan *prometheus.Desc, 1000)
	registry.Describe(descriptions)
	close(descriptions)
	var all []string
	for d := range descriptions {
		all = append(all, regexp.MustCompile(`fqName: "(\w+)"`).FindStringSubmatch(d.String())[1])
	}
	return all
}

// TestAbsent: what a run did not determine has no series, and its twin that did has them.
func TestAbsent(t *testing.T) {
	ofPlan := []string{
		"edgeban_drift_items", "edgeban_last_run_added_items", "edgeban_last_run_removed_items", "edgeban_list_items",
		"edgeban_list_capacity_items", "edgeban_list_covered_entries", "edgeban_list_lingering_items", "edgeban_list_satisfied_entries",
		"edgeban_list_withheld_items", "edgeban_list_orphaned_items", "edgeban_list_unanswered_items", "edgeban_list_protected_items", "edgeban_drift_age_seconds",
	}
	const hold = "edgeban_hold_until_timestamp_seconds"
	ofMemory := []string{"edgeban_refused_runs", hold}
	ofSurvey := []string{"edgeban_list_references", "edgeban_clock_skew_seconds"}
	ofSources := []string{"edgeban_active_bans", "edgeban_source_active_bans", "edgeban_left_out_bans"}
	tests := []struct {
		name   string
		change func(*Run)
		absent []string
	}{
		{"nothing", func(*Run) {}, nil},
		{"no source answered", func(r *Run) { *r = skippedRun() },
			slices.Concat(ofPlan, ofSurvey, ofSources, []string{"edgeban_last_run_api_requests", hold})},
		{"no answer from the target", func(r *Run) { r.Report.Survey, r.Report.Plan = nil, nil }, slices.Concat(ofPlan, ofSurvey)},
		{"no plan", func(r *Run) { r.Report.Plan = nil }, ofPlan},
		{"no clock", func(r *Run) { r.Report.Survey.Clock, r.Report.Skew = time.Time{}, 0 }, []string{"edgeban_clock_skew_seconds"}},
		{"an uncertain write", func(r *Run) { r.Report.Err = fmt.Errorf("add: %w", uncertain{}) },
			[]string{"edgeban_drift_items", "edgeban_drift_age_seconds", "edgeban_last_run_added_items", "edgeban_last_run_removed_items", "edgeban_list_items"}},
		{"no state directory", func(r *Run) { r.Forgetful = true }, append([]string{"edgeban_drift_age_seconds"}, ofMemory...)},
		{"no hold", func(r *Run) { r.Report.Next.Throttle.Hold = time.Time{} }, []string{hold}},
		{"a hold that is over", func(r *Run) { r.Report.Next.Throttle.Hold = now }, []string{hold}},
		{"never a success", func(r *Run) { r.LastSuccess = time.Time{} }, []string{"edgeban_last_success_timestamp_seconds"}},
		{"no run", func(r *Run) { r.Report = reconcile.Report{} }, slices.Concat(ofPlan, ofSurvey, ofSources, ofMemory, []string{
			"edgeban_last_run_timestamp_seconds", "edgeban_last_run_duration_seconds", "edgeban_last_run_outcome", "edgeban_source_up"})},
	}
	full := parse(t, render(t, fullRun()))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run := fullRun()
			tt.change(&run)
			got := parse(t, render(t, run))
			for name := range full {
				_, present := got[name]
				if absent := slices.Contains(tt.absent, name); absent == present {
					t.Errorf("%s: present is %t", name, present)
				}
			}
		})
	}
}

type uncertain struct{}

func (uncertain) Error() string   { return "no answer" }
func (uncertain) Uncertain() bool { return true }

// TestInstance: node_exporter reads the files of all instances together, and keeps one of two series that are alike.
func TestInstance(t *testing.T) {
	alone, mail, shop := fullRun(), fullRun(), fullRun()
	mail.Instance, shop.Instance = "mail", "shop"
	var texts []string
	for _, run := range []Run{alone, mail, shop} {
		texts = append(texts, render(t, run))
	}
	if strings.Contains(texts[0], "configuration=") {
		t.Error("the only one bears a name")
	}
	seen := map[string]bool{}
	for line := range strings.Lines(strings.Join(texts, "")) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		series := line[:strings.LastIndexByte(line, ' ')]
		if seen[series] {
			t.Errorf("%s is there twice", series)
		}
		seen[series] = true
	}
	if !seen[`edgeban_last_run_timestamp_seconds{configuration="mail"}`] {
		t.Errorf("%d series", len(seen))
	}
}
