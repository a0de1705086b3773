package cloudflaretest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

// One write of list items goes through in three days, whatever it is and whoever asks; everything else stays open.
func TestThrottledAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, zone := newRules(t, cloudflaretest.Options{OperationTime: -1, MaxLists: 2})
		s.AddToken(secret,
			cloudflaretest.ListsEdit, cloudflaretest.AccessRulesWrite, cloudflaretest.FirewallWrite, cloudflaretest.WAFEdit)
		s.AddAccountToken(account, "another", cloudflaretest.ListsEdit)
		s.LimitWrites(cloudflaretest.ThrottledAccount())
		var let []time.Duration
		began := time.Now()
		for time.Since(began) < 10*24*time.Hour {
			s.bearer = "Bearer another"
			if time.Since(began)%(4*time.Hour) == 0 {
				s.bearer = "Bearer " + secret
			}
			a := s.do("PUT", s.items(), `[{"ip":"192.0.2.1"}]`)
			switch a.Status {
			case 200:
				let = append(let, time.Since(began))
			case 429:
				if a.code() != 10040 || a.Header.Get("Retry-After") != "60" {
					t.Fatalf("got %s, Retry-After %q", a.Raw, a.Header.Get("Retry-After"))
				}
			default:
				t.Fatalf("got %s", a.Raw)
			}
			time.Sleep(2 * time.Minute)
		}
		if len(let) != 4 || let[1] != 72*time.Hour || let[3] != 9*24*time.Hour {
			t.Errorf("let through after %v", let)
		}
		s.bearer = "Bearer " + secret
		s.want(429, 10040, "POST", s.items(), `[{"ip":"192.0.2.2"}]`)
		s.want(429, 10040, "DELETE", s.items(), `{"items":[{"id":"`+s.Items(s.list)[0].ID+`"}]}`)
		s.want(200, 0, "GET", s.items(), "")
		s.want(200, 0, "POST", s.lists(), `{"name":"new","kind":"ip"}`)
		s.want(200, 0, "DELETE", s.lists()+"/"+s.ListID(account, "new"), "")
		for _, scope := range []string{"/accounts/" + account, "/zones/" + zone, "/user"} {
			s.want(200, 0, "POST", scope+rules, ruleBody("block", "ip", "192.0.2.1", ""))
		}
		s.want(200, 0, "POST", "/zones/"+zone+"/rulesets",
			`{"name":"default","kind":"zone","phase":"http_request_firewall_custom","rules":[`+blockRule+`]}`)
	})
}

// Beyond the limit everything is refused for five minutes, also what would have been refused anyway; then the count
// begins anew. An account's token has a count of its own.
func TestRequestLimit(t *testing.T) {
	now := clock("2026-11-20T10:00:00Z")()
	s, _ := newRules(t, cloudflaretest.Options{OperationTime: -1, Now: func() time.Time { return now }})
	key := strings.Repeat("a", 37)
	s.SetGlobalKey("admin@example.com", key)
	s.AddAccountToken(account, "owned", cloudflaretest.AccessRulesWrite)
	path := "/accounts/" + account + rules
	for range 1300 { // off at first
		s.want(200, 0, "GET", path, "")
	}
	now = now.Add(5 * time.Minute)
	s.LimitRequests(1200)
	for range 1200 {
		s.want(200, 0, "GET", path, "")
	}
	now = now.Add(4 * time.Minute)
	struck := s.AddFault(cloudflaretest.Fault{Effect: cloudflaretest.HTML(502)})
	refused := func(wait string) {
		t.Helper()
		for _, path := range []string{path, s.lists(), "/zones", "/nothing", "/ips"} {
			a := s.want(429, 10100, "GET", path, "")
			if a.Header.Get("Retry-After") != wait || !strings.HasPrefix(a.Header.Get("Ratelimit"), `"default";r=0;t=`) {
				t.Errorf("%s: got %v", path, a.Header)
			}
		}
	}
	refused("300")
	s.want(429, 10100, "POST", path, ruleBody("block", "ip", "192.0.2.1", ""))
	now = now.Add(299 * time.Second)
	refused("1")
	s.bearer, s.legacy = "", [2]string{"admin@example.com", key}
	refused("1")
	if struck() != 0 || s.CountAccessRules(cloudflaretest.AccountScope(account)) != 0 {
		t.Error("a refused request got further")
	}
	s.ClearFaults()
	s.bearer, s.legacy = "Bearer owned", [2]string{}
	s.want(200, 0, "POST", path, ruleBody("block", "ip", "192.0.2.1", ""))
	s.bearer = "Bearer " + secret
	now = now.Add(time.Second)
	if h := s.want(200, 0, "GET", path, "").Header; h.Get("Ratelimit") != `"default";r=1199;t=300` || h.Get("Retry-After") != "" {
		t.Errorf("got %v", h)
	}
	s.LimitRequests(1)
	s.want(429, 10100, "GET", path, "")
	s.LimitRequests(0)
	s.want(200, 0, "GET", path, "")
}
