package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// converged is what the list holds when the work of makeWork is done.
const converged = "192.0.2.200  by hand\n" +
	"203.0.113.7  edgeban:web-1 until=2026-11-20T11:03:00Z seen=2026-11-20T10:00:00Z | fail2ban:sshd\n"

// wantConverged wants the next run to end in step, and the one after it to write nothing.
func (s *site) wantConverged(t *testing.T) {
	t.Helper()
	for i := range 2 {
		s.edge.ResetRequests()
		if stdout, stderr, status := s.run(t.Context(), nil, "sync"); status != exitOK || stderr != "" {
			t.Errorf("exit status %d: %s%s", status, stdout, stderr)
		}
		if i == 1 && s.writes() != 0 {
			t.Errorf("%d writes when there is nothing to do", s.writes())
		}
	}
	if s.items() != converged {
		t.Errorf("the list holds\n%swant\n%s", s.items(), converged)
	}
}

// Whenever a run is interrupted, it says so, and the next run ends its work.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	const requests = 6 // lists, items, POST, its operation, DELETE, its operation
	for n := range requests + 1 {
		t.Run(fmt.Sprintf("at request %d", n), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				s := mustSite(t)
				s.makeWork(t)
				ctx, cancel := context.WithCancel(t.Context())
				if n == 0 {
					cancel()
				}
				seen := 0
				s.edge.OnRequest(func(*http.Request) {
					if seen++; seen == n {
						cancel()
					}
				})
				stdout, stderr, status := s.run(ctx, nil, "sync")
				if status != exitFailure || stdout != "" || !strings.HasPrefix(stderr, "edgeban: interrupted; the next run goes on from here: ") {
					t.Errorf("exit status %d: %s%s", status, stdout, stderr)
				}
				if seen != n {
					t.Errorf("%d requests were sent, the last ones after the interruption", seen)
				}
				s.edge.OnRequest(nil)
				time.Sleep(300 * time.Millisecond) // what was begun comes to its end
				s.wantConverged(t)
			})
		})
	}
}

// Two runs at one time never write both.
func TestTwoRunsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		s.makeWork(t)
		outputs := make([]string, 2)
		var wait sync.WaitGroup
		for i := range outputs {
			wait.Go(func() {
				stdout, stderr, status := s.run(t.Context(), nil, "sync")
				outputs[i] = fmt.Sprint(status, " ", stdout, stderr)
			})
		}
		wait.Wait()
		both := strings.Join(outputs, "")
		if !strings.Contains(both, "0 list edgeban: +1 −1, 2 items") || !strings.Contains(both, "0 list edgeban: in step, 2 items") ||
			!strings.Contains(both, "edgeban: another edgeban is running; waiting for it to end\n") {
			t.Error(both)
		}
		if s.writes() != 2 {
			t.Errorf("%d writes", s.writes())
		}
		s.wantConverged(t)
	})
}

// Some troubles are worth a word, and the work is done.
func TestTroublesThatDoNotStop(t *testing.T) {
	t.Parallel()
	withoutDate := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Del("Date")
		next.ServeHTTP(w, r)
	}
	tests := []struct {
		name  string
		spoil func(t *testing.T, s *site)
		env   []string
		want  string // on standard error, DIR for the site's directory
	}{
		{name: "no state directory", env: []string{"EDGEBAN_STATE_DIR=/dev/null/state"},
			want: "edgeban: warning: state directory /dev/null/state: not a directory; " +
				"going on without it: nothing is remembered and no other run is kept out\n"},
		{name: "state damaged", spoil: stateText("what is this"),
			want: "edgeban: warning: state DIR/state/state.json is damaged: invalid character 'w' looking for beginning of value; " +
				"going on without it, it is now DIR/state/state.json.bad\n"},
		{name: "state of a newer edgeban", spoil: stateText(`{"version": 7}`),
			want: "edgeban: warning: state DIR/state/state.json is of version 7, this edgeban writes 1; " +
				"going on without it, it is now DIR/state/state.json.bad\n"},
		{name: "state is a directory", spoil: func(t *testing.T, s *site) {
			if err := os.MkdirAll(filepath.Join(s.stateDir(), "state.json"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, want: "edgeban: warning: state DIR/state/state.json: is a directory; going on without it, it is now DIR/state/state.json.bad\n"},
		{name: "nowhere to write metrics", env: []string{"EDGEBAN_METRICS_FILE=/nowhere/edgeban.prom"},
			want: "edgeban: warning: write metrics /nowhere/edgeban.prom: no such file or directory\n" +
				"  Is node_exporter installed? Create /nowhere, or name a file in the directory that node_exporter's " +
				"--collector.textfile.directory names.\n"},
		{name: "nobody's time", spoil: fault("GET", fake.PathLists, withoutDate),
			want: "edgeban: warning: list edgeban did not tell its time, so this host's clock could not be checked\n"},
		{name: "wrong count", spoil: fault("GET", fake.PathLists, fake.NumItems("", 7)),
			want: "edgeban: warning: Cloudflare counts 7 items on list edgeban, but two complete reads found 2 and were believed\n"},
		{name: "no rule", spoil: func(_ *testing.T, s *site) { s.edge.SetReferences(s.list, 0) },
			want: "edgeban: warning: no rule uses list edgeban: nothing is blocked; add a WAF custom rule (ip.src in $edgeban) with action Block, or run edgeban setup\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				s := mustSite(t)
				s.makeWork(t)
				if tt.spoil != nil {
					tt.spoil(t, s)
				}
				stdout, stderr, status := s.run(t.Context(), tt.env, "sync")
				if got := strings.ReplaceAll(stderr, s.dir, "DIR"); status != exitOK || got != tt.want {
					t.Errorf("exit status %d: %s%swant\n%s", status, stdout, got, tt.want)
				}
				if s.items() != converged {
					t.Errorf("the list holds\n%s", s.items())
				}
			})
		})
	}
}

// stateText is a spoil that leaves a state of that content.
func stateText(content string) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		t.Helper()
		if err := os.WriteFile(mustStateDir(t, s.stateDir()).lists().path(), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A list of several pages, in several writes.
func TestManyBans(t *testing.T) {
	t.Parallel()
	const many = 1201
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		err := inDatabase(s.database(), fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			INSERT INTO bips(ip, jail, timeofban, bantime)
			SELECT printf('198.51.%%d.%%d', i / 256, i %% 256), 'sshd', %d, 3600 FROM n`, many-1, dawn().Unix()))
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			items, writes int
			said          string
		}{
			{many, 3, "list edgeban: +1201, 1201 items "},
			{many, 0, "list edgeban: in step, 1201 items "},
		} {
			s.edge.ResetRequests()
			stdout, stderr, status := s.run(t.Context(), []string{"EDGEBAN_BATCH_SIZE=500"}, "sync")
			if status != exitOK || !strings.HasPrefix(stdout, step.said) || s.writes() != step.writes || len(s.edge.Items(s.list)) != step.items {
				t.Errorf("exit status %d, %d writes, %d items: %s%s", status, s.writes(), len(s.edge.Items(s.list)), stdout, stderr)
			}
		}
		if err := inDatabase(s.database(), `DELETE FROM bips`); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			s.edge.ResetRequests()
			if _, stderr, status := s.run(t.Context(), nil, "sync"); status != exitOK || s.items() != "" {
				t.Errorf("exit status %d: %s", status, stderr)
			}
		}
		if s.writes() != 0 {
			t.Errorf("%d writes when there is nothing to do", s.writes())
		}
	})
}
