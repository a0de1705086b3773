package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// bans makes Fail2Ban ban addresses for a day.
func (s *site) bans(t *testing.T, ips ...string) {
	t.Helper()
	for _, ip := range ips {
		if err := s.ban(s.database(), "sshd", ip, time.Now(), 24*time.Hour); err != nil {
			t.Error(err)
		}
	}
}

func (s *site) mustUnban(t *testing.T, ip string) {
	t.Helper()
	if err := inDatabase(s.database(), `DELETE FROM bips WHERE ip = `+quoted(ip)); err != nil {
		t.Fatal(err)
	}
}

// wrote are the methods of the writes that the last edgeban made.
func (s *site) wrote() string {
	var methods []string
	for _, r := range s.edge.Requests() {
		if r.Mutating {
			methods = append(methods, r.Method)
		}
	}
	return strings.Join(methods, " ")
}

// addresses are what the list holds, without comments.
func (s *site) addresses() string {
	var all []string
	for _, item := range s.edge.Items(s.list) {
		all = append(all, item.IP)
	}
	return strings.Join(all, " ")
}

// Whatever becomes of a write whose answer is lost, the run reads the list again before it writes again, and what took effect is not
// written a second time.
func TestLostWrites(t *testing.T) {
	t.Parallel()
	refusedLately := func(t *testing.T, s *site) { // so that one PUT does it all
		s.edge.AddFault(fake.Fault{Method: "POST", Path: fake.PathItems, Times: 1, Effect: fake.TooManyRequests(10040, "60")})
		if _, stderr, status := s.run(t.Context(), nil, "sync", "--timeout", "10s"); status != exitFailure {
			t.Errorf("exit status %d: %s", status, stderr)
		}
	}
	lost, dropped, never := fake.After(fake.Drop()), fake.Drop(), func(*testing.T, *site) {}
	slow := fake.Chain(fake.After(fake.Drop()), fake.OperationTakes(4*time.Second))
	tests := []struct {
		name, method string
		effect       fake.Effect
		times        int
		before       func(*testing.T, *site)
		status       int
		wrote        string
	}{
		{"additions arrive", "POST", lost, 1, never, exitOK, "POST DELETE"},
		{"additions arrive and take their time", "POST", slow, 1, never, exitOK, "POST DELETE"},
		{"additions do not arrive", "POST", dropped, 1, never, exitOK, "POST POST DELETE"},
		{"additions arrive at last", "POST", dropped, 2, never, exitOK, "POST POST POST DELETE"},
		{"additions never arrive", "POST", dropped, 0, never, exitFailure, "POST POST POST"},
		{"removals arrive", "DELETE", lost, 1, never, exitOK, "POST DELETE"},
		{"removals do not arrive", "DELETE", dropped, 1, never, exitOK, "POST DELETE DELETE"},
		{"removals never arrive", "DELETE", dropped, 0, never, exitFailure, "POST DELETE DELETE DELETE"},
		{"all arrives", "PUT", lost, 1, refusedLately, exitOK, "PUT"},
		{"nothing arrives", "PUT", dropped, 1, refusedLately, exitOK, "PUT PUT"},
		{"nothing ever arrives", "PUT", dropped, 0, refusedLately, exitFailure, "PUT PUT PUT"},
		{"an answer that says nothing", "POST", fake.After(fake.HTML(502)), 1, never, exitOK, "POST DELETE"},
		{"an answer that breaks off", "POST", fake.CutBody(), 1, never, exitOK, "POST DELETE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				s := mustSite(t)
				s.bans(t, "203.0.113.1")
				s.wantInStep(t)
				s.mustUnban(t, "203.0.113.1")
				s.bans(t, "203.0.113.7", "203.0.113.8")
				tt.before(t, s)
				s.edge.AddFault(fake.Fault{Method: tt.method, Path: fake.PathItems, Times: tt.times, Effect: tt.effect})
				s.edge.ResetRequests()
				stdout, stderr, status := s.run(t.Context(), nil, "sync")
				if status != tt.status || s.wrote() != tt.wrote || !strings.Contains(stderr, "whether it took effect is unknown: ") {
					t.Errorf("exit status %d after %s: %s%s", status, s.wrote(), stdout, stderr)
				}
				s.edge.ClearFaults()
				if status != exitOK {
					time.Sleep(2 * time.Minute)
					s.wantInStep(t)
				}
				if got := s.addresses(); got != "203.0.113.7 203.0.113.8" {
					t.Errorf("the list holds %s", got)
				}
				s.wantInStep(t)
			})
		})
	}
}

