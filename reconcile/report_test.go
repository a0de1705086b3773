package reconcile

import (
	"errors"
	"slices"
	"testing"
)

type openError struct{ open bool }

func (openError) Error() string     { return "connection lost" }
func (e openError) Uncertain() bool { return e.open }

// TestReportAfterAPartialWrite: what is published is what surely took effect, or nothing.
func TestReportAfterAPartialWrite(t *testing.T) {
	s := scene{
		bans: []string{"192.0.2.1 x 0s 1h", "192.0.2.2 x 0s 1h", "192.0.2.3 x 0s 1h"},
		items: []string{
			"192.0.2.2 peer 1m 0s x:y", "192.0.2.3 former 1h 0s x:y", "192.0.2.5 peer 1h 0s x:y",
			"192.0.2.6 created=-1h x", "192.0.2.7 peer -8d -9d x:y", "192.0.2.8 own 1h 0s x:y",
		},
	}
	p := s.expect(t, "add 192.0.2.1 new", "add 192.0.2.2 take-over", "add 192.0.2.3 take-over", "remove 192.0.2.7 overdue", "remove 192.0.2.8 lifted")
	for _, c := range []struct {
		name           string
		applied        Applied
		err            error
		tally          Tally
		missing, stale int
		known          bool
	}{
		{"nothing", Applied{}, errors.New("refused"), Tally{Items: 6, Own: 2, Foreign: 1, Peers: 3}, 3, 2, true},
		{"one", Applied{Added: 1}, errors.New("refused"), Tally{Items: 7, Own: 3, Foreign: 1, Peers: 3}, 2, 2, true},
		{"taken over", Applied{Added: 2}, openError{false}, Tally{Items: 7, Own: 4, Foreign: 1, Peers: 2}, 1, 2, true},
		{"added", Applied{Added: 3}, nil, Tally{Items: 7, Own: 4, Foreign: 1, Peers: 2}, 0, 2, true},
		{"overdue one gone", Applied{Added: 3, Removed: 1}, nil, Tally{Items: 6, Own: 4, Foreign: 1, Peers: 1}, 0, 1, true},
		{"all", Applied{Added: 3, Removed: 2}, nil, Tally{Items: 5, Own: 3, Foreign: 1, Peers: 1}, 0, 0, true},
		{"nobody knows", Applied{Added: 1}, errors.Join(openError{true}), Tally{}, 0, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Report{Plan: &p, Applied: c.applied, Err: c.err}
			tally, known := r.Tally()
			if tally != c.tally || known != c.known {
				t.Errorf("tally %+v, %v", tally, known)
			}
			missing, stale, known := r.Drift()
			if missing != c.missing || stale != c.stale || known != c.known {
				t.Errorf("drift %d, %d, %v", missing, stale, known)
			}
		})
	}
}

// TestTallyIsWhatIsThere compares with a list on which the plan was carried out.
func TestTallyIsWhatIsThere(t *testing.T) {
	target := newMemTarget(items("192.0.2.2 peer 1m 0s x:y", "192.0.2.6 created=-1h x", "192.0.2.8 own 1h 0s x:y", "192.0.2.9 created=-1h x")...)
	r := run(target, f2b("192.0.2.1 x 0s 1h", "192.0.2.2 x 0s 1h", "192.0.2.9 x 0s 1h"))
	for _, exclusive := range []bool{false, true} {
		r.Ownership.Exclusive = exclusive
		r.Limits.AllowRemovals = exclusive
		rep := r.Do(t.Context())
		want := Tally{Items: len(target.items)}
		for _, it := range target.all() {
			switch h := r.Ownership.classify(&it); {
			case h.ours():
				want.Own++
			case h.class == Peer:
				want.Peers++
			default:
				want.Foreign++
			}
		}
		if got, known := rep.Tally(); got != want || !known || rep.Outcome != OutcomeChanged {
			t.Errorf("%s: %+v, there are %+v", rep.Outcome, got, want)
		}
	}
}

func TestReportWithoutAPlan(t *testing.T) {
	var r Report
	_, tally := r.Tally()
	_, _, drift := r.Drift()
	if tally || drift || r.LeftOut() != nil || r.Degraded() {
		t.Error("zero is not unknown")
	}
}

func TestReportLeftOut(t *testing.T) {
	cut := Entry{Prefix: prefix("192.0.2.1"), Terms: []Term{{Source: "fail2ban", Reason: "sshd"}}}
	a, b := LeftOut{Reason: LeftOutAllowed}, LeftOut{Reason: LeftOutNoRoom, Ban: Ban{Value: "192.0.2.1", Source: "fail2ban", Reason: "sshd"}}
	r := Report{Desired: &Desired{LeftOut: []LeftOut{a}}, Plan: &Plan{NoRoom: []*Entry{&cut}}}
	same(t, r.LeftOut(), []LeftOut{a, b})
	same(t, r.Desired.LeftOut, []LeftOut{a})
}

func TestOutcomesAreAllDifferent(t *testing.T) {
	all := Outcomes()
	slices.Sort(all)
	if n := len(all); len(slices.Compact(all)) != n || n < 6 {
		t.Errorf("%q", all)
	}
}

func TestRemedyString(t *testing.T) {
	same(t, []string{Block.String(), Challenge.String(), Remedy(7).String()}, []string{"block", "challenge", "remedy 7"})
}
