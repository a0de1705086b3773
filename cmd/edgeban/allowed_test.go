package main

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"
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

// The lines once stood with the list that the settings named. They are found there, too, and of two for one network the longer counts.
func TestAllowLinesOfAStateOfBefore(t *testing.T) {
	before := func(lines ...string) string {
		var lists []string
		for i, line := range lines {
			lists = append(lists, fmt.Sprintf(`"%s/list%d": {"untagged_allowed": true, "allowed": [%s]}`, testAccount, i, line))
		}
		return `{"version": 1, "lists": {` + strings.Join(lists, ", ") + `}}`
	}
	const short, long, other = `{"prefix": "203.0.113.7/32", "until": "2026-11-20T12:00:00Z"}`,
		`{"prefix": "203.0.113.7/32", "until": "2026-11-21T12:00:00Z"}`, `{"prefix": "203.0.113.9/32", "until": "2026-11-20T12:00:00Z"}`
	seventh := func(until time.Time) allowedUntil { return allowedUntil{mustPrefix("203.0.113.7/32"), until} }
	noon, tomorrow := dawn().Add(2*time.Hour), dawn().Add(26*time.Hour)
	tests := map[string]struct {
		content string
		want    []allowedUntil
	}{
		"none":                 {before(""), nil},
		"one":                  {before(short), []allowedUntil{seventh(noon)}},
		"two of a list":        {before(short + ", " + other), []allowedUntil{seventh(noon), {mustPrefix("203.0.113.9/32"), noon}}},
		"of two lists":         {before(short, other), []allowedUntil{seventh(noon), {mustPrefix("203.0.113.9/32"), noon}}},
		"the longer one first": {before(long, short), []allowedUntil{seventh(tomorrow)}},
		"the longer one last":  {before(short, long), []allowedUntil{seventh(tomorrow)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := mustStateDir(t, t.TempDir())
			if err := os.WriteFile(d.lists().path(), []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, when := range []string{"before", "after it was saved"} {
				s, err := d.lists().load()
				if err != nil || !reflect.DeepEqual(s.Allowed[testAccount], tt.want) {
					t.Errorf("%s: %v, %v, want %v", when, s.Allowed, err, tt.want)
				}
				if !s.Lists[testAccount+"/list0"].UntaggedAllowed {
					t.Errorf("%s: the rest of the list's state is lost: %+v", when, s.Lists)
				}
				if err := d.lists().save(s); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A line that a state of before holds still keeps its network off the list, until it ends.
func TestAllowLineOfAStateOfBeforeHolds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		mustBan(t, s, "203.0.113.7")
		content := fmt.Sprintf(`{"version": 1, "lists": {"%s/edgeban": {"allowed": [{"prefix": "203.0.113.7/32", "until": "2026-11-20T12:00:00Z"}]}}}`, testAccount)
		d := mustStateDir(t, s.stateDir())
		if err := os.WriteFile(d.lists().path(), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			mustSucceed(t, s, "sync")
			if s.items() != "" {
				t.Error("on the list: ", s.items())
			}
			time.Sleep(time.Hour)
		}
		mustSucceed(t, s, "sync")
		if s.items() == "" {
			t.Error("not on the list though the line has ended")
		}
	})
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
