package cloudflaretest_test

import (
	"net/netip"
	"strings"
	"testing"

	"edgeban/cloudflare/cloudflaretest"
)

// visit is the action for a visitor; "pass" for none.
func (s *site) visit(zone, ip string) string {
	s.t.Helper()
	verdict := s.Visit(zone, cloudflaretest.Visitor{Addr: netip.MustParseAddr(ip), ASN: "AS64496", Country: "DE"})
	if verdict.Action == "" {
		return "pass"
	}
	return verdict.Action
}

// Rules are written "scope mode value"; the visitor is 192.0.2.1, or 2001:db8::1, from AS64496 in Germany.
func TestWhichAccessRuleCounts(t *testing.T) {
	for _, test := range []struct{ name, rules, v4, v6 string }{
		{"none", "", "pass", "pass"},
		{"an address", "zone block 192.0.2.1", "block", "pass"},
		{"another address", "zone block 192.0.2.2", "pass", "pass"},
		{"an IPv6 address", "zone block 2001:db8::1", "pass", "block"},
		{"a range", "zone block 192.0.2.0/24, zone challenge 2001:db8::/48", "block", "challenge"},
		{"of the account", "account block 192.0.0.0/16, account js_challenge 2001:db8::/32", "block", "js_challenge"},
		{"of the user", "user managed_challenge 192.0.2.1", "managed_challenge", "pass"},
		{"of another zone", "other block 192.0.2.1", "pass", "pass"},
		{"of another account", "foreign block 192.0.2.1", "pass", "pass"},
		{"a network of many", "user block AS64496", "block", "block"},
		{"a country", "user challenge DE, user block FR", "challenge", "challenge"},
		{"the most specific", "zone block 192.0.0.0/16, account challenge 192.0.2.0/24, zone block DE", "challenge", "block"},
		{"the zone before the account", "user block 192.0.2.1, account block 192.0.2.1, zone challenge 192.0.2.1", "challenge", "pass"},
		{"allowed", "zone whitelist 192.0.2.1, zone block 192.0.2.0/24", "pass", "pass"},
		{"allowed for all, blocked for one", "account whitelist 192.0.2.0/24, zone block 192.0.2.1", "pass", "pass"},
		{"allowed elsewhere", "user whitelist 192.0.2.1, account block 192.0.2.1", "pass", "pass"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, zone := newRules(t, instant())
			foreign := strings.Repeat("f", 32)
			scopes := map[string]cloudflaretest.Scope{
				"zone": cloudflaretest.ZoneScope(zone), "account": cloudflaretest.AccountScope(account), "user": cloudflaretest.UserScope(),
				"other": cloudflaretest.ZoneScope(s.AddZone(account, "other")), "foreign": cloudflaretest.AccountScope(foreign),
			}
			for rule := range strings.SplitSeq(test.rules, ", ") {
				if word := strings.Fields(rule); len(word) == 3 {
					if _, err := s.SetAccessRule(scopes[word[0]], cloudflaretest.AccessRule{Mode: word[1], Value: word[2]}); err != nil {
						t.Fatal(err)
					}
				}
			}
			if v4, v6 := s.visit(zone, "192.0.2.1"), s.visit(zone, "2001:db8::1"); v4 != test.v4 || v6 != test.v6 {
				t.Errorf("got %s and %s, want %s and %s", v4, v6, test.v4, test.v6)
			}
			if got := s.visit(zone, "::ffff:192.0.2.1"); got != test.v4 {
				t.Errorf("mapped: got %s", got)
			}
		})
	}
}

