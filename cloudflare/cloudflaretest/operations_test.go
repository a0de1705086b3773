package cloudflaretest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

func TestOperationRunsItsCourse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, cloudflaretest.Options{OperationTime: 10 * time.Second})
		began := time.Now()
		id := s.write("POST", `[{"ip":"192.0.2.1"}]`)
		for _, step := range []struct {
			at              time.Duration
			status, content string
		}{
			{0, "pending", ""},
			{4 * time.Second, "pending", ""},
			{5 * time.Second, "running", ""},
			{10*time.Second - 1, "running", ""},
			{10 * time.Second, "completed", "192.0.2.1"},
			{time.Hour, "completed", "192.0.2.1"},
		} {
			time.Sleep(time.Until(began.Add(step.at)))
			st := s.operation(id)
			if ended := step.status == "completed"; st.Status != step.status || (st.Completed != "") != ended ||
				s.Pending(account) == ended {
				t.Errorf("after %v: got %+v, pending %v", step.at, st, s.Pending(account))
			}
			s.wantContent(step.content)
		}
		want := began.Add(10 * time.Second).UTC().Format(time.RFC3339)
		if st := s.operation(id); st.ID != id || st.Completed != want {
			t.Errorf("got %+v, want completed %s", st, want)
		}
		if got := s.Items(s.list)[0].CreatedOn; !got.Equal(began.Add(10 * time.Second)) {
			t.Errorf("the item was created on %v, long before anybody looked", got)
		}
	})
}

func TestOneOperationPerAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, cloudflaretest.Options{OperationTime: 10 * time.Second, RetryAfter: 1500 * time.Millisecond})
		other := s.AddList(account, "other", "ip")
		s.write("POST", `[{"ip":"192.0.2.1"}]`)
		const body = `[{"ip":"192.0.2.2"}]`
		no := s.want(429, 10040, "POST", s.items(), body)
		if got := no.Header.Get("Retry-After"); got != "2" {
			t.Errorf("got Retry-After %q", got)
		}
		s.want(429, 10040, "PUT", s.items(), `[]`)
		s.want(429, 10040, "POST", s.lists()+"/"+other+"/items", body)
		s.want(200, 0, "GET", s.items(), "")

		elsewhere := strings.Repeat("f", 32)
		list := s.AddList(elsewhere, "bans", "ip")
		s.want(200, 0, "POST", "/accounts/"+elsewhere+"/rules/lists/"+list+"/items", body)

		time.Sleep(10 * time.Second)
		s.write("POST", body)
		time.Sleep(10 * time.Second)
		s.wantContent("192.0.2.1, 192.0.2.2")
	})
}

func TestRefusedWriteTakesNoSlot(t *testing.T) {
	s := newSite(t, cloudflaretest.Options{OperationTime: time.Hour})
	s.want(400, 10021, "POST", s.items(), `[{"ip":"x"}]`)
	s.write("POST", `[{"ip":"192.0.2.1"}]`)
	s.Finish(account)
	s.wantContent("192.0.2.1")
}

func TestUnknownOperation(t *testing.T) {
	s := newSite(t, instant())
	s.want(404, 10001, "GET", s.lists()+"/bulk_operations/"+strings.Repeat("0", 32), "")
	elsewhere := strings.Repeat("f", 32)
	s.AddAccount(elsewhere)
	id := s.write("POST", `[{"ip":"192.0.2.1"}]`)
	s.want(404, 10001, "GET", "/accounts/"+elsewhere+"/rules/lists/bulk_operations/"+id, "")
	s.operation(id)
}

func TestSomebodyElsesOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, instant())
		s.Occupy(account, time.Minute)
		s.want(429, 10040, "POST", s.items(), `[{"ip":"192.0.2.1"}]`)
		time.Sleep(time.Minute)
		s.write("POST", `[{"ip":"192.0.2.1"}]`)
		s.wantContent("192.0.2.1")
		s.Occupy(account, 0)
		time.Sleep(24 * time.Hour)
		s.want(429, 10040, "POST", s.items(), `[{"ip":"192.0.2.2"}]`)
		s.Finish(account)
		s.write("POST", `[{"ip":"192.0.2.2"}]`)
	})
}

// A demonstration may show a clock of its own; its operations must still end.
func TestOperationsDoNotRunOnTheShownClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, cloudflaretest.Options{Now: clock("2030-01-01T00:00:00Z")})
		id := s.write("POST", `[{"ip":"192.0.2.1"}]`)
		if st := s.operation(id); st.Status != "pending" {
			t.Errorf("got %+v", st)
		}
		time.Sleep(50 * time.Millisecond)
		if st := s.operation(id); st.Status != "completed" || st.Completed != "2030-01-01T00:00:00Z" {
			t.Errorf("got %+v", st)
		}
	})
}

func TestWriteLimit(t *testing.T) {
	for _, sticky := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, instant())
			s.LimitWrites(cloudflaretest.WriteLimit{Writes: 1, Per: 72 * time.Hour, Sticky: sticky})
			s.want(400, 10021, "POST", s.items(), `[{"ip":"x"}]`) // refused for itself, so it does not count
			s.write("POST", `[{"ip":"192.0.2.1"}]`)
			time.Sleep(71 * time.Hour)
			no := s.want(429, 10040, "DELETE", s.items(), `{"items":[{"id":"`+s.Items(s.list)[0].ID+`"}]}`)
			if got := no.Header.Get("Retry-After"); got != "60" {
				t.Errorf("got Retry-After %q", got)
			}
			s.want(200, 0, "GET", s.items(), "")
			s.want(200, 0, "PUT", s.lists()+"/"+s.list, `{"description":"not an item"}`)
			s.wantContent("192.0.2.1")
			time.Sleep(time.Hour)
			a := s.do("POST", s.items(), `[{"ip":"192.0.2.2"}]`)
			if refused := a.Status == 429; refused != sticky {
				t.Errorf("sticky %v: an hour after a refusal: got %d", sticky, a.Status)
			}
			time.Sleep(72 * time.Hour)
			s.write("POST", `[{"ip":"192.0.2.3"}]`)
			s.LimitWrites(cloudflaretest.WriteLimit{})
			s.write("POST", `[{"ip":"192.0.2.4"}]`)
		})
	}
}

func TestWriteLimitOfSeveral(t *testing.T) {
	s := newSite(t, instant())
	s.LimitWrites(cloudflaretest.WriteLimit{Writes: 2, Per: time.Hour})
	s.write("POST", `[{"ip":"192.0.2.1"}]`)
	s.write("POST", `[{"ip":"192.0.2.2"}]`)
	s.want(429, 10040, "POST", s.items(), `[{"ip":"192.0.2.3"}]`)
	s.wantContent("192.0.2.1, 192.0.2.2")
}
