package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	fake "edgeban/cloudflare/cloudflaretest"
)

// echo is an answer that repeats the request's token in every place that a client could quote.
func echo(status int) fake.Effect {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cf-Ray", token)
		w.Header().Set("Location", "https://example.com/"+token)
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"success":false,"errors":[{"code":1,"message":"token %[1]s is bad"},"%[1]s"],"result":{"id":"%[1]s"}}`, token)
	}
}

// telling is a good answer whose result tells the token.
func telling(result string) fake.Effect {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"success":true,"errors":[],"messages":[],"result":%s}`, strings.ReplaceAll(result, "TOKEN", token))
	}
}

// leaky are the ways in which runs end, with a server that says the token aloud where it can.
func leaky() []untouched {
	text := func(status int) fake.Effect {
		return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			w.WriteHeader(status)
			fmt.Fprint(w, "who are you, ", r.Header.Get("Authorization"), "?")
		}
	}
	operation := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		fake.FailOperation("failed for "+r.Header.Get("Authorization"))(w, r, next)
	}
	return []untouched{
		{name: "well"},
		{name: "accounts echoed", env: []string{"CLOUDFLARE_ACCOUNT_ID="}, spoil: fault("GET", fake.PathAccounts, echo(200))},
		{name: "zones echoed", spoil: fault("GET", fake.PathZones, echo(200))},
		{name: "zones tell", spoil: fault("GET", fake.PathZones, telling(`[{"id":"TOKEN","name":"TOKEN","account":{"id":"TOKEN","name":"TOKEN"}}]`))},
		{name: "rules tell", spoil: both(fault("GET", fake.PathZones, telling(`[{"id":"`+testAccount+`","name":"example.com","account":{"id":"`+testAccount+`","name":"TOKEN"}}]`)),
			fault("GET", fake.PathEntrypoint, telling(`{"id":"`+testAccount+`","rules":[{"ref":"edgeban_edgeban","description":"TOKEN","action":"TOKEN","expression":"TOKEN $edgeban"}]}`)))},
		{name: "verify tells", spoil: fault("GET", fake.PathVerifyAccount, telling(`{"status":"TOKEN"}`))},
		{name: "ranges tell", spoil: fault("GET", fake.PathIPs, telling(`{"ipv4_cidrs":["TOKEN"],"ipv6_cidrs":["TOKEN"]}`))},
		{name: "list not created", spoil: both(fault("GET", fake.PathLists, telling(`[]`)), fault("POST", fake.PathLists, echo(400)))},
		{name: "echo 200", spoil: fault("GET", fake.PathLists, echo(200))},
		{name: "echo 302", spoil: fault("GET", fake.PathLists, echo(302))},
		{name: "echo 401", spoil: fault("GET", fake.PathLists, echo(401))},
		{name: "echo 500", spoil: fault("GET", fake.PathItems, echo(500))},
		{name: "page 200", spoil: fault("GET", fake.PathLists, text(200))},
		{name: "page 403", spoil: fault("GET", fake.PathItems, text(403))},
		{name: "no answer", spoil: fault("GET", fake.PathLists, fake.Drop())},
		{name: "write echoed", spoil: fault("POST", fake.PathItems, echo(400))},
		{name: "write throttled", spoil: fault("POST", fake.PathItems, echo(429))},
		{name: "write lost", spoil: fault("POST", fake.PathItems, fake.After(fake.Drop()))},
		{name: "operation fails", spoil: fault("POST", fake.PathItems, operation)},
		{name: "token for a list", env: []string{"EDGEBAN_LIST=" + testToken}},
		{name: "token for a challenge list", env: []string{"EDGEBAN_CHALLENGE_LIST=" + testToken}},
		{name: "token for an answer", env: []string{"EDGEBAN_CHALLENGE_AS_BLOCK=" + testToken}},
		{name: "challenge list echoed", env: []string{"EDGEBAN_CHALLENGE_LIST=edgeban_challenge"}, spoil: func(_ *testing.T, s *site) {
			id := s.edge.AddList(testAccount, "edgeban_challenge", "ip")
			s.edge.AddFault(fake.Fault{Method: "GET", Path: "/lists/" + id, Effect: echo(500)})
		}},
		{name: "token for a jail", env: []string{"EDGEBAN_JAIL=sshd," + testToken}},
		{name: "token for an account", env: []string{"CLOUDFLARE_ACCOUNT_ID=" + testToken}},
		{name: "token for a URL", env: []string{"EDGEBAN_API_URL=https://" + testToken + "@example.com"}},
		{name: "token for a file", env: []string{"EDGEBAN_TOKEN_FILE=" + testToken, "CLOUDFLARE_API_TOKEN="}},
		{name: "token for an owner", env: []string{"EDGEBAN_OWNER=X" + testToken}},
		{name: "token in two lines", env: []string{"CLOUDFLARE_API_TOKEN=" + testToken + "\nand more"}},
		{name: "no database", spoil: func(t *testing.T, s *site) { remove(t, s.database()) }},
	}
}

