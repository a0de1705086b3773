package cloudflaretest_test

import (
	"strings"
	"testing"

	"edgeban/cloudflare/cloudflaretest"
)

func TestWhoMayDoWhat(t *testing.T) {
	unknown := "Bearer " + strings.Repeat("x", 40)
	lists := "/accounts/" + account + "/rules/lists"
	for _, test := range []struct {
		name, bearer, method, path string
		status, code               int
	}{
		{"edit reads", "Bearer edit", "GET", lists, 200, 0},
		{"edit writes", "Bearer edit", "POST", lists, 200, 0},
		{"read reads", "Bearer read", "GET", lists, 200, 0},
		{"read does not write", "Bearer read", "POST", lists, 403, 10000},
		{"a token for something else", "Bearer none", "GET", lists, 403, 10000},
		{"unknown token", unknown, "GET", lists, 401, 10000},
		{"malformed token", "Bearer x", "GET", lists, 400, 9106},
		{"another scheme", "Basic edit", "GET", lists, 400, 9106},
		{"no token", "", "GET", lists, 400, 9106},
		{"disabled token", "Bearer disabled", "GET", lists, 401, 10000},
		{"removed token", "Bearer " + strings.Repeat("r", 40), "GET", lists, 401, 10000},
		{"the account's token", "Bearer owned", "GET", lists, 200, 0},
		{"another account's token", "Bearer foreign", "GET", lists, 403, 10000},
		{"unknown account", "Bearer edit", "GET", "/accounts/" + strings.Repeat("9", 32) + "/rules/lists", 403, 10000},
		{"malformed account", "Bearer edit", "GET", "/accounts/mine/rules/lists", 404, 7003},
		{"no route", "Bearer edit", "GET", "/accounts/" + account + "/nothing", 404, 7003},
		{"no method", "Bearer edit", "PATCH", lists, 405, 7001},
		{"networks without a token", "", "GET", "/ips", 200, 0},
		{"user's token verifies", "Bearer read", "GET", "/user/tokens/verify", 200, 0},
		{"account's token is not the user's", "Bearer owned", "GET", "/user/tokens/verify", 401, 1000},
		{"account's token verifies", "Bearer owned", "GET", "/accounts/" + account + "/tokens/verify", 200, 0},
		{"user's token is not the account's", "Bearer read", "GET", "/accounts/" + account + "/tokens/verify", 401, 1000},
		{"unknown token verifies not", unknown, "GET", "/user/tokens/verify", 401, 1000},
		{"malformed token verifies not", "Bearer x", "GET", "/user/tokens/verify", 400, 6003},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, cloudflaretest.Options{MaxLists: 2})
			s.AddToken("edit", cloudflaretest.ListsEdit)
			s.AddToken("read", cloudflaretest.ListsRead)
			s.AddToken("none")
			s.AddToken("disabled", cloudflaretest.ListsEdit)
			s.SetTokenStatus("disabled", cloudflaretest.TokenDisabled)
			s.AddToken(strings.Repeat("r", 40), cloudflaretest.ListsEdit)
			s.RemoveToken(strings.Repeat("r", 40))
			s.AddAccountToken(account, "owned", cloudflaretest.ListsRead)
			s.AddAccountToken(strings.Repeat("f", 32), "foreign", cloudflaretest.ListsRead)
			s.bearer = test.bearer
			s.want(test.status, test.code, test.method, test.path, `{"name":"new","kind":"ip"}`)
		})
	}
}

func TestVerifyTellsTheStatus(t *testing.T) {
	s := newSite(t, instant())
	for _, want := range []string{cloudflaretest.TokenActive, cloudflaretest.TokenExpired} {
		s.SetTokenStatus(secret, want)
		var got struct{ ID, Status string }
		decode(t, s.want(200, 0, "GET", "/user/tokens/verify", ""), &got)
		if got.Status != want || len(got.ID) != 32 {
			t.Errorf("got %+v, want %s", got, want)
		}
	}
}