// No time is left for reading again: the run ends, and the next one sees.
func TestLostWriteAtTheEnd(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		s.bans(t, "203.0.113.7")
		effect := fake.Chain(fake.Delay(6*time.Second), fake.After(fake.Drop()))
		s.edge.AddFault(fake.Fault{Method: "POST", Path: fake.PathItems, Effect: effect})
		stdout, stderr, status := s.run(t.Context(), nil, "sync", "--timeout", "10s")
		if status != exitFailure || s.wrote() != "POST" || !strings.Contains(stderr, "  Nothing: the next run reads the list again") {
			t.Errorf("exit status %d after %s: %s%s", status, s.wrote(), stdout, stderr)
		}
		if time.Since(dawn()) > 10*time.Second {
			t.Errorf("the run took %v", time.Since(dawn()))
		}
		s.edge.ClearFaults()
		s.wantInStep(t)
	})
}

// An item that vanished between the read and its removal makes no run fail: the list is read again.
func TestVanishedItem(t *testing.T) {
	t.Parallel()
	for _, answer := range []fake.Effect{fake.Answer(404, 10001, "item not found"), fake.Answer(400, 10021, "invalid item id")} {
		inBubble(t, func(t *testing.T) {
			s := mustSite(t)
			s.bans(t, "203.0.113.1", "203.0.113.2")
			s.wantInStep(t)
			s.mustUnban(t, "203.0.113.1")
			s.mustUnban(t, "203.0.113.2")
			s.bans(t, "203.0.113.3")
			s.edge.AddFault(fake.Fault{Method: "DELETE", Path: fake.PathItems, Times: 1,
				Effect: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					s.edge.DeleteItem(s.list, "203.0.113.1")
					answer(w, r, next)
				}})
			s.edge.ResetRequests()
			began := time.Now()
			stdout, stderr, status := s.run(t.Context(), nil, "sync")
			if status != exitOK || !strings.HasPrefix(stdout, "list edgeban: +1 −1, 1 item ") || s.wrote() != "POST DELETE DELETE" {
				t.Errorf("exit status %d after %s: %s%s", status, s.wrote(), stdout, stderr)
			}
			if time.Since(began) > 2*time.Second {
				t.Error("nothing had to be waited for")
			}
			if s.addresses() != "203.0.113.3" {
				t.Errorf("the list holds %s", s.addresses())
			}
			s.wantInStep(t)
		})
	}
}

// A run soon after a write waits before it reads the bans, so that a storm of them becomes one write.
func TestWriteDistance(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		distance := []string{"EDGEBAN_WRITE_INTERVAL=30s"}
		sync := func(wait, took time.Duration, wrote string) {
			t.Helper()
			time.Sleep(wait)
			s.edge.ResetRequests()
			began := time.Now()
			stdout, stderr, status := s.run(t.Context(), distance, "sync")
			if got := time.Since(began).Round(time.Second); status != exitOK || got != took || s.wrote() != wrote {
				t.Errorf("exit status %d, %q after %v, want %v: %s%s", status, s.wrote(), got, took, stdout, stderr)
			}
		}
		s.bans(t, "203.0.113.1")
		sync(0, 0, "POST") // nothing was written before
		s.bans(t, "203.0.113.2")
		time.AfterFunc(20*time.Second, func() { s.bans(t, "203.0.113.3") })
		sync(10*time.Second, 20*time.Second, "POST")
		if s.addresses() != "203.0.113.1 203.0.113.2 203.0.113.3" {
			t.Errorf("the list holds %s", s.addresses())
		}
		sync(0, 30*time.Second, "")
		s.bans(t, "203.0.113.4")
		sync(time.Second, 0, "POST") // only writes count
		sync(time.Minute, 0, "")

		// The default may be too long for a run whose time is short.
		s.bans(t, "203.0.113.5")
		sync(0, 0, "POST")
		distance = []string{"EDGEBAN_WRITE_INTERVAL=", "EDGEBAN_TIMEOUT=10s"}
		s.bans(t, "203.0.113.6")
		sync(0, 5*time.Second, "POST")
	})
}

// The signal is heeded while a run waits.
func TestWriteDistanceInterrupted(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		s.bans(t, "203.0.113.1")
		s.wantInStep(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		s.edge.ResetRequests()
		began := time.Now()
		stdout, stderr, status := s.run(ctx, []string{"EDGEBAN_WRITE_INTERVAL=30s"}, "sync")
		if status != exitFailure || time.Since(began) != 3*time.Second || !strings.HasPrefix(stderr, "edgeban: interrupted; ") || len(s.edge.Requests()) != 0 {
			t.Errorf("exit status %d after %v: %s%s", status, time.Since(began), stdout, stderr)
		}
		s.wantInStep(t)
	})
}
