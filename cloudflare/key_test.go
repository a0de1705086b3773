package cloudflare

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	fake "edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

// TestGlobalKey: a client that has the key instead of a token does everything with it, and says who asks in the headers of old.
func TestGlobalKey(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		e.SetGlobalKey(testEmail, testKey)
		zone := e.AddZone(testAccount, zoneName)
		var seen []string
		e.OnRequest(func(r *http.Request) {
			h := r.Header
			seen = append(seen, strings.Join([]string{r.Method, h.Get("Authorization"), h.Get("X-Auth-Email"), h.Get("X-Auth-Key")}, "|"))
		})
		client := e.newClient(t, e.Transport(), withKey)
		scope, err := ZoneScope(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, scope := range []Scope{AccountScope(), scope, UserScope()} {
			target := NewRules(client, scope, RulesOptions{}).Target(ModeBlock)
			if done, err := target.Add(t.Context(), []reconcile.Post{block("192.0.2.1/32")}); done != 1 || err != nil {
				t.Errorf("%s: %v", scope, err)
			}
		}
		if zones, err := client.Zones(t.Context(), ""); err != nil || len(zones) != 1 {
			t.Error(zones, err)
		}
		want := "GET||" + testEmail + "|" + testKey
		if len(seen) != 7 || slices.ContainsFunc(seen, func(s string) bool { return s != want && s != strings.Replace(want, "GET", "POST", 1) }) {
			t.Error(strings.Join(seen, "\n"))
		}
		if text := e.log.String(); leaks(text) || strings.Contains(text, testEmail) {
			t.Error(text)
		}
	})
}

// TestRefusedCredentials: what a person reads who is not let in, by the way of asking and by what is asked for.
func TestRefusedCredentials(t *testing.T) {
	wrong := func(c *Config) { withKey(c); c.Key = NewSecret(strings.Repeat("b", 37)) }
	tokenAsKey := func(c *Config) { withKey(c); c.Key = NewSecret(testToken) }
	token := func(*Config) {}
	for _, c := range []struct {
		name   string
		config func(*Config)
		scope  string
		want   []string // parts of the hint
	}{
		{"wrong key", wrong, "account", []string{"global API key is wrong", "`account` is not the user's account", "profile/api-tokens"}},
		{"wrong key, zone", wrong, "zone", []string{"global API key is wrong, or this user may not do it. "}},
		{"wrong key, user", wrong, "user", []string{"global API key is wrong"}},
		{"token as key", tokenAsKey, "account", []string{"malformed", "rather than a token"}},
		{"token as key, user", tokenAsKey, "user", []string{"malformed", "rather than a token"}},
		{"token without permission", token, "account", []string{"Account Firewall Access Rules → Edit for this account", "`account` is not the token's account"}},
		{"token without permission, zone", token, "zone", []string{"Zone → Firewall Services → Edit for this zone"}},
		{"token without permission, user", token, "user", []string{"Account Firewall Access Rules → Edit", "rather than to a user"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inEdge(t, func(t *testing.T, e *edge) {
				e.SetGlobalKey(testEmail, testKey)
				scope := map[string]Scope{"account": AccountScope(), "user": UserScope(), "zone": {zone: e.AddZone(testAccount, zoneName)}}[c.scope]
				_, err := NewRules(e.newClient(t, e.Transport(), c.config), scope, RulesOptions{}).Target(ModeBlock).Survey(t.Context())
				var failure *APIError
				if !errors.As(err, &failure) || !failure.Forbidden() {
					t.Fatal(err)
				}
				for _, part := range c.want {
					if !strings.Contains(hint(err), part) {
						t.Errorf("%v\n%s\nlacks %q", err, hint(err), part)
					}
				}
			})
		})
	}
	inEdge(t, func(t *testing.T, e *edge) {
		e.AddToken(testToken, fake.FirewallWrite)
		e.fault("GET", fake.PathZoneAccessRules, fake.Answer(404, 7003, "Could not route"))
		_, err := NewRules(e.client, Scope{zone: "abc"}, RulesOptions{}).Target(ModeBlock).Survey(t.Context())
		if !strings.Contains(hint(err), "Is the zone id right?") {
			t.Error(err, hint(err))
		}
	})
}
