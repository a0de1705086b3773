package main

import (
	"maps"
	"strings"
	"testing"
)

const testZone = "fedcba9876543210fedcba9876543210"

// TestBadTargets: settings that do not go together with what holds the bans are an error before anything is asked.
func TestBadTargets(t *testing.T) {
	zone := []string{"--target", targetRules, "--zone", testZone}
	rules := []string{"--target", targetRules}
	tests := []struct {
		name string
		args []string
		env  map[string]string
		want []string // the lines on standard error, "edgeban: " cut off
	}{
		{name: "unknown target", args: []string{"--target", "rules"},
			want: []string{`target: "rules" is none of list, access-rules (flag --target)`}},
		{name: "zone of a list", args: []string{"--zone", testZone}, want: []string{
			"zone (flag --zone) has no meaning with target list", "  It says whose access rules to use: set target to access-rules, or leave it out."}},
		{name: "user of a list", env: map[string]string{"EDGEBAN_USER": "yes"}, want: []string{
			"user (environment EDGEBAN_USER) has no meaning with target list", "  It says whose access rules to use: set target to access-rules, or leave it out."}},
		{name: "a zone's name", args: append(rules, "--zone", "example.com"), want: []string{
			"zone: not the 32 hexadecimal digits of a zone id; edgeban setup --zone DOMAIN tells it, and so does the zone's overview in the dashboard (flag --zone)"}},
		{name: "a zone twice", args: append(zone, "--zone", strings.ToUpper(testZone)), want: []string{
			"zone: " + testZone + " is there twice (flag --zone)"}},
		{name: "zone and user", args: append(zone, "--user"), want: []string{"user (flag --user) and zone (flag --zone) exclude each other"}},
		{name: "spill", args: append(rules, "--spill", targetRules), want: []string{
			"spill (flag --spill) has no meaning with target access-rules", "  The bans go into access rules as it is: leave spill out."}},
		{name: "challenge list", args: append(rules, "--challenge-list", "c"), want: []string{
			"challenge-list (flag --challenge-list) has no meaning with target access-rules", "  An access rule can challenge by itself: leave challenge-list out."}},
		{name: "exclusive", args: append(rules, "--ownership", "exclusive"), want: []string{
			"ownership exclusive (flag --ownership) has no meaning with target access-rules",
			"  edgeban adopt takes over the rules of Fail2Ban's own actions; all others are somebody's."}},
		{name: "IPv6 width", args: append(rules, "--ipv6-prefix", "56"), want: []string{
			"ipv6-prefix 56 (flag --ipv6-prefix) is no width of an access rule: 32, 48, 64 or 128", "  Leave it out: the default is 64."}},
		{name: "budget too small", args: append(rules, "--request-budget", "19"), want: []string{
			"request-budget: 19 is not between 20 and 1200 (flag --request-budget)"}},
		{name: "budget too large", args: append(rules, "--request-budget", "1201"), want: []string{
			"request-budget: 1201 is not between 20 and 1200 (flag --request-budget)"}},
		{name: "budget too small for many zones", args: append(append([]string{}, zone...), "--zone", strings.Repeat("a", 32), "--zone", strings.Repeat("b", 32),
			"--request-budget", "20"), want: []string{
			"request-budget 20 (flag --request-budget) is too small for 3 zones: each takes up to 10 requests in a run", "  Raise it, or keep fewer zones in step."}},
		{name: "no account", args: rules, env: map[string]string{"CLOUDFLARE_ACCOUNT_ID": ""}, want: []string{
			"the Cloudflare account is not set", "  It is the 32 digits in the dashboard's address, https://dash.cloudflare.com/<account id>/…",
			"  Set it as account in the configuration file, as --account or as CLOUDFLARE_ACCOUNT_ID.", "  edgeban setup finds it by the token."}},
		{name: "no token", args: rules, env: map[string]string{tokenVariable: ""}, want: []string{
			"there is no Cloudflare API token", "  Create one in the dashboard under Manage Account → Account API Tokens with the permission",
			"  Account → Account Firewall Access Rules → Edit, and put it into /etc/edgeban/token (mode 0600)."}},
		{name: "no token for a zone", args: zone, env: map[string]string{tokenVariable: ""}, want: []string{
			"there is no Cloudflare API token", "  Create one in the dashboard under Manage Account → Account API Tokens with the permission",
			"  Zone → Firewall Services → Edit, and put it into /etc/edgeban/token (mode 0600)."}},
		{name: "key without an address", args: rules, env: map[string]string{tokenVariable: "", globalKeyVariable: testGlobalKey}, want: []string{
			"there is a global API key, but no email", "  Set email, or CLOUDFLARE_EMAIL, to the address of the user whose key it is."}},
		{name: "no address", args: append(rules, "--email", "somebody"), want: []string{"email: not an e-mail address (flag --email)"}},
		{name: "key in two lines", args: rules, env: map[string]string{tokenVariable: "", emailVariable: testEmail, globalKeyVariable: testGlobalKey + "\nmore"}, want: []string{
			"environment CLOUDFLARE_API_KEY: more than one line, where the key alone is expected",
			`  Put the key into it, alone: no quotation marks, no "Bearer", no NAME=.`}},
		{name: "no file with the key", args: append(rules, "--api-key-file", "etc/edgeban/key", "--email", testEmail), want: []string{
			"API key file etc/edgeban/key: no such file or directory (flag --api-key-file)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			h.env = map[string]string{"CLOUDFLARE_ACCOUNT_ID": testAccount, tokenVariable: testToken, "EDGEBAN_FAIL2BAN_DB": "x"}
			maps.Copy(h.env, tt.env)
			_, stderr, code := h.load(needSources|needCloudflare, tt.args...)
			var want strings.Builder
			for _, line := range tt.want {
				if !strings.HasPrefix(line, "  ") {
					want.WriteString("edgeban: ")
				}
				want.WriteString(line + "\n")
			}
			if code != exitUsage || stderr != want.String() {
				t.Errorf("exit status %d, standard error:\n%swant:\n%s", code, stderr, want.String())
			}
		})
	}
}

