package cloudflaretest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

const rules = "/firewall/access_rules/rules"

// newRules is a site with a zone, and a token that may do everything with access rules.
func newRules(t *testing.T, opts cloudflaretest.Options) (s *site, zone string) {
	t.Helper()
	s = newSite(t, opts)
	s.AddToken(secret, cloudflaretest.AccessRulesWrite, cloudflaretest.FirewallWrite)
	return s, s.AddZone(account, "example.com")
}

type ruleJSON struct {
	ID, Mode, Notes string
	AllowedModes    []string `json:"allowed_modes"`
	Configuration   struct{ Target, Value string }
	Scope           struct{ ID, Type, Name, Email string }
	CreatedOn       string `json:"created_on"`
	ModifiedOn      string `json:"modified_on"`
}

// found are the values of the rules that a list answers, in its order.
func (s *site) found(path string) string {
	s.t.Helper()
	var all []ruleJSON
	decode(s.t, s.want(200, 0, "GET", path, ""), &all)
	var values []string
	for _, r := range all {
		values = append(values, r.Configuration.Value)
	}
	return strings.Join(values, " ")
}

func ruleBody(mode, target, value, notes string) string {
	return fmt.Sprintf(`{"mode":%q,"configuration":{"target":%q,"value":%q},"notes":%q}`, mode, target, value, notes)
}

// A rule is made, found, changed and taken away alike in each scope, and each scope has rules of its own.
func TestAccessRulesOfEachScope(t *testing.T) {
	now := clock("2026-11-20T10:00:00Z")()
	s, zone := newRules(t, cloudflaretest.Options{Now: func() time.Time { return now }})
	s.SetGlobalKey("admin@example.com", strings.Repeat("a", 37))
	for scope, want := range map[cloudflaretest.Scope]string{
		cloudflaretest.AccountScope(account): account + " organization Account 0123 ",
		cloudflaretest.ZoneScope(zone):       zone + " zone example.com ",
		cloudflaretest.UserScope():           " user  admin@example.com",
	} {
		path := string(scope) + rules
		var made, changed ruleJSON
		decode(t, s.want(200, 0, "POST", path, ruleBody("block", "ip", "192.0.2.1", "n")), &made)
		told := strings.Join([]string{made.Scope.ID, made.Scope.Type, made.Scope.Name, made.Scope.Email}, " ")
		if !strings.HasSuffix(told, want) || made.Mode != "block" || made.Notes != "n" || len(made.ID) != 32 ||
			len(made.AllowedModes) != 5 || made.Configuration.Target != "ip" || made.CreatedOn != "2026-11-20T10:00:00Z" {
			t.Errorf("%s: got %+v", scope, made)
		}
		now = now.Add(time.Hour)
		decode(t, s.want(200, 0, "PATCH", path+"/"+made.ID, `{"notes":"m","configuration":{"value":"192.0.2.9"}}`), &changed)
		if changed.Notes != "m" || changed.Mode != "block" || changed.Configuration.Value != "192.0.2.1" ||
			changed.CreatedOn != made.CreatedOn || changed.ModifiedOn != "2026-11-20T11:00:00Z" {
			t.Errorf("%s: got %+v", scope, changed)
		}
		if got := s.found(path); got != "192.0.2.1" || s.CountAccessRules(scope) != 1 {
			t.Errorf("%s: found %s", scope, got)
		}
		if scope == cloudflaretest.UserScope() {
			s.want(405, 7001, "GET", path+"/"+made.ID, "")
		} else {
			s.want(200, 0, "GET", path+"/"+made.ID, "")
		}
		s.want(200, 0, "DELETE", path+"/"+made.ID, "")
		s.want(404, 10001, "DELETE", path+"/"+made.ID, "")
		s.want(404, 10001, "PATCH", path+"/"+made.ID, "{}")
		if got := s.found(path); got != "" {
			t.Errorf("%s: found %s", scope, got)
		}
		now = now.Add(-time.Hour)
	}
}

