package cloudflaretest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

// comment returns an item with a comment of n characters, each of two bytes.
func commented(n int) string {
	return fmt.Sprintf(`[{"ip":"192.0.2.1","comment":"%s"}]`, strings.Repeat("é", n))
}

func TestPostValues(t *testing.T) {
	for name, test := range map[string]struct {
		body         string
		status, code int
		content      string
	}{
		"an address":             {`[{"ip":"192.0.2.1"}]`, 200, 0, "192.0.2.1"},
		"/32 goes":               {`[{"ip":"192.0.2.1/32"}]`, 200, 0, "192.0.2.1"},
		"/128 goes":              {`[{"ip":"2001:DB8::1/128"}]`, 200, 0, "2001:db8::1"},
		"host bits go":           {`[{"ip":"192.0.2.1/24"}]`, 200, 0, "192.0.2.0/24"},
		"zeros go":               {`[{"ip":"2001:0db8:0:0::f/64"}]`, 200, 0, "2001:db8::/64"},
		"private is fine":        {`[{"ip":"10.0.0.1"}]`, 200, 0, "10.0.0.1"},
		"the widest IPv4":        {`[{"ip":"10.0.0.0/8"}]`, 200, 0, "10.0.0.0/8"},
		"too wide IPv4":          {`[{"ip":"10.0.0.0/7"}]`, 400, 10021, ""},
		"the widest IPv6":        {`[{"ip":"2000::/12"}]`, 200, 0, "2000::/12"},
		"too wide IPv6":          {`[{"ip":"2000::/11"}]`, 400, 10021, ""},
		"overlap is fine":        {`[{"ip":"192.0.2.1"},{"ip":"192.0.2.0/24"}]`, 200, 0, "192.0.2.0/24, 192.0.2.1"},
		"no address":             {`[{"ip":"example.com"}]`, 400, 10021, ""},
		"a zone":                 {`[{"ip":"fe80::1%eth0"}]`, 400, 10021, ""},
		"mapped":                 {`[{"ip":"::ffff:192.0.2.1"}]`, 400, 10021, ""},
		"no ip":                  {`[{"comment":"x"}]`, 400, 10021, ""},
		"one bad value of two":   {`[{"ip":"192.0.2.1"},{"ip":"x"}]`, 400, 10021, ""},
		"duplicates":             {`[{"ip":"192.0.2.1"},{"ip":"192.0.2.1/32"}]`, 400, 10021, ""},
		"duplicates by masking":  {`[{"ip":"192.0.2.1/24"},{"ip":"192.0.2.0/24"}]`, 400, 10021, ""},
		"an object":              {`{"items":[{"ip":"192.0.2.1"}]}`, 400, 10026, ""},
		"null":                   {`null`, 400, 10026, ""},
		"nothing":                {``, 400, 10026, ""},
		"cut":                    {`[{"ip":"192.0.2.1"}`, 400, 10026, ""},
		"the longest comment":    {commented(500), 200, 0, "192.0.2.1 " + strings.Repeat("é", 500)},
		"too long a comment":     {commented(501), 400, 10021, ""},
		"order of families":      {`[{"ip":"2001:db8::1"},{"ip":"203.0.113.9"}]`, 200, 0, "203.0.113.9, 2001:db8::1"},
		"numeric, not by letter": {`[{"ip":"100.0.0.1"},{"ip":"9.0.0.1"}]`, 200, 0, "9.0.0.1, 100.0.0.1"},
	} {
		for _, method := range []string{"POST", "PUT"} {
			t.Run(method+" "+name, func(t *testing.T) {
				s := newSite(t, instant())
				s.want(test.status, test.code, method, s.items(), test.body)
				s.wantContent(test.content)
			})
		}
	}
}

func TestOldIPv6(t *testing.T) {
	s := newSite(t, cloudflaretest.Options{OperationTime: -1, OldIPv6: true})
	s.want(400, 10021, "POST", s.items(), `[{"ip":"2001:db8::1"}]`)
	s.want(400, 10021, "POST", s.items(), `[{"ip":"2001:db8::/65"}]`)
	s.wantContent("")
	s.write("POST", `[{"ip":"2001:db8::/64"},{"ip":"192.0.2.1"}]`)
	s.wantContent("192.0.2.1, 2001:db8::/64")
}

func TestPostOverwritesTheComment(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	s := newSite(t, cloudflaretest.Options{OperationTime: -1, Now: func() time.Time { return now }})
	s.write("POST", `[{"ip":"192.0.2.1","comment":"a"},{"ip":"192.0.2.2","comment":"b"}]`)
	before := s.Items(s.list)
	now = now.Add(time.Hour)
	s.write("POST", `[{"ip":"192.0.2.1/32","comment":"c"}]`)
	after := s.Items(s.list)
	if len(after) != 2 || after[0].ID != before[0].ID || after[0].Comment != "c" ||
		!after[0].CreatedOn.Equal(before[0].CreatedOn) || !after[0].ModifiedOn.After(before[0].ModifiedOn) {
		t.Errorf("got %+v from %+v", after, before)
	}
	if after[1] != before[1] {
		t.Errorf("the other item became %+v from %+v", after[1], before[1])
	}
}