// The twin: what does go together. Zones and the user need no account, and a rule's quota is not a list's.
func TestGoodTargets(t *testing.T) {
	key := map[string]string{tokenVariable: "", emailVariable: testEmail, globalKeyVariable: testGlobalKey}
	const recommends = "the global API key may do everything that its user may"
	tests := []struct {
		name   string
		args   []string
		env    map[string]string
		scopes string
		most   int
		warn   string
	}{
		{name: "a list", scopes: "account", most: 10_000},
		{name: "the account's rules", args: []string{"--target", targetRules}, scopes: "account", most: ruleQuota},
		{name: "fewer", args: []string{"--target", targetRules, "--max-items", "7"}, scopes: "account", most: 7},
		{name: "zones", args: []string{"--target", targetRules, "--zone", testZone, "--zone", testAccount}, env: map[string]string{"CLOUDFLARE_ACCOUNT_ID": ""},
			scopes: "zone " + testZone + ", zone " + testAccount, most: ruleQuota},
		{name: "the user", args: []string{"--target", targetRules, "--user", "--ipv6-prefix", "48"}, env: map[string]string{"CLOUDFLARE_ACCOUNT_ID": ""},
			scopes: "user", most: ruleQuota},
		{name: "a key", env: key, scopes: "account", most: 10_000, warn: recommends},
		{name: "a key for rules", args: []string{"--target", targetRules}, env: key, scopes: "account", most: ruleQuota, warn: recommends},
		{name: "a token and a key", env: map[string]string{emailVariable: testEmail, globalKeyVariable: testGlobalKey}, scopes: "account", most: 10_000,
			warn: "the token is used, the key (environment CLOUDFLARE_API_KEY) is not needed"},
		{name: "a token and an address", env: map[string]string{emailVariable: testEmail}, scopes: "account", most: 10_000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			h.env = map[string]string{"CLOUDFLARE_ACCOUNT_ID": testAccount, tokenVariable: testToken, "EDGEBAN_FAIL2BAN_DB": "x"}
			maps.Copy(h.env, tt.env)
			s, stderr, code := h.load(needSources|needCloudflare, tt.args...)
			var scopes []string
			for _, scope := range s.scopes() {
				scopes = append(scopes, scope.String())
			}
			if code != exitOK || strings.Join(scopes, ", ") != tt.scopes || s.MaxItems != tt.most {
				t.Errorf("exit status %d, scopes %v, at most %d: %s", code, scopes, s.MaxItems, stderr)
			}
			if said := strings.Join(s.Warnings, "\n"); (said == "") != (tt.warn == "") || !strings.Contains(said, tt.warn) {
				t.Errorf("warnings %q, want %q", said, tt.warn)
			}
		})
	}
}
