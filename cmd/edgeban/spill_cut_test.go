package main

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

// Wherever a run is cut off that spills, drains and lets through, nobody else's rule is touched, who is banned and was stopped is stopped,
// nobody is let through whom no person un-banned, and two more runs do what is left.
func TestCutSpill(t *testing.T) {
	t.Parallel()
	cutEverywhere(t, 9, newSpillSite) // lists and items, the rules, and six changes of these
}

// spillSite is a site on a throttled account in the middle of its life: of the list one ban was lifted and one goes on, of the rules one ban
// was lifted and one goes on, and there are three new bans.
type spillSite struct {
	*cutSite
	zone    string
	stopped map[string]bool // bans in force that were enforced
}

func newSpillSite(t *testing.T) *spillSite {
	t.Helper()
	s := &spillSite{cutSite: &cutSite{site: mustSite(t)}, stopped: map[string]bool{}}
	s.edge.AddAccountToken(testAccount, testToken, cloudflaretest.ListsEdit, cloudflaretest.AccessRulesWrite)
	s.zone = s.edge.AddZone(testAccount, "example.com")
	s.edge.AddRule(s.zone, cloudflaretest.Rule{Action: "block", Expression: "ip.src in $edgeban", Enabled: true})
	err := s.edge.SetAccessRules(s.scope(), cloudflaretest.AccessRule{Mode: "block", Value: "192.0.2.1", Notes: "by hand"},
		cloudflaretest.AccessRule{Mode: "whitelist", Value: "192.0.2.2", Notes: "by hand"})
	if err != nil {
		t.Fatal(err)
	}
	s.mustDo(t, banMany("203.0.113", 2))
	s.sync(t)
	s.edge.LimitWrites(cloudflaretest.ThrottledAccount())
	s.mustDo(t, banMany("203.0.114", 2))
	s.sync(t)
	s.sync(t) // now it is held
	s.mustDo(t, `DELETE FROM bips WHERE ip LIKE '%.1'`, banMany("203.0.115", 3))
	s.edge.OnRequest(func(*http.Request) { s.look(t) })
	return s
}

func (s *spillSite) scope() cloudflaretest.Scope { return cloudflaretest.AccountScope(testAccount) }

func (s *spillSite) sync(t *testing.T) (stdout, stderr string, status int) {
	t.Helper()
	defer time.Sleep(90 * time.Second)
	return s.run(t.Context(), []string{"EDGEBAN_SPILL=access-rules", "EDGEBAN_TIMEOUT=20s"}, "sync")
}

func (s *spillSite) meets(ip string) string {
	return s.edge.Visit(s.zone, cloudflaretest.Visitor{Addr: netip.MustParseAddr(ip)}).Action
}

// look compares what visitors meet with what must never change about it.
func (s *spillSite) look(t *testing.T) {
	for _, ip := range []string{"203.0.113.2", "203.0.114.2", "203.0.115.1", "203.0.115.2", "203.0.115.3"} {
		stopped := s.meets(ip) == "block"
		if s.stopped[ip] && !stopped {
			t.Errorf("%s is banned, was stopped, and is not any more", ip)
		}
		s.stopped[ip] = stopped
	}
	byHand := 0
	for _, r := range s.edge.AccessRules(s.scope()) {
		if r.Notes == "by hand" {
			byHand++
		} else if r.Mode == "whitelist" && r.Value != "203.0.113.1" {
			t.Errorf("%s is let through", r.Value)
		}
	}
	if byHand != 2 {
		t.Errorf("%d rules by hand", byHand)
	}
}

// cutRun fails also when nothing is cut: the list is refused.
func (s *spillSite) cutRun(t *testing.T, c cutCase) int {
	t.Helper()
	return s.cutSync(t, c, exitFailure, s.look, map[string]string{"EDGEBAN_SPILL": "access-rules", "EDGEBAN_TIMEOUT": "20s"})
}

// survive is a run that is cut, and those after it.
func (s *spillSite) survive(t *testing.T, c cutCase) {
	t.Helper()
	s.cutRun(t, c)
	s.sync(t)
	s.sync(t)
	for ip, want := range map[string]string{"203.0.113.1": "", "203.0.113.2": "block", "203.0.114.1": "", "203.0.114.2": "block", "203.0.115.1": "block", "203.0.115.3": "block"} {
		if got := s.meets(ip); got != want {
			t.Errorf("%s meets %q, want %q", ip, got, want)
		}
	}
	s.edge.LimitWrites(cloudflaretest.WriteLimit{})
	s.edge.OnRequest(func(*http.Request) {})
	time.Sleep(8 * 24 * time.Hour)
	s.mustDo(t, banMany("203.0.116", 1))
	s.sync(t)
	s.edge.ResetRequests()
	if stdout, stderr, status := s.sync(t); status != exitOK || s.writes() != 0 || len(s.edge.AccessRules(s.scope())) != 2 {
		t.Errorf("exit status %d, %d writes, %v: %s%s", status, s.writes(), s.edge.AccessRules(s.scope()), stdout, stderr)
	}
}
