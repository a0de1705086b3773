package cloudflaretest_test

import (
	"fmt"
	"strings"
	"testing"

	"edgeban/cloudflare/cloudflaretest"
)

// fill puts n addresses on the list.
func (s *site) fill(n int) {
	s.t.Helper()
	for i := range n {
		s.set(fmt.Sprintf("10.0.%d.%d", i/256, i%256))
	}
}

type itemJSON struct{ ID, IP string }

func (s *site) page(pairs ...string) (ips []string, a answer) {
	s.t.Helper()
	a = s.want(200, 0, "GET", s.items()+query(pairs...), "")
	var items []itemJSON
	decode(s.t, a, &items)
	for _, i := range items {
		ips = append(ips, i.IP)
	}
	return ips, a
}

func TestPagesCoverTheList(t *testing.T) {
	for _, test := range []struct {
		size  string // empty: not asked for
		pages []int
	}{
		{"", []int{25, 25, 10}}, {"25", []int{25, 25, 10}}, {"30", []int{30, 30}}, {"60", []int{60}}, {"500", []int{60}},
	} {
		t.Run("per_page "+test.size, func(t *testing.T) {
			s := newSite(t, instant())
			s.fill(60)
			var sizes []int
			var all []string
			for cursor := ""; ; {
				var pairs []string
				if test.size != "" {
					pairs = append(pairs, "per_page", test.size)
				}
				if cursor != "" {
					pairs = append(pairs, "cursor", cursor)
				}
				ips, a := s.page(pairs...)
				sizes, all = append(sizes, len(ips)), append(all, ips...)
				if cursor = a.JSON.ResultInfo.Cursors.After; cursor == "" {
					break
				}
				if !strings.ContainsAny(cursor, "+/=") {
					t.Errorf("cursor %q needs no escaping", cursor)
				}
			}
			if fmt.Sprint(sizes) != fmt.Sprint(test.pages) {
				t.Errorf("got pages of %v, want %v", sizes, test.pages)
			}
			if got := strings.Join(all, ", "); got != s.content() {
				t.Errorf("got %s, want %s", got, s.content())
			}
		})
	}
}

func TestResultInfoHoldsCursorsOnly(t *testing.T) {
	s := newSite(t, instant())
	s.fill(3)
	_, first := s.page("per_page", "2")
	_, last := s.page("per_page", "2", "cursor", first.JSON.ResultInfo.Cursors.After)
	if !strings.Contains(first.Raw, `"result_info":{"cursors":{"after":`) || strings.Contains(first.Raw, "before") {
		t.Errorf("first page: %s", first.Raw)
	}
	if !strings.Contains(last.Raw, `"result_info":{"cursors":{"before":`) || strings.Contains(last.Raw, "after") {
		t.Errorf("last page: %s", last.Raw)
	}
	back, _ := s.page("per_page", "2", "cursor", last.JSON.ResultInfo.Cursors.Before)
	if fmt.Sprint(back) != "[10.0.0.0 10.0.0.1]" {
		t.Errorf("backwards: got %v", back)
	}
}

func TestEmptyList(t *testing.T) {
	s := newSite(t, instant())
	if _, a := s.page(); !strings.Contains(a.Raw, `"result":[]`) || strings.Contains(a.Raw, "after") {
		t.Errorf("got %s", a.Raw)
	}
}

func TestBadPages(t *testing.T) {
	s := newSite(t, instant())
	other := s.AddList(account, "other", "ip")
	s.fill(3)
	_, first := s.page("per_page", "2")
	cursor := first.JSON.ResultInfo.Cursors.After
	for _, query := range []string{
		query("per_page", "501"), query("per_page", "0"), query("per_page", "-1"), query("per_page", "many"),
		query("cursor", "zzz"), query("cursor", cursor, "search", "10."),
		"?cursor=" + cursor, // unescaped
	} {
		s.want(400, 10027, "GET", s.items()+query, "")
	}
	s.want(400, 10027, "GET", s.lists()+"/"+other+"/items"+query("cursor", cursor), "")
	s.want(200, 0, "GET", s.items()+query("cursor", cursor), "")
	s.want(200, 0, "GET", s.items()+query("per_page", "500"), "")
}

func TestSearchIsByPrefix(t *testing.T) {
	s := newSite(t, instant())
	s.set("10.0.0.1", "10.0.0.12", "110.0.0.1", "10.0.0.0/8", "2001:db8::/64")
	for search, want := range map[string]string{
		"10.0.0.1": "[10.0.0.1 10.0.0.12]",
		"10.0.0.2": "[]", // within 10.0.0.0/8, which is not found
		"2001:":    "[2001:db8::/64]",
		"::":       "[]",
	} {
		if ips, _ := s.page("search", search); fmt.Sprint(ips) != want {
			t.Errorf("search %q: got %v, want %s", search, ips, want)
		}
	}
}

func TestCursorSurvivesChanges(t *testing.T) {
	s := newSite(t, instant())
	s.fill(6)
	_, first := s.page("per_page", "2")
	s.DeleteItem(s.list, "10.0.0.0")
	s.DeleteItem(s.list, "10.0.0.1") // the one that the cursor names
	s.set("9.0.0.1", "10.0.0.2/31")
	got, _ := s.page("per_page", "500", "cursor", first.JSON.ResultInfo.Cursors.After)
	if fmt.Sprint(got) != "[10.0.0.2/31 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5]" {
		t.Errorf("got %v", got)
	}
}

func TestListsOfOtherKindsHaveNoItems(t *testing.T) {
	s := newSite(t, instant())
	s.list = s.AddList(account, "hosts", "hostname")
	if ips, _ := s.page(); len(ips) != 0 {
		t.Errorf("got %v", ips)
	}
	s.want(400, 10021, "POST", s.items(), `[{"ip":"192.0.2.1"}]`)
	if s.Pending(account) {
		t.Error("a refused write began an operation")
	}
}

func TestManyItems(t *testing.T) {
	s := newSite(t, cloudflaretest.Options{OperationTime: -1})
	var body strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&body, `,{"ip":"10.%d.%d.0/24"}`, i/256, i%256)
	}
	s.write("PUT", "["+body.String()[1:]+"]")
	if st := s.operation(s.write("POST", `[{"ip":"192.0.2.1"}]`)); st.Status != "failed" {
		t.Errorf("item 10,001: got %+v", st)
	}
	if l := s.listObject(); l.NumItems != 10_000 {
		t.Errorf("got %d items", l.NumItems)
	}
}
