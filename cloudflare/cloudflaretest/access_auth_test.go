package cloudflaretest_test

import (
	"net/http"
	"strings"
	"testing"

	"edgeban/cloudflare/cloudflaretest"
)

// Accounts ask for one permission, zones for another; the user's rules take the accounts' from a user's token.
func TestWhoMayUseAccessRules(t *testing.T) {
	foreign := strings.Repeat("f", 32)
	const (
		accounts = "/accounts/" + account + rules
		user     = "/user" + rules
	)
	for _, test := range []struct {
		name  string
		may   cloudflaretest.Permission
		owner string // of the token; empty: the user
		path  string
		get   int // status
		post  int
	}{
		{"account write", cloudflaretest.AccessRulesWrite, "", accounts, 200, 200},
		{"account read", cloudflaretest.AccessRulesRead, "", accounts, 200, 403},
		{"lists are something else", cloudflaretest.ListsEdit, "", accounts, 403, 403},
		{"zones are something else", cloudflaretest.FirewallWrite, "", accounts, 403, 403},
		{"the account's token", cloudflaretest.AccessRulesWrite, account, accounts, 200, 200},
		{"another account's token", cloudflaretest.AccessRulesWrite, foreign, accounts, 403, 403},
		{"zone write", cloudflaretest.FirewallWrite, "", "zone", 200, 200},
		{"zone read", cloudflaretest.FirewallRead, "", "zone", 200, 403},
		{"custom rules are something else", cloudflaretest.WAFEdit, "", "zone", 403, 403},
		{"accounts are something else", cloudflaretest.AccessRulesWrite, "", "zone", 403, 403},
		{"a zone of the token's account", cloudflaretest.FirewallWrite, account, "zone", 200, 200},
		{"a zone of another account", cloudflaretest.FirewallWrite, foreign, "zone", 403, 403},
		{"user write", cloudflaretest.AccessRulesWrite, "", user, 200, 200},
		{"user read", cloudflaretest.AccessRulesRead, "", user, 200, 403},
		{"zones are not the user", cloudflaretest.FirewallWrite, "", user, 403, 403},
		{"an account's token has no user", cloudflaretest.AccessRulesWrite, account, user, 403, 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, zone := newRules(t, instant())
			s.AddToken(secret, test.may)
			if test.owner != "" {
				s.AddAccountToken(test.owner, secret, test.may)
			}
			path := strings.Replace(test.path, "zone", "/zones/"+zone+rules, 1)
			code := map[int]int{200: 0, 403: 10000}
			s.want(test.get, code[test.get], "GET", path, "")
			s.want(test.post, code[test.post], "POST", path, ruleBody("block", "ip", "192.0.2.1", ""))
			if id := "/" + strings.Repeat("0", 32); test.post == 403 {
				s.want(403, 10000, "PATCH", path+id, "{}")
				s.want(403, 10000, "DELETE", path+id, "")
			}
		})
	}
}

// Refusals of credentials differ with the part of the API that gives them, for keys as for tokens.
func TestCredentialsThatAreNone(t *testing.T) {
	key := strings.Repeat("a", 37)
	for _, test := range []struct {
		name, bearer string
		legacy       [2]string
		// status and code of an account's endpoint, a zone's, the user's, and of the zones
		account, zone, user, zones [2]int
		chain                      string // codes in the chain of the last
	}{
		{"the key", "", [2]string{"admin@example.com", key}, [2]int{200}, [2]int{200}, [2]int{200}, [2]int{200}, ""},
		{"another key", "", [2]string{"admin@example.com", strings.Repeat("b", 37)},
			[2]int{401, 10000}, [2]int{403, 10000}, [2]int{403, 9103}, [2]int{403, 9103}, ""},
		{"somebody else's address", "", [2]string{"eve@example.com", key},
			[2]int{401, 10000}, [2]int{403, 10000}, [2]int{403, 9103}, [2]int{403, 9103}, ""},
		{"a token as a key", "", [2]string{"admin@example.com", secret},
			[2]int{400, 9106}, [2]int{400, 6003}, [2]int{400, 6003}, [2]int{400, 6003}, "6103"},
		{"no address", "", [2]string{"", key},
			[2]int{400, 9106}, [2]int{400, 6003}, [2]int{400, 6003}, [2]int{400, 6003}, "6102"},
		{"neither", "", [2]string{"admin", "x"},
			[2]int{400, 9106}, [2]int{400, 6003}, [2]int{400, 6003}, [2]int{400, 6003}, "6102 6103"},
		{"nothing", "", [2]string{},
			[2]int{400, 9106}, [2]int{400, 6003}, [2]int{400, 6003}, [2]int{400, 6003}, "6111"},
		{"a token goes first", "Bearer " + strings.Repeat("x", 40), [2]string{"admin@example.com", key},
			[2]int{401, 10000}, [2]int{403, 10000}, [2]int{403, 9109}, [2]int{403, 9109}, ""},
		{"a key as a token", "Bearer " + key, [2]string{},
			[2]int{400, 9106}, [2]int{400, 6003}, [2]int{400, 6003}, [2]int{400, 6003}, "6111"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, zone := newRules(t, instant())
			s.SetGlobalKey("admin@example.com", key)
			s.bearer, s.legacy = test.bearer, test.legacy
			s.want(test.account[0], test.account[1], "GET", "/accounts/"+account+rules, "")
			s.want(test.account[0], test.account[1], "GET", s.lists(), "")
			s.want(test.zone[0], test.zone[1], "GET", "/zones/"+zone+rules, "")
			s.want(test.user[0], test.user[1], "GET", "/user"+rules, "")
			a := s.want(test.zones[0], test.zones[1], "GET", "/zones", "")
			for _, code := range strings.Fields(test.chain) {
				if !strings.Contains(a.Raw, `{"code":`+code+`,`) {
					t.Errorf("%s is not in the chain: %s", code, a.Raw)
				}
			}
			if !strings.Contains(a.Raw, "error_chain") != (test.chain == "") {
				t.Errorf("got %s", a.Raw)
			}
		})
	}
}

