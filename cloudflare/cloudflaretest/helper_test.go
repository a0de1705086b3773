package cloudflaretest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

const (
	account = "0123456789abcdef0123456789abcdef"
	secret  = "test-token"
)

// site is a Cloudflare with one account, one token and one list, and a way to talk to it.
type site struct {
	*cloudflaretest.Cloudflare
	t      *testing.T
	client *http.Client
	bearer string
	legacy [2]string // e-mail address and global key
	list   string
}

func newSite(t *testing.T, opts cloudflaretest.Options) *site {
	t.Helper()
	cf := cloudflaretest.New(opts)
	cf.AddAccount(account)
	cf.AddToken(secret, cloudflaretest.ListsEdit)
	return &site{
		Cloudflare: cf,
		t:          t,
		client:     &http.Client{Transport: cf.Transport()},
		bearer:     "Bearer " + secret,
		list:       cf.AddList(account, "bans", "ip"),
	}
}

// instant ends each operation before anybody can look.
func instant() cloudflaretest.Options { return cloudflaretest.Options{OperationTime: -1} }

type answer struct {
	Status int
	Header http.Header
	Raw    string
	JSON   struct {
		Success    bool
		Errors     []struct{ Code int }
		Result     json.RawMessage
		ResultInfo struct {
			Cursors    struct{ Before, After string }
			Page       int
			PerPage    int `json:"per_page"`
			Count      int
			TotalCount int `json:"total_count"`
			TotalPages int `json:"total_pages"`
		} `json:"result_info"`
	}
}

func (a answer) code() int {
	if len(a.JSON.Errors) == 0 {
		return 0
	}
	return a.JSON.Errors[0].Code
}

// try sends a request and returns what came of it.
func (s *site) try(method, path, body string) (answer, error) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if s.bearer != "" {
		req.Header.Set("Authorization", s.bearer)
	}
	if s.legacy != [2]string{} {
		req.Header.Set("X-Auth-Email", s.legacy[0])
		req.Header.Set("X-Auth-Key", s.legacy[1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	a := answer{Status: resp.StatusCode, Header: resp.Header, Raw: string(raw)}
	_ = json.Unmarshal(raw, &a.JSON)
	return a, err
}

// do sends a request that must be answered.
func (s *site) do(method, path, body string) answer {
	s.t.Helper()
	a, err := s.try(method, path, body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// want sends a request and checks the answer's status and first error code, 0 for none.
func (s *site) want(status, code int, method, path, body string) answer {
	s.t.Helper()
	a := s.do(method, path, body)
	if a.Status != status || a.code() != code || a.JSON.Success != (code == 0) {
		s.t.Fatalf("%s %s %.80s: got %d %s, want status %d and code %d", method, path, body, a.Status, a.Raw, status, code)
	}
	return a
}

// write sends a write that must be accepted and returns its operation's id.
func (s *site) write(method, body string) string {
	s.t.Helper()
	var result struct {
		ID string `json:"operation_id"`
	}
	decode(s.t, s.want(200, 0, method, s.items(), body), &result)
	return result.ID
}

type status struct{ ID, Status, Completed, Error string }

func (s *site) operation(id string) status {
	s.t.Helper()
	var st status
	decode(s.t, s.want(200, 0, "GET", s.lists()+"/bulk_operations/"+id, ""), &st)
	return st
}

// content is what the list holds, "address comment" separated by commas.
func (s *site) content() string {
	var parts []string
	for _, i := range s.Items(s.list) {
		parts = append(parts, strings.TrimSpace(i.IP+" "+i.Comment))
	}
	return strings.Join(parts, ", ")
}

func (s *site) wantContent(want string) {
	s.t.Helper()
	if got := s.content(); got != want {
		s.t.Errorf("the list holds %q, want %q", got, want)
	}
}

func (s *site) set(ips ...string) {
	s.t.Helper()
	for _, ip := range ips {
		if _, err := s.SetItem(s.list, ip, ""); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *site) lists() string { return "/accounts/" + account + "/rules/lists" }

func (s *site) items() string { return s.lists() + "/" + s.list + "/items" }

func decode(t *testing.T, a answer, into any) {
	t.Helper()
	if err := json.Unmarshal(a.JSON.Result, into); err != nil {
		t.Fatalf("%s: %v", a.Raw, err)
	}
}

func query(pairs ...string) string {
	q := make(url.Values)
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return "?" + q.Encode()
}

func clock(s string) func() time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return func() time.Time { return t }
}