func TestPutReplacesAll(t *testing.T) {
	s := newSite(t, instant())
	s.set("192.0.2.1", "192.0.2.2")
	before := s.Items(s.list)
	s.write("PUT", `[{"ip":"192.0.2.2"},{"ip":"192.0.2.3"}]`)
	s.wantContent("192.0.2.2, 192.0.2.3")
	if s.Items(s.list)[0].ID == before[1].ID {
		t.Error("PUT kept an id")
	}
	s.write("PUT", `[]`)
	s.wantContent("")
}

func TestDeleteItems(t *testing.T) {
	absent := strings.Repeat("0", 32)
	for name, test := range map[string]struct {
		body         string // %s: the id of 192.0.2.1
		status, code int
		content      string
	}{
		"one":                 {`{"items":[{"id":"%s"}]}`, 200, 0, "192.0.2.2"},
		"with an unknown one": {`{"items":[{"id":"%s"},{"id":"` + absent + `"}]}`, 200, 0, "192.0.2.2"},
		"an unknown one":      {`{"items":[{"id":"` + absent + `"}]}`, 200, 0, "192.0.2.1, 192.0.2.2"},
		"a bad id spoils all": {`{"items":[{"id":"%s"},{"id":"short"}]}`, 400, 10021, "192.0.2.1, 192.0.2.2"},
		"none":                {`{"items":[]}`, 400, 10021, "192.0.2.1, 192.0.2.2"},
		"no body":             {``, 400, 10026, "192.0.2.1, 192.0.2.2"},
		"an array":            {`[{"id":"%s"}]`, 400, 10026, "192.0.2.1, 192.0.2.2"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, instant())
			s.set("192.0.2.1", "192.0.2.2")
			body := strings.ReplaceAll(test.body, "%s", s.Items(s.list)[0].ID)
			s.want(test.status, test.code, "DELETE", s.items(), body)
			s.wantContent(test.content)
		})
	}
}

func TestGetItem(t *testing.T) {
	s := newSite(t, cloudflaretest.Options{Now: clock("2026-11-20T10:00:00Z")})
	id, err := s.SetItem(s.list, "192.0.2.1/32", "why")
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	decode(t, s.want(200, 0, "GET", s.items()+"/"+id, ""), &got)
	want := map[string]string{
		"id": id, "ip": "192.0.2.1", "comment": "why",
		"created_on": "2026-11-20T10:00:00Z", "modified_on": "2026-11-20T10:00:00Z",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !s.DeleteItem(s.list, "192.0.2.1") || s.DeleteItem(s.list, "192.0.2.1") {
		t.Error("the item was not there, or is there still")
	}
	s.want(404, 10001, "GET", s.items()+"/"+id, "")
}

func TestQuotaIsOfTheAccount(t *testing.T) {
	s := newSite(t, cloudflaretest.Options{OperationTime: -1, MaxItems: 3})
	other := s.AddList(account, "other", "ip")
	s.AddList(strings.Repeat("f", 32), "elsewhere", "ip")
	if err := s.SetItems(other, cloudflaretest.Item{IP: "198.51.100.1"}); err != nil {
		t.Fatal(err)
	}
	s.write("POST", `[{"ip":"192.0.2.1"}]`)
	for _, method := range []string{"POST", "PUT"} {
		st := s.operation(s.write(method, `[{"ip":"192.0.2.2"},{"ip":"192.0.2.3"},{"ip":"192.0.2.4"}]`))
		if st.Status != "failed" || st.Error != "This list is at the maximum number of items" || st.Completed == "" {
			t.Errorf("%s: got %+v", method, st)
		}
		s.wantContent("192.0.2.1")
	}
	if st := s.operation(s.write("POST", `[{"ip":"192.0.2.1"},{"ip":"192.0.2.2"}]`)); st.Status != "completed" {
		t.Errorf("within the quota: got %+v", st)
	}
	s.wantContent("192.0.2.1, 192.0.2.2")
}

func TestIDsAreTheSameInEveryRun(t *testing.T) {
	ids := func() string {
		s := newSite(t, instant())
		return s.list + s.write("POST", `[{"ip":"192.0.2.1"}]`) + s.Items(s.list)[0].ID
	}
	if a, b := ids(), ids(); a != b || len(a) != 3*32 {
		t.Errorf("got %s and %s", a, b)
	}
}

func TestDashboard(t *testing.T) {
	s := newSite(t, instant())
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	id := strings.Repeat("a", 32)
	if err := s.SetItems(s.list, cloudflaretest.Item{ID: id, IP: "192.0.2.1", CreatedOn: created}); err != nil {
		t.Fatal(err)
	}
	if got := s.Items(s.list)[0]; got.ID != id || !got.CreatedOn.Equal(created) {
		t.Errorf("got %+v", got)
	}
	if _, err := s.SetItem(s.list, "nonsense", ""); err == nil {
		t.Error("nonsense was set")
	}
	if _, err := s.SetItem("unknown", "192.0.2.1", ""); err == nil {
		t.Error("an unknown list was written to")
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("the dashboard made %d requests", n)
	}
}
