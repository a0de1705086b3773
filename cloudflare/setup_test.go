package cloudflare

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

const otherAccount = "ffffffffffffffffffffffffffffffff"

// stranger is a client that does not know its account.
func (e *edge) stranger(t *testing.T) *Client {
	t.Helper()
	client, err := New(Config{Token: NewSecret(testToken), Transport: e.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestAccountsOfAToken(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		e.AddAccount(otherAccount)
		for _, tt := range []struct {
			name  string
			token func()
			want  int
		}{
			{"without the permission", func() { e.AddToken(testToken, cloudflaretest.ListsEdit) }, 0},
			{"with it", func() { e.AddToken(testToken, cloudflaretest.AccountSettingsRead) }, 2},
			{"an account's", func() { e.AddAccountToken(testAccount, testToken, cloudflaretest.AccountSettingsRead) }, 0},
		} {
			tt.token()
			got, err := e.stranger(t).Accounts(t.Context())
			if err != nil || len(got) != tt.want {
				t.Errorf("%s: %v, %v", tt.name, got, err)
			}
		}
		e.RemoveToken(testToken)
		var failure *APIError
		if _, err := e.stranger(t).Accounts(t.Context()); !errors.As(err, &failure) || !failure.Forbidden() {
			t.Errorf("an unknown token: %v", err)
		}
	})
}

// All pages of zones are read, and a zone by its name tells its account.
func TestZonesOfAToken(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		for i := range 120 {
			e.AddZone(testAccount, string(rune('a'+i%26))+string(rune('a'+i/26))+".example")
		}
		e.AddZone(otherAccount, "example.com")
		_, err := e.stranger(t).Zones(t.Context(), "")
		var failure *APIError
		if !errors.As(err, &failure) || !failure.Forbidden() {
			t.Fatalf("without the permission: %v", err)
		}
		e.AddToken(testToken, cloudflaretest.ZoneRead)
		if all, err := e.stranger(t).Zones(t.Context(), ""); err != nil || len(all) != 121 {
			t.Errorf("%d zones, %v", len(all), err)
		}
		if one, err := e.stranger(t).Zones(t.Context(), "example.com"); err != nil || len(one) != 1 || one[0].Account.ID != otherAccount {
			t.Errorf("%v, %v", one, err)
		}
		if none, err := e.stranger(t).Zones(t.Context(), "example.org"); err != nil || none != nil {
			t.Errorf("%v, %v", none, err)
		}
	})
}

// Rules are appended; the entry point is made only where there is none.
func TestAddRule(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		e.AddToken(testToken, cloudflaretest.WAFEdit)
		zone := Zone{ID: e.AddZone(testAccount, "example.com"), Name: "example.com"}
		for i, ref := range []string{"first", "second"} {
			have, err := e.client.CustomRules(t.Context(), zone)
			if err != nil || len(have.Rules) != i || (have.ID == "") != (i == 0) {
				t.Fatalf("%d: %+v, %v", i, have, err)
			}
			err = e.client.AddRule(t.Context(), zone, have, Rule{Ref: ref, Expression: ListExpression("edgeban"), Action: "block", Enabled: true})
			if err != nil {
				t.Fatal(err)
			}
		}
		rules := e.Rules(zone.ID)
		if len(rules) != 2 || rules[0].Ref != "first" || rules[1].Ref != "second" || rules[1].Expression != "(ip.src in $edgeban)" || !rules[1].Enabled {
			t.Errorf("%+v", rules)
		}
		have, err := e.client.CustomRules(t.Context(), zone)
		if err != nil || have.Rules[1].Ref != "second" || !have.Rules[1].Uses("edgeban") || !have.Rules[1].Bars() {
			t.Errorf("%+v, %v", have, err)
		}
		for i := range 4 {
			err = e.client.AddRule(t.Context(), zone, have, Rule{Expression: "true", Action: "block"})
			var failure *APIError
			if last := i == 3; last != (errors.As(err, &failure) && failure.RulesFull() && !failure.ListsFull()) {
				t.Errorf("rule %d: %v", i, err)
			}
		}
		e.fault("POST", cloudflaretest.PathRules, cloudflaretest.After(cloudflaretest.Drop()))
		var uncertain *UncertainError
		if err := e.client.AddRule(t.Context(), zone, have, Rule{Expression: "true", Action: "block"}); !errors.As(err, &uncertain) {
			t.Errorf("an answer that was lost: %v", err)
		}
	})
}

