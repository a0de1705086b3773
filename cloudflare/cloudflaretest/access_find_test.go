package cloudflaretest_test

import (
	"fmt"
	"strings"
	"testing"

	"edgeban/cloudflare/cloudflaretest"
)

// What Fail2Ban's stock actions ask for before they un-ban is in the table, as they write it.
func TestFindAccessRules(t *testing.T) {
	s, zone := newRules(t, instant())
	path := "/zones/" + zone + rules
	err := s.SetAccessRules(cloudflaretest.ZoneScope(zone),
		cloudflaretest.AccessRule{Mode: "block", Value: "192.0.2.1", Notes: "Fail2Ban sshd"},
		cloudflaretest.AccessRule{Mode: "managed_challenge", Value: "192.0.2.2", Notes: "fail2ban nginx"},
		cloudflaretest.AccessRule{Mode: "whitelist", Value: "198.51.100.0/24", Notes: "office"},
		cloudflaretest.AccessRule{Mode: "block", Value: "2001:db8::1", Notes: "Fail2Ban sshd"},
	)
	if err != nil {
		t.Fatal(err)
	}
	const long = "2001:0db8:0000:0000:0000:0000:0000:0001"
	for _, test := range []struct{ query, want string }{
		{"", long + " 198.51.100.0/24 192.0.2.2 192.0.2.1"},
		{"?mode=block", long + " 192.0.2.1"},
		{"?notes=FAIL2ban", long + " 192.0.2.2 192.0.2.1"},
		{"?notes=ban%20ssh", long + " 192.0.2.1"},
		{"?configuration.target=ip_range", "198.51.100.0/24"},
		{"?configuration.value=192.0.2.1", "192.0.2.1"},
		{"?configuration.value=192.0.2", ""},
		{"?configuration.value=2001:db8::1", ""},
		{"?configuration.value=" + long, long},
		{"?mode=block&configuration_target=ip&configuration_value=192.0.2.1&page=1&per_page=1&notes=Fail2Ban%20sshd", "192.0.2.1"},
		{"?mode=block&notes=Fail2Ban%20sshd&configuration.target=ip6&configuration.value=" + long, long},
		{"?mode=block&notes=office", ""},
		{"?mode=block&notes=office&match=any", long + " 198.51.100.0/24 192.0.2.1"},
		{"?match=any", long + " 198.51.100.0/24 192.0.2.2 192.0.2.1"},
		{"?order=configuration.value", "192.0.2.1 192.0.2.2 198.51.100.0/24 " + long},
		{"?order=configuration.value&direction=desc", long + " 198.51.100.0/24 192.0.2.2 192.0.2.1"},
		{"?order=mode&direction=asc", long + " 192.0.2.1 192.0.2.2 198.51.100.0/24"},
		{"?order=configuration.target&direction=asc", "192.0.2.2 192.0.2.1 " + long + " 198.51.100.0/24"},
	} {
		if got := s.found(path + test.query); got != test.want {
			t.Errorf("%s: got %s, want %s", test.query, got, test.want)
		}
	}
	// Fail2Ban 1.1.0 puts the parameters into the body, where nobody looks, and so gets everything.
	var all []ruleJSON
	decode(t, s.want(200, 0, "GET", path, "mode=block&configuration.value=192.0.2.1"), &all)
	if len(all) != 4 {
		t.Errorf("parameters in the body: got %v", all)
	}
	for _, query := range []string{"mode=allow", "configuration.target=host", "match=some", "order=notes", "direction=up"} {
		s.want(400, 10021, "GET", path+"?"+query, "")
	}
}

// Too large a page is cut off and not refused; result_info tells the size that was used.
func TestPagesOfAccessRules(t *testing.T) {
	for most, want := range map[int]map[string]string{ // query: page, per_page, count, total_count, total_pages, first
		0: {
			"":                       "1 20 20 103 6 192.0.2.102",
			"?per_page=50&page=3":    "3 50 3 103 3 192.0.2.2",
			"?per_page=100":          "1 100 100 103 2 192.0.2.102",
			"?per_page=1000":         "1 100 100 103 2 192.0.2.102",
			"?per_page=1000&page=2":  "2 100 3 103 2 192.0.2.2",
			"?per_page=1000&page=99": "99 100 0 103 2 ",
			"?per_page=0&page=0":     "1 20 20 103 6 192.0.2.102",
			"?notes=n3&per_page=2":   "1 2 2 11 6 192.0.2.39",
		},
		10: {
			"":              "1 10 10 103 11 192.0.2.102",
			"?per_page=100": "1 10 10 103 11 192.0.2.102",
			"?per_page=5":   "1 5 5 103 21 192.0.2.102",
		},
	} {
		s, _ := newRules(t, cloudflaretest.Options{AccessRulePage: most})
		scope := cloudflaretest.AccountScope(account)
		for i := range 103 {
			rule := cloudflaretest.AccessRule{Mode: "block", Value: fmt.Sprintf("192.0.2.%d", i), Notes: fmt.Sprintf("n%d", i)}
			if _, err := s.SetAccessRule(scope, rule); err != nil {
				t.Fatal(err)
			}
		}
		for query, want := range want {
			a := s.want(200, 0, "GET", string(scope)+rules+query, "")
			var all []ruleJSON
			decode(t, a, &all)
			first := ""
			if len(all) > 0 {
				first = all[0].Configuration.Value
			}
			i := a.JSON.ResultInfo
			got := fmt.Sprint(i.Page, i.PerPage, i.Count, i.TotalCount, i.TotalPages, " ", first)
			if got != want || len(all) != i.Count {
				t.Errorf("most %d, %s: got %d, %s; want %s", most, query, len(all), got, want)
			}
		}
	}
}

// A zone's list may show what it inherits, each rule with its own scope; not another zone's, nor another account's.
func TestInheritedAccessRules(t *testing.T) {
	for inherited, want := range map[bool]string{
		false: "zone 192.0.2.3",
		true:  "organization 192.0.2.5, zone 192.0.2.3, user 192.0.2.1",
	} {
		s, zone := newRules(t, cloudflaretest.Options{InheritedRules: inherited})
		foreign := strings.Repeat("f", 32)
		for i, scope := range []cloudflaretest.Scope{
			cloudflaretest.UserScope(), cloudflaretest.ZoneScope(s.AddZone(account, "other")), cloudflaretest.ZoneScope(zone),
			cloudflaretest.AccountScope(foreign), cloudflaretest.AccountScope(account),
		} {
			rule := cloudflaretest.AccessRule{Mode: "block", Value: fmt.Sprintf("192.0.2.%d", i+1)}
			if _, err := s.SetAccessRule(scope, rule); err != nil {
				t.Fatal(err)
			}
		}
		var all []ruleJSON
		decode(t, s.want(200, 0, "GET", "/zones/"+zone+rules, ""), &all)
		var got []string
		for _, r := range all {
			got = append(got, r.Scope.Type+" "+r.Configuration.Value)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("inherited %v: got %q, want %s", inherited, got, want)
		}
		if got := s.found("/accounts/" + account + rules); got != "192.0.2.5" {
			t.Errorf("the account's: got %s", got)
		}
	}
}
