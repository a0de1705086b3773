package cloudflare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

// printed shows a value in every way that a program may print it.
func printed(value any) string {
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p"} {
		fmt.Fprintf(&b, verb+"\n", value)
	}
	data, err := json.Marshal(value)
	fmt.Fprintln(&b, string(data), err)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "value", value)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "value", value)
	return b.String()
}

// leaks reports whether the token or the key is in text: as it is, in hexadecimal, or as a list of bytes.
func leaks(text string) bool {
	for _, secret := range []string{testToken, testKey} {
		for _, form := range []string{
			secret, secret[5:20], fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), strings.Trim(fmt.Sprint([]byte(secret)), "[]"),
		} {
			if strings.Contains(text, form) {
				return true
			}
		}
	}
	return false
}

func TestSecretIsNotPrinted(t *testing.T) {
	client, err := New(Config{Account: testAccount, Token: NewSecret(testToken)})
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Token: NewSecret(testToken)}
	list := NewList(client, "edgeban", ListOptions{})
	hidden := struct{ secret Secret }{config.Token}
	older := Config{Account: testAccount}
	withKey(&older)
	asOfOld, err := New(older)
	if err != nil {
		t.Fatal(err)
	}
	rules := NewRules(asOfOld, AccountScope(), RulesOptions{})
	for _, value := range []any{
		config.Token, &config.Token, config, &config, client, *list, list, hidden, &hidden, client.wire, []Secret{config.Token},
		older, &older, asOfOld, asOfOld.wire, *rules, rules, *rules.Target(ModeBlock)} {
		if text := printed(value); leaks(text) {
			t.Errorf("%T shows the token:\n%s", value, text)
		}
	}
	// The twins show it, so the test would see it.
	for _, value := range []any{testToken, testKey, struct{ secret string }{testKey}, []byte(testToken)} {
		if text := printed(value); !leaks(text) {
			t.Errorf("%T does not show the token:\n%s", value, text)
		}
	}
	if got := fmt.Sprintf("%s %v %q %#v", config.Token, config.Token, config.Token, config.Token); got != "[secret] [secret] [secret] [secret]" {
		t.Error(got)
	}
	if got := config.Token.GoString() + config.Token.String(); got != mask+mask {
		t.Error(got)
	}
	if got := fmt.Sprintf("%s", Secret{}); got != "" || !(Secret{}).IsZero() || config.Token.IsZero() {
		t.Errorf("%q", got)
	}
}

// echo is an answer that holds a secret.
type echo struct {
	method, path string
	effect       fake.Effect
}

// echoes have the API answer with the secret wherever it can.
func echoes(secret string) []echo {
	ray := http.Header{"Content-Type": {"application/json"}, "Cf-Ray": {secret}}
	item := func(text string) fake.Effect {
		return body(200, `{"success":true,"result":[`+strings.ReplaceAll(text, "TOKEN", secret)+`]}`)
	}
	counted := func(text string) fake.Effect {
		return body(200, `{"success":true,"result_info":{"total_count":1},"result":[`+strings.ReplaceAll(text, "TOKEN", secret)+`]}`)
	}
	return []echo{
		{"GET", lists, fake.Answer(401, 10000, "no such token: "+secret)},
		{"GET", lists, fake.Answer(401, 10000, strings.Repeat("x", 290)+secret)},
		{"GET", lists, fake.Raw(403, ray, `{"success":false}`)},
		{"GET", lists, fake.Raw(503, nil, "<html>"+secret)},
		{"GET", lists, fake.Raw(503, nil, strings.Repeat("x", 60)+secret)},
		{"GET", lists, fake.Raw(302, http.Header{"Location": {"https://h/?" + secret}}, "")},
		{"GET", lists, fake.Raw(302, http.Header{"Location": {"https://h:" + secret + "/%zz"}}, "")},
		{"GET", lists, fake.Raw(200, http.Header{"Content-Type": {secret}}, "{}")},
		{"GET", lists, item(`{"id":"x","num_items":` + strings.Repeat("9", 900) + `}`)},
		{"GET", lists, item(`{"id":"TOKEN!","name":"x","num_items":1}`)},
		{"GET", items, item(`{"id":"x","ip":"TOKEN"}`)},
		{"GET", items, item(`{"id":"TOKEN!","ip":"192.0.2.1"}`)},
		{"GET", lists, item(`{"id":"TOKEN","name":"edgeban","kind":"ip","num_items":1}`)},
		{"GET", lists, item(`{"id":"a","name":"TOKEN","kind":"ip","num_items":1}`)},
		{"GET", lists, item(`{"id":"a","name":"edgeban","kind":"TOKEN","num_items":1}`)},
		{"GET", items, item(`{"id":"TOKEN","ip":"192.0.2.1"},{"id":"TOKEN","ip":"192.0.2.2"}`)},
		{"POST", items, body(200, `{"success":true,"result":{"operation_id":"`+secret+`"}}`)},
		{"POST", items, fake.Answer(429, 10040, secret)},
		{"POST", items, body(200, `{"success":true,"result":{"operation_id":"`+secret+`!"}}`)},
		{"POST", items, fake.FailOperation("bad token " + secret)},
		{"GET", polls, body(200, `{"success":true,"result":{"status":"`+secret+`"}}`)},
		{"GET", anyRule, fake.Answer(403, 10000, secret)},
		{"GET", anyRule, item(`{"id":"TOKEN!"}`)},
		{"GET", anyRule, counted(`{"id":"TOKEN","configuration":{"value":"192.0.2.1"}}`)},
		{"GET", anyRule, counted(`{"id":"!","configuration":{"value":"TOKEN"}}`)},
		{"GET", anyRule, body(200, `{"success":true,"result_info":{"total_count":"`+secret+`"}}`)},
		{"POST", anyRule, fake.Answer(429, 971, secret)},
		{"POST", anyRule, fake.Answer(400, 10021, "firewallaccessrules.api.validation_error:"+secret)},
		{"POST", anyRule, fake.Raw(503, nil, secret)},
	}
}

