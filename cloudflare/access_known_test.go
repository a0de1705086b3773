package cloudflare

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

// tagged gives the scope n rules with a tag.
func (g *grounds) tagged(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		g.have(t, fmt.Sprintf("block 203.0.%d.%d %s", 112+i/250, i%250, ruleTag))
	}
}

// TestWhatIsRead: everything, unless that takes more than a quarter of the budget; then the rules with a tag, and if even they are too many,
// nothing.
func TestWhatIsRead(t *testing.T) {
	for _, c := range []struct {
		name                   string
		budget, byHand, tagged int
		have, other, asked     int
		want                   string
	}{
		{"no budget", 0, 1000, 10, 1010, 0, 11, ""},
		{"one page", 4, 50, 10, 60, 0, 1, ""},
		{"a quarter", 40, 990, 10, 1000, 0, 10, ""},
		{"more than a quarter", 40, 991, 10, 10, 991, 2, ""},
		{"none with a tag", 40, 1200, 0, 0, 1200, 2, ""},
		{"some pages with a tag", 40, 2000, 450, 450, 2000, 6, ""},
		{"too many with a tag", 12, 600, 901, 0, 0, 2, "find access rules: reading takes 10 more requests, too many for the budget of 12 requests of this run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := RulesOptions{}
			if c.budget > 0 {
				options.Budget = NewBudget(c.budget)
			}
			inGrounds(t, fake.Options{}, options, func(t *testing.T, g *grounds) {
				g.crowd(t, c.byHand)
				g.tagged(t, c.tagged)
				survey, err := g.block.Survey(t.Context())
				if c.want != "" {
					var budget *BudgetError
					if err == nil || err.Error() != c.want || !errors.As(err, &budget) || !strings.Contains(hint(err), "--request-budget") {
						t.Errorf("%v", err)
					}
				} else if have := g.items(t, g.block); err != nil || len(have) != c.have || survey.Elsewhere != c.other || survey.Items != c.byHand+c.tagged {
					t.Errorf("%d rules, %+v, %v", len(have), survey, err)
				}
				if g.asked("GET") != c.asked || options.Budget != nil && options.Budget.Left() != c.budget-c.asked {
					t.Errorf("%d requests, %d left", g.asked("GET"), options.Budget.Left())
				}
			})
		})
	}
}

// TestCountOfAll: the schema says that the count is that of all rules, whatever is searched for. Then a page without rules is the end, and read again after a
// full one.
func TestCountOfAll(t *testing.T) {
	for tagged, asked := range map[int]int{0: 3, 3: 3, 100: 5, 250: 5} {
		inGrounds(t, fake.Options{}, RulesOptions{Budget: NewBudget(40)}, func(t *testing.T, g *grounds) {
			g.crowd(t, 1200)
			g.tagged(t, tagged)
			g.fault("GET", anyRule, fake.Edit(func(m map[string]any) { m["result_info"].(map[string]any)["total_count"] = 1200 + tagged }))
			if have := g.items(t, g.block); len(have) != tagged {
				t.Errorf("%d rules", len(have))
			}
			survey, err := g.rules.Target(ModeChallenge).Survey(t.Context())
			if err != nil || survey.Elsewhere != 1200 || g.asked("GET") != asked {
				t.Errorf("%d: %+v, %v, %d requests", tagged, survey, err, g.asked("GET"))
			}
		})
	}
}

// TestSearchIsNotHeeded: whoever answers with all rules is not asked for all of them.
func TestSearchIsNotHeeded(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{Budget: NewBudget(40)}, func(t *testing.T, g *grounds) {
		g.crowd(t, 1200)
		g.fault("GET", anyRule, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			query := r.URL.Query()
			query.Del("notes")
			r.URL.RawQuery = query.Encode()
			next.ServeHTTP(w, r)
		})
		var budget *BudgetError
		if _, err := g.block.Survey(t.Context()); !errors.As(err, &budget) || g.asked("GET") != 2 {
			t.Error(err)
		}
	})
}

