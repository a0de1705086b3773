package cloudflare

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const pageOfTwo = `{"success":true,"errors":[],"messages":[],"result":[
	{"id":"a1","ip":"203.0.113.7","comment":"by hand","created_on":"2026-11-20T10:00:02Z","modified_on":"2026-11-20T10:00:03Z"},
	{ "comment" : "", "ip": "2001:db8::/64","id":"b2"}
],"result_info":{"cursors":{"after":"next"}}}`

// TestTakeItems: the ordinary pages are those that are read without encoding/json.
func TestTakeItems(t *testing.T) {
	for name, c := range map[string]struct {
		page string
		want int // items; -1: left to encoding/json
	}{
		"two":             {pageOfTwo, 2},
		"none":            {`{"success":true,"result":[ ]}`, 0},
		"null":            {`{"success":true,"result":null}`, -1},
		"no result":       {`{"success":true}`, -1},
		"escape":          {strings.Replace(pageOfTwo, "by hand", `by \"hand\"`, 1), -1},
		"umlaut":          {strings.Replace(pageOfTwo, "by hand", "für immer", 1), -1},
		"control":         {strings.Replace(pageOfTwo, "by hand", "by\nhand", 1), -1},
		"unknown member":  {strings.Replace(pageOfTwo, `"comment" `, `"asn" `, 1), -1},
		"number":          {strings.Replace(pageOfTwo, `"b2"`, "2", 1), -1},
		"empty item":      {`{"result":[{}]}`, -1},
		"comma at end":    {`{"result":[{"id":"a"},]}`, -1},
		"no comma":        {`{"result":[{"id":"a"}{"id":"b"}]}`, -1},
		"comma in item":   {`{"result":[{"id":"a",}]}`, -1},
		"cut in an item":  {pageOfTwo[:150], -1},
		"cut in the list": {`{"result":[{"id":"a"},`, -1},
	} {
		items, rest, ok := takeItems([]byte(c.page), nil)
		if ok != (c.want >= 0) || ok && len(items) != c.want {
			t.Errorf("%s: %d items, %v", name, len(items), ok)
		}
		if ok && !json.Valid(rest) {
			t.Errorf("%s: the rest is %s", name, rest)
		}
	}
}

// FuzzPage: a page comes to the same whether or not encoding/json reads its items.
func FuzzPage(f *testing.F) {
	client := fuzzClient(f)
	f.Add(pageOfTwo)
	f.Add(`["result",:[{"id":"a"}]]`)
	f.Add(`{"success":false,"result":[{"id":"a"}]}`)
	f.Fuzz(func(t *testing.T, page string) {
		a := answer{method: "GET", status: 200, header: http.Header{"Content-Type": {"application/json"}}, body: []byte(page)}
		w := walk{client: client, members: []listItem{{ID: "old", IP: "old", Comment: "old"}}}
		gotEnvelope, got, gotErr := w.open(a)

		wantEnvelope, wantErr := client.open(a)
		var want []listItem
		if wantErr == nil && !wantEnvelope.empty() {
			wantErr = client.decode(wantEnvelope, &want)
		}
		if (gotErr == nil) != (wantErr == nil) || gotErr != nil && gotErr.Error() != wantErr.Error() {
			t.Fatalf("%v, want %v", gotErr, wantErr)
		}
		if gotErr != nil {
			return
		}
		if gotEnvelope.empty() != wantEnvelope.empty() || gotEnvelope.ResultInfo != wantEnvelope.ResultInfo {
			t.Errorf("%+v, want %+v", gotEnvelope, wantEnvelope)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.AllowUnexported(laxTime{})); diff != "" {
			t.Error(diff)
		}
	})
}