func TestUsesAList(t *testing.T) {
	for expression, want := range map[string]bool{
		"(ip.src in $edgeban)": true, "ip.src in $edgeban": true, "$other or ip.src in $edgeban or x": true,
		"ip.src in $edgeban2": false, "ip.src in $edgeban_b": false, "edgeban": false, "": false, "$": false, "$EDGEBAN": false,
	} {
		if got := (Rule{Expression: expression}).Uses("edgeban"); got != want {
			t.Errorf("%q: %v", expression, got)
		}
	}
}

func TestCreateList(t *testing.T) {
	inEdgeOf(t, cloudflaretest.Options{MaxLists: 2}, ListOptions{}, func(t *testing.T, e *edge) {
		if err := e.client.CreateList(t.Context(), "second", "d"); err != nil {
			t.Fatal(err)
		}
		var failure *APIError
		if err := e.client.CreateList(t.Context(), "third", ""); !errors.As(err, &failure) || !failure.ListsFull() || failure.Forbidden() {
			t.Errorf("beyond the quota: %v", err)
		}
		e.AddToken(testToken, cloudflaretest.ListsRead)
		if err := e.client.CreateList(t.Context(), "fourth", ""); !errors.As(err, &failure) || failure.ListsFull() || !failure.Forbidden() {
			t.Errorf("without the permission: %v", err)
		}
		if lists, _, err := e.client.Lists(t.Context()); err != nil || len(lists) != 2 {
			t.Errorf("%v, %v", lists, err)
		}
	})
}

// The right to write is found out without a list being made.
func TestMayEditLists(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		for _, tt := range []struct {
			permission cloudflaretest.Permission
			want       bool
		}{{cloudflaretest.ListsEdit, true}, {cloudflaretest.ListsRead, false}} {
			e.AddToken(testToken, tt.permission)
			if got, err := e.client.MayEditLists(t.Context()); err != nil || got != tt.want {
				t.Errorf("%s: %v, %v", tt.permission, got, err)
			}
		}
		for _, effect := range []cloudflaretest.Effect{
			cloudflaretest.TooManyRequests(10040, "60"), cloudflaretest.Answer(503, 0, "down"), cloudflaretest.Drop(),
			func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(400) },
		} {
			e.ClearFaults()
			e.fault("POST", cloudflaretest.PathLists, effect)
			if got, err := e.client.MayEditLists(t.Context()); err == nil || got {
				t.Errorf("no answer to the question counts as %v", got)
			}
		}
		if lists, _, err := e.client.Lists(t.Context()); err != nil || len(lists) != 1 {
			t.Errorf("%v, %v", lists, err)
		}
	})
}

func TestVerifyToken(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		check := func(client *Client, want TokenState, refused bool) {
			t.Helper()
			got, err := client.VerifyToken(t.Context())
			got.Clock = time.Time{}
			var failure *APIError
			if got != want || refused != errors.As(err, &failure) {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		}
		check(e.client, TokenState{Status: "active"}, false)
		check(e.stranger(t), TokenState{Status: "active"}, false)
		e.SetTokenStatus(testToken, cloudflaretest.TokenExpired)
		check(e.client, TokenState{Status: "expired"}, false)
		e.AddAccountToken(testAccount, testToken)
		check(e.client, TokenState{Status: "active", AccountOwned: true}, false)
		check(e.stranger(t), TokenState{}, true)
		e.RemoveToken(testToken)
		check(e.client, TokenState{}, true)
	})
}

// What is embedded is what Cloudflare publishes, and a published list that is not whole is none.
func TestPublishedRanges(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		published, err := e.client.PublishedRanges(t.Context())
		embedded := Ranges()
		slices.SortFunc(embedded, netip.Prefix.Compare)
		if err != nil || !slices.Equal(published, embedded) {
			t.Errorf("%v, %v", published, err)
		}
		for name, value := range map[string]any{"ipv4_cidrs": []any{}, "ipv6_cidrs": []any{"wide"}} {
			e.ClearFaults()
			e.fault("GET", cloudflaretest.PathIPs, cloudflaretest.Edit(func(envelope map[string]any) {
				envelope["result"].(map[string]any)[name] = value
			}))
			if published, err := e.client.PublishedRanges(t.Context()); err == nil {
				t.Errorf("%s: %v", name, published)
			}
		}
	})
}
