package cloudflaretest_test

import (
	"fmt"
	"strings"
	"testing"

	"edgeban/cloudflare/cloudflaretest"
)

const entrypoint = "/rulesets/phases/http_request_firewall_custom/entrypoint"

// newZone is a site with a zone, and a token that may read and write its rules.
func newZone(t *testing.T) (s *site, zone string) {
	t.Helper()
	s = newSite(t, instant())
	s.AddToken(secret, cloudflaretest.ListsEdit, cloudflaretest.ZoneRead, cloudflaretest.WAFEdit)
	id := s.AddZone(account, "example.com")
	return s, "/zones/" + id
}

type rulesetJSON struct {
	ID, Name, Kind, Phase, Version string
	Rules                          []cloudflaretest.Rule
}

const blockRule = `{"action":"block","expression":"(ip.src in $bans)","description":"d","enabled":true,"ref":"r1"}`

// A zone has no entry point until its first rule is made; then rules are appended, and each counts as a reference to its list.
func TestRulesOfAZone(t *testing.T) {
	s, zone := newZone(t)
	s.want(404, 10003, "GET", zone+entrypoint, "")
	s.want(404, 10003, "POST", zone+"/rulesets/0123456789abcdef0123456789abcdef/rules", blockRule)
	create := `{"name":"default","kind":"zone","phase":"http_request_firewall_custom","rules":[` + blockRule + `]}`
	var made rulesetJSON
	decode(t, s.want(200, 0, "POST", zone+"/rulesets", create), &made)
	s.want(400, 20217, "POST", zone+"/rulesets", create)
	if n := s.listObject().NumReferencingFilters; n != 1 {
		t.Errorf("%d references", n)
	}
	s.want(200, 0, "POST", zone+"/rulesets/"+made.ID+"/rules", `{"action":"managed_challenge","expression":"ip.src eq 192.0.2.1"}`)
	var got rulesetJSON
	decode(t, s.want(200, 0, "GET", zone+entrypoint, ""), &got)
	if got.ID != made.ID || got.Version != "3" || len(got.Rules) != 2 || got.Rules[0].Ref != "r1" || got.Rules[1].Ref != got.Rules[1].ID ||
		!got.Rules[1].Enabled || got.Kind != "zone" {
		t.Errorf("got %+v", got)
	}
	s.want(400, 10031, "DELETE", s.lists()+"/"+s.list, "")
}

func TestRulesRefused(t *testing.T) {
	s, zone := newZone(t)
	s.AddRule(strings.TrimPrefix(zone, "/zones/"), cloudflaretest.Rule{Expression: "true", Action: "log", Ref: "there"})
	var have rulesetJSON
	decode(t, s.want(200, 0, "GET", zone+entrypoint, ""), &have)
	rules := zone + "/rulesets/" + have.ID + "/rules"
	for _, body := range []string{
		`{`, `{}`, `{"action":"block"}`, `{"action":"frighten","expression":"true"}`, `{"action":"log","expression":"true"}`,
		`{"action":"block","expression":"ip.src in $nobodys"}`, `{"action":"block","expression":"true","ref":"there"}`,
		`{"action":"block","expression":"` + strings.Repeat("x", 4097) + `"}`,
	} {
		s.want(400, 10021, "POST", rules, body)
	}
	for i := range 4 {
		s.want(200, 0, "POST", rules, fmt.Sprintf(`{"action":"block","expression":"ip.src eq 192.0.2.%d"}`, i))
	}
	if a := s.want(400, 20217, "POST", rules, blockRule); !strings.Contains(a.Raw, "6 out of 5") {
		t.Errorf("got %s", a.Raw)
	}
	s.want(405, 7001, "PUT", zone+entrypoint, `{"rules":[]}`)
}

