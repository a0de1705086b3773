package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

const (
	anyRule  = fake.PathAnyAccessRule
	ruleTag  = "edgeban:web-1-3f2a9c1d until=2026-11-27T10:03:00Z seen=2026-11-20T10:00:02Z | fail2ban:sshd"
	zoneName = "example.com"
)

// grounds is an account with access rules, and what is needed to work on them.
type grounds struct {
	*edge
	scope fake.Scope
	rules *Rules
	block *RuleTarget
}

// inGrounds runs test in a bubble of virtual time, on the rules of an account.
func inGrounds(t *testing.T, opts fake.Options, options RulesOptions, test func(t *testing.T, g *grounds)) {
	t.Helper()
	inEdgeOf(t, opts, ListOptions{}, func(t *testing.T, e *edge) {
		e.AddToken(testToken, fake.AccessRulesWrite, fake.FirewallWrite)
		g := &grounds{edge: e, scope: fake.AccountScope(testAccount)}
		g.begin(options)
		test(t, g)
	})
}

// begin begins another run.
func (g *grounds) begin(options RulesOptions) {
	g.rules = NewRules(g.client, AccountScope(), options)
	g.block = g.rules.Target(ModeBlock)
}

// have gives the scope rules "MODE VALUE NOTES", the oldest first.
func (g *grounds) have(t *testing.T, rules ...string) {
	t.Helper()
	for _, text := range rules {
		part := strings.SplitN(text+"  ", " ", 3)
		rule := fake.AccessRule{Mode: part[0], Value: part[1], Notes: strings.TrimSpace(part[2])}
		if _, err := g.SetAccessRule(g.scope, rule); err != nil {
			t.Fatal(err)
		}
	}
}

// crowd gives the scope n rules by hand.
func (g *grounds) crowd(t *testing.T, n int) {
	t.Helper()
	var all []fake.AccessRule
	for _, post := range posts(n) {
		all = append(all, fake.AccessRule{Mode: fake.ModeBlock, Value: post.Prefix.Addr().String(), Notes: "Fail2Ban sshd"})
	}
	if err := g.SetAccessRules(g.scope, all...); err != nil {
		t.Fatal(err)
	}
}

// there is what the scope has, as have takes it.
func (g *grounds) there() []string {
	var all []string
	for _, rule := range g.AccessRules(g.scope) {
		all = append(all, strings.TrimSpace(rule.Mode+" "+rule.Value+" "+rule.Notes))
	}
	return all
}

// shown are items in few words.
func shown(items []reconcile.Item) []string {
	var all []string
	for _, item := range items {
		effect := []string{"of target", "weaker", "stronger", "allows", "stops"}[item.Effect]
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s", text(item.Prefix), effect, item.Comment)))
	}
	return all
}

// writing prepares three writes by a method, on 192.0.2.1 to 192.0.2.3, and returns what makes them.
func (g *grounds) writing(t *testing.T, method string) func(context.Context) (int, error) {
	t.Helper()
	all := []reconcile.Post{block("192.0.2.1/32"), block("192.0.2.2/32"), block("192.0.2.3/32")}
	if method != "POST" {
		g.have(t, "block 192.0.2.1 old", "block 192.0.2.2 old", "block 192.0.2.3 old")
	}
	have := g.items(t, g.block)
	return func(ctx context.Context) (int, error) {
		if method == "DELETE" {
			return g.block.Remove(ctx, have)
		}
		return g.block.Add(ctx, all)
	}
}

func (g *grounds) items(t *testing.T, target *RuleTarget) []reconcile.Item {
	t.Helper()
	have, notes, err := target.Items(t.Context())
	if err != nil || len(notes) != 0 {
		t.Fatal(notes, err)
	}
	return have
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func block(prefix string) reconcile.Post {
	return reconcile.Post{Prefix: netip.MustParsePrefix(prefix), Comment: ruleTag}
}

func isStale(err error) bool {
	var stale reconcile.Stale
	return errors.As(err, &stale) && stale.Stale()
}

func TestScopes(t *testing.T) {
	zone, err := ZoneScope("023e105f4ecef8ad9ca31a8372d0c353")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		scope           Scope
		mode            Mode
		text, name, url string
	}{
		{AccountScope(), ModeBlock, "account", "access rules", "/accounts/" + testAccount},
		{zone, ModeChallenge, "zone 023e105f4ecef8ad9ca31a8372d0c353", "access rules of zone 023e105f4ecef8ad9ca31a8372d0c353 (challenge)", "/zones/023e105f4ecef8ad9ca31a8372d0c353"},
		{UserScope(), ModeAllow, "user", "access rules of the user (allow)", "/user"},
	} {
		client, err := New(Config{Account: testAccount, Token: NewSecret(testToken)})
		if err != nil {
			t.Fatal(err)
		}
		u, err := c.scope.url(client, nil, "abc")
		if err != nil || u.String() != DefaultBaseURL+c.url+"/firewall/access_rules/rules/abc" {
			t.Error(u, err)
		}
		name := NewRules(client, c.scope, RulesOptions{}).Target(c.mode).Name()
		if c.scope.String() != c.text || name != c.name {
			t.Errorf("%s, %s", c.scope, name)
		}
	}
	for _, bad := range []string{"", "a/b", "a b", "..", "é"} {
		if scope, err := ZoneScope(bad); err == nil {
			t.Errorf("%q is %v", bad, scope)
		}
	}
}

