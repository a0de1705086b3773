package cloudflare

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

// TestAddAndRemoveRules is the life of rules of every width. Each is one request, and the other target learns of it without another.
func TestAddAndRemoveRules(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
		g.have(t, "whitelist 203.0.113.9 by hand")
		g.items(t, g.block)
		all := []reconcile.Post{
			block("192.0.2.1/32"), block("198.51.100.7/24"), block("198.51.0.0/16"), block("2001:db8::1/128"), block("2001:db8:2::/64"),
			block("2001:db8:1::/48"), block("2001:db9::/32"), {Prefix: netip.MustParsePrefix("::ffff:192.0.2.9/128"), Comment: `a "b" & <c>`},
		}
		if done, err := g.block.Add(t.Context(), all); done != len(all) || err != nil || g.asked("POST") != len(all) {
			t.Fatal(done, err)
		}
		want(t, g.there(),
			"block 192.0.2.1 "+ruleTag, `block 192.0.2.9 a "b" & <c>`, "block 198.51.0.0/16 "+ruleTag, "block 198.51.100.0/24 "+ruleTag,
			"whitelist 203.0.113.9 by hand", "block 2001:0db8:0000:0000:0000:0000:0000:0001 "+ruleTag,
			"block 2001:0db8:0001:0000:0000:0000:0000:0000/48 "+ruleTag, "block 2001:0db8:0002:0000:0000:0000:0000:0000/64 "+ruleTag,
			"block 2001:0db9:0000:0000:0000:0000:0000:0000/32 "+ruleTag)

		challenge := g.rules.Target(ModeChallenge)
		have := g.items(t, challenge)
		if len(have) != 9 || have[0].Effect != reconcile.Stronger || g.asked("GET") != 1 {
			t.Fatal(g.asked("GET"), shown(have))
		}
		if done, err := challenge.Add(t.Context(), []reconcile.Post{{Prefix: have[0].Prefix, Comment: "x"}}); done != 1 || err != nil {
			t.Fatal(done, err)
		}
		gone := slices.DeleteFunc(have, func(item reconcile.Item) bool { return item.Comment == "by hand" })
		if done, err := challenge.Remove(t.Context(), gone[1:]); done != 7 || err != nil || g.asked("DELETE") != 7 || g.asked("PATCH") != 1 {
			t.Error(done, err)
		}
		want(t, g.there(), "managed_challenge 192.0.2.1 x", "whitelist 203.0.113.9 by hand")
		want(t, shown(g.items(t, g.rules.Target(ModeAllow))), "192.0.2.1 stops x", "203.0.113.9 of target by hand")
		want(t, shown(g.items(t, g.block)), "192.0.2.1 weaker x", "203.0.113.9 allows by hand")
		if g.asked("GET") != 2 {
			t.Errorf("%d reads", g.asked("GET"))
		}
	})
}

// TestBadPosts: what no rule can be is an error before anything is asked.
func TestBadPosts(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
		for _, bad := range []netip.Prefix{{}, netip.MustParsePrefix("198.51.0.0/17"), netip.MustParsePrefix("2001:db8::/56")} {
			done, err := g.block.Add(t.Context(), []reconcile.Post{block("192.0.2.1/32"), {Prefix: bad}})
			if done != 0 || err == nil || !strings.Contains(err.Error(), "add to access rules: "+bad.String()) || len(g.Requests()) != 0 {
				t.Error(done, err)
			}
		}
		if done, err := g.block.Remove(t.Context(), []reconcile.Item{{Prefix: netip.MustParsePrefix("192.0.2.1/32")}}); done != 0 || err == nil {
			t.Error(done, err)
		}
	})
}

