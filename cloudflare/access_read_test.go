package cloudflare

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// TestRulePages reads rules around the size of a page, whatever that is at the server.
func TestRulePages(t *testing.T) {
	for _, c := range []struct{ size, rules, pages int }{
		{100, 0, 1}, {100, 1, 1}, {100, 100, 1}, {100, 101, 2}, {100, 300, 3}, {25, 99, 4}, {25, 101, 5}, {1, 3, 3},
	} {
		inGrounds(t, fake.Options{AccessRulePage: c.size}, RulesOptions{}, func(t *testing.T, g *grounds) {
			g.crowd(t, c.rules)
			g.OnRequest(func(r *http.Request) {
				if r.URL.Query().Get("per_page") != "100" || r.URL.Query().Has("notes") {
					t.Error(r.URL)
				}
			})
			have := g.items(t, g.block)
			if len(have) != c.rules || g.asked("GET") != c.pages {
				t.Fatalf("%d of %d rules in %d requests", len(have), c.rules, g.asked("GET"))
			}
			for i, post := range posts(c.rules) {
				if item := have[i]; item.Prefix != post.Prefix || item.ID == "" || item.Comment != "Fail2Ban sshd" || !item.Created.Equal(time.Now()) {
					t.Fatalf("%+v", item)
				}
			}
		})
	}
}

// TestBrokenRulePages has no part of the rules ever taken for all. Each case is 250 rules on three pages.
func TestBrokenRulePages(t *testing.T) {
	edited := func(change func(m, info map[string]any)) fake.Effect {
		return fake.Edit(func(m map[string]any) { change(m, m["result_info"].(map[string]any)) })
	}
	const changes = "the rules change while they are read: "
	for _, c := range []struct {
		name       string
		nth, times int // request that is struck; 0: all
		effect     fake.Effect
		want       string
		asked      int
	}{
		{"nothing wrong", 2, 1, fake.Delay(0), "", 3},
		{"always the first page", 0, 0, firstPage(), changes + "page 2: rule ID is there twice", 6},
		{"another page than asked for", 2, 1, edited(func(_, info map[string]any) { info["page"] = 7.0 }), "page 2: it is page 7", 2},
		{"pages without end", 0, 0, fake.RunawayRules(), "page 1: it is page 3", 3},
		{"short page", 2, 1, fake.ShortPage(1), "", 6},
		{"short page, always", 0, 0, short(2, 1), changes + "page 2 holds 99 rules and is not the last, a whole one holds 100", 9},
		{"empty page", 2, 1, fake.ShortPage(100), "", 5},
		{"empty page, always", 0, 0, short(2, 100), "page 1 is full and no other one follows, but Cloudflare counts 250 rules", 4},
		{"last page short, once", 3, 1, fake.ShortPage(1), "", 7},
		{"count changes", 2, 1, edited(func(_, info map[string]any) { info["total_count"] = 251 }), "", 5},
		{"count changes all the time", 0, 0, counting(), changes + "page 2: Cloudflare counts 302 rules, and counted 301 before", 0},
		{"no count", 2, 1, edited(func(_, info map[string]any) { delete(info, "total_count") }), "page 2: it does not tell how many rules there are", 2},
		{"no result_info", 1, 1, fake.Edit(func(m map[string]any) { delete(m, "result_info") }), "page 1: it does not tell how many rules there are", 1},
		{"odd count", 1, 1, edited(func(_, info map[string]any) { info["total_count"] = -1 }), "page 1: it does not tell how many rules there are", 1},
		{"huge count", 1, 1, edited(func(_, info map[string]any) { info["total_count"] = 1e12 }), "page 1: 1000000000000 rules, nobody has that many", 1},
		{"page without result", 2, 1, fake.NullResult(), "page 2: null instead of rules", 2},
		{"rule without id", 2, 1, fake.ItemWithoutID(), `page 2: rule for "198.18.0.150": "" is not an id`, 2},
		{"the same id on two pages", 2, 1, edited(func(m, _ map[string]any) {
			two := m["result"].([]any)
			two[1] = two[0]
		}), "", 5},
		{"404 on page 3", 3, 1, fake.Answer(404, 7003, "gone"), "page 3: Cloudflare answered 404, code 7003: gone", 3},
		{"success false", 2, 1, fake.Answer(200, 1, "no"), "page 2: Cloudflare answered 200, code 1: no", 2},
		{"HTML", 2, 1, fake.HTML(200), "page 2: Cloudflare answered 200: answer is not JSON", 2},
		{"too large", 2, 1, fake.BigBody(2 << 20), "page 2: Cloudflare answered 200: answer is larger than 1 MiB", 2},
		{"a connection that broke", 2, 1, fake.CutBody(), "", 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
				g.client.bodyLimit = 1 << 20
				g.crowd(t, 250)
				struck := g.faultAt("GET", anyRule, c.nth, c.times, c.effect)
				have, notes, err := g.block.Items(within(t, time.Minute))
				got := strings.TrimPrefix(strings.TrimPrefix(masked(err), "find access rules: "), "read access rules: ")
				if c.want == "" {
					if err != nil || len(have) != 250 || len(notes) != 0 {
						t.Errorf("%d rules, %v, %v", len(have), notes, err)
					}
				} else if !strings.HasPrefix(got, c.want) || have != nil {
					t.Errorf("%d rules\n got %s\nwant %s", len(have), got, c.want)
				}
				if struck() == 0 || c.asked != 0 && g.asked("GET") != c.asked {
					t.Errorf("%d requests, %d struck", g.asked("GET"), struck())
				}
			})
		})
	}
}

