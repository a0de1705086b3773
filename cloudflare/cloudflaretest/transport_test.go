package cloudflaretest_test

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

func TestRequestLog(t *testing.T) {
	s := newSite(t, instant())
	s.write("POST", `[{"ip":"192.0.2.1"}]`)
	s.page("per_page", "5")
	s.Occupy(account, 0)
	s.want(429, 10040, "PUT", s.items(), "")
	s.AddFault(cloudflaretest.Fault{Effect: cloudflaretest.Drop()})
	_, _ = s.try("GET", "/ips", "")
	want := []cloudflaretest.Request{
		{Method: "POST", Path: s.items(), BodySize: 20, Status: 200, Mutating: true},
		{Method: "GET", Path: s.items(), Query: "per_page=5", Status: 200},
		{Method: "PUT", Path: s.items(), Status: 429, Mutating: true},
		{Method: "GET", Path: "/ips"},
	}
	got := s.Requests()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if strings.Contains(fmt.Sprintf("%+v", got), secret) {
		t.Error("the log holds the token")
	}
	s.ResetRequests()
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests after the reset", n)
	}
}

func TestCommonHeaders(t *testing.T) {
	s := newSite(t, cloudflaretest.Options{Now: clock("2026-11-20T10:00:00Z")})
	ray := regexp.MustCompile(`^[0-9a-f]{16}-[A-Z]{3}$`)
	seen := make(map[string]bool)
	for i, path := range []string{s.items(), "/nothing", "/ips"} {
		h := s.do("GET", path, "").Header
		if got := h.Get("Date"); got != "Fri, 20 Nov 2026 10:00:00 GMT" {
			t.Errorf("%s: got Date %s", path, got)
		}
		if got := h.Get("Cf-Ray"); !ray.MatchString(got) || seen[got] {
			t.Errorf("%s: got Cf-Ray %s", path, got)
		}
		seen[h.Get("Cf-Ray")] = true
		if got, want := h.Get("Ratelimit"), `"default";r=`+strconv.Itoa(1199-i)+`;t=300`; got != want {
			t.Errorf("%s: got Ratelimit %s, want %s", path, got, want)
		}
		if got := h.Get("Ratelimit-Policy"); got != `"default";q=1200;w=300` {
			t.Errorf("%s: got Ratelimit-Policy %s", path, got)
		}
		if got, has := h["Retry-After"]; has {
			t.Errorf("%s: got Retry-After %s", path, got)
		}
	}
}

// The server and the transport must not differ in what a client can see.
func TestServerAnswersAsTheTransportDoes(t *testing.T) {
	s := newSite(t, instant())
	if got := s.URL(); got != "https://api.cloudflare.com/client/v4" {
		t.Errorf("not started: got URL %s", got)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err == nil {
		t.Error("started twice")
	}
	inProcess := s.client
	overSocket := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for name, effect := range map[string]cloudflaretest.Effect{
		"well":      cloudflaretest.Delay(0),
		"page":      cloudflaretest.HTML(503),
		"cut":       cloudflaretest.CutBody(),
		"drop":      cloudflaretest.Drop(),
		"big":       cloudflaretest.BigBody(100_000),
		"date":      cloudflaretest.WrongDate(time.Hour),
		"no retry":  cloudflaretest.TooManyRequests(10040, ""),
		"null":      cloudflaretest.NullResult(),
		"no answer": cloudflaretest.After(cloudflaretest.Drop()),
	} {
		t.Run(name, func(t *testing.T) {
			s.AddFault(cloudflaretest.Fault{Effect: effect})
			defer s.ClearFaults()
			var got [2]string
			for i, client := range []*http.Client{inProcess, overSocket} {
				s.client = client
				a, err := s.try("GET", s.items(), "")
				cut, gone := errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF)
				got[i] = fmt.Sprint(a.Status, a.Raw, a.Header.Get("Content-Type"), cut, gone)
			}
			if got[0] != got[1] {
				t.Errorf("in process: %.300s\nover a socket: %.300s", got[0], got[1])
			}
		})
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}

func TestPathsWithoutThePrefix(t *testing.T) {
	s := newSite(t, instant())
	for base, want := range map[string]int{
		"http://any.host": 200, "http://any.host/client/v4": 200, "http://any.host/client/v5": 404,
	} {
		resp, err := s.client.Get(base + "/ips")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: got %d, want %d", base, resp.StatusCode, want)
		}
	}
}

// A body that the client closes early must not leave a goroutine behind: synctest would notice.
func TestUnreadBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, instant())
		for _, effect := range []cloudflaretest.Effect{
			cloudflaretest.BigBody(1 << 30), cloudflaretest.StallBody(time.Hour), cloudflaretest.Delay(0),
		} {
			s.ClearFaults()
			s.AddFault(cloudflaretest.Fault{Effect: effect})
			resp, err := s.client.Get(s.URL() + "/ips")
			if err != nil {
				t.Fatal(err)
			}
			if err := resp.Body.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	s := newSite(t, cloudflaretest.Options{OperationTime: -1})
	s.AddFault(cloudflaretest.Fault{Nth: 10, Effect: cloudflaretest.Delay(time.Millisecond)})
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			for j := range 5 {
				s.write("POST", fmt.Sprintf(`[{"ip":"10.0.%d.%d"}]`, i, j))
				s.page()
				s.Items(s.list)
				s.Requests()
			}
		})
	}
	all.Wait()
	if n := len(s.Items(s.list)); n != 100 {
		t.Errorf("got %d items", n)
	}
}

func TestStandardLibraryOnly(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			first, _, _ := strings.Cut(path, "/")
			if strings.Contains(first, ".") || first == "edgeban" || strings.HasPrefix(path, "testing") || path == "net/http/httptest" {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}