// TestRuleAnswers is what comes of every answer to the second of three writes, within two minutes. Each makes, changes or removes a rule.
func TestRuleAnswers(t *testing.T) {
	const always = 1000
	for _, c := range []struct {
		name   string
		effect fake.Effect
		times  int
		done   int
		class  string
		want   string // a part of the text
		hint   string // a part of it
		writes int
		stays  bool // silent afterwards
	}{
		{"refused once", fake.TooManyRequests(971, "20"), 1, 3, "[]", "", "", 4, false},
		{"refused", fake.TooManyRequests(971, "20"), always, 1, "[429 refused]", "192.0.2.2, 2 of 3: Cloudflare answered 429, code 971", "--request-budget", 3, true},
		{"refused for long", fake.TooManyRequests(10100, "600"), always, 1, "[429 refused]", "code 10100", "1200 requests", 2, true},
		{"refused beyond the deadline", fake.TooManyRequests(971, "110"), always, 1, "[429 refused]", "code 971", "1200 requests", 2, true},
		{"no answer", fake.Drop(), 1, 1, "[none uncertain]", "whether it took effect is unknown", "reads again", 2, true},
		{"an answer that was lost", fake.After(fake.Drop()), 1, 1, "[none uncertain]", "whether it took effect is unknown", "reads again", 2, true},
		{"an answer that breaks off", fake.CutBody(), 1, 1, "[none uncertain]", "breaks off", "reads again", 2, true},
		{"server error", fake.Answer(503, 0, "down"), 1, 1, "[503 uncertain]", "down", "reads again", 2, true},
		{"HTML", fake.HTML(200), 1, 1, "[200 uncertain]", "answer is not JSON", "reads again", 2, true},
		{"forbidden", fake.Answer(403, 10000, "Authentication error"), 1, 1, "[403]", "code 10000", "Account Firewall Access Rules → Edit", 2, false},
		{"bad input", fake.Answer(400, 10021, "firewallaccessrules.api.validation_error:x"), 1, 1, "[400]", "validation_error", "", 2, false},
	} {
		for _, method := range []string{"POST", "PATCH", "DELETE"} {
			t.Run(c.name+", "+method, func(t *testing.T) {
				inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
					write := g.writing(t, method)
					g.faultAt(method, anyRule, 2, c.times, c.effect)
					done, err := write(within(t, 2*time.Minute))
					if done != c.done || class(err) != c.class || err != nil && !strings.Contains(err.Error(), c.want) || !strings.Contains(hint(err), c.hint) {
						t.Errorf("%d, %s: %v\n%s", done, class(err), err, hint(err))
					}
					if (c.class != "[]") != (err != nil) || g.asked(method) != c.writes || g.block.Retried() != (c.writes > 2) {
						t.Errorf("%d writes, retried %v, %v", g.asked(method), g.block.Retried(), err)
					}
					if isStale(err) != strings.Contains(c.class, "uncertain") {
						t.Error("stale", isStale(err))
					}
					g.ClearFaults()
					_, again := g.rules.Target(ModeAllow).Add(t.Context(), []reconcile.Post{block("203.0.113.1/32")})
					if c.stays != (again != nil) || c.stays && !errors.Is(again, rootOf(err)) {
						t.Errorf("afterwards: %v", again)
					}
				})
			})
		}
	}
}

// rootOf is what a target keeps to be silent with.
func rootOf(err error) error {
	var uncertain *UncertainError
	var answer *APIError
	switch {
	case errors.As(err, &uncertain):
		return uncertain
	case errors.As(err, &answer):
		return answer
	}
	return err
}

// TestNoRetryOfRules forgoes the further attempt.
func TestNoRetryOfRules(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{NoRetry: true}, func(t *testing.T, g *grounds) {
		write := g.writing(t, "POST")
		g.fault("POST", anyRule, fake.TooManyRequests(971, "1"))
		if done, err := write(t.Context()); done != 0 || !IsRefused(err) || g.asked("POST") != 1 || g.block.Retried() {
			t.Error(done, err)
		}
	})
}

// TestRuleGone: a rule that is gone is removed, and cannot be changed, which says that the rules have to be read again.
func TestRuleGone(t *testing.T) {
	for _, effect := range []fake.Effect{nil, fake.Answer(400, 0, "firewallaccessrules.api.not_found")} {
		inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
			g.have(t, "block 192.0.2.1", "block 192.0.2.2")
			have := g.items(t, g.block)
			if effect == nil {
				g.DeleteAccessRule(g.scope, "192.0.2.1")
			} else {
				g.faultAt("DELETE", anyRule, 1, 1, effect)
			}
			if done, err := g.block.Remove(t.Context(), have); done != 2 || err != nil {
				t.Error(done, err)
			}
		})
		inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
			g.have(t, "block 192.0.2.1")
			g.items(t, g.block)
			g.DeleteAccessRule(g.scope, "192.0.2.1")
			done, err := g.block.Add(t.Context(), []reconcile.Post{block("192.0.2.1/32")})
			if done != 0 || !isStale(err) || !strings.Contains(hint(err), "somebody removed") {
				t.Error(done, err)
			}
			if have := g.items(t, g.rules.Target(ModeChallenge)); len(have) != 0 || g.asked("GET") != 2 {
				t.Error(have)
			}
			if done, err := g.block.Add(t.Context(), []reconcile.Post{block("192.0.2.1/32")}); done != 1 || err != nil {
				t.Error(done, err)
			}
		})
	}
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) { // an account that is none is another thing
		g.have(t, "block 192.0.2.1")
		have := g.items(t, g.block)
		g.fault("DELETE", anyRule, fake.Answer(404, 7003, "Could not route"))
		if done, err := g.block.Remove(t.Context(), have); done != 0 || err == nil || isStale(err) {
			t.Error(done, err)
		}
	})
}