// Zones are listed page by page and found by name; every account's list refers to its own zones' rules only.
func TestZones(t *testing.T) {
	s, _ := newZone(t)
	other := "ffffffffffffffffffffffffffffffff"
	s.AddList(other, "bans", "ip")
	s.AddRule(s.AddZone(other, "example.net"), cloudflaretest.Rule{Expression: "ip.src in $bans", Action: "block"})
	type zoneJSON struct {
		Name    string
		Account struct{ ID string }
	}
	var all, one, second []zoneJSON
	decode(t, s.want(200, 0, "GET", "/zones", ""), &all)
	decode(t, s.want(200, 0, "GET", "/zones?name=example.net", ""), &one)
	decode(t, s.want(200, 0, "GET", "/zones?per_page=1&page=2", ""), &second)
	if len(all) != 2 || len(one) != 1 || one[0].Account.ID != other || len(second) != 1 || second[0].Name != "example.net" {
		t.Errorf("got %v, %v, %v", all, one, second)
	}
	if n := s.listObject().NumReferencingFilters; n != 0 {
		t.Errorf("%d references", n)
	}
}

func TestZonesNeedPermission(t *testing.T) {
	s, zone := newZone(t)
	s.AddToken(secret, cloudflaretest.ListsEdit)
	s.want(403, 9109, "GET", "/zones", "")
	s.want(403, 10000, "GET", zone+entrypoint, "")
	s.AddToken(secret, cloudflaretest.ZoneRead, cloudflaretest.WAFRead)
	s.want(404, 10003, "GET", zone+entrypoint, "")
	s.want(403, 10000, "POST", zone+"/rulesets", "{}")
	s.want(403, 10000, "GET", "/zones/nobodys"+entrypoint, "")
	s.AddAccountToken("ffffffffffffffffffffffffffffffff", secret, cloudflaretest.ZoneRead, cloudflaretest.WAFRead)
	s.want(403, 10000, "GET", zone+entrypoint, "")
	s.bearer = "Bearer v1_0123456789012345678901234567890123456789"
	s.want(403, 9109, "GET", "/zones", "")
	s.want(403, 10000, "GET", zone+entrypoint, "")
	s.bearer = "Bearer bad"
	s.want(400, 6003, "GET", "/zones", "")
	s.want(400, 6003, "GET", zone+entrypoint, "")
}

// Accounts are shown to a user's token that may read their settings; one that an account owns is refused.
func TestAccounts(t *testing.T) {
	s := newSite(t, instant())
	count := func() int {
		var all []struct{ ID, Name string }
		decode(t, s.want(200, 0, "GET", "/accounts", ""), &all)
		return len(all)
	}
	if n := count(); n != 0 {
		t.Errorf("%d accounts without the permission", n)
	}
	s.AddAccount("ffffffffffffffffffffffffffffffff")
	s.AddToken(secret, cloudflaretest.AccountSettingsRead)
	if n := count(); n != 2 {
		t.Errorf("%d accounts with it", n)
	}
	s.AddAccountToken(account, secret, cloudflaretest.AccountSettingsRead)
	s.want(400, 1001, "GET", "/accounts", "")
	s.bearer = ""
	s.want(400, 6003, "GET", "/accounts", "")
}

// The schema's pattern for actions does not know the underscore of managed_challenge; block stands for all. Its request for a new ruleset
// demands what it marks as read-only, so there only the answer is held against it.
func TestRulesFitTheSchema(t *testing.T) {
	s, zone := newZone(t)
	errs := s.check("cloudflare-openapi-subset.json")
	fine := func(method, path, body string) answer {
		t.Helper()
		a := s.want(200, 0, method, path, body)
		if errs["request"] != nil && path != zone+"/rulesets" || errs["response"] != nil || len(errs) != 2 {
			t.Errorf("%s %s: %v", method, path, errs)
		}
		return a
	}
	var made rulesetJSON
	decode(t, fine("POST", zone+"/rulesets",
		`{"name":"default","kind":"zone","phase":"http_request_firewall_custom","rules":[`+blockRule+`]}`), &made)
	fine("POST", zone+"/rulesets/"+made.ID+"/rules", strings.Replace(blockRule, "r1", "r2", 1))
	fine("GET", zone+entrypoint, "")
	s.want(400, 10021, "POST", zone+"/rulesets/"+made.ID+"/rules", `{"action":"Block!"}`)
	if errs["request"] == nil {
		t.Error("an action that cannot be passed")
	}
}