// TestInTheWay: rules that were not read are in the way of ours. They are looked up, left alone, and remembered for a day.
func TestInTheWay(t *testing.T) {
	budget := func() RulesOptions { return RulesOptions{Budget: NewBudget(40)} }
	inGrounds(t, fake.Options{}, budget(), func(t *testing.T, g *grounds) {
		g.crowd(t, 1200)
		g.have(t, "whitelist 203.0.113.9 office", "managed_challenge 2001:db8::/64 Fail2Ban sshd")
		g.items(t, g.block)
		posts := []reconcile.Post{block("192.0.2.1/32"), block("203.0.113.9/32"), block("2001:db8::/64"), block("192.0.2.2/32")}
		done, err := g.block.Add(t.Context(), posts)
		var taken *TakenError
		if done != 1 || !isStale(err) || !errors.As(err, &taken) || taken.Count != 2 || g.asked("GET") != 4 || g.asked("POST") != 4 {
			t.Fatal(done, err, g.asked("GET"))
		}
		if want := "add to access rules: 2 addresses have a rule already, which was not known, the first is 203.0.113.9"; err.Error() != want {
			t.Error(err)
		}
		known := []string{"192.0.2.1 of target " + ruleTag, "192.0.2.2 of target " + ruleTag, "203.0.113.9 allows office", "2001:db8::/64 weaker Fail2Ban sshd"}
		if _, err := g.block.Survey(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(t, shown(g.items(t, g.block)), known...)
		if g.asked("GET") != 4 {
			t.Error("it is known already and was asked again")
		}

		// What the state file keeps is what the next run knows.
		data, err := json.Marshal(g.rules.Known())
		var kept []KnownRule
		if err != nil || json.Unmarshal(data, &kept) != nil || len(kept) != 2 || kept[0].Mode != ModeAllow || !kept[0].Found.Equal(time.Now()) {
			t.Fatal(string(data), err)
		}
		time.Sleep(23 * time.Hour)
		options := budget()
		options.Known = kept
		g.begin(options)
		survey, err := g.block.Survey(t.Context())
		have := g.items(t, g.block)
		want(t, shown(have), known...)
		if survey.Items != 1204 || survey.Elsewhere != 1202 || err != nil || len(g.rules.Known()) != 2 {
			t.Errorf("%+v, %v", survey, err)
		}
		if survey, err := g.rules.Target(ModeAllow).Survey(t.Context()); survey.Elsewhere != 1200 || err != nil {
			t.Errorf("%+v, %v", survey, err)
		}

		// One that is changed or removed is not remembered any more.
		if _, err := g.block.Remove(t.Context(), have[3:]); err != nil || len(g.rules.Known()) != 1 {
			t.Error(g.rules.Known(), err)
		}
		if _, err := g.block.Add(t.Context(), []reconcile.Post{block("203.0.113.9/32")}); err != nil || len(g.rules.Known()) != 0 {
			t.Error(g.rules.Known(), err)
		}

		time.Sleep(2 * time.Hour)
		g.begin(options)
		if have := g.items(t, g.block); len(have) != 3 || len(g.rules.Known()) != 0 {
			t.Error("after a day: ", shown(have), g.rules.Known())
		}

		options.Budget = nil // everything is read again
		options.Known[0].Found = time.Now()
		g.begin(options)
		if len(g.items(t, g.block)) != 1203 || len(g.rules.Known()) != 0 {
			t.Error(g.rules.Known())
		}
	})
}

// TestMadeMeanwhile: after a reading of all rules, one that somebody made since is in the way of ours.
func TestMadeMeanwhile(t *testing.T) {
	for _, c := range []struct {
		name, rule string
		done       int
	}{
		{"by hand", "block 192.0.2.1 by hand", 0},
		{"a peer's", "block 192.0.2.1 " + strings.Replace(ruleTag, "web-1", "web-2", 1), 0},
		{"our own, whose answer was lost", "block 192.0.2.1 " + ruleTag, 1},
		{"of another mode", "whitelist 192.0.2.1 " + ruleTag, 0},
	} {
		inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
			g.items(t, g.block)
			g.have(t, c.rule)
			done, err := g.block.Add(t.Context(), []reconcile.Post{block("192.0.2.1/32")})
			if done != c.done || isStale(err) != (c.done == 0) || (err == nil) != (c.done == 1) {
				t.Errorf("%s: %d, %v", c.name, done, err)
			}
			if have := g.items(t, g.rules.Target(ModeChallenge)); len(have) != 1 || have[0].ID == "" || len(g.rules.Known()) != 0 {
				t.Errorf("%s: %v, %v", c.name, shown(have), g.rules.Known())
			}
			if g.asked("GET") != 2 {
				t.Errorf("%s: %d reads", c.name, g.asked("GET"))
			}
		})
	}
}