// Addresses are IPv4 or IPv6 and never both, ranges have one of five widths, and IPv6 is stored in its long form.
func TestWhomAccessRulesAreFor(t *testing.T) {
	s, zone := newRules(t, instant())
	for _, test := range []struct{ target, value, stored string }{
		{"ip", "192.0.2.1", "192.0.2.1"},
		{"ip", "192.0.2.0/24", ""},
		{"ip", "192.0.2.1/32", ""},
		{"ip", "2001:db8::1", ""},
		{"ip", "::ffff:192.0.2.1", ""},
		{"ip", "here", ""},
		{"ip6", "2001:DB8::1", "2001:0db8:0000:0000:0000:0000:0000:0001"},
		{"ip6", "2001:db8::1/128", ""},
		{"ip6", "fe80::1%eth0", ""},
		{"ip6", "192.0.2.1", ""},
		{"ip_range", "192.0.2.0/24", "192.0.2.0/24"},
		{"ip_range", "198.51.100.4/16", "198.51.0.0/16"},
		{"ip_range", "192.0.0.0/22", ""},
		{"ip_range", "192.0.2.1/32", ""},
		{"ip_range", "2001:db8::/32", "2001:0db8:0000:0000:0000:0000:0000:0000/32"},
		{"ip_range", "2001:db8:1::/48", "2001:0db8:0001:0000:0000:0000:0000:0000/48"},
		{"ip_range", "2001:db8:1:2::/64", "2001:0db8:0001:0002:0000:0000:0000:0000/64"},
		{"ip_range", "2001:db8::/56", ""},
		{"ip_range", "2001:db8::/128", ""},
		{"asn", "AS64496", "AS64496"},
		{"asn", "64496", ""},
		{"country", "de", "DE"},
		{"country", "Germany", ""},
		{"", "192.0.2.77", ""},
	} {
		status, code := 200, 0
		if test.stored == "" {
			status, code = 400, 10021
		}
		a := s.want(status, code, "POST", "/zones/"+zone+rules, ruleBody("block", test.target, test.value, ""))
		if test.stored == "" {
			if !strings.Contains(a.Raw, "firewallaccessrules.api.validation_error:") {
				t.Errorf("%s %s: got %s", test.target, test.value, a.Raw)
			}
			continue
		}
		var made ruleJSON
		decode(t, a, &made)
		if made.Configuration.Target != test.target || made.Configuration.Value != test.stored {
			t.Errorf("%s %s: got %+v, want %s", test.target, test.value, made.Configuration, test.stored)
		}
	}
	if a := s.do("POST", "/zones/"+zone+rules, "{}"); !strings.Contains(a.Raw,
		"validation_error:unsupported target received: ,invalid mode received: ") {
		t.Errorf("got %s", a.Raw)
	}
	s.want(400, 10021, "POST", "/zones/"+zone+rules, "{")
	s.want(400, 10021, "POST", "/zones/"+zone+rules, ruleBody("frighten", "ip", "192.0.2.9", ""))
}

// Another mode is no other rule, nor is another way to write the address; another scope is.
func TestDuplicateAccessRules(t *testing.T) {
	s, zone := newRules(t, instant())
	for i, test := range []struct {
		scope              cloudflaretest.Scope
		mode, target, ip   string
		status, code, have int
	}{
		{cloudflaretest.ZoneScope(zone), "whitelist", "ip6", "2001:db8::1", 200, 0, 1},
		{cloudflaretest.ZoneScope(zone), "whitelist", "ip6", "2001:db8::1", 400, 10009, 1},
		{cloudflaretest.ZoneScope(zone), "block", "ip6", "2001:0DB8:0:0::1", 400, 10009, 1},
		{cloudflaretest.ZoneScope(zone), "block", "ip6", "2001:db8::2", 200, 0, 2},
		{cloudflaretest.AccountScope(account), "block", "ip6", "2001:db8::1", 200, 0, 1},
		{cloudflaretest.UserScope(), "block", "ip6", "2001:db8::1", 200, 0, 1},
	} {
		a := s.want(test.status, test.code, "POST", string(test.scope)+rules, ruleBody(test.mode, test.target, test.ip, ""))
		if test.code != 0 && !strings.Contains(a.Raw, `"firewallaccessrules.api.duplicate_of_existing"`) {
			t.Errorf("%d: got %s", i, a.Raw)
		}
		if n := s.CountAccessRules(test.scope); n != test.have {
			t.Errorf("%d: %d rules, want %d", i, n, test.have)
		}
	}
	if first := s.AccessRules(cloudflaretest.ZoneScope(zone))[0]; first.Mode != "whitelist" {
		t.Errorf("the duplicate changed it: %+v", first)
	}
}

// An account's quota counts its own rules and those of its zones, and neither the user's nor another account's.
func TestAccessRuleQuota(t *testing.T) {
	s, zone := newRules(t, cloudflaretest.Options{MaxAccessRules: 2})
	other := strings.Repeat("f", 32)
	s.AddAccount(other)
	s.want(200, 0, "POST", "/zones/"+zone+rules, ruleBody("block", "ip", "192.0.2.1", ""))
	s.want(200, 0, "POST", "/accounts/"+account+rules, ruleBody("block", "ip", "192.0.2.1", ""))
	a := s.want(400, 10022, "POST", "/accounts/"+account+rules, ruleBody("block", "ip", "192.0.2.2", ""))
	if !strings.Contains(a.Raw, "maximum number of rules") {
		t.Errorf("got %s", a.Raw)
	}
	s.want(400, 10022, "POST", "/zones/"+zone+rules, ruleBody("block", "ip", "192.0.2.2", ""))
	s.want(200, 0, "POST", "/user"+rules, ruleBody("block", "ip", "192.0.2.2", ""))
	s.want(200, 0, "POST", "/accounts/"+other+rules, ruleBody("block", "ip", "192.0.2.2", ""))
	s.DeleteAccessRule(cloudflaretest.ZoneScope(zone), "192.0.2.1")
	s.want(200, 0, "POST", "/accounts/"+account+rules, ruleBody("block", "ip", "192.0.2.2", ""))
}

