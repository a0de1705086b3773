package cloudflare

import (
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
)

func fuzzClient(f *testing.F) *Client {
	f.Helper()
	if seeds, _ := filepath.Glob(filepath.Join("testdata", "fuzz", f.Name(), "*")); len(seeds) < 3 {
		f.Fatalf("%d seeds", len(seeds))
	}
	client, err := New(Config{Account: testAccount, Token: NewSecret(testToken), Transport: http.NewFileTransport(http.FS(os.DirFS(".")))})
	if err != nil {
		f.Fatal(err)
	}
	return client
}

// FuzzEnvelope: whatever comes, it is a success that says so, or an error fit for a line of text.
func FuzzEnvelope(f *testing.F) {
	client := fuzzClient(f)
	f.Fuzz(func(t *testing.T, status int, contentType string, text string) {
		a := answer{method: "POST", status: status, header: http.Header{"Content-Type": {contentType}}, body: []byte(text)}
		e, err := client.open(a)
		if err == nil {
			if !e.Success || !a.good() || !strings.Contains(strings.ToLower(contentType), "json") {
				t.Errorf("%+v", e)
			}
			_, _ = client.operationID(a)
			return
		}
		if e.Success || strings.Contains(err.Error(), testToken) || len(err.Error()) > 20_000 || strings.ContainsFunc(err.Error(), unicode.IsControl) {
			t.Errorf("%+v %q", e, err)
		}
		_ = hint(err)
	})
}

// FuzzCursor: a cursor arrives as it was given, and changes nothing else of the request.
func FuzzCursor(f *testing.F) {
	client := fuzzClient(f)
	f.Fuzz(func(t *testing.T, cursor string) {
		req, err := http.NewRequest("GET", client.itemsURL("abc", cursor).String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		query := req.URL.Query()
		if query.Get("cursor") != cursor || query.Get("per_page") != "500" || !strings.HasSuffix(req.URL.Path, "/lists/abc/items") || req.URL.Fragment != "" {
			t.Errorf("%s", req.URL)
		}
	})
}

// FuzzRetryAfter: a pause is between nothing and a day.
func FuzzRetryAfter(f *testing.F) {
	fuzzClient(f)
	f.Fuzz(func(t *testing.T, value, date string, now int64) {
		wait := retryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, time.Unix(now, 0))
		if wait < 0 || wait > 24*time.Hour {
			t.Error(wait)
		}
	})
}

// FuzzRulesPart: whatever comes as a page of rules, it is rules with ids and masked prefixes, or an error fit for a line of text.
func FuzzRulesPart(f *testing.F) {
	client := fuzzClient(f)
	f.Fuzz(func(t *testing.T, page string) {
		a := answer{method: "GET", status: 200, header: http.Header{"Content-Type": {"application/json"}}, body: []byte(page)}
		part, err := client.rulesPart(a, 1)
		if err != nil {
			if strings.Contains(err.Error(), testToken) || strings.ContainsFunc(err.Error(), unicode.IsControl) || part.members != nil {
				t.Errorf("%+v %q", part, err)
			}
			return
		}
		if part.total < 0 || part.total > mostRules || part.size < 1 || part.pages() < 1 || (part.pages()-1)*part.size > part.total {
			t.Errorf("%+v", part)
		}
		rules := NewRules(client, AccountScope(), RulesOptions{})
		w := &ruleWalk{rules: map[netip.Prefix]rule{}, ids: map[string]bool{}}
		for _, m := range part.members {
			rules.take(w, m)
			if !plainID(m.ID) || strings.Contains(m.ID, testToken) {
				t.Errorf("%+v", m)
			}
		}
		if len(w.rules)+w.other != len(part.members) {
			t.Errorf("%d rules and %d others of %d", len(w.rules), w.other, len(part.members))
		}
		for prefix, is := range w.rules {
			if !prefix.IsValid() || prefix != canonical(prefix) || prefix != is.prefix {
				t.Errorf("%v: %+v", prefix, is)
			}
		}
		for _, note := range w.notes {
			if strings.ContainsFunc(note, unicode.IsControl) || strings.Contains(note, testToken) {
				t.Errorf("%q", note)
			}
		}
	})
}
