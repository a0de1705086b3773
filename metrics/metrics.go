package metrics

import (
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"edgeban/reconcile"
)

// Run is what there is to publish about one run.
type Run struct {
	Report reconcile.Report

	// Instance is the name of one of several configurations on a host, whose files node_exporter reads together: the value of the label
	// configuration. Empty: there is only one, and no such label.
	Instance string

	// List is the name of the list that the run was about: the value of the label target.
	List string

	// Others is about further targets: the challenge list, access rules. Those that the run did not come to are not there.
	Others []Target

	// LastSuccess is the time of the last run that left nothing to change on any list, this one or an earlier one; zero: unknown.
	LastSuccess time.Time

	// Forgetful: the run had no state directory. How long something lasts beyond one run is then unknown.
	Forgetful bool

	// Requests are those that the run made to the API. Two of the same method and status are added up.
	Requests []Request

	Version   string // of edgeban
	GoVersion string // of the Go release that built it
}

// Target is what the run did with one target.
type Target struct {
	Report reconcile.Report
	List   string // its name
	Spill  string // the mode of access rules that hold what a list cannot take: block, challenge or allow; empty: they are none
}

// lists is the run for each of its targets.
func (r Run) lists() []Run {
	all := []Run{r}
	for _, t := range r.Others {
		other := r
		other.Report, other.List = t.Report, t.List
		all = append(all, other)
	}
	return all
}

// outcome is the worst of all lists.
func (r Run) outcome() reconcile.Outcome {
	worst := []reconcile.Outcome{"", reconcile.OutcomeInStep, reconcile.OutcomeChanged, reconcile.OutcomeSkipped, reconcile.OutcomeHeld,
		reconcile.OutcomeWithheld, reconcile.OutcomeFailed}
	at := 0
	for _, list := range r.lists() {
		at = max(at, slices.Index(worst, list.Report.Outcome))
	}
	return worst[at]
}

// Request counts the API requests of one kind.
type Request struct {
	Method string
	Status int // of HTTP; 0: there was no answer
	Count  int
}

// Registry returns a new registry that holds the gauges of this run and nothing else.
func Registry(run Run) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	s := sheet{registry}
	if run.Instance != "" {
		s.registerer = prometheus.WrapRegistererWith(prometheus.Labels{"configuration": cleanLabel(run.Instance)}, registry)
	}
	s.lastRun(run)
	s.sources(run.Report.Sources)
	s.leftOut(run)
	s.list(run)
	s.spilled(run)
	s.changes(run)
	s.waiting(run)
	s.refusals(run)
	s.api(run)
	return registry
}

// sheet is where the gauges of one run are written down.
type sheet struct{ registerer prometheus.Registerer }

// gauge adds a metric. It has no series, and is not published, until one is set. A name that is no metric's name, or is
// there already, is a mistake in this package and panics.
func (s sheet) gauge(name, help string, labels ...string) gauge {
	vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	s.registerer.MustRegister(vec)
	return gauge{vec}
}

// gauge is one metric. Label values are given in the order of its labels and may be any text.
type gauge struct{ vec *prometheus.GaugeVec }

func (g gauge) series(values []string) prometheus.Gauge {
	clean := make([]string, len(values))
	for i, v := range values {
		clean[i] = cleanLabel(v)
	}
	return g.vec.WithLabelValues(clean...)
}

func (g gauge) set(value float64, labels ...string) { g.series(labels).Set(value) }

// add adds to a series, which begins at 0. Adding 0 makes sure that the series exists.
func (g gauge) add(n int, labels ...string) { g.series(labels).Add(float64(n)) }

// setTime sets a time in seconds since 1970, to the second; the zero time is unknown and sets nothing.
func (g gauge) setTime(t time.Time, labels ...string) {
	if !t.IsZero() {
		g.set(float64(t.Unix()), labels...)
	}
}

func (s sheet) lastRun(run Run) {
	r := run.Report
	s.gauge("edgeban_build_info",
		"Version of edgeban, and of the Go release that built it; always 1.",
		"version", "goversion").set(1, run.Version, run.GoVersion)
	s.gauge("edgeban_last_run_timestamp_seconds",
		"Time when the last run began, in seconds since 1970.").setTime(r.Now)
	s.gauge("edgeban_last_success_timestamp_seconds",
		"Time when the last run began that left nothing to change, in seconds since 1970.").setTime(run.LastSuccess)

	duration := s.gauge("edgeban_last_run_duration_seconds", "Time that the last run took, in seconds.")
	for _, list := range run.lists() {
		if took := list.Report.Duration; took > 0 {
			duration.series(nil).Add(took.Seconds())
		}
	}
	outcome := s.gauge("edgeban_last_run_outcome",
		"Outcome of the last run: 1 for the one it had, 0 for each other.", "outcome")
	if worst := run.outcome(); worst != "" {
		for _, o := range reconcile.Outcomes() {
			outcome.add(0, string(o))
		}
		outcome.set(1, string(worst))
	}
}

func (s sheet) list(run Run) {
	references := s.gauge("edgeban_list_references",
		"Rules that use the list; with 0 it blocks nobody.", "target")
	skew := s.gauge("edgeban_clock_skew_seconds",
		"Time by which Cloudflare's clock is ahead of this host's, in seconds; negative: behind.")
	items := s.gauge("edgeban_list_items",
		"Items on the list after the last run, by owner: own, peer (another edgeban's), foreign (anybody else's).",
		"target", "owner")
	for _, run := range run.lists() {
		r, target := run.Report, run.List
		if r.Survey != nil {
			references.add(r.Survey.References, target)
			if !r.Survey.Clock.IsZero() {
				skew.set(r.Skew.Seconds())
			}
		}
		if tally, known := r.Tally(); known {
			items.add(tally.Own, target, "own")
			items.add(tally.Peers, target, "peer")
			items.add(tally.Foreign, target, "foreign")
		}
	}
	s.plan(run)
}

