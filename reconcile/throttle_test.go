package reconcile

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// fault is a target's error that says of itself what it is told to.
type fault struct {
	refused, uncertain, stale, full, tooLarge bool
	pending                                   string
}

func (f fault) Error() string   { return "fault" }
func (f fault) Refused() bool   { return f.refused }
func (f fault) Uncertain() bool { return f.uncertain }
func (f fault) Stale() bool     { return f.stale }
func (f fault) Full() bool      { return f.full }
func (f fault) TooLarge() bool  { return f.tooLarge }
func (f fault) Pending() string { return f.pending }

// answering lets a target answer calls with errors, the first of each call first and the last one for ever, and counts the calls.
func answering(m *memTarget, answers map[string][]error) map[string]int {
	calls := map[string]int{}
	m.fail = func(call string) (int, error) {
		calls[call]++
		all := answers[call]
		if len(all) == 0 {
			return 0, nil
		}
		return 0, all[min(calls[call], len(all))-1]
	}
	return calls
}

// TestHold climbs its ladder from the second refused run in a row on.
func TestHold(t *testing.T) {
	var throttle Throttle
	now := at("0s")
	for i, want := range []string{"0s", "2m", "5m", "15m", "30m", "1h", "1h", "1h"} {
		throttle = throttle.Refused(now)
		same(t, throttle.InARow, i+1)
		same(t, throttle.Since, at("0s"))
		same(t, throttle.Last, now)
		if span(want) == 0 {
			same(t, throttle.Hold, time.Time{})
			same(t, throttle.Held(now), false)
		} else {
			same(t, throttle.Hold, now.Add(span(want)))
			same(t, throttle.Held(now), true)
			same(t, throttle.Held(throttle.Hold.Add(-time.Second)), true)
		}
		now = now.Add(max(span(want), time.Minute))
		same(t, throttle.Held(now), false)
	}
	throttle = throttle.Written(now)
	same(t, throttle.InARow, 0)
	same(t, throttle.Held(now.Add(-time.Minute)), false)
	same(t, throttle.Lately(now), true) // that writes are weighed outlives a success
	if throttle = throttle.Refused(now.Add(time.Minute)); !throttle.Hold.IsZero() || !throttle.Since.Equal(now.Add(time.Minute)) {
		t.Errorf("the ladder does not begin anew: %+v", throttle)
	}
}

func TestThrottleByTime(t *testing.T) {
	throttle := Throttle{InARow: 2, Since: at("0s"), Last: at("0s"), Hold: at("1h"), Wrote: at("0s")}
	for _, c := range []struct {
		now          string
		held, lately bool
		distance     string // of writes that keep 30 s
	}{
		{"0s", true, true, "30s"},
		{"10s", true, true, "20s"},
		{"29s", true, true, "1s"},
		{"30s", true, true, "0s"},
		{"59m59s", true, true, "0s"},
		{"1h", false, true, "0s"},
		{"23h59m59s", false, true, "0s"},
		{"24h", false, false, "0s"},
		// The clock was set back: what lies too far ahead does not count.
		{"-1s", false, true, "0s"},
		{"-23h", false, true, "0s"},
		{"-24h", false, false, "0s"},
	} {
		t.Run(c.now, func(t *testing.T) {
			now := at(c.now)
			same(t, throttle.Held(now), c.held)
			same(t, throttle.Lately(now), c.lately)
			same(t, throttle.Distance(now, 30*time.Second), span(c.distance))
			same(t, throttle.Distance(now, 0), time.Duration(0))
		})
	}
	var never Throttle
	if never.Held(at("0s")) || never.Lately(at("0s")) || never.Distance(at("0s"), time.Hour) != 0 {
		t.Error("the zero value knows of a refusal")
	}
}

// TestThrottleOfADamagedState does not panic.
func TestThrottleOfADamagedState(t *testing.T) {
	for _, inARow := range []int{-1 << 62, -1, 99, 1<<62 - 1} {
		if throttle := (Throttle{InARow: inARow}).Refused(at("0s")); throttle.Since.IsZero() || throttle.Hold.After(at("1h")) {
			t.Errorf("%+v", throttle)
		}
	}
}

// TestWhatARefusalIs: the target's word alone; how deep its error lies does not matter.
func TestWhatARefusalIs(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want int // refused runs in a row
	}{
		{"a refusal", fault{refused: true}, 1},
		{"wrapped", fmt.Errorf("add: items 1 to 2: %w", fault{refused: true}), 1},
		{"a failed operation that speaks of rate limits", fault{refused: true, uncertain: false}, 1},
		{"a refused removal of what may be gone", fault{refused: true, stale: true}, 1},
		{"no room", fault{full: true}, 0},
		{"nobody knows", fault{uncertain: true}, 0},
		{"not ended", fault{pending: "op", uncertain: true}, 0},
		{"anything else", errors.New("boom"), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := newMemTarget()
			calls := answering(target, map[string][]error{"add": {c.err}})
			rep := run(target, f2b("192.0.2.1 sshd 0s 1h")).Do(t.Context())
			same(t, rep.Outcome, OutcomeFailed)
			same(t, rep.Next.Throttle.InARow, c.want)
			same(t, calls["add"], 1) // quiet, not another attempt
			same(t, calls["items"], 1)
		})
	}
}

