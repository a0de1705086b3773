package main

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

// past is what the last run left.
func (s *site) past(t *testing.T) reconcile.Past {
	t.Helper()
	dir := &stateDir{s.stateDir()}
	all, err := dir.lists().load()
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := accountsFile(dir, "").load()
	if err != nil {
		t.Fatal(err)
	}
	past := all.Lists[testAccount+"/edgeban"].Past
	past.Open = accounts.Accounts[testAccount].Open
	return past
}

// count is how many requests of a method and with that in their path the last edgeban made.
func (s *site) count(method, path string) int {
	n := 0
	for _, r := range s.edge.Requests() {
		if r.Method == method && strings.Contains(r.Path, path) {
			n++
		}
	}
	return n
}

// leaveOpen makes a run end while its operation goes on, and waits for the next one's time.
func (s *site) leaveOpen(t *testing.T) {
	t.Helper()
	if err := s.ban(s.database(), "sshd", "203.0.113.7", time.Now(), 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	s.edge.AddFault(fake.Fault{Method: "POST", Path: fake.PathItems, Times: 1, Effect: fake.StuckOperation()})
	stdout, stderr, status := s.run(t.Context(), nil, "sync", "--timeout", "30s")
	if status != exitFailure || !strings.Contains(stderr, "add to list edgeban: operation ID was not seen to end: time was up") {
		t.Errorf("exit status %d: %s%s", status, stdout, stderr)
	}
	open := s.past(t).Open
	if len(open.Operation) != 32 || !open.Since.Equal(dawn()) {
		t.Errorf("the state has the operation %+v", open)
	}
	s.edge.ResetRequests()
	time.Sleep(time.Until(dawn().Add(2 * time.Minute)))
}

// An operation that outlives its run is waited for by the next one, for a while; as long as it may still take effect nothing is
// written.
func TestOpenOperation(t *testing.T) {
	t.Parallel()
	notFound := fake.Answer(404, 10001, "filters.api.not_found")
	tests := []struct {
		name        string
		meanwhile   func(s *site)
		outcome     string
		polls       [2]int // at least and at most
		writes      int
		open        bool // afterwards
		said, drift string
	}{
		{name: "goes on", meanwhile: func(*site) {}, outcome: "held", polls: [2]int{4, 20}, open: true, drift: "1",
			said: "edgeban: list edgeban: nothing is written while an operation of 10:00 has not ended\n  1 ban is waiting.\n"},
		{name: "ended between the runs", meanwhile: func(s *site) { s.edge.Finish(testAccount) },
			outcome: "in_step", polls: [2]int{1, 1}, drift: "0", said: "list edgeban: in step, 1 item "},
		{name: "ends while it is asked about", meanwhile: func(s *site) {
			s.edge.OnRequest(func(*http.Request) {
				if s.count("GET", "bulk_operations") == 3 {
					s.edge.Finish(testAccount)
				}
			})
		}, outcome: "in_step", polls: [2]int{2, 5}, drift: "0", said: "list edgeban: in step, 1 item "},
		{name: "is not known any more", meanwhile: func(s *site) {
			s.edge.Finish(testAccount)
			s.edge.DeleteItem(s.list, "203.0.113.7")
			s.edge.AddFault(fake.Fault{Method: "GET", Path: fake.PathOperation, Times: 1, Effect: notFound})
		}, outcome: "changed", polls: [2]int{2, 2}, writes: 1, drift: "0", said: "list edgeban: +1, 1 item "},
		{name: "cannot be asked about", meanwhile: func(s *site) {
			s.edge.AddFault(fake.Fault{Method: "GET", Path: fake.PathOperation, Effect: fake.Answer(500, 1, "trouble")})
		}, outcome: "held", polls: [2]int{1, 10}, open: true, drift: "1", said: "nothing is written while"},
		{name: "is forgotten", meanwhile: func(s *site) {
			time.Sleep(time.Until(dawn().Add(30 * time.Minute)))
			s.edge.Finish(testAccount)
			s.edge.DeleteItem(s.list, "203.0.113.7")
		}, outcome: "changed", polls: [2]int{1, 1}, writes: 1, drift: "0", said: "list edgeban: +1, 1 item "}, // its own, after the POST
		{name: "is not forgotten a moment before", meanwhile: func(*site) {
			time.Sleep(time.Until(dawn().Add(30*time.Minute - time.Second)))
		}, outcome: "held", polls: [2]int{4, 20}, open: true, drift: "1", said: "nothing is written while"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				s := mustSite(t)
				s.leaveOpen(t)
				tt.meanwhile(s)
				began := time.Now()
				stdout, stderr, status := s.run(t.Context(), nil, "sync", "--timeout", "30s")
				if took := time.Since(began); status != exitOK || took > 12*time.Second || !strings.Contains(stdout+stderr, tt.said) {
					t.Errorf("exit status %d after %v: %s%s", status, took, stdout, stderr)
				}
				polls := s.count("GET", "bulk_operations")
				if polls < tt.polls[0] || polls > tt.polls[1] || s.writes() != tt.writes || s.count("GET", "/items") == 0 {
					t.Errorf("%d questions about operations, %d writes, %d pages", polls, s.writes(), s.count("GET", "/items"))
				}
				if open := s.past(t).Open.Operation != ""; open != tt.open {
					t.Errorf("in the state: %v", open)
				}
				s.wantMetrics(t, `edgeban_last_run_outcome{outcome="`+tt.outcome+`"} 1`,
					`edgeban_drift_items{direction="missing",target="edgeban"} `+tt.drift)
				s.edge.OnRequest(nil)
				s.edge.ClearFaults()
				s.edge.Finish(testAccount)
				s.wantInStep(t)
			})
		})
	}
}

