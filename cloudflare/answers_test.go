package cloudflare

import (
	"net/http"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

func body(status int, text string) fake.Effect {
	return fake.Raw(status, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, text)
}

const (
	lists = fake.PathLists
	items = fake.PathItems
	polls = fake.PathOperation
)

// TestAnswers holds what a person reads, and what decisions rest on, for everything Cloudflare has been seen to
// answer. Each case is one add to a list of no items, after it was surveyed and read, within two minutes.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name         string
		method, path string
		effect       fake.Effect
		want, class  string
		hint         string // a part of it
	}{
		{
			"well-formed wrong token", "GET", lists, fake.Answer(401, 10000, "Authentication error"),
			"find list edgeban: Cloudflare answered 401, code 10000: Authentication error", "[401]", "Account Filter Lists → Edit",
		},
		{
			"malformed token", "GET", lists, fake.Answer(400, 9106, "Authentication failed (status: 400)"),
			"find list edgeban: Cloudflare answered 400, code 9106: Authentication failed (status: 400)", "[400]", "malformed",
		},
		{
			"unknown token", "GET", lists, fake.Answer(403, 9109, "Invalid access token"),
			"find list edgeban: Cloudflare answered 403, code 9109: Invalid access token", "[403]", "expired",
		},
		{
			"error chain", "GET", lists, body(400, `{"success":false,"errors":[{"code":6003,"message":"Invalid request headers",
				"error_chain":[{"code":6111,"message":"Invalid format for Authorization header"}]}],"messages":null,"result":null}`),
			"find list edgeban: Cloudflare answered 400, code 6003: Invalid request headers and" +
				" code 6111: Invalid format for Authorization header", "[400]", "malformed",
		},
		{
			"unknown account", "GET", lists, fake.Answer(404, 7003, "Could not route to /accounts/x, perhaps your object identifier is invalid?"),
			"find list edgeban: Cloudflare answered 404, code 7003: Could not route to /accounts/x, perhaps your object identifier is invalid?",
			"[404]", "https://dash.cloudflare.com/<account id>",
		},
		{
			"error without code", "GET", lists, body(400, `{"success":false,"errors":[{"message":"bad"}]}`),
			"find list edgeban: Cloudflare answered 400: bad", "[400]", "",
		},
		{
			"errors of odd shapes", "GET", lists, body(400, `{"success":false,"errors":["bare",{"code":"1000","message":7},null,3]}`),
			"find list edgeban: Cloudflare answered 400: bare and code 1000", "[400]", "",
		},
		{
			"errors null", "GET", lists, body(418, `{"success":false,"errors":null}`),
			"find list edgeban: Cloudflare answered 418 I'm a teapot", "[418]", "",
		},
		{
			"200 without success", "GET", lists, fake.Answer(200, 1234, "no luck"),
			"find list edgeban: Cloudflare answered 200, code 1234: no luck", "[200]", "",
		},
		{
			"200 without success or reason", "GET", lists, body(200, `{"result":[]}`),
			"find list edgeban: Cloudflare answered 200 without success or reason", "[200]", "",
		},
		{
			"429 for everybody", "GET", lists, fake.TooManyRequests(10100, "300"),
			"find list edgeban: Cloudflare answered 429, code 10100: you have been ratelimited please wait and try again", "[429]", "five minutes",
		},
		{
			"plain 429", "GET", lists, fake.Raw(429, http.Header{"Content-Type": {"text/plain"}}, "slow down\n"),
			`find list edgeban: Cloudflare answered 429: answer is not JSON (content type "text/plain"): slow down`, "[429]", "five minutes",
		},
		{
			"HTML 503", "GET", lists, fake.HTML(503),
			`find list edgeban: Cloudflare answered 503: answer is not JSON (content type "text/html"): ` +
				"<!DOCTYPE html> <html><head><title>503: Service Unavailable</title></head><body…", "[503]", "www.cloudflarestatus.com",
		},
		{
			"HTML 200", "GET", lists, fake.HTML(200),
			`find list edgeban: Cloudflare answered 200: answer is not JSON (content type "text/html"): ` +
				"<!DOCTYPE html> <html><head><title>200: OK</title></head><body><h1>Error 200</h…", "[200]", "captive portal",
		},
		{
			"empty 200", "GET", lists, body(200, ""),
			"find list edgeban: Cloudflare answered 200: answer is empty", "[200]", "captive portal",
		},
		{
			"half a JSON", "GET", lists, body(200, `{"success":true,"result":[`),
			"find list edgeban: Cloudflare answered 200: answer is not what it should be: unexpected end of JSON input", "[200]", "",
		},
		{
			"a connection that breaks off", "GET", lists, fake.CutBody(),
			"find list edgeban: answer of api.cloudflare.com breaks off: unexpected EOF", "[none]", "curl",
		},
		{
			"no connection", "GET", lists, fake.Drop(),
			"find list edgeban: no answer from api.cloudflare.com: EOF", "[none]", "curl",
		},
		{
			"redirect", "GET", lists, fake.Raw(302, http.Header{"Location": {"https://evil.example/x"}}, ""),
			"find list edgeban: Cloudflare answered 302: redirect to https://evil.example/x, not followed", "[302]", "does not redirect",
		},
		{
			"escape sequences", "GET", lists, fake.Answer(400, 1, "a\x1b[31mb\nc\u202ed"+strings.Repeat("x", 400)),
			"find list edgeban: Cloudflare answered 400, code 1: a [31mb c d" + strings.Repeat("x", 288) + "…", "[400]", "",
		},
		{
			"result of another type", "GET", lists, body(200, `{"success":true,"result":{"id":3}}`),
			"find list edgeban: result is not what it should be: json: cannot unmarshal object into Go value", "[]", "",
		},
		{
			"no lists", "GET", lists, fake.NullResult(),
			"find list edgeban: the account has no such list", "[]", "no IP list yet",
		},
		{
			"list without a count", "GET", lists, body(200, `{"success":true,"result":[{"id":"a","name":"edgeban","kind":"ip"}]}`),
			"find list edgeban: list edgeban: no number of items", "[]", "",
		},
		{
			"items refused", "GET", items, fake.Answer(400, 10027, "invalid or expired cursor"),
			"list items of edgeban: page 1: Cloudflare answered 400, code 10027: invalid or expired cursor", "[400]", "",
		},
		{
			"write throttled", "POST", items, fake.TooManyRequests(10040, "60"),
			"add to list edgeban: Cloudflare answered 429, code 10040: you have been ratelimited please wait and try again", "[429 refused]", "does harm",
		},
		{
			"write throttled with 200", "POST", items, fake.Answer(200, 10040, "you have been ratelimited"),
			"add to list edgeban: Cloudflare answered 200, code 10040: you have been ratelimited", "[200 refused]", "does harm",
		},
		{
			"write throttled with 503", "POST", items, fake.Answer(503, 10040, "you have been ratelimited"),
			"add to list edgeban: Cloudflare answered 503, code 10040: you have been ratelimited", "[503 refused]", "does harm",
		},
		{
			"write malformed", "POST", items, fake.Answer(400, 10026, "filters.api.invalid_json"),
			"add to list edgeban: Cloudflare answered 400, code 10026: filters.api.invalid_json", "[400]", "",
		},
		{
			"write not permitted", "POST", items, fake.Answer(403, 10000, "Authentication error"),
			"add to list edgeban: Cloudflare answered 403, code 10000: Authentication error", "[403]", "Account Filter Lists → Edit",
		},
		{
			"write without an answer", "POST", items, fake.After(fake.Drop()),
			"add to list edgeban: whether it took effect is unknown: no answer from api.cloudflare.com: EOF", "[none uncertain]", "next run",
		},
		{
			"write with half an answer", "POST", items, fake.CutBody(),
			"add to list edgeban: whether it took effect is unknown: answer of api.cloudflare.com breaks off: unexpected EOF", "[none uncertain]", "next run",
		},
		{
			"write with a gateway's answer", "POST", items, fake.Answer(502, 0, "bad gateway"),
			"add to list edgeban: whether it took effect is unknown: Cloudflare answered 502: bad gateway", "[502 uncertain]", "next run",
		},
		{
			"write with a page", "POST", items, fake.HTML(200),
			`add to list edgeban: whether it took effect is unknown: Cloudflare answered 200: answer is not JSON (content type "text/html"): ` +
				"<!DOCTYPE html> <html><head><title>200: OK</title></head><body><h1>Error 200</h…", "[200 uncertain]", "next run",
		},
		{
			"write without operation", "POST", items, body(200, `{"success":true,"result":{}}`),
			`add to list edgeban: whether it took effect is unknown: answer names no operation: ""`, "[uncertain]", "next run",
		},
		{
			"operation id that leads elsewhere", "POST", items, body(200, `{"success":true,"result":{"operation_id":"../../../user"}}`),
			`add to list edgeban: whether it took effect is unknown: answer names no operation: "../../../user"`, "[uncertain]", "next run",
		},
		{
			"full list", "POST", items, fake.FailOperation("This list is at the maximum number of items"),
			"add to list edgeban: operation ID failed: This list is at the maximum number of items", "[operation]", "10 000",
		},
		{
			"operation throttled", "POST", items, fake.FailOperation("Rate limited, try later"),
			"add to list edgeban: operation ID failed: Rate limited, try later", "[operation refused]", "does harm",
		},
		{
			"operation that never ends", "POST", items, fake.StuckOperation(),
			"add to list edgeban: operation ID was not seen to end: time was up", "[pending]", "goes on working",
		},
		{
			"operation of unknown status", "GET", polls, body(200, `{"success":true,"result":{"id":"x","status":"queued"}}`),
			`add to list edgeban: operation ID was not seen to end: unknown status "queued"`, "[pending]", "goes on working",
		},
		{
			"operation unknown", "GET", polls, fake.Answer(404, 10001, "not found"),
			"add to list edgeban: operation ID was not seen to end: Cloudflare answered 404, code 10001: not found", "[404 pending]", "goes on working",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inEdge(t, func(t *testing.T, e *edge) {
				struck := e.fault(c.method, c.path, c.effect)
				err := e.add(t)
				if got := masked(err); got != c.want && !(strings.HasPrefix(got, c.want) && strings.Contains(c.want, "unmarshal")) {
					t.Errorf("error\n got %s\nwant %s", got, c.want)
				}
				if got := class(err); got != c.class {
					t.Errorf("class %s, want %s", got, c.class)
				}
				if got := hint(err); !strings.Contains(got, c.hint) || c.hint == "" && got != "" && !strings.Contains(got, "Something other") {
					t.Errorf("hint %q, want %q", got, c.hint)
				}
				if struck() == 0 {
					t.Error("the fault struck nothing")
				}
			})
		})
	}
	t.Run("nothing wrong", func(t *testing.T) {
		inEdge(t, func(t *testing.T, e *edge) {
			if err := e.add(t); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// add is a run that adds two items.
func (e *edge) add(t *testing.T) error {
	t.Helper()
	ctx := within(t, 2*time.Minute)
	if _, err := e.list.Survey(ctx); err != nil {
		return err
	}
	if _, _, err := e.list.Items(ctx); err != nil {
		return err
	}
	done, err := e.list.Add(ctx, posts(2))
	if want := map[bool]int{true: 2, false: 0}[err == nil]; done != want {
		t.Errorf("done %d, want %d, error %v", done, want, err)
	}
	return err
}