// TestHeldRun: a run that is held reads, measures and tells, and writes nothing; at the hold's end it writes.
func TestHeldRun(t *testing.T) {
	target := newMemTarget(item("192.0.2.8 own 1h -1h fail2ban:sshd"))
	calls := answering(target, map[string][]error{"add": {fault{refused: true}, fault{refused: true}, nil}})
	r := run(target, f2b("192.0.2.1 sshd 0s 1h"))
	step := func(now string) Report {
		r.Now = at(now)
		rep := r.Do(t.Context())
		r.Past = rep.Next
		return rep
	}
	for _, c := range []struct {
		now            string
		want           Outcome
		writes         int
		missing, stale int
	}{
		{"0s", OutcomeFailed, 1, 1, 1},
		{"1m", OutcomeFailed, 2, 1, 1}, // one refusal is none: held from now on
		{"2m", OutcomeHeld, 2, 1, 1},
		{"2m59s", OutcomeHeld, 2, 1, 1},
		{"3m", OutcomeChanged, 3, 0, 1}, // one direction per write
		{"4m", OutcomeChanged, 4, 0, 0},
		{"5m", OutcomeInStep, 4, 0, 0},
	} {
		rep := step(c.now)
		missing, stale, known := rep.Drift()
		if rep.Outcome != c.want || calls["add"]+calls["remove"] != c.writes || missing != c.missing || stale != c.stale || !known {
			t.Errorf("%s: %s, %v, drift %d and %d, %v", c.now, rep.Outcome, calls, missing, stale, rep.Err)
		}
		if hold, ok := errors.AsType[*HoldError](rep.Err); ok != (c.want == OutcomeHeld) || ok && (!hold.Until.Equal(at("3m")) || !hold.Since.Equal(at("0s"))) {
			t.Errorf("%s: %v", c.now, rep.Err)
		}
		if c.want == OutcomeHeld {
			same(t, rep.Next.Waiting, Waiting{"+192.0.2.1": at("0s"), "-192.0.2.8": at("0s")})
		}
	}
}

// TestHeldRunWithNothingToDo is in step; a hold is about writes.
func TestHeldRunWithNothingToDo(t *testing.T) {
	r := run(newMemTarget(item("192.0.2.1 own 2h 0s fail2ban:sshd")), f2b("192.0.2.1 sshd 0s 1h"))
	r.Throttle = Throttle{InARow: 3, Hold: at("5m")}
	if rep := r.Do(t.Context()); rep.Outcome != OutcomeInStep || rep.Err != nil || rep.Next.Throttle != r.Throttle {
		t.Errorf("%+v", rep)
	}
	r.Sources = []Source{f2b("192.0.2.2 sshd 0s 1h")}
	if rep := r.Do(t.Context()); rep.Outcome != OutcomeHeld {
		t.Errorf("%+v", rep)
	}
	r.DryRun = true // what would be done is no less true
	if rep := r.Do(t.Context()); rep.Outcome != OutcomePlanned {
		t.Errorf("%+v", rep)
	}
}

// TestRefusedHalfway: what went through before it ends the row of refusals, which the refusal then begins anew.
func TestRefusedHalfway(t *testing.T) {
	target := newMemTarget()
	target.fail = func(call string) (int, error) {
		if call == "add" {
			return 1, fault{refused: true}
		}
		return 0, nil
	}
	r := run(target, f2b("192.0.2.1 sshd 0s 1h", "192.0.2.2 sshd 0s 1h"))
	r.Throttle = Throttle{InARow: 5, Since: at("-1h"), Hold: at("-1m")}
	rep := r.Do(t.Context())
	want := Throttle{InARow: 1, Since: at("0s"), Last: at("0s"), Wrote: at("0s")}
	if rep.Outcome != OutcomeFailed || rep.Next.Throttle != want || rep.Applied.Added != 1 {
		t.Errorf("%+v", rep)
	}
	if missing, _, known := rep.Drift(); missing != 1 || !known {
		t.Errorf("drift %d, %v", missing, known)
	}
}

// TestOnlyWritesTellAboutThrottling: a read that is refused says nothing about writes.
func TestOnlyWritesTellAboutThrottling(t *testing.T) {
	target := newMemTarget()
	answering(target, map[string][]error{"items": {fault{refused: true}}})
	r := run(target, f2b("192.0.2.1 sshd 0s 1h"))
	r.Throttle = Throttle{InARow: 2, Since: at("-1h"), Last: at("-1h"), Hold: at("-58m")}
	if rep := r.Do(t.Context()); rep.Outcome != OutcomeFailed || rep.Next.Throttle != r.Throttle {
		t.Errorf("%+v", rep)
	}
}

// TestLeftBehindItemsAreLeftToOthers on an account that refused lately: its few writes are for bans.
func TestLeftBehindItemsAreLeftToOthers(t *testing.T) {
	target := newMemTarget(item("192.0.2.7 peer -8d -9d x:y"))
	r := run(target, f2b())
	r.Throttle = Throttle{Last: at("-23h")}
	if rep := r.Do(t.Context()); rep.Outcome != OutcomeInStep || len(target.items) != 1 {
		t.Errorf("%+v", rep)
	}
	r.Throttle.Last = at("-24h")
	if rep := r.Do(t.Context()); rep.Outcome != OutcomeChanged || len(target.items) != 0 {
		t.Errorf("%+v", rep)
	}
}