// The global key writes everywhere; it verifies as no token, and ends when it is changed.
func TestGlobalKey(t *testing.T) {
	s, zone := newRules(t, instant())
	key := strings.Repeat("a", 37)
	s.SetGlobalKey("admin@example.com", key)
	s.bearer, s.legacy = "", [2]string{"admin@example.com", key}
	for _, path := range []string{"/accounts/" + account, "/zones/" + zone, "/user"} {
		s.want(200, 0, "POST", path+rules, ruleBody("block", "ip", "192.0.2.1", ""))
	}
	s.want(200, 0, "POST", s.items(), `[{"ip":"192.0.2.1"}]`)
	s.want(200, 0, "GET", "/accounts", "")
	s.want(403, 10000, "GET", "/accounts/"+strings.Repeat("9", 32)+rules, "")
	s.want(403, 10000, "GET", "/zones/nobodys"+rules, "")
	s.want(400, 6003, "GET", "/user/tokens/verify", "")
	s.SetGlobalKey("admin@example.com", strings.Repeat("b", 37))
	s.want(403, 9103, "GET", "/user"+rules, "")
}

// Faults reach these endpoints by their paths, before the effect and after it.
func TestFaultsOfAccessRules(t *testing.T) {
	drop, page := cloudflaretest.Drop(), cloudflaretest.HTML(502)
	for name, test := range map[string]struct {
		path   string
		effect cloudflaretest.Effect
		status int // 0: no answer
		took   bool
	}{
		"before":        {cloudflaretest.PathAnyAccessRule, drop, 0, false},
		"after":         {cloudflaretest.PathZoneAccessRules, cloudflaretest.After(drop), 0, true},
		"status":        {cloudflaretest.PathAnyAccessRule, cloudflaretest.Answer(503, 1000, "x"), 503, false},
		"page":          {cloudflaretest.PathZoneAccessRules, page, 502, false},
		"one rule":      {cloudflaretest.PathZoneAccessRule, page, 200, true},
		"another scope": {cloudflaretest.PathUserAccessRules, page, 200, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, zone := newRules(t, instant())
			s.AddFault(cloudflaretest.Fault{Method: http.MethodPost, Path: test.path, Effect: test.effect})
			a, err := s.try("POST", "/zones/"+zone+rules, ruleBody("block", "ip", "192.0.2.1", ""))
			if (err != nil) != (test.status == 0) || err == nil && a.Status != test.status {
				t.Errorf("got %d, %v; want %d", a.Status, err, test.status)
			}
			if took := s.CountAccessRules(cloudflaretest.ZoneScope(zone)) > 0; took != test.took {
				t.Errorf("took effect: %v, want %v", took, test.took)
			}
		})
	}
}

// Answers about access rules can be spoilt as those about items can.
func TestSpoiltAccessRules(t *testing.T) {
	s, zone := newRules(t, instant())
	path := "/zones/" + zone + rules
	for _, ip := range []string{"192.0.2.1", "192.0.2.2"} {
		if _, err := s.SetAccessRule(cloudflaretest.ZoneScope(zone), cloudflaretest.AccessRule{Mode: "block", Value: ip}); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		effect cloudflaretest.Effect
		want   string
	}{
		"bad value":  {cloudflaretest.BadRuleValue("here"), "here 192.0.2.1"},
		"short page": {cloudflaretest.ShortPage(1), "192.0.2.2"},
		"runaway":    {cloudflaretest.RunawayRules(), "10.0.0.1"},
	} {
		s.ClearFaults()
		s.AddFault(cloudflaretest.Fault{Path: cloudflaretest.PathZoneAccessRules, Effect: test.effect})
		if got := s.found(path); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
	s.ClearFaults()
	s.AddFault(cloudflaretest.Fault{Effect: cloudflaretest.RunawayRules()})
	for page := range 3 {
		a := s.want(200, 0, "GET", path, "")
		if i := a.JSON.ResultInfo; i.Page != page+1 || i.TotalPages != page+2 || i.TotalCount != page+2 || i.Count != 1 {
			t.Errorf("page %d: got %+v", page+1, i)
		}
	}
}
