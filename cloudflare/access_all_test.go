package cloudflare

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	fake "edgeban/cloudflare/cloudflaretest"
)

// TestAllRules: who wants all rules gets all or an error that says what to do, and never only those with a tag.
func TestAllRules(t *testing.T) {
	for _, c := range []struct {
		budget, rules, have, asked int
	}{
		{40, 100, 100, 1},
		{40, 2000, 2000, 20},
		{40, 3800, 3800, 38}, // the reserve is for changes
		{40, 4000, 0, 1},
		{0, 5000, 5000, 50},
	} {
		options := RulesOptions{All: true}
		if c.budget > 0 {
			options.Budget = NewBudget(c.budget)
		}
		inGrounds(t, fake.Options{}, options, func(t *testing.T, g *grounds) {
			g.crowd(t, c.rules)
			_, err := g.block.Survey(t.Context())
			if c.have == 0 {
				var budget *BudgetError
				if !errors.As(err, &budget) || budget.Needs != 39 || budget.Later() || !strings.Contains(hint(err), "--request-budget") {
					t.Errorf("%d: %v", c.rules, err)
				}
			} else if have := g.items(t, g.block); err != nil || len(have) != c.have || g.rules.Partial() {
				t.Errorf("%d: %d rules, %v", c.rules, len(have), err)
			}
			if g.asked("GET") != c.asked {
				t.Errorf("%d: %d requests", c.rules, g.asked("GET"))
			}
		})
	}
	inGrounds(t, fake.Options{}, RulesOptions{Budget: NewBudget(40)}, func(t *testing.T, g *grounds) { // the twin
		g.crowd(t, 2000)
		g.tagged(t, 1)
		if have := g.items(t, g.block); len(have) != 1 || !g.rules.Partial() {
			t.Errorf("%d rules", len(have))
		}
	})
}

// TestChallengesHaveTheirShare: what blocks leave of the budget is for challenges, where there are some.
func TestChallengesHaveTheirShare(t *testing.T) {
	for rule, want := range map[string]int{
		"block 192.0.2.1 " + ruleTag: 37, "managed_challenge 192.0.2.1 by hand": 37, "managed_challenge 192.0.2.1 " + ruleTag: 33,
	} {
		inGrounds(t, fake.Options{}, RulesOptions{Budget: NewBudget(40)}, func(t *testing.T, g *grounds) {
			g.have(t, rule)
			g.items(t, g.block)
			if got, other := g.block.Changes(), g.rules.Target(ModeChallenge).Changes(); got != want || other != 37 {
				t.Errorf("%s: %d changes, of challenges %d", rule, got, other)
			}
		})
	}
}

// TestMayEditRules: the right to write is found out without a rule being made.
func TestMayEditRules(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
		zone := Scope{zone: g.AddZone(testAccount, zoneName)}
		for _, c := range []struct {
			permission fake.Permission
			scope      Scope
			want       bool
		}{
			{fake.AccessRulesWrite, AccountScope(), true}, {fake.AccessRulesRead, AccountScope(), false}, {fake.ListsEdit, AccountScope(), false},
			{fake.FirewallWrite, zone, true}, {fake.FirewallRead, zone, false}, {fake.AccessRulesWrite, UserScope(), true},
		} {
			g.AddToken(testToken, c.permission)
			if got, err := g.client.MayEditRules(t.Context(), c.scope); err != nil || got != c.want {
				t.Errorf("%s, %s: %v, %v", c.permission, c.scope, got, err)
			}
		}
		for _, effect := range []fake.Effect{
			fake.TooManyRequests(971, "60"), fake.Answer(503, 0, "down"), fake.Drop(), fake.Answer(200, 0, ""),
			func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(400) },
		} {
			g.ClearFaults()
			g.fault("POST", anyRule, effect)
			if got, err := g.client.MayEditRules(t.Context(), UserScope()); err == nil || got {
				t.Errorf("no answer to the question counts as %v", got)
			}
		}
		if len(g.there()) != 0 {
			t.Error(g.there())
		}
	})
}