// TestRulesFull: the account has no room for more.
func TestRulesFull(t *testing.T) {
	inGrounds(t, fake.Options{MaxAccessRules: 2}, RulesOptions{}, func(t *testing.T, g *grounds) {
		done, err := g.block.Add(t.Context(), []reconcile.Post{block("192.0.2.1/32"), block("192.0.2.2/32"), block("192.0.2.3/32")})
		var full reconcile.Full
		if done != 2 || !errors.As(err, &full) || !full.Full() || isStale(err) || !strings.Contains(hint(err), "50 000") {
			t.Error(done, err)
		}
		g.fault("POST", anyRule, fake.Answer(400, 0, "something else"))
		if _, err := g.block.Add(t.Context(), []reconcile.Post{block("192.0.2.3/32")}); errors.As(err, &full) && full.Full() {
			t.Error(err)
		}
	})
}

// TestReadAgainAfterUncertainty: the target asked again reads anew, after a moment, and may write again.
func TestReadAgainAfterUncertainty(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
		g.items(t, g.block)
		g.faultAt("POST", anyRule, 1, 1, fake.After(fake.Drop()))
		if _, err := g.block.Add(t.Context(), []reconcile.Post{block("192.0.2.1/32"), block("192.0.2.2/32")}); !isStale(err) {
			t.Fatal(err)
		}
		var uncertain *UncertainError
		if _, err := g.block.Survey(within(t, time.Second)); !errors.As(err, &uncertain) {
			t.Error("without the time for it:", err)
		}
		began := time.Now()
		if _, err := g.block.Survey(t.Context()); err != nil || time.Since(began) < settleTime {
			t.Error(err, time.Since(began))
		}
		want(t, shown(g.items(t, g.block)), "192.0.2.1 of target "+ruleTag)
		if done, err := g.block.Add(t.Context(), []reconcile.Post{block("192.0.2.2/32")}); done != 1 || err != nil {
			t.Error(done, err)
		}
	})
}

// TestRuleIDUnknown: a rule that was made without its id being told is there, and is read again before anybody needs the id.
func TestRuleIDUnknown(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
		g.items(t, g.block)
		g.fault("POST", anyRule, fake.After(body(200, `{"success":true,"result":null}`)))
		if done, err := g.block.Add(t.Context(), []reconcile.Post{block("192.0.2.1/32")}); done != 1 || err != nil {
			t.Fatal(done, err)
		}
		if have := g.items(t, g.rules.Target(ModeChallenge)); len(have) != 1 || have[0].ID == "" {
			t.Error(have)
		}
	})
}

// TestTimeIsUp: no write is begun that may be cut off.
func TestTimeIsUp(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
		write := g.writing(t, "POST")
		g.fault("POST", anyRule, fake.Delay(3*time.Second))
		done, err := write(within(t, 9*time.Second))
		var late *LateError
		var uncertain *UncertainError
		if done != 2 || !errors.As(err, &late) || errors.As(err, &uncertain) || isStale(err) || hint(err) == "" {
			t.Error(done, err)
		}
		if want := "add to access rules: 192.0.2.3, 3 of 3: time is up"; err.Error() != want {
			t.Error(err)
		}
	})
}

// TestRuleBodies: what goes over the wire.
func TestRuleBodies(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
		var sent []string
		g.OnRequest(func(r *http.Request) {
			if r.Method != "GET" {
				data, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(strings.NewReader(string(data)))
				sent = append(sent, fmt.Sprint(r.Method, " ", string(data)))
			}
		})
		for _, comment := range []string{"a", "b"} {
			if _, err := g.block.Add(t.Context(), []reconcile.Post{{Prefix: netip.MustParsePrefix("192.0.2.1/32"), Comment: comment}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := g.block.Remove(t.Context(), g.items(t, g.block)); err != nil {
			t.Fatal(err)
		}
		want(t, sent,
			`POST {"mode":"block","configuration":{"target":"ip","value":"192.0.2.1"},"notes":"a"}`,
			`PATCH {"mode":"block","configuration":{"target":"ip","value":"192.0.2.1"},"notes":"b"}`,
			`DELETE {}`)
	})
}