// firstPage answers with the first page whichever is asked for, and says so of none.
func firstPage() fake.Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		query := r.URL.Query()
		query.Del("page")
		r.URL.RawQuery = query.Encode()
		fake.Edit(func(m map[string]any) { delete(m["result_info"].(map[string]any), "page") })(w, r, next)
	}
}

// short leaves n rules out of a page, whenever it is asked for.
func short(page, n int) fake.Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.URL.Query().Get("page") == fmt.Sprint(page) {
			fake.ShortPage(n)(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	}
}

// counting counts one rule more in each answer.
func counting() fake.Effect {
	count := 296
	return fake.Edit(func(m map[string]any) {
		count++
		m["result_info"].(map[string]any)["total_count"] = count
	})
}

// TestRuleCounts compares what was read with what Cloudflare counts. Each case is seven rules.
func TestRuleCounts(t *testing.T) {
	count := func(n int) fake.Effect {
		return fake.Edit(func(m map[string]any) { m["result_info"].(map[string]any)["total_count"] = n })
	}
	const believed = "Cloudflare counts %d access rules, but two complete reads found %d and were believed"
	for _, c := range []struct {
		name    string
		prepare func(g *grounds)
		have    int
		note    string
		want    string
	}{
		{"equal", func(*grounds) {}, 7, "", ""},
		{"count lags", func(g *grounds) { g.fault("GET", anyRule, count(9)) }, 7, fmt.Sprintf(believed, 9, 7), ""},
		{"count lags, and catches up", func(g *grounds) { g.faultAt("GET", anyRule, 1, 2, count(9)) }, 7, "", ""},
		{"count is too low", func(g *grounds) { g.fault("GET", anyRule, count(2)) }, 7, fmt.Sprintf(believed, 2, 7), ""},
		{"rules vanish once", func(g *grounds) { g.faultAt("GET", anyRule, 1, 1, fake.ShortPage(2)) }, 7, "", ""},
		{"rules vanish always", func(g *grounds) { g.fault("GET", anyRule, short(1, 2)) }, 5, fmt.Sprintf(believed, 7, 5), ""},
		{"all rules vanish", func(g *grounds) { g.fault("GET", anyRule, short(1, 7)) }, 0, fmt.Sprintf(believed, 7, 0), ""},
		{"null", func(g *grounds) { g.fault("GET", anyRule, fake.NullResult()) }, 0, "", "find access rules: page 1: null instead of rules"},
		{
			"other rules each time", func(g *grounds) {
				n := 0
				g.fault("GET", anyRule, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					if r.URL.Query().Get("page") == "1" {
						n++
					}
					short(1, n)(w, r, next)
				})
			}, 0, "", "read access rules: the rules change while they are read: 4 by now, and Cloudflare counts 7",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
				g.crowd(t, 7)
				c.prepare(g)
				have, notes, err := g.block.Items(t.Context())
				if len(have) != c.have || strings.Join(notes, "") != c.note || masked(err) != c.want {
					t.Errorf("%d rules, notes %q, %v", len(have), notes, err)
				}
				if _, again, err := g.rules.Target(ModeChallenge).Items(t.Context()); c.want == "" && (err != nil || len(again) != 0) {
					t.Errorf("the note is told twice: %q, %v", again, err)
				}
			})
		})
	}
	t.Run("none, null", func(t *testing.T) {
		inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
			g.fault("GET", anyRule, fake.NullResult())
			if have := g.items(t, g.block); len(have) != 0 {
				t.Error(have)
			}
		})
	})
}

