package cloudflaretest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

func TestWhichRequestsAFaultStrikes(t *testing.T) {
	for _, test := range []struct {
		fault cloudflaretest.Fault
		want  string // statuses of four times GET items, GET list
	}{
		{cloudflaretest.Fault{}, "503 503 503 503 503 503 503 503"},
		{cloudflaretest.Fault{Nth: 3}, "200 200 503 200 200 200 200 200"},
		{cloudflaretest.Fault{Nth: 3, Times: 2}, "200 200 503 503 200 200 200 200"},
		{cloudflaretest.Fault{Times: 1}, "503 200 200 200 200 200 200 200"},
		{cloudflaretest.Fault{Path: cloudflaretest.PathItems}, "503 200 503 200 503 200 503 200"},
		{cloudflaretest.Fault{Path: cloudflaretest.PathList}, "200 503 200 503 200 503 200 503"},
		{cloudflaretest.Fault{Path: "/items", Nth: 2}, "200 200 503 200 200 200 200 200"},
		{cloudflaretest.Fault{Path: cloudflaretest.PathLists}, "200 200 200 200 200 200 200 200"},
		{cloudflaretest.Fault{Method: "POST"}, "200 200 200 200 200 200 200 200"},
		{cloudflaretest.Fault{If: func(r *http.Request) bool { return r.URL.Query().Has("search") }},
			"200 200 200 200 200 200 200 200"},
	} {
		s := newSite(t, instant())
		test.fault.Effect = cloudflaretest.Answer(503, 1000, "out of order")
		struck := s.AddFault(test.fault)
		var got []string
		for range 4 {
			got = append(got, fmt.Sprint(s.do("GET", s.items(), "").Status))
			got = append(got, fmt.Sprint(s.do("GET", s.lists()+"/"+s.list, "").Status))
		}
		if strings.Join(got, " ") != test.want || struck() != strings.Count(test.want, "503") {
			t.Errorf("%+v: got %v and %d struck, want %s", test.fault, got, struck(), test.want)
		}
		s.ClearFaults()
		s.want(200, 0, "GET", s.items(), "")
	}
}

func TestEffectsBeforeAndAfter(t *testing.T) {
	lost := cloudflaretest.Drop()
	for name, test := range map[string]struct {
		effect cloudflaretest.Effect
		status int // 0: no answer
		took   bool
	}{
		"refused":                  {cloudflaretest.Answer(500, 1000, "x"), 500, false},
		"refused after the effect": {cloudflaretest.After(cloudflaretest.Answer(500, 1000, "x")), 500, true},
		"a page":                   {cloudflaretest.HTML(502), 502, false},
		"a page after the effect":  {cloudflaretest.After(cloudflaretest.HTML(200)), 200, true},
		"no answer":                {lost, 0, false},
		"no answer but effect":     {cloudflaretest.After(lost), 0, true},
		"chained":                  {cloudflaretest.Chain(cloudflaretest.Delay(0), cloudflaretest.After(lost)), 0, true},
		"cut":                      {cloudflaretest.CutBody(), 0, true},
		"own": {func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			next.ServeHTTP(w, r)
		}, 200, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, instant())
			s.AddFault(cloudflaretest.Fault{Method: "POST", Effect: test.effect})
			a, err := s.try("POST", s.items(), `[{"ip":"192.0.2.1"}]`)
			if (err != nil) != (test.status == 0) || err == nil && a.Status != test.status {
				t.Errorf("got %d, %v; want %d", a.Status, err, test.status)
			}
			if took := s.content() != ""; took != test.took {
				t.Errorf("took effect: %v, want %v", took, test.took)
			}
		})
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	read := func(effect cloudflaretest.Effect) (answer, error) {
		s := newSite(t, instant())
		s.fill(30)
		s.AddFault(cloudflaretest.Fault{Effect: effect})
		return s.try("GET", s.items(), "")
	}
	if _, err := read(cloudflaretest.Drop()); !errors.Is(err, io.EOF) {
		t.Errorf("drop: got %v", err)
	}
	a, err := read(cloudflaretest.CutBody())
	if !errors.Is(err, io.ErrUnexpectedEOF) || a.Status != 200 || a.Raw == "" {
		t.Errorf("cut: got %d, %d bytes, %v", a.Status, len(a.Raw), err)
	}
	a, err = read(cloudflaretest.HTML(200))
	if err != nil || !strings.HasPrefix(a.Raw, "<!DOCTYPE") || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Errorf("HTML: got %v, %s", err, a.Raw)
	}
	a, err = read(cloudflaretest.BigBody(1 << 20))
	if err != nil || len(a.Raw) < 1<<20 || !a.JSON.Success {
		t.Errorf("big: got %v, %d bytes", err, len(a.Raw))
	}
	a, err = read(cloudflaretest.WrongContentType("text/plain"))
	if err != nil || a.Header.Get("Content-Type") != "text/plain" || !a.JSON.Success {
		t.Errorf("content type: got %v, %v", err, a.Header)
	}
	a, err = read(cloudflaretest.Raw(204, nil, ""))
	if err != nil || a.Status != 204 || a.Raw != "" {
		t.Errorf("raw: got %v, %d %q", err, a.Status, a.Raw)
	}
	a, err = read(cloudflaretest.TooManyRequests(971, "Wed, 21 Oct 2026 07:28:00 GMT"))
	if err != nil || a.Status != 429 || a.code() != 971 || a.Header.Get("Retry-After")[:3] != "Wed" {
		t.Errorf("too many: got %v, %v", err, a)
	}
	a, err = read(cloudflaretest.Answer(200, 10040, "no"))
	if err != nil || a.Status != 200 || a.code() != 10040 || a.JSON.Success {
		t.Errorf("refusal with 200: got %v, %v", err, a)
	}
}

