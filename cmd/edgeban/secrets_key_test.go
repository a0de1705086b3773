package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// credential is what a request proves itself with.
func credential(r *http.Request) string {
	if key := r.Header.Get("X-Auth-Key"); key != "" {
		return key
	}
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// echoCredential is an answer that repeats the key or the token in every place that a client could quote.
func echoCredential(status int) fake.Effect {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		secret := credential(r)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cf-Ray", secret)
		w.Header().Set("Location", "https://example.com/"+secret)
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"success":false,"errors":[{"code":1,"message":"key %[1]s is bad"},"%[1]s"],"result":{"id":"%[1]s"}}`, secret)
	}
}

// tellCredential is a good answer of one rule that is made of nothing but the secret.
func tellCredential(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"success":true,"result":[{"id":"%s","mode":"%[2]s","notes":"Fail2Ban %[2]s","configuration":{"target":"ip","value":"%[2]s"}},
		{"id":"%[1]s","mode":"block","notes":"Fail2Ban %[2]s","configuration":{"target":"ip","value":"203.0.113.77"}}],
		"result_info":{"page":1,"per_page":100,"count":2,"total_count":2}}`, testAccount, credential(r))
}

const accessRulesPath = "/firewall/access_rules/rules"

// leakyWithKey are the ways in which runs on access rules and lists end, with a server that says aloud who asks.
func leakyWithKey() []untouched {
	rules := []string{"EDGEBAN_TARGET=access-rules"}
	secretRule := func(t *testing.T, s *site) {
		if _, err := s.edge.SetAccessRule(fake.AccountScope(testAccount), fake.AccessRule{Mode: fake.ModeAllow, Value: "203.0.113.7", Notes: "x"}); err != nil {
			t.Fatal(err)
		}
		fault("GET", accessRulesPath, tellCredential)(t, s)
	}
	return []untouched{
		{name: "well", env: rules},
		{name: "a list", spoil: fault("GET", fake.PathLists, echoCredential(500))},
		{name: "read echoed", env: rules, spoil: fault("GET", accessRulesPath, echoCredential(403))},
		{name: "read well", env: rules, spoil: fault("GET", accessRulesPath, echoCredential(200))},
		{name: "rules tell", env: rules, spoil: secretRule},
		{name: "write echoed", env: rules, spoil: fault("POST", accessRulesPath, echoCredential(400))},
		{name: "write throttled", env: rules, spoil: fault("POST", accessRulesPath, echoCredential(429))},
		{name: "write lost", env: rules, spoil: fault("POST", accessRulesPath, fake.After(fake.Drop()))},
		{name: "zones", env: append(rules, "EDGEBAN_ZONE="+testZone), spoil: fault("GET", fake.PathZones, echoCredential(200))},
		{name: "accounts", env: append(rules, "CLOUDFLARE_ACCOUNT_ID="), spoil: fault("GET", fake.PathAccounts, echoCredential(200))},
		{name: "spill", env: []string{"EDGEBAN_SPILL=access-rules"}, spoil: both(fault("POST", fake.PathItems, echoCredential(429)), fault("POST", accessRulesPath, echoCredential(400)))},
		{name: "wrong target", env: []string{"EDGEBAN_TARGET=" + testGlobalKey}},
		{name: "in a zone's place", env: append(rules, "EDGEBAN_ZONE="+testGlobalKey)},
		{name: "in the address's place", env: append(rules, "CLOUDFLARE_EMAIL="+testGlobalKey)},
		{name: "in the token's place", env: append(rules, "CLOUDFLARE_API_TOKEN="+testGlobalKey)},
		{name: "for a file", env: append(rules, "EDGEBAN_API_KEY_FILE="+testGlobalKey)},
		{name: "for a list", env: []string{"EDGEBAN_LIST=" + testGlobalKey}},
		{name: "for a jail", env: append(rules, "EDGEBAN_JAIL=sshd,"+testGlobalKey)},
		{name: "for an owner", env: append(rules, "EDGEBAN_OWNER="+testGlobalKey)},
	}
}

