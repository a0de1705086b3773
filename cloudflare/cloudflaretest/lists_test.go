package cloudflaretest_test

import (
	"strings"
	"testing"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

type listJSON struct {
	ID, Name, Kind, Description string
	NumItems                    int    `json:"num_items"`
	NumReferencingFilters       int    `json:"num_referencing_filters"`
	CreatedOn                   string `json:"created_on"`
	ModifiedOn                  string `json:"modified_on"`
}

func (s *site) listObject() listJSON {
	s.t.Helper()
	var l listJSON
	decode(s.t, s.want(200, 0, "GET", s.lists()+"/"+s.list, ""), &l)
	return l
}

func TestListFields(t *testing.T) {
	s := newSite(t, cloudflaretest.Options{Now: clock("2026-11-20T10:00:00Z")})
	s.set("192.0.2.1", "192.0.2.2")
	s.SetReferences(s.list, 3)
	want := listJSON{
		ID: s.list, Name: "bans", Kind: "ip", NumItems: 2, NumReferencingFilters: 3,
		CreatedOn: "2026-11-20T10:00:00Z", ModifiedOn: "2026-11-20T10:00:00Z",
	}
	if got := s.listObject(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestListsAreSortedAndOfTheAccount(t *testing.T) {
	s := newSite(t, instant())
	s.AddList(account, "zeta", "redirect")
	s.AddList(account, "alpha", "ip")
	s.AddList(strings.Repeat("f", 32), "other", "ip")
	var lists []listJSON
	decode(t, s.want(200, 0, "GET", s.lists(), ""), &lists)
	var names []string
	for _, l := range lists {
		names = append(names, l.Name)
	}
	if got := strings.Join(names, " "); got != "alpha bans zeta" {
		t.Errorf("got lists %s", got)
	}
}

func TestCreateList(t *testing.T) {
	long := strings.Repeat("n", 51)
	for name, test := range map[string]struct {
		body         string
		status, code int
	}{
		"fine":               {`{"name":"other","kind":"ip","description":"mine"}`, 200, 0},
		"longest name":       {`{"name":"` + long[:50] + `","kind":"ip"}`, 200, 0},
		"too long a name":    {`{"name":"` + long + `","kind":"ip"}`, 400, 10021},
		"bad name":           {`{"name":"a-b","kind":"ip"}`, 400, 10021},
		"no name":            {`{"kind":"ip"}`, 400, 10021},
		"no kind":            {`{"name":"other"}`, 400, 10021},
		"Enterprise's kind":  {`{"name":"other","kind":"asn"}`, 400, 10021},
		"name taken":         {`{"name":"bans","kind":"ip"}`, 400, 10021},
		"no JSON":            {`{"name":`, 400, 10026},
		"longest story":      {`{"name":"other","kind":"ip","description":"` + strings.Repeat("é", 500) + `"}`, 200, 0},
		"too long a story":   {`{"name":"other","kind":"ip","description":"` + strings.Repeat("é", 501) + `"}`, 400, 10021},
		"redirects go extra": {`{"name":"other","kind":"redirect"}`, 200, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, cloudflaretest.Options{MaxLists: 2})
			s.want(test.status, test.code, "POST", s.lists(), test.body)
			var lists []listJSON
			decode(t, s.do("GET", s.lists(), ""), &lists)
			if created := len(lists) == 2; created != (test.code == 0) {
				t.Errorf("the account has %d lists", len(lists))
			}
		})
	}
}

func TestListQuota(t *testing.T) {
	s := newSite(t, cloudflaretest.Options{}) // Free: one list, and there is one
	no := s.want(400, 10021, "POST", s.lists(), `{"name":"second","kind":"ip"}`)
	if !strings.Contains(no.Raw, "maximum number") {
		t.Errorf("the refusal does not speak of a quota: %s", no.Raw)
	}
	s.want(200, 0, "DELETE", s.lists()+"/"+s.list, "")
	s.want(200, 0, "POST", s.lists(), `{"name":"second","kind":"ip"}`)
}

func TestOnlyTheDescriptionChanges(t *testing.T) {
	s := newSite(t, instant())
	s.want(200, 0, "PUT", s.lists()+"/"+s.list, `{"name":"new","kind":"asn","description":"new"}`)
	if l := s.listObject(); l.Name != "bans" || l.Kind != "ip" || l.Description != "new" {
		t.Errorf("got %+v", l)
	}
	s.want(400, 10026, "PUT", s.lists()+"/"+s.list, `[`)
	s.want(400, 10021, "PUT", s.lists()+"/"+s.list, `{"description":"`+strings.Repeat("x", 501)+`"}`)
	if l := s.listObject(); l.Description != "new" {
		t.Errorf("got %+v", l)
	}
}

func TestDeleteList(t *testing.T) {
	s := newSite(t, instant())
	s.SetReferences(s.list, 1)
	s.want(400, 10031, "DELETE", s.lists()+"/"+s.list, "")
	s.listObject()
	s.SetReferences(s.list, 0)
	s.want(200, 0, "DELETE", s.lists()+"/"+s.list, "")
	s.want(404, 10001, "GET", s.lists()+"/"+s.list, "")
	s.want(404, 10001, "GET", s.items(), "")
	s.want(404, 10001, "POST", s.items(), `[{"ip":"192.0.2.1"}]`)
}

func TestListOfAnotherAccountIsNotFound(t *testing.T) {
	s := newSite(t, instant())
	s.AddAccount(strings.Repeat("f", 32))
	s.want(404, 10001, "GET", "/accounts/"+strings.Repeat("f", 32)+"/rules/lists/"+s.list, "")
	s.want(200, 0, "GET", "/accounts/"+account+"/rules/lists/"+s.list, "")
}

func TestNumItemsMayLie(t *testing.T) {
	s := newSite(t, instant())
	s.set("192.0.2.1")
	s.SetNumItems(s.list, 7)
	if l := s.listObject(); l.NumItems != 7 {
		t.Errorf("got %d items, want the lie", l.NumItems)
	}
	s.SetNumItems(s.list, -1)
	if l := s.listObject(); l.NumItems != 1 {
		t.Errorf("got %d items, want the truth", l.NumItems)
	}
}

func TestModifiedOnFollowsTheContent(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	s := newSite(t, cloudflaretest.Options{OperationTime: -1, Now: func() time.Time { return now }})
	now = now.Add(time.Hour)
	s.write("POST", `[{"ip":"192.0.2.1"}]`)
	if l := s.listObject(); l.CreatedOn != "2026-11-20T10:00:00Z" || l.ModifiedOn != "2026-11-20T11:00:00Z" {
		t.Errorf("got %+v", l)
	}
}
