package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// memSource is a source that says what it is told to.
type memSource struct {
	name, label string
	reading     Reading
	err         error
	asked       func(now time.Time, memory json.RawMessage)
}

func (s memSource) Name() string  { return s.name }
func (s memSource) Label() string { return s.label }

func (s memSource) Bans(_ context.Context, now time.Time, memory json.RawMessage) (Reading, error) {
	if s.asked != nil {
		s.asked(now, memory)
	}
	return s.reading, s.err
}

func f2b(lines ...string) memSource {
	return memSource{name: "fail2ban", label: "/f2b.sqlite3", reading: Reading{Bans: bans(lines...)}}
}

func crowdsec(lines ...string) memSource {
	return memSource{name: "crowdsec", label: "http://localhost", reading: Reading{Bans: bans(lines...)}}
}

func failing(s memSource) memSource {
	s.reading, s.err = Reading{}, errors.New(s.name+" is away")
	return s
}

func run(target Target, sources ...Source) Run {
	s := scene{}
	return Run{Sources: sources, Target: target, Policy: s.policy(), Ownership: s.view().Ownership, MaxItems: 100, Now: s.time()}
}

// TestRunTwice: the second run has nothing to do, and changes nothing.
func TestRunTwice(t *testing.T) {
	target := newMemTarget(items("192.0.2.8 own 1h -1h fail2ban:sshd", "192.0.2.9 created=-1h by hand")...)
	r := run(target, f2b("192.0.2.1 sshd -5m 1h", "192.0.2.2 sshd -3h -2h"), crowdsec("192.0.2.1 crowdsec:x 0s 1h"))
	first := r.Do(t.Context())
	if first.Outcome != OutcomeChanged || first.Err != nil || first.Applied != (Applied{1, 1}) || first.Degraded() {
		t.Errorf("%+v", first)
	}
	same(t, first.Sources, []SourceReport{
		{Name: "fail2ban", Label: "/f2b.sqlite3", Held: 2, Active: map[string]int{"sshd": 1}},
		{Name: "crowdsec", Label: "http://localhost", Held: 1, Active: map[string]int{"x": 1}},
	})
	before := target.all()
	second := r.Do(t.Context())
	if second.Outcome != OutcomeInStep || second.Err != nil || second.Applied != (Applied{}) {
		t.Errorf("%+v", second)
	}
	same(t, target.all(), before)
	same(t, target.posts+target.removals, 2)
}

// TestRunThatDoesNotWrite: there is no way from a read that failed to a write.
func TestRunThatDoesNotWrite(t *testing.T) {
	boom := errors.New("boom")
	source := f2b("192.0.2.1 sshd 0s 1h")
	for _, c := range []struct {
		name    string
		sources []Source
		broken  string // the target's call
		clock   string
		outcome Outcome
		err     string
		notes   int
	}{
		{name: "all is well", sources: []Source{source}, outcome: OutcomeChanged, notes: 1},
		{name: "no source", outcome: OutcomeSkipped, err: "no source of bans"},
		{name: "all sources failed", sources: []Source{failing(source), failing(crowdsec())}, outcome: OutcomeSkipped, err: "fail2ban is away\ncrowdsec is away"},
		{name: "no survey", sources: []Source{source}, broken: "survey", outcome: OutcomeFailed, err: "boom"},
		{name: "no items", sources: []Source{source}, broken: "items", outcome: OutcomeFailed, err: "boom", notes: 1},
		{name: "clock a little ahead", sources: []Source{source}, clock: "-4m", outcome: OutcomeChanged},
		{name: "clock ahead", sources: []Source{source}, clock: "-6m", outcome: OutcomeSkipped, err: "this host's clock is 6m0s ahead of the API's"},
		{name: "clock behind", sources: []Source{source}, clock: "6m", outcome: OutcomeSkipped, err: "this host's clock is 6m0s behind the API's"},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := newMemTarget(item("192.0.2.8 own 1h -1h fail2ban:sshd"))
			target.fail = func(call string) (int, error) {
				if call == c.broken {
					return 0, boom
				}
				return 0, nil
			}
			if c.clock != "" {
				target.survey.Clock = at(c.clock)
			}
			rep := run(target, c.sources...).Do(t.Context())
			err := ""
			if rep.Err != nil {
				err = rep.Err.Error()
			}
			if rep.Outcome != c.outcome || err != c.err || len(rep.Notes) != c.notes {
				t.Errorf("%s: %q, notes %q", rep.Outcome, err, rep.Notes)
			}
			if wrote := target.posts+target.removals > 0; wrote != (c.outcome == OutcomeChanged) {
				t.Errorf("wrote: %v", wrote)
			}
			if errors.Is(rep.Err, ErrClock) != strings.Contains(c.name, "clock ") && c.outcome == OutcomeSkipped {
				t.Errorf("%v", rep.Err)
			}
			if hint, ok := errors.AsType[interface {
				error
				Hint() string
			}](rep.Err); errors.Is(rep.Err, ErrClock) && (!ok || hint.Hint() == "") {
				t.Error("no hint")
			}
		})
	}
}