// spilled publishes what access rules hold in place of a list.
func (s sheet) spilled(run Run) {
	rules := s.gauge("edgeban_spilled_rules",
		"Access rules of our own that stand in for a list while Cloudflare refuses to write it: block, challenge, and allow for addresses that a person un-banned.",
		"mode")
	for _, t := range run.Others {
		if tally, known := t.Report.Tally(); known && t.Spill != "" {
			rules.add(tally.Own, t.Spill)
		}
	}
}

// plan publishes what the plan found on the list, and how much fits on it.
func (s sheet) plan(run Run) {
	capacity := s.gauge("edgeban_list_capacity_items",
		"Items that the list may hold: the account's quota less what its other lists hold.", "target")
	lingering := s.gauge("edgeban_list_lingering_items",
		"Items of our own that stay although the records of their bans ended, because Fail2Ban may go on banning in its memory.", "target")
	covered := s.gauge("edgeban_list_covered_entries",
		"Banned prefixes that need no item because a broader one covers them for at least as long.", "target")
	satisfied := s.gauge("edgeban_list_satisfied_entries",
		"Banned prefixes that need no item of our own because another's is on the list.", "target")
	withheld := s.gauge("edgeban_list_withheld_items",
		"Items whose removal is withheld until a person allows it.", "target")
	orphaned := s.gauge("edgeban_list_orphaned_items",
		"Items of our own that no ban wants, and that stay until their leases end because the database was replaced.", "target")
	unanswered := s.gauge("edgeban_list_unanswered_items",
		"Items of our own that no ban wants, and that stay because a source did not answer that may want them.", "target")
	blocked := s.gauge("edgeban_list_protected_items",
		"Items of other owners that block what is protected, and that edgeban must not remove.", "target")
	for _, run := range run.lists() {
		plan, target := run.Report.Plan, run.List
		if plan == nil {
			continue
		}
		capacity.add(plan.Room, target)
		lingering.add(len(plan.Lingering), target)
		covered.add(plan.Covered, target)
		satisfied.add(plan.Satisfied, target)
		withheld.add(len(plan.Withheld), target)
		orphaned.add(len(plan.Orphaned), target)
		blocked.add(len(plan.Blocked), target)
		unanswered.add(plan.Unanswered, target)
	}
}

// changes publishes what was written and what was not. All of it is unknown when it is open what a write did: the number of
// changes that surely took effect is then no more than a lower bound.
func (s sheet) changes(run Run) {
	added := s.gauge("edgeban_last_run_added_items",
		"Items that the last run wrote, including those of which only the comment changed.", "target")
	removed := s.gauge("edgeban_last_run_removed_items",
		"Items that the last run removed.", "target")
	drift := s.gauge("edgeban_drift_items",
		"Items that after the last run are still to be written (missing) or removed (stale), withheld removals included.",
		"target", "direction")
	for _, run := range run.lists() {
		missing, stale, known := run.Report.Drift()
		if !known {
			continue
		}
		added.add(run.Report.Earlier.Added+run.Report.Applied.Added, run.List)
		removed.add(run.Report.Earlier.Removed+run.Report.Applied.Removed, run.List)
		drift.add(missing, run.List, "missing")
		drift.add(stale, run.List, "stale")
	}
}

// waiting publishes the age of the drift: 0 when nothing waits.
func (s sheet) waiting(run Run) {
	age := s.gauge("edgeban_drift_age_seconds",
		"Time for which the oldest change has waited that is still to be made, to ban (missing) or to remove (stale), in seconds; 0: none waits.",
		"target", "direction")
	for _, run := range run.lists() {
		r := run.Report
		if _, _, known := r.Drift(); !known || run.Forgetful {
			continue
		}
		missing, stale := r.Next.Waiting.Oldest()
		for direction, since := range map[string]time.Time{"missing": missing, "stale": stale} {
			seconds := 0.0
			if !since.IsZero() {
				seconds = max(r.Now.Sub(since).Seconds(), 0)
			}
			age.set(seconds, run.List, direction)
		}
	}
}

// refusals publishes what is remembered about writes that Cloudflare refused.
func (s sheet) refusals(run Run) {
	refused := s.gauge("edgeban_refused_runs",
		"Runs in a row up to the last one whose writes Cloudflare refused.", "target")
	hold := s.gauge("edgeban_hold_until_timestamp_seconds",
		"Time before which no write is tried because Cloudflare refused several, in seconds since 1970; absent: there is no hold.", "target")
	for _, run := range run.lists() {
		r := run.Report
		if r.Outcome == "" || run.Forgetful {
			continue
		}
		refused.add(r.Next.Throttle.InARow, run.List)
		if r.Next.Throttle.Held(r.Now) {
			hold.setTime(r.Next.Throttle.Hold, run.List)
		}
	}
}

func (s sheet) api(run Run) {
	requests := s.gauge("edgeban_last_run_api_requests",
		"Requests to Cloudflare's API in the last run by method and HTTP status; none is the status where no answer came.",
		"method", "status")
	for _, q := range run.Requests {
		status := "none"
		if q.Status != 0 {
			status = strconv.Itoa(q.Status)
		}
		requests.add(q.Count, q.Method, status)
	}
}