// TestRulesThatAreNoItems: rules for others than addresses are none, and one whose address cannot be read is left alone.
func TestRulesThatAreNoItems(t *testing.T) {
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
		g.have(t, "block AS64496", "whitelist DE", "block 2001:db8::1", "block 2001:db8:1::/48", "block 198.51.100.0/24 <by> hand")
		g.fault("GET", anyRule, fake.Edit(func(m map[string]any) {
			all := m["result"].([]any)
			for i, value := range []string{"bob\x1b[1m", "198.51.100.7/24", "fe80::1%eth0"} {
				all = append(all, map[string]any{
					"id": fmt.Sprint("x", i), "mode": "block", "configuration": map[string]any{"target": "ip", "value": value},
				})
			}
			m["result"] = all
			m["result_info"].(map[string]any)["total_count"] = len(all)
		}))
		have, notes, err := g.block.Items(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want(t, shown(have), "198.51.100.0/24 of target <by> hand", "2001:db8::1 of target", "2001:db8:1::/48 of target")
		want(t, notes,
			`rule x0 for "bob [1m" is left alone: neither an address nor a prefix`,
			`rule x1 for "198.51.100.7/24" is left alone: another rule is for the same`,
			`rule x2 for "fe80::1%eth0" is left alone: neither an address nor a prefix`)
		if survey, err := g.rules.Target(ModeChallenge).Survey(t.Context()); survey.Items != 8 || survey.Elsewhere != 5 || err != nil {
			t.Errorf("%+v, %v", survey, err)
		}
	})
	inGrounds(t, fake.Options{}, RulesOptions{}, func(t *testing.T, g *grounds) {
		g.crowd(t, 30)
		g.fault("GET", anyRule, fake.Edit(func(m map[string]any) {
			for _, rule := range m["result"].([]any) {
				rule.(map[string]any)["configuration"] = map[string]any{"target": "ip", "value": "bob"}
			}
		}))
		have, notes, err := g.block.Items(t.Context())
		if len(have) != 0 || len(notes) != 11 || notes[10] != "20 more rules are left alone for such reasons" || err != nil {
			t.Errorf("%v, %q, %v", have, notes, err)
		}
	})
}

// TestConfigured: whom a rule is for, as it is written, and as it is read again.
func TestConfigured(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1/32":        "ip 192.0.2.1",
		"198.51.100.0/24":     "ip_range 198.51.100.0/24",
		"198.51.0.0/16":       "ip_range 198.51.0.0/16",
		"2001:db8::1/128":     "ip6 2001:0db8:0000:0000:0000:0000:0000:0001",
		"2001:db8::/64":       "ip_range 2001:0db8:0000:0000:0000:0000:0000:0000/64",
		"2001:db8::/48":       "ip_range 2001:0db8:0000:0000:0000:0000:0000:0000/48",
		"2001:db8::/32":       "ip_range 2001:0db8:0000:0000:0000:0000:0000:0000/32",
		"198.51.0.0/17":       "",
		"198.0.0.0/8":         "",
		"2001:db8::/56":       "",
		"2001:db8::/16":       "",
		"::ffff:192.0.2.1/32": "ip_range 0000:0000:0000:0000:0000:0000:0000:0000/32",
	} {
		prefix := netip.MustParsePrefix(in)
		whom, err := configured(prefix.Masked())
		if got := strings.TrimSpace(whom.Target + " " + whom.Value); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", in, got, err)
		}
		if is, ok, flaw := (ruleMember{Configuration: whom}).rule(); err == nil && (!ok || flaw != nil || is.prefix != prefix.Masked()) {
			t.Errorf("%s is read as %v, %v", in, is, flaw)
		}
	}
}
