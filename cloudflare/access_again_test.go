package cloudflare

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	fake "edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

// TestOneFurtherAttempt: there is one in a run, for all writes of all targets, and none without a request left for it.
func TestOneFurtherAttempt(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
		write := g.writing(t, "POST")
		g.faultAt("POST", anyRule, 1, 1, fake.TooManyRequests(971, "1"))
		g.faultAt("POST", anyRule, 3, 1, fake.TooManyRequests(971, "1"))
		if done, err := write(t.Context()); done != 1 || !IsRefused(err) || g.asked("POST") != 3 {
			t.Error(done, err, g.asked("POST"))
		}
	})
	inGrounds(t, fake.Options{}, RulesOptions{Budget: NewBudget(2)}, func(t *testing.T, g *grounds) {
		write := g.writing(t, "POST")
		g.fault("POST", anyRule, fake.TooManyRequests(971, "1"))
		if done, err := write(t.Context()); done != 0 || !IsRefused(err) || g.asked("POST") != 1 || g.block.Retried() {
			t.Error(done, err, g.asked("POST"))
		}
	})
}

// TestOtherTargetAfterUncertainty: what one target left open, another one reads.
func TestOtherTargetAfterUncertainty(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
		write := g.writing(t, "POST")
		g.faultAt("POST", anyRule, 1, 1, fake.After(fake.Drop()))
		if done, err := write(t.Context()); done != 0 || !isStale(err) {
			t.Fatal(done, err)
		}
		want(t, shown(g.items(t, g.rules.Target(ModeChallenge))), "192.0.2.1 stronger "+ruleTag)
		if g.asked("GET") != 2 {
			t.Errorf("%d reads", g.asked("GET"))
		}
	})
}

// TestWhatASearchFinds: a search may bring other rules as well, and those that a zone has from its account.
func TestWhatASearchFinds(t *testing.T) {
	inGrounds(t, fake.Options{InheritedRules: true}, RulesOptions{}, func(t *testing.T, g *grounds) {
		g.have(t, "whitelist 192.0.2.1 of the account")
		id := g.AddZone(testAccount, zoneName)
		g.scope = fake.ZoneScope(id)
		target := NewRules(g.client, Scope{zone: id}, RulesOptions{}).Target(ModeBlock)
		g.items(t, target)
		g.have(t, "block 192.0.2.1 by hand", "block 192.0.2.2")
		g.scope = fake.AccountScope(testAccount)
		g.have(t, "whitelist 192.0.2.3") // the newest, and so the first
		searching := func(r *http.Request) bool { return r.URL.Query().Has("configuration.value") }
		g.AddFault(fake.Fault{Path: anyRule, If: searching, Effect: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			r.URL.RawQuery = "" // all rules
			next.ServeHTTP(w, r)
		}})
		if done, err := target.Add(t.Context(), []reconcile.Post{block("192.0.2.1/32")}); done != 0 || !isStale(err) {
			t.Error(done, err)
		}
		want(t, shown(g.items(t, target)), "192.0.2.1 of target by hand")
		g.DeleteAccessRule(fake.ZoneScope(id), "192.0.2.1")
		g.fault("POST", anyRule, fake.Answer(400, 10009, "duplicate"))
		if done, err := target.Add(t.Context(), []reconcile.Post{block("192.0.2.3/32")}); done != 0 || !isStale(err) {
			t.Error(done, err)
		}
		want(t, shown(g.items(t, target)), "192.0.2.2 of target")
	})
}

// TestWhatIsNotRemembered: a peer's rule will be read, and a secret is in no state file.
func TestWhatIsNotRemembered(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{Budget: NewBudget(40)}, func(t *testing.T, g *grounds) {
		g.crowd(t, 1200)
		g.have(t, "block 192.0.2.1 my token is "+testToken)
		g.items(t, g.block)
		g.have(t, "block 192.0.2.2 "+strings.Replace(ruleTag, "web-1", "web-2", 1))
		if _, err := g.block.Add(t.Context(), []reconcile.Post{block("192.0.2.1/32"), block("192.0.2.2/32")}); !isStale(err) {
			t.Fatal(err)
		}
		if known := g.rules.Known(); len(known) != 1 || known[0].Notes != "my token is [secret]" {
			t.Error(known)
		}
	})
}

// TestBudgetOfSeveralScopes: one that finds half of it used up is more modest, and one for which it cannot be enough stops early.
func TestBudgetOfSeveralScopes(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{Budget: NewBudget(40)}, func(t *testing.T, g *grounds) {
		g.crowd(t, 990)
		for i, have := range []int{990, 990, 0, 0} {
			g.begin(g.rules.options)
			if got := len(g.items(t, g.block)); got != have {
				t.Errorf("%d: %d rules", i, got)
			}
		}
	})
	inGrounds(t, fake.Options{}, RulesOptions{Budget: NewBudget(12)}, func(t *testing.T, g *grounds) { // the count is that of all rules
		g.crowd(t, 200)
		g.tagged(t, 1100)
		g.fault("GET", anyRule, fake.Edit(func(m map[string]any) { m["result_info"].(map[string]any)["total_count"] = 1300 }))
		var budget *BudgetError
		if _, _, err := g.block.Items(t.Context()); !errors.As(err, &budget) || budget.Needs != 13 || g.asked("GET") != 10 {
			t.Error(err)
		}
	})
}
