package cloudflare

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

// bans is a source that bans these for good.
type bans []string

func (bans) Name() string  { return "fail2ban" }
func (bans) Label() string { return "test" }

func (b bans) Bans(context.Context, time.Time, json.RawMessage) (reconcile.Reading, error) {
	reading := reconcile.Reading{Identity: "1"}
	for _, value := range b {
		reading.Bans = append(reading.Bans, reconcile.Ban{Value: value, Source: "fail2ban", Reason: "sshd"})
	}
	return reading, nil
}

// TestRunOnRules is whole runs: a rule in the way that was not read is found out and left alone in the same run, the next one has nothing
// to do, and bans that were lifted go.
func TestRunOnRules(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{Budget: NewBudget(40)}, func(t *testing.T, g *grounds) {
		g.crowd(t, 1200)
		g.have(t, "block 203.0.113.9 Fail2Ban sshd")
		var past reconcile.Past
		run := func(source bans, outcome reconcile.Outcome, writes int) {
			t.Helper()
			g.begin(RulesOptions{Budget: NewBudget(40), Known: g.rules.Known()})
			before := g.asked("POST") + g.asked("PATCH") + g.asked("DELETE")
			report := reconcile.Run{
				Sources: []reconcile.Source{source}, Target: g.block, MaxItems: 50_000, Now: time.Now(), Past: past,
				Policy:    reconcile.Policy{IPv6Prefix: 64, MinPrefix4: 16, MinPrefix6: 32},
				Ownership: reconcile.Ownership{Owner: "web-1"},
			}.Do(t.Context())
			if got := g.asked("POST") + g.asked("PATCH") + g.asked("DELETE") - before; report.Outcome != outcome || report.Err != nil || got != writes {
				t.Errorf("%v, %v, %d writes", report.Outcome, report.Err, got)
			}
			past = report.Next
			time.Sleep(2 * time.Minute)
		}
		some := bans{"192.0.2.1", "203.0.113.9", "2001:db9::1"}
		run(some, reconcile.OutcomeInStep, 3) // the last plan has nothing left to do
		run(some, reconcile.OutcomeInStep, 0)
		run(some[1:2], reconcile.OutcomeChanged, 2)
		run(some[1:2], reconcile.OutcomeInStep, 0)
		if have := g.items(t, g.rules.Target(ModeBlock)); len(have) != 1 || have[0].Comment != "Fail2Ban sshd" || g.CountAccessRules(g.scope) != 1201 {
			t.Error(shown(have))
		}
	})
}
