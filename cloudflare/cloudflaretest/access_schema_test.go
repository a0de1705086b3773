package cloudflaretest_test

import (
	"fmt"
	"strings"
	"testing"

	"edgeban/cloudflare/cloudflaretest"
)

// Requests and answers fit the published schema in each scope, but for what clients do in spite of it: they send no
// body with a DELETE of an account's or the user's rule, and change an account's rule without repeating all of it.
func TestAccessRulesFitTheSchema(t *testing.T) {
	s, zone := newRules(t, instant())
	errs := s.check("cloudflare-openapi-subset.json")
	exchange := func(method, path, body string) answer {
		t.Helper()
		a := s.want(200, 0, method, path, body)
		if errs["response"] != nil || len(errs) != 2 {
			t.Errorf("%s %s: %v", method, path, errs)
		}
		return a
	}
	fine := func(method, path, body string) answer {
		t.Helper()
		a := exchange(method, path, body)
		if errs["request"] != nil {
			t.Errorf("%s %s: %v", method, path, errs["request"])
		}
		return a
	}
	for _, scope := range []string{"/accounts/" + account, "/zones/" + zone, "/user"} {
		path := scope + rules
		for i, value := range []string{"ip 192.0.2.1", "ip6 2001:db8::1", "ip_range 192.0.2.0/24", "asn AS64496", "country DE"} {
			target, value, _ := strings.Cut(value, " ")
			mode := []string{"block", "challenge", "whitelist", "js_challenge", "managed_challenge"}[i]
			fine("POST", path, ruleBody(mode, target, value, "n"))
		}
		a := fine("GET", path+query("mode", "block", "configuration.target", "ip", "configuration.value", "192.0.2.1", "notes", "N",
			"match", "all", "page", "1", "per_page", "100", "order", "mode", "direction", "desc"), "")
		var all []ruleJSON
		decode(t, a, &all)
		if len(all) != 1 {
			t.Fatalf("%s: got %s", scope, a.Raw)
		}
		one := path + "/" + all[0].ID
		if scope == "/accounts/"+account {
			fine("GET", one, "")
			exchange("PATCH", one, `{"mode":"challenge"}`)
			if errs["request"] == nil {
				t.Error("a change without all of the rule passed")
			}
			exchange("DELETE", one, "{}")
			continue
		}
		fine("PATCH", one, `{"mode":"challenge","notes":"m"}`)
		fine("DELETE", one, `{"cascade":"none"}`)
	}
}

// The check must be able to fail, or its silence says nothing.
func TestSchemaOfAccessRulesIsStrict(t *testing.T) {
	s, zone := newRules(t, instant())
	errs := s.check("cloudflare-openapi-subset.json")
	path := "/zones/" + zone + rules
	for _, body := range []string{
		`{}`, ruleBody("allow", "ip", "192.0.2.1", ""), ruleBody("block", "host", "192.0.2.1", ""),
		`{"mode":"block","configuration":{"target":"ip","value":"192.0.2.1"}}`,
	} {
		s.do("POST", path, body)
		if errs["request"] == nil {
			t.Errorf("%s passed", body)
		}
	}
	for i, change := range []func(map[string]any){
		func(rule map[string]any) { delete(rule, "id") },
		func(rule map[string]any) { rule["mode"] = "allow" },
		func(rule map[string]any) { rule["created_on"] = "yesterday" },
		func(rule map[string]any) { rule["configuration"] = map[string]any{"target": "host"} },
	} {
		s.ClearFaults()
		s.AddFault(cloudflaretest.Fault{Effect: cloudflaretest.Edit(func(e map[string]any) {
			if rule, is := e["result"].(map[string]any); is {
				change(rule)
			}
		})})
		s.want(200, 0, "POST", path, ruleBody("block", "ip", fmt.Sprintf("192.0.2.%d", 10+i), "n"))
		if errs["response"] == nil {
			t.Errorf("change %d passed", i)
		}
	}
}