// TestInTheWayAndNotFound: a search may not find what is in the way. Where all rules are read, that tells; where not, that something is there
// is remembered.
func TestInTheWayAndNotFound(t *testing.T) {
	for _, budget := range []*Budget{nil, NewBudget(40)} {
		inGrounds(t, fake.Options{}, RulesOptions{Budget: budget}, func(t *testing.T, g *grounds) {
			g.crowd(t, 1200)
			g.items(t, g.block)
			g.have(t, "block 2001:db8::/64 by hand")
			g.AddFault(fake.Fault{
				Path: anyRule, If: func(r *http.Request) bool { return r.URL.Query().Has("configuration.value") },
				Effect: body(200, `{"success":true,"result":[],"result_info":{"total_count":0}}`),
			})
			if done, err := g.block.Add(t.Context(), []reconcile.Post{block("2001:db8::/64")}); done != 0 || !isStale(err) {
				t.Fatal(done, err)
			}
			have := g.items(t, g.block)
			last := have[len(have)-1]
			if budget == nil {
				if last.Comment != "by hand" || len(have) != 1201 {
					t.Error(last)
				}
				return
			}
			known := g.rules.Known()
			if last.Prefix != netip.MustParsePrefix("2001:db8::/64") || last.ID != notFoundID || last.Effect != reconcile.Weaker || len(known) != 1 {
				t.Error(last, known)
			}
		})
	}
}

// TestBudgetUsedUp: writes end with the budget. What is done is done, and the error is one of its own.
func TestBudgetUsedUp(t *testing.T) {
	for _, method := range []string{"POST", "PATCH", "DELETE"} {
		inGrounds(t, fake.Options{}, RulesOptions{Budget: NewBudget(3)}, func(t *testing.T, g *grounds) {
			write := g.writing(t, method) // one read
			if g.block.Changes() != 0 {
				t.Error(g.block.Changes())
			}
			done, err := write(t.Context())
			var budget *BudgetError
			if done != 2 || !errors.As(err, &budget) || IsRefused(err) || isStale(err) || g.asked(method) != 2 || hint(err) == "" {
				t.Error(done, err)
			}
			if !strings.HasSuffix(err.Error(), "192.0.2.3, 3 of 3: the budget of 3 requests of this run is used up") {
				t.Error(err)
			}
			if _, err := NewRules(g.client, UserScope(), g.rules.options).Target(ModeBlock).Survey(t.Context()); !errors.As(err, &budget) {
				t.Error("another scope has the same budget:", err)
			}
		})
	}
}

// TestFurtherAttemptsAreCounted, of reads and of writes, and there are none when the budget is used up.
func TestFurtherAttemptsAreCounted(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{Budget: NewBudget(8)}, func(t *testing.T, g *grounds) {
		g.faultAt("GET", anyRule, 1, 2, fake.Answer(503, 0, "down"))
		g.items(t, g.block)
		if left := g.rules.options.Budget.Left(); left != 5 || g.block.Changes() != 3 {
			t.Error(left)
		}
		g.faultAt("POST", anyRule, 1, 1, fake.TooManyRequests(971, "1"))
		if done, err := g.block.Add(t.Context(), []reconcile.Post{block("192.0.2.1/32")}); done != 1 || err != nil || g.rules.options.Budget.Left() != 3 {
			t.Error(done, err, g.rules.options.Budget.Left())
		}
		g.fault("GET", anyRule, fake.Answer(503, 0, "down"))
		asked := g.asked("GET")
		var failure *APIError
		if _, err := g.block.Survey(t.Context()); !errors.As(err, &failure) || g.asked("GET") != asked+3 || g.rules.options.Budget.Left() != 0 {
			t.Error(err, g.asked("GET")-asked)
		}
	})
	var none *Budget
	if none.spend() != nil || none.Left() < 1<<30 {
		t.Error(none.Left())
	}
}