func TestSecretIsNotEchoed(t *testing.T) {
	for secret, asked := range map[string]func(*Config){testToken: func(*Config) {}, testKey: withKey} {
		for i, c := range echoes(secret) {
			inEdge(t, func(t *testing.T, e *edge) {
				e.SetGlobalKey(testEmail, testKey)
				e.AddToken(testToken, fake.ListsEdit, fake.AccessRulesWrite)
				e.client = e.newClient(t, e.Transport(), asked)
				e.list = NewList(e.client, "edgeban", ListOptions{})
				struck := e.fault(c.method, c.path, c.effect)
				err := e.add(t)
				if c.path == anyRule {
					_, err = NewRules(e.client, AccountScope(), RulesOptions{}).Target(ModeBlock).Add(t.Context(), []reconcile.Post{block("192.0.2.1/32")})
				}
				if err == nil || struck() == 0 {
					t.Fatalf("%d: %v, struck %d", i, err, struck())
				}
				if len(err.Error()) > 600 {
					t.Errorf("%d: %d characters", i, len(err.Error()))
				}
				if text := printed(err) + hint(err) + e.log.String(); leaks(text) {
					t.Errorf("%d shows the secret:\n%s", i, text)
				}
				if !strings.Contains(e.log.String(), "asked Cloudflare") {
					t.Error("nothing was logged")
				}
			})
		}
	}
	// The twin: without a token to look for, an echo would be seen.
	if got := clean("no such token: "+testToken, Secret{}); !leaks(got) {
		t.Error(got)
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"plain, ü and 漢字":                "plain, ü and 漢字",
		" a\tb\r\nc\x00d\x1b[1me ":       "a b c d [1me",
		"right\u202eto left":             "right to left",
		"\xff\xfe":                       "\uFFFD\uFFFD",
		testToken + "x":                  "[secret]x",
		testKey + "y" + testToken:        "[secret]y[secret]",
		strings.Repeat("é", 301):         strings.Repeat("é", 299) + "…",
		strings.Repeat("é", 300):         strings.Repeat("é", 300),
		strings.Repeat("y", 300) + " \n": strings.Repeat("y", 300),
	} {
		if got := clean(text, NewSecret(testToken), NewSecret(testKey)); got != want {
			t.Errorf("clean(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		value, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"0", "", 0},
		{"60", "", time.Minute},
		{" 1.5 ", "", 1500 * time.Millisecond},
		{"-5", "", 0},
		{"NaN", "", 0},
		{"soon", "", 0},
		{"99999999999999999999", "", 24 * time.Hour},
		{"Fri, 20 Nov 2026 10:00:30 GMT", "", 30 * time.Second},
		{"Fri, 20 Nov 2026 09:00:30 GMT", "", 0},
		{"Fri, 20 Nov 2026 09:00:30 GMT", "Fri, 20 Nov 2026 09:00:00 GMT", 30 * time.Second},
		{"Fri, 20 Nov 2099 09:00:30 GMT", "", 24 * time.Hour},
	} {
		header := http.Header{"Retry-After": {c.value}, "Date": {c.date}}
		if got := retryAfter(header, now); got != c.want {
			t.Errorf("%q at %q: %v, want %v", c.value, c.date, got, c.want)
		}
	}
}