// leakyCommands are all that may be run; the debug log has most to tell.
func leakyCommands() [][]string {
	return [][]string{
		{"sync"}, {"sync", "--log-level", "debug", "--log-format", "json"}, {"sync", "--log-level", "debug", "--timeout", "10s"},
		{"diff"}, {"diff", "--json"}, {"bans"}, {"bans", "--json"}, {"config"}, {"config", "--json"}, {"check"}, {"check", "--json"}, {"check", "--log-level", "debug"},
		{"setup", "--zone", "example.com"}, {"setup", "--dry-run"}, {"setup", "--zone", testToken}, {"setup", "--action", testToken}, {"version"}, {"sync", "--help"},
		{"ban", "203.0.113.9"}, {"ban", "203.0.113.9", "--log-level", "debug"}, {"ban", "203.0.113.9", "--reason", testToken}, {"ban", "203.0.113.9", "--remedy", testToken}, {"ban", testToken},
		{"unban", "203.0.113.8"}, {"unban", "203.0.113.8", "--for", "1h"}, {"flush", "--yes"}, {"flush", "--yes", "--log-format", "json"},
		{"adopt"}, {"adopt", "--remove-rest", "--yes"}, {"status"}, {"status", "--json"}, {"bans", "--ip", "203.0.113.7"}, {"bans", "--ip", testToken},
		{"sync", "--token-file", testToken}, {"sync", "--token", testToken}, {"sync", testToken}, {testToken},
	}
}

// everything is all that a run left where somebody could find it: what it said, its state, its metrics. Fail2Ban's
// database and what the test itself wrote are not the run's.
func (s *site) everything(t *testing.T, said string) string {
	t.Helper()
	for path, content := range contents(t, s.dir) {
		if path != s.database() {
			said += path + "\n" + content
		}
	}
	return said + s.items()
}

// The token is nowhere but in the header of requests.
func TestNoSecretGetsOut(t *testing.T) {
	t.Parallel()
	for _, tt := range leaky() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, args := range leakyCommands() {
				inBubble(t, func(t *testing.T) {
					s := mustSite(t)
					s.makeWork(t)
					if tt.spoil != nil {
						tt.spoil(t, s)
					}
					stdout, stderr, _ := s.run(t.Context(), tt.env, args...)
					if all := s.everything(t, stdout+stderr); strings.Contains(all, testToken) {
						t.Errorf("edgeban %s lets the token out:\n%s", args, all)
					}
				})
			}
		})
	}
}

// The twin: what is found is found wherever it is.
func TestSecretsWouldBeFound(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for _, leak := range []func(s *site) string{
			func(*site) string { return "token " + testToken },
			func(s *site) string {
				return errorText(inDatabase(s.metrics(), "CREATE TABLE t AS SELECT '"+testToken+"'"))
			},
			func(s *site) string {
				return errorText(mustStateDir(t, s.stateDir()).lists().save(state{Lists: map[string]listState{testToken: {}}}))
			},
			func(s *site) string {
				_, err := s.edge.SetItem(s.list, "192.0.2.1", testToken)
				return errorText(err)
			},
		} {
			s := mustSite(t)
			if !strings.Contains(s.everything(t, leak(s)), testToken) {
				t.Error("a token that was let out is not found")
			}
		}
	})
}

func errorText(err error) string { return fmt.Sprint(err) }

// What may be a token or a key is not repeated where nobody looks for one: as a flag's name, in a reason, in a URL that cannot be read.
func TestSecretsInOddPlaces(t *testing.T) {
	const key = "0123456789abcdefghijklmnopqrstuvwxyzABC/EFG"
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		for _, args := range [][]string{
			{"sync", "--" + testToken}, {"sync", "--" + key}, {"ban", "203.0.113.9", "--reason", "my " + key},
			{"sync", "--pushgateway-url", "http://" + key + "@example.com"},
		} {
			stdout, stderr, status := s.run(t.Context(), nil, args...)
			if said := stdout + stderr + s.items(); status != exitUsage || strings.Contains(said, key[:20]) || strings.Contains(said, testToken) {
				t.Errorf("%q: %d, %s", args, status, said)
			}
		}
	})
}
