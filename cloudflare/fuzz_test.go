package cloudflare

import (
	"net/http"
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
