package main

import (
	"bytes"
	"testing"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

// A temporary allow line goes when it has ended by a clock that was compared with Cloudflare's. A host that wakes up two days ahead,
// and cannot reach Cloudflare, forgets none.
func TestAllowLinesOutliveAWrongClock(t *testing.T) {
	tests := []struct {
		name   string
		ahead  time.Duration // how far the host's clock is
		fault  bool          // Cloudflare is not to be reached
		after  time.Duration // passes before a run with a right clock
		listed bool          // … has it on the list again
	}{
		{name: "the clock is wrong and Cloudflare out of reach", ahead: 48 * time.Hour, fault: true},
		{name: "the clock is wrong", ahead: 48 * time.Hour},
		{name: "the clock is right", after: 25 * time.Hour, listed: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				s := mustSite(t)
				mustBan(t, s, "203.0.113.7")
				mustSucceed(t, s, "unban", "203.0.113.7", "--for", "24h")
				if tt.fault {
					s.edge.AddFault(cloudflaretest.Fault{Method: "GET", Path: cloudflaretest.PathLists, Effect: cloudflaretest.Drop()})
				}
				s.runAhead(t, tt.ahead, "sync")
				s.edge.ClearFaults()
				time.Sleep(tt.after)
				mustSucceed(t, s, "sync")
				if listed := s.items() != ""; listed != tt.listed {
					t.Errorf("on the list: %v", listed)
				}
			})
		})
	}
}

// Nor does a further line, given while the clock is wrong, push out those that it takes for ended.
func TestAllowLinesOutliveAnother(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		mustBan(t, s, "203.0.113.7")
		mustSucceed(t, s, "unban", "203.0.113.7", "--for", "24h")
		s.runAhead(t, 48*time.Hour, "unban", "203.0.113.9", "--for", "1h")
		mustSucceed(t, s, "sync")
		if s.items() != "" {
			t.Error("back on the list: ", s.items())
		}
		time.Sleep(25 * time.Hour)
		mustSucceed(t, s, "sync")
		if s.items() == "" {
			t.Error("kept off for longer than was said")
		}
	})
}

// A line holds for the account, however the settings name the list, and whichever list that is; not for another account.
func TestAllowLinesAreTheAccounts(t *testing.T) {
	const elsewhere = "fedcba9876543210fedcba9876543210"
	tests := []struct {
		name   string
		more   func(s *site) []string
		listed bool
	}{
		{name: "the list by its id", more: func(s *site) []string { return []string{"EDGEBAN_LIST=" + s.list} }},
		{name: "another list", more: func(s *site) []string {
			s.list = s.edge.AddList(testAccount, "blocked", "ip")
			return []string{"EDGEBAN_LIST=blocked"}
		}},
		{name: "another account", listed: true, more: func(s *site) []string {
			s.edge.AddAccount(elsewhere)
			s.edge.AddAccountToken(elsewhere, testToken+"2", cloudflaretest.ListsEdit)
			s.list = s.edge.AddList(elsewhere, "edgeban", "ip")
			return []string{"CLOUDFLARE_ACCOUNT_ID=" + elsewhere, "CLOUDFLARE_API_TOKEN=" + testToken + "2"}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				s := mustSite(t)
				mustBan(t, s, "203.0.113.7")
				mustSucceed(t, s, "unban", "203.0.113.7", "--for", "24h")
				more := tt.more(s)
				stdout, stderr, status := s.run(t.Context(), more, "sync")
				if listed := s.items() != ""; status != exitOK || listed != tt.listed {
					t.Errorf("exit status %d, on the list: %v\n%s%s", status, listed, stdout, stderr)
				}
			})
		})
	}
}

// mustBan makes Fail2Ban ban an address for ten days.
func mustBan(t *testing.T, s *site, ip string) {
	t.Helper()
	if err := s.ban(s.database(), "sshd", ip, time.Now(), 240*time.Hour); err != nil {
		t.Fatal(err)
	}
}

// mustSucceed runs edgeban, and wants the exit status 0.
func mustSucceed(t *testing.T, s *site, args ...string) {
	t.Helper()
	if stdout, stderr, status := s.run(t.Context(), nil, args...); status != exitOK {
		t.Fatalf("edgeban %q: exit status %d\n%s%s", args, status, stdout, stderr)
	}
}

// runAhead runs edgeban on the site while its clock is ahead, whatever comes of it.
func (s *site) runAhead(t *testing.T, ahead time.Duration, args ...string) {
	t.Helper()
	env := s.environment()
	var out bytes.Buffer
	sys := s.system(func(name string) (string, bool) { text, set := env[name]; return text, set }, &out, &out, args...)
	sys.now = func() time.Time { return time.Now().UTC().Add(ahead) }
	t.Logf("exit status %d\n%s", run(t.Context(), sys), out.String())
}
