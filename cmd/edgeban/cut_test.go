package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

// cutter is a line to Cloudflare that is cut at the nth request, before or after that took effect. Nothing passes it afterwards.
type cutter struct {
	line  http.RoundTripper
	nth   int // 0: never
	after bool
	cut   func()

	asked, late int // requests in all, and those after the cut
}

func (c *cutter) RoundTrip(req *http.Request) (*http.Response, error) {
	c.asked++
	if c.nth > 0 && c.asked > c.nth {
		c.late++
		return nil, errors.New("the line is cut")
	}
	if c.asked != c.nth {
		return c.line.RoundTrip(req)
	}
	if c.after {
		resp, err := c.line.RoundTrip(req.WithContext(context.WithoutCancel(req.Context())))
		if err != nil {
			return nil, err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	c.cut()
	return nil, context.Canceled
}

// cutCase is how a run ends before its time.
type cutCase struct {
	nth   int
	after bool
	kill  bool // nobody tells the process: it writes no state any more
}

func (c cutCase) String() string {
	moment, how := "before", "terminated"
	if c.after {
		moment = "after"
	}
	if c.kill {
		how = "killed"
	}
	return fmt.Sprintf("%s %s request %d", how, moment, c.nth)
}

// Wherever a run of 300 additions and 200 removals is cut off, an orderly end or not, nobody else's item is touched, nothing that is
// banned and was on the list goes missing from it for a moment, and two more runs do what is left.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	cutEverywhere(t, 13, newCutSite) // lists, two pages, three POSTs, two DELETEs, each with its operation
}

// cutEverywhere cuts a run at each of its requests, of which there have to be so many, in every way; each time at another site.
func cutEverywhere[S interface {
	cutRun(*testing.T, cutCase) int
	survive(*testing.T, cutCase)
}](t *testing.T, fewest int, newSite func(*testing.T) S) {
	t.Helper()
	var requests int
	inBubble(t, func(t *testing.T) { requests = newSite(t).cutRun(t, cutCase{}) })
	if requests < fewest {
		t.Fatalf("only %d requests", requests)
	}
	for nth := 1; nth <= requests; nth++ {
		for _, after := range []bool{false, true} {
			for _, kill := range []bool{false, true} {
				c := cutCase{nth, after, kill}
				t.Run(c.String(), func(t *testing.T) {
					t.Parallel()
					inBubble(t, func(t *testing.T) { newSite(t).survive(t, c) })
				})
			}
		}
	}
}

// cutSite is a site in the middle of its life: 250 items of its own, of which 200 are to go, and 300 that are to come.
type cutSite struct {
	*site
	others map[string]cloudflaretest.Item // by address, as they have to stay
	seen   map[string]bool                // bans in force that have been on the list
}

func newCutSite(t *testing.T) *cutSite {
	t.Helper()
	s := &cutSite{site: mustSite(t), others: map[string]cloudflaretest.Item{}, seen: map[string]bool{}}
	s.mustDo(t, banMany("203.0.113", 50), banMany("198.51.100", 200))
	for i := range 100 {
		for ip, comment := range map[string]string{
			fmt.Sprintf("192.0.2.%d", i):       "by hand",
			fmt.Sprintf("192.0.2.%d", 100+i):   "edgeban:mail-2 until=2026-11-25T12:00:00Z seen=2026-11-20T09:00:00Z | fail2ban:postfix",
			fmt.Sprintf("2001:db8:%d::/64", i): "edgeban:web-1 until=soon",
		} {
			if _, err := s.edge.SetItem(s.list, ip, comment); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, item := range s.edge.Items(s.list) {
		s.others[item.IP] = item
	}
	if _, stderr, status := s.run(t.Context(), nil, "sync"); status != exitOK || stderr != "" {
		t.Fatalf("exit status %d: %s", status, stderr)
	}
	time.Sleep(2 * time.Minute)
	s.mustDo(t, `DELETE FROM bips WHERE ip LIKE '198.51.100.%'`, banMany("203.0.114", 150), banMany("203.0.115", 150))
	s.edge.OnRequest(func(*http.Request) { s.look(t) })
	return s
}

// banMany bans the first addresses of a /24, for a day.
func banMany(network string, n int) string {
	return fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO bips(ip, jail, timeofban, bantime) SELECT '%s.' || i, 'sshd', %d, 86400 FROM n`, n, network, time.Now().Unix())
}

func (s *cutSite) mustDo(t *testing.T, statements ...string) {
	t.Helper()
	if err := inDatabase(s.database(), statements...); err != nil {
		t.Fatal(err)
	}
}

// look compares the list with what must never change about it.
func (s *cutSite) look(t *testing.T) {
	left := maps.Clone(s.others)
	there := map[string]bool{}
	for _, item := range s.edge.Items(s.list) {
		there[item.IP] = true
		if item == left[item.IP] {
			delete(left, item.IP)
		}
		if strings.HasPrefix(item.IP, "203.0.11") {
			s.seen[item.IP] = true
		}
	}
	if len(left) > 0 {
		t.Errorf("%d items of others were touched", len(left))
	}
	for ip := range s.seen {
		if !there[ip] {
			t.Errorf("%s is banned, was on the list and is gone from it", ip)
		}
	}
}

func (s *cutSite) cutRun(t *testing.T, c cutCase) int {
	t.Helper()
	return s.cutSync(t, c, exitOK, s.look, map[string]string{"EDGEBAN_BATCH_SIZE": "100"})
}

// cutSync is one sync that is cut as c says, and a look at what it left. It returns how many requests were made. whole is the exit status
// when nothing is cut.
func (s *cutSite) cutSync(t *testing.T, c cutCase, whole int, look func(*testing.T), settings map[string]string) int {
	t.Helper()
	before := contents(t, s.stateDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	line := &cutter{line: s.edge.Transport(), nth: c.nth, after: c.after, cut: cancel}
	env := s.environment()
	maps.Copy(env, settings)
	lookupEnv := func(name string) (string, bool) { text, set := env[name]; return text, set }
	var out bytes.Buffer
	sys := s.system(lookupEnv, &out, &out, "sync")
	sys.transport = line
	status := run(ctx, sys)
	look(t)
	want := whole
	if c.nth > 0 {
		want = exitFailure
	}
	if status != want || line.late > 0 {
		t.Errorf("exit status %d, %d requests after the end: %s", status, line.late, out.String())
	}
	if _, err := (&stateDir{s.stateDir()}).lists().load(); err != nil {
		t.Error(err)
	}
	if c.kill {
		s.restore(t, before)
	}
	return line.asked
}

// restore leaves the state as it was, and what a process that is killed in the middle of writing its state leaves, too.
func (s *cutSite) restore(t *testing.T, before map[string]string) {
	t.Helper()
	for path, content := range before {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(s.stateDir()+"/.state.json-123", []byte(`{"version": 1, "pa`), 0o600); err != nil {
		t.Fatal(err)
	}
}

// survive is a run that is cut, and those after it.
func (s *cutSite) survive(t *testing.T, c cutCase) {
	t.Helper()
	s.cutRun(t, c)
	for range 2 {
		if s.step(t) == 0 {
			break
		}
	}
	if n := s.step(t); n != 0 {
		t.Errorf("the third run still writes: %d", n)
	}
	if own := len(s.edge.Items(s.list)) - len(s.others); len(s.seen) != 350 || own != 350 {
		t.Errorf("%d bans and %d own items on the list, want 350", len(s.seen), own)
	}
}

// step is a run that nothing disturbs. It returns how many writes it made.
func (s *cutSite) step(t *testing.T) int {
	t.Helper()
	s.edge.ResetRequests()
	stdout, stderr, status := s.run(t.Context(), nil, "sync")
	s.look(t)
	if status != exitOK {
		t.Errorf("exit status %d: %s%s", status, stdout, stderr)
	}
	return s.writes()
}