// The global API key is nowhere but in the header of requests, and the token is not either where rules are the target.
func TestNoGlobalKeyGetsOut(t *testing.T) {
	t.Parallel()
	for secret, env := range map[string][]string{
		testGlobalKey: {"CLOUDFLARE_API_TOKEN=", "CLOUDFLARE_EMAIL=" + testEmail, "CLOUDFLARE_API_KEY=" + testGlobalKey},
		testToken:     nil,
	} {
		for _, tt := range leakyWithKey() {
			if secret == testToken && tt.name == "in the token's place" {
				continue // then it is no secret of these settings
			}
			t.Run(secret[:2]+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				for _, args := range []string{
					"sync", "sync --log-level debug --log-format json", "diff", "diff --json", "config", "config --json", "check", "check --json", "setup --yes",
					"setup --yes --zone example.com", "ban 203.0.113.9", "unban 203.0.113.8", "unban 203.0.113.8 --for 1h", "flush --yes", "adopt", "adopt --remove-rest --yes",
					"status", "bans --ip 203.0.113.7", "ban 203.0.113.9 --reason " + secret, "sync --api-key-file " + secret, "sync --email " + secret, "sync --zone " + secret,
					"sync --request-budget " + secret, "sync --" + secret, "ban " + secret,
				} {
					inBubble(t, func(t *testing.T) { s := siteWithKey(t); s.keepsSecret(t, tt, append(env, tt.env...), args, secret) })
				}
			})
		}
	}
}

// siteWithKey is a site whose Cloudflare knows the global key, and whose token may write access rules, too.
func siteWithKey(t *testing.T) *site {
	t.Helper()
	s := mustSite(t)
	s.makeWork(t)
	s.edge.SetGlobalKey(testEmail, testGlobalKey)
	s.edge.AddToken(testToken, fake.ListsEdit, fake.AccessRulesWrite, fake.FirewallWrite, fake.ZoneRead, fake.AccountSettingsRead)
	return s
}

func (s *site) keepsSecret(t *testing.T, tt untouched, env []string, args, secret string) {
	t.Helper()
	if tt.spoil != nil {
		tt.spoil(t, s)
	}
	var said strings.Builder
	runs := 1
	if args == "sync" { // what is remembered counts, too
		runs = 3
	}
	for range runs {
		stdout, stderr, _ := s.run(t.Context(), env, strings.Fields(args)...)
		said.WriteString(stdout + stderr)
		time.Sleep(2 * time.Minute)
	}
	for _, rule := range s.edge.AccessRules(fake.AccountScope(testAccount)) {
		said.WriteString(rule.Notes + "\n")
	}
	if all := s.everything(t, said.String()); strings.Contains(all, secret) {
		t.Errorf("edgeban %s lets the secret out:\n%s", args, all)
	}
}

// The twin: with the key requests are let in, and a run does its work.
func TestKeyIsSent(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		s := siteWithKey(t)
		env := []string{"CLOUDFLARE_API_TOKEN=", "CLOUDFLARE_EMAIL=" + testEmail, "CLOUDFLARE_API_KEY=" + testGlobalKey, "EDGEBAN_TARGET=access-rules"}
		if stdout, stderr, status := s.run(t.Context(), env, "sync"); status != exitOK || s.edge.CountAccessRules(fake.AccountScope(testAccount)) == 0 {
			t.Errorf("exit status %d: %s%s", status, stdout, stderr)
		}
		s.edge.SetGlobalKey(testEmail, "")
		if stdout, stderr, status := s.run(t.Context(), env, "sync"); status != exitFailure || !strings.Contains(stderr, "global API key is wrong") {
			t.Errorf("exit status %d: %s%s", status, stdout, stderr)
		}
	})
}