func TestRunWithOneSourceAway(t *testing.T) {
	target := newMemTarget(items("192.0.2.8 own 1h -1h fail2ban:sshd", "192.0.2.9 own 1h -1h crowdsec:x")...)
	rep := run(target, failing(f2b()), crowdsec("192.0.2.1 crowdsec:x 0s 1h")).Do(t.Context())
	same(t, changes(*rep.Plan), []string{"add 192.0.2.1 new", "remove 192.0.2.9 lifted"})
	if rep.Outcome != OutcomeChanged || !rep.Degraded() || rep.Plan.Unanswered != 1 || rep.Sources[0].Active != nil {
		t.Errorf("%+v", rep)
	}
}

func TestDryRun(t *testing.T) {
	under := newMemTarget()
	r := run(ReadOnly(under), f2b("192.0.2.1 sshd 0s 1h"))
	r.DryRun = true
	if rep := r.Do(t.Context()); rep.Outcome != OutcomePlanned || rep.Err != nil || len(rep.Plan.Add) != 1 || under.posts > 0 {
		t.Errorf("%+v", rep)
	}
	r.Sources = []Source{f2b()}
	if rep := r.Do(t.Context()); rep.Outcome != OutcomeInStep {
		t.Errorf("%+v", rep)
	}
	r.DryRun, r.Sources = false, []Source{f2b("192.0.2.1 sshd 0s 1h")}
	if rep := r.Do(t.Context()); rep.Outcome != OutcomeFailed || !errors.Is(rep.Err, ErrReadOnly) {
		t.Errorf("a write on a read-only target is a bug: %+v", rep)
	}
}

func TestRunWithholds(t *testing.T) {
	target := newMemTarget(item("192.0.2.8 created=-1h by script"))
	r := run(target, f2b("192.0.2.1 sshd 0s 1h"))
	r.Ownership.Exclusive = true
	rep := r.Do(t.Context())
	if held, ok := errors.AsType[*WithheldError](rep.Err); rep.Outcome != OutcomeWithheld || !ok || *held != (WithheldError{Withheld: 1, Untagged: 1, Of: 1}) || rep.Applied != (Applied{1, 0}) {
		t.Errorf("%+v", rep)
	}
	rep = r.Do(t.Context()) // nothing else to do, and still it says so
	if rep.Outcome != OutcomeWithheld {
		t.Errorf("%+v", rep)
	}
	r.MaxItems = 2 // what is withheld keeps its place
	r.Sources = []Source{f2b("192.0.2.1 sshd 0s 1h", "192.0.2.2 sshd -1m 1h")}
	if rep = r.Do(t.Context()); rep.Outcome != OutcomeWithheld || len(target.items) != 2 {
		t.Errorf("%+v", rep)
	}
	r.Limits.AllowRemovals = true
	if rep = r.Do(t.Context()); rep.Outcome != OutcomeChanged || len(target.items) != 2 {
		t.Errorf("%+v", rep)
	}
}

func TestRunRoom(t *testing.T) {
	target := newMemTarget()
	target.survey.Elsewhere = 98
	rep := run(target, f2b("192.0.2.1 sshd -3m 1h", "192.0.2.2 sshd -2m 1h", "192.0.2.3 sshd -1m 1h")).Do(t.Context())
	if rep.Plan.Room != 2 || len(target.items) != 2 || len(rep.LeftOut()) != 1 {
		t.Errorf("%+v", rep)
	}
}