// A body without cascade, or none at all, takes one rule; basic takes those of the same mode from the other zones of
// the account, aggressive those of any mode.
func TestDeleteAccessRuleCascade(t *testing.T) {
	for body, want := range map[string]string{
		"":                         "0 1 1 1 1",
		`{}`:                       "0 1 1 1 1",
		`{"cascade":"none"}`:       "0 1 1 1 1",
		`{"cascade":"basic"}`:      "0 0 1 1 1",
		`{"cascade":"aggressive"}`: "0 0 0 1 1",
		`{"cascade":"all"}`:        "",
		`{`:                        "",
	} {
		s, zone := newRules(t, instant())
		scopes := []cloudflaretest.Scope{cloudflaretest.ZoneScope(zone)}
		for _, name := range []string{"same", "other"} {
			scopes = append(scopes, cloudflaretest.ZoneScope(s.AddZone(account, name)))
		}
		foreign := cloudflaretest.ZoneScope(s.AddZone(strings.Repeat("f", 32), "foreign"))
		scopes = append(scopes, foreign, cloudflaretest.AccountScope(account))
		for i, scope := range scopes {
			mode := "block"
			if i == 2 {
				mode = "whitelist"
			}
			if _, err := s.SetAccessRule(scope, cloudflaretest.AccessRule{Mode: mode, Value: "192.0.2.1"}); err != nil {
				t.Fatal(err)
			}
		}
		path := string(scopes[0]) + rules + "/" + s.AccessRules(scopes[0])[0].ID
		if want == "" {
			s.want(400, 10021, "DELETE", path, body)
			want = "1 1 1 1 1"
		} else {
			s.want(200, 0, "DELETE", path, body)
		}
		var left []string
		for _, scope := range scopes {
			left = append(left, fmt.Sprint(s.CountAccessRules(scope)))
		}
		if got := strings.Join(left, " "); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}

// A rule is reached through its own scope only.
func TestAccessRuleOfAnotherScope(t *testing.T) {
	s, zone := newRules(t, instant())
	id, err := s.SetAccessRule(cloudflaretest.AccountScope(account), cloudflaretest.AccessRule{Mode: "block", Value: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range []string{"/zones/" + zone, "/user"} {
		s.want(404, 10001, "DELETE", scope+rules+"/"+id, "")
	}
	s.want(200, 0, "DELETE", "/accounts/"+account+rules+"/"+id, "")
}

func TestSetAccessRuleByHand(t *testing.T) {
	s, zone := newRules(t, instant())
	scope := cloudflaretest.ZoneScope(zone)
	old := clock("2020-01-01T00:00:00Z")()
	err := s.SetAccessRules(scope,
		cloudflaretest.AccessRule{Mode: "block", Value: "2001:db8::/64"},
		cloudflaretest.AccessRule{
			Mode: "block", Value: "192.0.2.10", Notes: "a", ID: strings.Repeat("1", 32), CreatedOn: old, ModifiedOn: old,
		},
		cloudflaretest.AccessRule{Mode: "block", Value: "192.0.2.9"},
		cloudflaretest.AccessRule{Mode: "block", Value: "DE"},
		cloudflaretest.AccessRule{Mode: "block", Value: "AS64496"},
		cloudflaretest.AccessRule{Mode: "whitelist", Value: "192.0.2.9", Notes: "b"},
	)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	all := s.AccessRules(scope)
	for _, r := range all {
		values = append(values, r.Target+" "+r.Value+" "+r.Mode)
	}
	want := []string{"asn AS64496 block", "country DE block", "ip 192.0.2.9 whitelist", "ip 192.0.2.10 block",
		"ip_range 2001:0db8:0000:0000:0000:0000:0000:0000/64 block"}
	if !slices.Equal(values, want) {
		t.Errorf("got %q", values)
	}
	if r := all[3]; r.ID != strings.Repeat("1", 32) || !r.CreatedOn.Equal(old) || !r.ModifiedOn.Equal(old) || r.Notes != "a" {
		t.Errorf("got %+v", r)
	}
	s.want(200, 0, "GET", string(scope)+rules+"/"+strings.Repeat("1", 32), "")
	for _, bad := range []cloudflaretest.AccessRule{{Mode: "block", Value: "192.0.2.0/20"}, {Mode: "allow", Value: "192.0.2.1"}} {
		if _, err := s.SetAccessRule(scope, bad); err == nil {
			t.Errorf("%+v was set", bad)
		}
	}
	if _, err := s.SetAccessRule(cloudflaretest.ZoneScope("nobodys"), all[2]); err == nil {
		t.Error("a rule for an unknown zone was set")
	}
	if _, err := s.SetAccessRule("/planets/1", all[2]); err == nil {
		t.Error("a rule for no scope was set")
	}
	if !s.DeleteAccessRule(scope, "2001:db8::/64") || s.DeleteAccessRule(scope, "2001:db8::/64") || s.CountAccessRules(scope) != 4 {
		t.Errorf("got %v", s.AccessRules(scope))
	}
}