// A dry run asks, too, and says what it learned.
func TestOpenOperationInDiff(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		s.leaveOpen(t)
		stdout, _, status := s.run(t.Context(), nil, "diff")
		const want = "Nothing was changed.\nWrites are on hold: nothing is written while an operation of 10:00 has not ended.\n"
		if status != exitOK || !strings.HasSuffix(stdout, want) || s.writes() != 0 {
			t.Errorf("exit status %d: %s", status, stdout)
		}
		s.edge.Finish(testAccount)
		if stdout, _, status := s.run(t.Context(), nil, "diff"); status != exitOK || !strings.HasSuffix(stdout, "Nothing was changed.\n") {
			t.Errorf("exit status %d: %s", status, stdout)
		}
	})
}

// wantMetrics wants lines in the metrics of the last run.
func (s *site) wantMetrics(t *testing.T, lines ...string) {
	t.Helper()
	text, err := os.ReadFile(s.metrics())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
}

// wantInStep wants a run that ends well, and one after it that writes nothing.
func (s *site) wantInStep(t *testing.T) {
	t.Helper()
	for range 2 {
		s.edge.ResetRequests()
		if stdout, stderr, status := s.run(t.Context(), nil, "sync"); status != exitOK {
			t.Errorf("exit status %d: %s%s", status, stdout, stderr)
		}
	}
	if n := s.writes(); n != 0 {
		t.Errorf("%d writes when there is nothing to do", n)
	}
}

// An operation is the account's: a run without the list that it was for does not write meanwhile, either.
func TestOpenOperationOfAnotherList(t *testing.T) {
	t.Parallel()
	for stuck, writes := range map[bool]int{true: 0, false: 1} {
		inBubble(t, func(t *testing.T) {
			s := mustSite(t)
			id := s.edge.AddList(testAccount, "edgeban_challenge", "ip")
			if err := s.ban(s.database(), "nginx-x", "203.0.113.7", time.Now(), time.Hour); err != nil {
				t.Fatal(err)
			}
			if stuck {
				s.edge.AddFault(fake.Fault{Method: "POST", Path: "/lists/" + id + "/items", Effect: fake.StuckOperation(), Times: 1})
			}
			s.run(t.Context(), []string{"EDGEBAN_CHALLENGE_LIST=edgeban_challenge", "EDGEBAN_CHALLENGE_JAIL=nginx-*", "EDGEBAN_TIMEOUT=20s"}, "sync")
			s.edge.ResetRequests()
			s.run(t.Context(), []string{"EDGEBAN_TIMEOUT=20s"}, "sync")
			if s.writes() != writes {
				t.Errorf("stuck: %t, %d writes", stuck, s.writes())
			}
			s.edge.Finish(testAccount)
		})
	}
}