// TestRunHasOneTime: in whole seconds, because comments hold no more; a run a moment later finds nothing to do.
func TestRunHasOneTime(t *testing.T) {
	target := newMemTarget()
	source := f2b("192.0.2.1 sshd 0.25s 10m0.25s")
	source.asked = func(now time.Time, _ json.RawMessage) { same(t, now, at("0s")) }
	r := run(target, source)
	r.Now = at("0.7s")
	if rep := r.Do(t.Context()); rep.Outcome != OutcomeChanged || !rep.Now.Equal(at("0s")) {
		t.Errorf("%+v", rep)
	}
	source.asked = nil
	r.Sources, r.Now = []Source{source}, at("13m0.9s")
	if rep := r.Do(t.Context()); rep.Outcome != OutcomeInStep {
		t.Errorf("%+v", rep)
	}
	r.Now = at("13m1s")
	if rep := r.Do(t.Context()); rep.Outcome != OutcomeChanged || len(target.items) != 0 {
		t.Errorf("%+v", rep)
	}
}

func TestRunMemory(t *testing.T) {
	remember := func(s memSource, want, next string) memSource {
		s.asked = func(_ time.Time, memory json.RawMessage) { same(t, string(memory), want) }
		s.reading.Memory = json.RawMessage(next)
		return s
	}
	a, b := remember(f2b(), "1", "2"), remember(crowdsec(), "", "3")
	c := failing(remember(memSource{name: "other", label: "x"}, "9", ""))
	r := run(newMemTarget(), a, b, c)
	r.Memory = map[string]json.RawMessage{MemoryKey(a): json.RawMessage("1"), MemoryKey(c): json.RawMessage("9")}
	rep := r.Do(t.Context())
	for i, want := range []string{"2", "3", "9"} { // what a failed source remembered is not lost
		same(t, string(rep.Sources[i].Memory), want)
	}
}

// TestRunMemoryAndClocks: what a source found out by a clock that is wrong is not to be remembered.
func TestRunMemoryAndClocks(t *testing.T) {
	for clock, want := range map[string]string{"4m": `"new"`, "6m": `"old"`} {
		source := f2b()
		source.reading.Memory = json.RawMessage(`"new"`)
		target := newMemTarget()
		target.survey.Clock = at(clock)
		r := run(target, source)
		r.Memory = map[string]json.RawMessage{MemoryKey(source): json.RawMessage(`"old"`)}
		same(t, string(r.Do(t.Context()).Next.Memory[MemoryKey(source)]), want)
	}
}

func TestRead(t *testing.T) {
	out := ban("root sshd 0s 1h")
	source := f2b("192.0.2.1 sshd 0s 1h")
	source.reading.Bans = append(source.reading.Bans, out)
	source.reading.Notes = []string{"a note"}
	r := run(nil, source, failing(crowdsec()))
	said := r.Read(t.Context())
	d := r.Desire(said)
	if said.Err != nil || len(d.Entries) != 1 || len(d.LeftOut) != 1 || len(said.Sources) != 2 || said.Sources[1].Err == nil {
		t.Errorf("%+v %+v", d, said)
	}
	same(t, said.Notes, []string{"a note"})
	if said := run(nil, failing(source)).Read(t.Context()); said.Err == nil || len(said.Sources) != 1 {
		t.Errorf("%+v", said)
	}
}

// TestReadAsksAllAtOnce: two sources that take their time cost the time of one, and what they say comes in their order.
func TestReadAsksAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const takes = 10 * time.Second
		slow := func(s memSource) memSource {
			s.asked = func(time.Time, json.RawMessage) { time.Sleep(takes) }
			return s
		}
		said := run(nil, slow(f2b("192.0.2.1 sshd 0s 1h")), slow(crowdsec("192.0.2.2 crowdsec:x 0s 1h")), slow(failing(f2b()))).Read(t.Context())
		if said.Took != takes || len(said.Bans) != 2 || said.Bans[0].Source != "fail2ban" || said.Bans[1].Source != "crowdsec" {
			t.Errorf("after %v: %+v", said.Took, said.Bans)
		}
	})
}
