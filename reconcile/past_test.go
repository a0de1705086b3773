package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// identified is a source whose store is id.
func identified(id string, s memSource) memSource {
	s.reading.Identity = id
	return s
}

// TestReplan: after a write of which nobody knows what became, the list is read again and what is missing then is planned anew, at
// most twice.
func TestReplan(t *testing.T) {
	open := fault{uncertain: true, stale: true}
	for _, c := range []struct {
		name     string
		adds     []error
		removals []error
		outcome  Outcome
		writes   map[string]int
		earlier  Applied
		applied  Applied
	}{
		{"all is well", nil, nil, OutcomeChanged, map[string]int{"survey": 1, "items": 1, "add": 1, "remove": 1}, Applied{}, Applied{1, 1}},
		{"once", []error{open, nil}, nil, OutcomeChanged, map[string]int{"survey": 2, "items": 2, "add": 2, "remove": 1}, Applied{}, Applied{1, 1}},
		{"twice", []error{open, open, nil}, nil, OutcomeChanged, map[string]int{"survey": 3, "items": 3, "add": 3, "remove": 1}, Applied{}, Applied{1, 1}},
		{"for ever", []error{open}, nil, OutcomeFailed, map[string]int{"survey": 3, "items": 3, "add": 3}, Applied{}, Applied{}},
		{"a removal of what is gone", nil, []error{fault{stale: true}, nil}, OutcomeChanged, map[string]int{"survey": 2, "items": 2, "add": 1, "remove": 2}, Applied{1, 0}, Applied{0, 1}},
		{"not open: no second attempt", []error{errors.New("boom")}, nil, OutcomeFailed, map[string]int{"survey": 1, "items": 1, "add": 1}, Applied{}, Applied{}},
		{"then refused", []error{open, fault{refused: true}}, nil, OutcomeFailed, map[string]int{"survey": 2, "items": 2, "add": 2}, Applied{}, Applied{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := newMemTarget(item("192.0.2.8 own 2h -1h fail2ban:sshd"))
			calls := answering(target, map[string][]error{"add": c.adds, "remove": c.removals})
			rep := run(target, f2b("192.0.2.1 sshd 0s 1h")).Do(t.Context())
			same(t, calls, c.writes)
			same(t, rep.Earlier, c.earlier)
			same(t, rep.Applied, c.applied)
			if rep.Outcome != c.outcome {
				t.Errorf("%s: %v", rep.Outcome, rep.Err)
			}
		})
	}
}

// TestReplanOfWhatTookEffect adds nothing twice, and what did not is tried once more.
func TestReplanOfWhatTookEffect(t *testing.T) {
	target := newMemTarget()
	first := true
	target.fail = func(call string) (int, error) {
		if call == "add" && first {
			first = false
			return 1, fault{uncertain: true, stale: true} // the first of two is sure
		}
		return 0, nil
	}
	rep := run(target, f2b("192.0.2.1 sshd 0s 1h", "192.0.2.2 sshd 0s 1h")).Do(t.Context())
	if rep.Outcome != OutcomeChanged || rep.Earlier != (Applied{1, 0}) || rep.Applied != (Applied{1, 0}) || target.posts != 2 || len(rep.Notes) != 2 {
		t.Errorf("%+v", rep)
	}
}

// TestNoReplanWithoutTime: a run whose time is up leaves the rest to the next one.
func TestNoReplanWithoutTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	target := newMemTarget()
	calls := map[string]int{}
	target.fail = func(call string) (int, error) {
		if calls[call]++; call == "add" {
			cancel()
			return 0, fault{uncertain: true, stale: true}
		}
		return 0, nil
	}
	rep := run(target, f2b("192.0.2.1 sshd 0s 1h")).Do(ctx)
	same(t, calls, map[string]int{"survey": 1, "items": 1, "add": 1})
	same(t, rep.Outcome, OutcomeFailed)
}

// TestReplanThatCannotRead knows nothing about the list any more.
func TestReplanThatCannotRead(t *testing.T) {
	for _, broken := range []string{"survey", "items"} {
		target := newMemTarget()
		answering(target, map[string][]error{"add": {fault{uncertain: true, stale: true}}, broken: {nil, errors.New("boom")}})
		r := run(target, f2b("192.0.2.1 sshd 0s 1h"))
		r.Waiting = Waiting{"+192.0.2.1": at("-1h")}
		rep := r.Do(t.Context())
		if _, _, known := rep.Drift(); rep.Outcome != OutcomeFailed || rep.Plan != nil || known {
			t.Errorf("%s: %+v", broken, rep)
		}
		same(t, rep.Next.Waiting, r.Waiting)
	}
}

// pendingTarget is a target whose operations take their time; it notes which was waited for.
type pendingTarget struct {
	*memTarget
	takes time.Duration
	ends  error
	asked []string
}