func TestEdits(t *testing.T) {
	ips := func(a answer) string {
		var items []itemJSON
		decode(t, a, &items)
		var all []string
		for _, i := range items {
			all = append(all, i.IP)
		}
		return strings.Join(all, " ")
	}
	s := newSite(t, instant())
	s.fill(6)
	const size = "per_page"
	_, first := s.page(size, "3")
	cursor := first.JSON.ResultInfo.Cursors.After
	with := func(effect cloudflaretest.Effect, pairs ...string) answer {
		s.ClearFaults()
		s.AddFault(cloudflaretest.Fault{Effect: effect})
		_, a := s.page(append([]string{size, "3"}, pairs...)...)
		return a
	}
	if a := with(cloudflaretest.RepeatCursor(), "cursor", cursor); a.JSON.ResultInfo.Cursors.After != cursor {
		t.Errorf("repeated cursor: got %s", a.Raw)
	}
	if a := with(cloudflaretest.RepeatCursor()); a.JSON.ResultInfo.Cursors.After != cursor {
		t.Errorf("repeated cursor, first page: got %s", a.Raw)
	}
	if a := with(cloudflaretest.ShortPage(1)); ips(a) != "10.0.0.0 10.0.0.1" || a.JSON.ResultInfo.Cursors.After != cursor {
		t.Errorf("short page: got %s", a.Raw)
	}
	if a := with(cloudflaretest.LastPage()); ips(a) != ips(first) || a.JSON.ResultInfo.Cursors.After != "" {
		t.Errorf("last page: got %s", a.Raw)
	}
	if a := with(cloudflaretest.NullResult()); string(a.JSON.Result) != "null" || !a.JSON.Success {
		t.Errorf("null result: got %s", a.Raw)
	}
	if a := with(cloudflaretest.BadItemIP("300.1.1.1")); ips(a) != "300.1.1.1 10.0.0.1 10.0.0.2" {
		t.Errorf("bad address: got %s", a.Raw)
	}
	if a := with(cloudflaretest.ItemWithoutID()); strings.Count(a.Raw, `"id"`) != 2 || strings.Count(first.Raw, `"id"`) != 3 {
		t.Errorf("no id: got %s", a.Raw)
	}
	runaway := cloudflaretest.RunawayPages()
	a, b := with(runaway), with(runaway)
	if ips(a) == ips(b) || a.JSON.ResultInfo.Cursors.After == b.JSON.ResultInfo.Cursors.After || b.JSON.ResultInfo.Cursors.After == "" {
		t.Errorf("runaway: got %s and %s", a.Raw, b.Raw)
	}
	s.ClearFaults()
	s.AddFault(cloudflaretest.Fault{Path: cloudflaretest.PathLists, Times: 1, Effect: cloudflaretest.NumItems(s.list, 9)})
	for _, want := range []int{9, 6} {
		var lists []listJSON
		decode(t, s.want(200, 0, "GET", s.lists(), ""), &lists)
		if lists[0].NumItems != want {
			t.Errorf("got %d items, want %d", lists[0].NumItems, want)
		}
	}
}

func TestOperationFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const body = `[{"ip":"192.0.2.1"}]`
		s := newSite(t, cloudflaretest.Options{})
		next := func(effect cloudflaretest.Effect) string {
			s.ClearFaults()
			s.AddFault(cloudflaretest.Fault{Method: "POST", Times: 1, Effect: effect})
			return s.write("POST", body)
		}
		id := next(cloudflaretest.FailOperation("internal error"))
		time.Sleep(time.Second)
		if st := s.operation(id); st.Status != "failed" || st.Error != "internal error" {
			t.Errorf("failing: got %+v", st)
		}
		s.wantContent("")

		id = next(cloudflaretest.StuckOperation())
		time.Sleep(24 * time.Hour)
		if st := s.operation(id); st.Status != "running" {
			t.Errorf("stuck: got %+v", st)
		}
		s.want(429, 10040, "POST", s.items(), body)
		s.wantContent("")
		s.Finish(account)
		s.wantContent("192.0.2.1")

		s.DeleteItem(s.list, "192.0.2.1")
		id = next(cloudflaretest.OperationTakes(time.Minute))
		time.Sleep(59 * time.Second)
		if st := s.operation(id); st.Status != "running" {
			t.Errorf("slow: got %+v", st)
		}
		time.Sleep(time.Second)
		if st := s.operation(id); st.Status != "completed" {
			t.Errorf("slow: got %+v", st)
		}

		s.DeleteItem(s.list, "192.0.2.1")
		id = next(cloudflaretest.LateItems(3 * time.Second))
		time.Sleep(time.Second)
		if st := s.operation(id); st.Status != "completed" {
			t.Errorf("late: got %+v", st)
		}
		s.wantContent("")
		time.Sleep(3 * time.Second)
		s.wantContent("192.0.2.1")
	})
}

func TestTimeFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, cloudflaretest.Options{Latency: time.Second})
		took := func(effect cloudflaretest.Effect) time.Duration {
			s.ClearFaults()
			if effect != nil {
				s.AddFault(cloudflaretest.Fault{Effect: effect})
			}
			began := time.Now()
			s.want(200, 0, "GET", s.items(), "")
			return time.Since(began)
		}
		if d := took(nil); d != time.Second {
			t.Errorf("latency: took %v", d)
		}
		if d := took(cloudflaretest.Delay(time.Minute)); d != 61*time.Second {
			t.Errorf("delay: took %v", d)
		}
		if d := took(cloudflaretest.StallBody(time.Minute)); d != 61*time.Second {
			t.Errorf("stall: took %v", d)
		}
		for _, offset := range []time.Duration{0, -10 * time.Minute} {
			s.ClearFaults()
			s.AddFault(cloudflaretest.Fault{Effect: cloudflaretest.After(cloudflaretest.WrongDate(offset))})
			date, err := http.ParseTime(s.do("GET", s.items(), "").Header.Get("Date"))
			if err != nil || time.Until(date) != offset {
				t.Errorf("date: got %v (%v), want %v off", date, err, offset)
			}
		}
	})
}

func TestImpatientClient(t *testing.T) {
	for effect, took := range map[string]bool{"before": false, "after": true} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, instant())
			s.client.Timeout = 10 * time.Second
			hang := cloudflaretest.Delay(time.Hour)
			if took {
				hang = cloudflaretest.After(hang)
			}
			s.AddFault(cloudflaretest.Fault{Method: "POST", Effect: hang})
			began := time.Now()
			if _, err := s.try("POST", s.items(), `[{"ip":"192.0.2.1"}]`); err == nil || time.Since(began) != 10*time.Second {
				t.Errorf("%s: got %v after %v", effect, err, time.Since(began))
			}
			synctest.Wait()
			if got := s.content() != ""; got != took {
				t.Errorf("%s: took effect: %v", effect, got)
			}
		})
	}
}

func TestOnRequestComesBetween(t *testing.T) {
	s := newSite(t, instant())
	var bodies []string
	s.OnRequest(func(r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies = append(bodies, string(body))
		s.set("198.51.100.1")
	})
	s.write("PUT", `[{"ip":"192.0.2.1"}]`)
	s.wantContent("192.0.2.1") // the dashboard's item came before the PUT
	s.page()
	s.wantContent("192.0.2.1, 198.51.100.1")
	s.OnRequest(nil)
	s.page()
	if fmt.Sprintf("%q", bodies) != `["[{\"ip\":\"192.0.2.1\"}]" ""]` {
		t.Errorf("got %q", bodies)
	}
}