// TestNoAccount: the rules of zones and of the user need no account, an account's do.
func TestNoAccount(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
		zone, err := ZoneScope(g.AddZone(testAccount, zoneName))
		if err != nil {
			t.Fatal(err)
		}
		for _, scope := range []Scope{zone, UserScope()} {
			target := NewRules(g.stranger(t), scope, RulesOptions{}).Target(ModeBlock)
			if done, err := target.Add(t.Context(), []reconcile.Post{block("192.0.2.1/32")}); done != 1 || err != nil {
				t.Errorf("%s: %v", scope, err)
			}
		}
		asked := len(g.Requests())
		_, err = NewRules(g.stranger(t), AccountScope(), RulesOptions{}).Target(ModeBlock).Survey(t.Context())
		if err == nil || err.Error() != "find access rules: no account id is known" || len(g.Requests()) != asked {
			t.Error(err)
		}
	})
}

// TestEffects: every mode's target sees all rules and what they do.
func TestEffects(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
		g.have(t, "block 192.0.2.1", "managed_challenge 192.0.2.2", "js_challenge 192.0.2.3", "challenge 192.0.2.4", "whitelist 192.0.2.5")
		want(t, shown(g.items(t, g.block)),
			"192.0.2.1 of target", "192.0.2.2 weaker", "192.0.2.3 weaker", "192.0.2.4 weaker", "192.0.2.5 allows")
		want(t, shown(g.items(t, g.rules.Target(ModeChallenge))),
			"192.0.2.1 stronger", "192.0.2.2 of target", "192.0.2.3 of target", "192.0.2.4 of target", "192.0.2.5 allows")
		want(t, shown(g.items(t, g.rules.Target(ModeAllow))),
			"192.0.2.1 stops", "192.0.2.2 stops", "192.0.2.3 stops", "192.0.2.4 stops", "192.0.2.5 of target")
	})
}

// TestSurveyOfRules also has what another target read told again, and a target that asks again ask Cloudflare.
func TestSurveyOfRules(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
		g.have(t, "block 192.0.2.1", "block AS64496", "block DE")
		challenge := g.rules.Target(ModeChallenge)
		survey := func(target *RuleTarget, elsewhere, requests int) {
			t.Helper()
			got, err := target.Survey(t.Context())
			want := reconcile.Survey{Items: 3, Elsewhere: elsewhere, References: 1, Clock: got.Clock}
			if err != nil || got != want || time.Until(got.Clock).Abs() > time.Second || g.asked("GET") != requests {
				t.Errorf("%+v after %d requests, %v", got, g.asked("GET"), err)
			}
		}
		survey(g.block, 0, 1)
		g.items(t, g.block)
		time.Sleep(time.Minute) // the clock goes on
		survey(challenge, 2, 1)
		g.items(t, challenge)
		survey(challenge, 0, 2)
		g.items(t, g.block)
		survey(g.block, 0, 3)
	})
}

// TestZoneRules: what a zone has from its account and from the user is not the zone's.
func TestZoneRules(t *testing.T) {
	inGrounds(t, fake.Options{InheritedRules: true, AccessRulePage: 2}, RulesOptions{}, func(t *testing.T, g *grounds) {
		id := g.AddZone(testAccount, zoneName)
		g.have(t, "block 192.0.2.1", "block 192.0.2.2")
		g.scope = fake.UserScope()
		g.have(t, "block 192.0.2.3")
		g.scope = fake.ZoneScope(id)
		g.have(t, "block 192.0.2.4", "whitelist 192.0.2.1")
		scope, err := ZoneScope(id)
		if err != nil {
			t.Fatal(err)
		}
		target := NewRules(g.client, scope, RulesOptions{}).Target(ModeBlock)
		want(t, shown(g.items(t, target)), "192.0.2.1 allows", "192.0.2.4 of target")
		if done, err := target.Add(t.Context(), []reconcile.Post{block("192.0.2.2/32")}); done != 1 || err != nil {
			t.Error(done, err)
		}
		if g.CountAccessRules(g.scope) != 3 {
			t.Error(g.there())
		}
	})
}

// TestRulesWithoutScope: a rule that does not say whose it is counts as the scope's.
func TestRulesWithoutScope(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
		scope, err := ZoneScope(g.AddZone(testAccount, zoneName))
		if err != nil {
			t.Fatal(err)
		}
		g.fault("GET", anyRule, body(http.StatusOK, `{"success":true,"result_info":{"total_count":2},"result":[
			{"id":"a","mode":"block","notes":null,"configuration":{"target":"ip","value":"192.0.2.1"}},
			{"id":"b","mode":"block","scope":{"type":"user"},"configuration":{"target":"ip","value":"192.0.2.2"}}]}`))
		want(t, shown(g.items(t, NewRules(g.client, scope, RulesOptions{}).Target(ModeBlock))), "192.0.2.1 of target")
	})
}