func (p *pendingTarget) Await(ctx context.Context, operation string) error {
	p.asked = append(p.asked, operation)
	select {
	case <-time.After(p.takes):
		return p.ends
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestOpenOperation: a run first waits for an operation of which an earlier one did not see the end, for a third of its time, and
// writes nothing while it goes on.
func TestOpenOperation(t *testing.T) {
	for _, c := range []struct {
		name    string
		since   string
		takes   time.Duration
		bans    []string
		outcome Outcome
		took    time.Duration
		open    bool // it still is
	}{
		{"it ends", "-2m", 10 * time.Second, []string{"192.0.2.1 sshd 0s 1h"}, OutcomeChanged, 10 * time.Second, false},
		{"it goes on", "-2m", time.Hour, []string{"192.0.2.1 sshd 0s 1h"}, OutcomeHeld, 30 * time.Second, true},
		{"it goes on, with nothing to do", "-2m", time.Hour, nil, OutcomeInStep, 30 * time.Second, true},
		{"it goes on for half an hour, almost", "-29m59s", time.Hour, []string{"192.0.2.1 sshd 0s 1h"}, OutcomeHeld, 30 * time.Second, true},
		{"it goes on for half an hour", "-30m", time.Hour, []string{"192.0.2.1 sshd 0s 1h"}, OutcomeChanged, 0, false},
		{"it began in half an hour: the clock was set back", "30m", time.Hour, []string{"192.0.2.1 sshd 0s 1h"}, OutcomeChanged, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
				defer cancel()
				target := &pendingTarget{memTarget: newMemTarget(), takes: c.takes}
				r := run(target, f2b(c.bans...))
				r.Open = Open{Operation: "op", Since: at(c.since)}
				began := time.Now()
				rep := r.Do(ctx)
				same(t, time.Since(began), c.took)
				if wrote := target.posts > 0; rep.Outcome != c.outcome || wrote != (c.outcome == OutcomeChanged) || len(target.asked) != count(0, c.took > 0) {
					t.Errorf("%s: %v, wrote: %v, asked for %q", rep.Outcome, rep.Err, wrote, target.asked)
				}
				if open := rep.Next.Open == r.Open; open != c.open || !open && rep.Next.Open != (Open{}) {
					t.Errorf("left: %+v", rep.Next.Open)
				}
				if hold, ok := errors.AsType[*HoldError](rep.Err); ok != (c.outcome == OutcomeHeld) || ok && hold.Operation != "op" {
					t.Errorf("%v", rep.Err)
				}
			})
		})
	}
}

// TestOpenOperationThatWasRefused after all counts as a refused write: the second in a row begins a hold.
func TestOpenOperationThatWasRefused(t *testing.T) {
	for before, want := range map[int]Outcome{0: OutcomeChanged, 1: OutcomeHeld} {
		target := &pendingTarget{memTarget: newMemTarget(), ends: fault{refused: true}}
		r := run(target, f2b("192.0.2.1 sshd 0s 1h"))
		r.Open = Open{Operation: "op", Since: at("-2m")}
		for range before {
			r.Throttle = r.Throttle.Refused(at("-10m"))
		}
		rep := r.Do(t.Context())
		same(t, rep.Outcome, want)
		same(t, rep.Next.Open, Open{})
		if !rep.Next.Throttle.Lately(at("0s")) || rep.Next.Throttle.Held(at("0s")) != (want == OutcomeHeld) {
			t.Errorf("%+v", rep.Next.Throttle)
		}
	}
}

// TestOpenOperationAndDryRun: a look at the plan waits for a moment only.
func TestOpenOperationAndDryRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := &pendingTarget{memTarget: newMemTarget(), takes: time.Hour}
		r := run(target, f2b("192.0.2.1 sshd 0s 1h"))
		r.Open, r.DryRun = Open{Operation: "op", Since: at("-2m")}, true
		began := time.Now()
		same(t, r.Do(t.Context()).Outcome, OutcomePlanned)
		same(t, time.Since(began), time.Second)
	})
}

// TestOpenOperationIsKept: from the write that was not seen to end to the run that sees it.
func TestOpenOperationIsKept(t *testing.T) {
	target := &pendingTarget{memTarget: newMemTarget()}
	answering(target.memTarget, map[string][]error{"add": {fmt.Errorf("add: %w", fault{uncertain: true, pending: "op 1"}), nil}})
	r := run(target, f2b("192.0.2.1 sshd 0s 1h"))
	rep := r.Do(t.Context())
	same(t, rep.Next.Open, Open{"op 1", at("0s")})
	if _, _, known := rep.Drift(); rep.Outcome != OutcomeFailed || known {
		t.Errorf("%+v", rep)
	}
	r.Past, r.Now = rep.Next, at("2m")
	failed := r
	failed.Sources = []Source{failing(f2b())}
	same(t, failed.Do(t.Context()).Next.Open, r.Open) // a run that is skipped does not lose it
	rep = r.Do(t.Context())
	same(t, target.asked, []string{"op 1"})
	same(t, rep.Next.Open, Open{})
	same(t, rep.Outcome, OutcomeChanged)
	if r.Target = target.memTarget; r.Do(t.Context()).Next.Open != (Open{}) {
		t.Error("a target that cannot be asked is waited for")
	}
}

// TestPastSurvivesItsFile: what is written is what is read.
func TestPastSurvivesItsFile(t *testing.T) {
	past := Past{
		Memory:   map[string]json.RawMessage{"fail2ban /a": json.RawMessage(`{"a":1}`)},
		Known:    map[string]string{"fail2ban /a": "inode 1"},
		Orphans:  each([]string{"192.0.2.1", "2001:db8::/64"}, prefix),
		Unnamed:  each([]string{"192.0.2.2"}, prefix),
		Throttle: Throttle{InARow: 2, Since: at("-1h"), Last: at("-1m"), Hold: at("1m"), Wrote: at("-2h")},
		Waiting:  Waiting{"+192.0.2.1": at("-1m"), "-2001:db8::/64": at("-1h")},
		Capacity: Capacity{Fits: 3, Over: 4, At: at("-1m")},
		Open:     Open{Operation: "op", Since: at("-1m")},
	}
	for _, past := range []Past{past, {}} {
		text, err := json.Marshal(past)
		var again Past
		if err := errors.Join(err, json.Unmarshal(text, &again)); err != nil {
			t.Fatal(err)
		}
		same(t, again, past)
	}
	if text, _ := json.Marshal(Past{}); string(text) != "{}" {
		t.Errorf("%s", text)
	}
}