// An Allow rule opens what a blocked list closes; a challenge does not.
func TestAccessRulesBesideACustomRule(t *testing.T) {
	for _, test := range []struct{ custom, access, want string }{
		{"block", "", "block"},
		{"block", "whitelist", "pass"},
		{"block", "managed_challenge", "block"},
		{"block", "block", "block"},
		{"managed_challenge", "", "managed_challenge"},
		{"managed_challenge", "block", "block"},
		{"managed_challenge", "challenge", "challenge"},
		{"managed_challenge", "whitelist", "pass"},
		{"skip", "block", "block"},
		{"skip", "", "pass"},
		{"log", "", "js_challenge"}, // the rule after it
	} {
		s, zone := newRules(t, instant())
		s.set("192.0.2.0/24", "2001:db8::/64")
		by := s.AddRule(zone, cloudflaretest.Rule{Expression: "(ip.src in $bans)", Action: test.custom, Enabled: true})
		s.AddRule(zone, cloudflaretest.Rule{Expression: "ip.src in {192.0.2.1 2001:db8::1}", Action: "js_challenge", Enabled: true})
		for _, ip := range []string{"192.0.2.1", "2001:db8::1"} {
			if test.access != "" {
				rule := cloudflaretest.AccessRule{Mode: test.access, Value: ip}
				if _, err := s.SetAccessRule(cloudflaretest.AccountScope(account), rule); err != nil {
					t.Fatal(err)
				}
			}
			if got := s.visit(zone, ip); got != test.want {
				t.Errorf("custom %s, access %s: %s: got %s, want %s", test.custom, test.access, ip, got, test.want)
			}
		}
		verdict := s.Visit(zone, cloudflaretest.Visitor{Addr: netip.MustParseAddr("192.0.2.7")})
		if test.custom != "log" && verdict.Rule != by {
			t.Errorf("custom %s: decided by %q, want %s", test.custom, verdict.Rule, by)
		}
		if got := s.visit(zone, "203.0.113.1"); got != "pass" {
			t.Errorf("an address that nothing names: got %s", got)
		}
	}
}

// The list bans has 192.0.2.0/24 on it, the list empty nothing, and the visitor is 192.0.2.1.
func TestExpressions(t *testing.T) {
	for expression, want := range map[string]string{
		"ip.src in $bans":   "block",
		"(ip.src in $bans)": "block",
		"ip.src in $empty":  "pass",
		"ip.src in $gone":   "pass",
		"(ip.src in $bans and not ip.src in {192.0.2.1})":           "pass",
		"(ip.src in $bans and not ip.src in {198.51.100.0/24 ::1})": "block",
		"not ip.src in $empty":                                      "block",
		"!(ip.src in $bans)":                                        "pass",
		"ip.src in {192.0.0.0/16}":                                  "block",
		"ip.src eq 192.0.2.1":                                       "block",
		"ip.src == 192.0.2.2":                                       "pass",
		"ip.src ne 192.0.2.1":                                       "pass",
		"ip.src!=192.0.2.2":                                         "block",
		"ip.src in $empty or ip.src in $bans":                       "block",
		"ip.src in $empty && true || ip.src eq 192.0.2.1":           "block",
		"true or false and false":                                   "block",
		"true":                                                      "block",
		"false":                                                     "pass",
		"":                                                          "pass",
		"(true":                                                     "pass",
		"true)":                                                     "pass",
		"not":                                                       "pass",
		"ip.src in":                                                 "pass",
		"ip.src in {192.0.2.1":                                      "pass",
		"ip.src in {here}":                                          "pass",
		"ip.src eq here or true":                                    "pass",
		"ip.src like 1":                                             "pass",
		`not http.host eq "example.com"`:                            "pass",
		`http.host eq "or true"`:                                    "pass",
	} {
		s, zone := newRules(t, instant())
		s.AddList(account, "empty", "ip")
		s.set("192.0.2.0/24")
		s.AddRule(zone, cloudflaretest.Rule{Expression: expression, Action: "block", Enabled: true})
		for range 2 {
			if got := s.visit(zone, "192.0.2.1"); got != want {
				t.Errorf("%q: got %s, want %s", expression, got, want)
			}
		}
	}
}

// A rule that is off, an unknown zone and another account's list of the same name change nothing; a list counts as
// soon as it has changed, and no longer than that.
func TestVisitFollowsWhatIsThere(t *testing.T) {
	s, zone := newRules(t, instant())
	s.AddToken(secret, cloudflaretest.ListsEdit)
	other := s.AddZone(strings.Repeat("f", 32), "example.net")
	for _, id := range []string{zone, other} {
		s.AddRule(id, cloudflaretest.Rule{Expression: "true", Action: "challenge"})
		s.AddRule(id, cloudflaretest.Rule{Expression: "ip.src in $bans", Action: "block", Enabled: true})
	}
	for _, step := range []struct{ put, here string }{{`[]`, "pass"}, {`[{"ip":"192.0.2.1"}]`, "block"}, {`[]`, "pass"}} {
		s.write("PUT", step.put)
		here, there, nowhere := s.visit(zone, "192.0.2.1"), s.visit(other, "192.0.2.1"), s.visit("nobodys", "192.0.2.1")
		if here != step.here || there != "pass" || nowhere != "pass" {
			t.Errorf("%s: got %s, %s and %s", step.put, here, there, nowhere)
		}
	}
}
