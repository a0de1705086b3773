package main

import (
	"cmp"
	"os"
	"strings"
	"testing"
	"time"
)

// untouched is something that goes wrong outside, in which nothing may be written.
type untouched struct {
	name  string
	spoil func(t *testing.T, s *site) // nil: nothing
	env   []string
	args  []string // nil: sync

	status   int
	stderr   string // all of it but the hints; DIR stands for the site's directory
	hint     string // a part of them; empty: there are none
	attempts int    // writes that Cloudflare refused
}

const skippedRun = "  The run was skipped and the list left as it is.\n"

// wantUntouched makes a site on which one item is to be added and one to be removed, breaks it, and runs edgeban: it has to
// say what is wrong, and the list to stay as it is.
func (s *site) wantUntouched(t *testing.T, tt untouched) {
	t.Helper()
	s.makeWork(t)
	before := s.items()
	if tt.spoil != nil {
		tt.spoil(t, s)
	}
	args := tt.args
	if args == nil {
		args = []string{"sync"}
	}
	stdout, stderr, status := s.run(t.Context(), tt.env, args...)

	var said, hints strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(stderr, s.dir, "DIR")) {
		if strings.HasPrefix(line, "  ") {
			hints.WriteString(line)
		} else {
			said.WriteString(line)
		}
	}
	if status != tt.status || said.String() != tt.stderr || stdout != "" {
		t.Errorf("exit status %d, want %d; standard output %q; standard error\n%swant\n%s", status, tt.status, stdout, said.String(), tt.stderr)
	}
	hint := hints.String()
	if status == exitOK {
		var skipped bool
		if hint, skipped = strings.CutPrefix(hint, skippedRun); !skipped {
			t.Errorf("not a word of the skipped run: %s", stderr)
		}
	}
	if !strings.Contains(hint, tt.hint) || (hint == "") != (tt.hint == "") {
		t.Errorf("hint %q, want %q", hint, tt.hint)
	}
	if after := s.items(); after != before {
		t.Errorf("the list was\n%sand is\n%s", before, after)
	}
	if s.writes() != tt.attempts {
		t.Errorf("%d writes were sent, want %d", s.writes(), tt.attempts)
	}
}

// makeWork leaves one item to be added, one to be removed, and one by hand.
func (s *site) makeWork(t *testing.T) {
	t.Helper()
	if err := s.ban(s.database(), "sshd", "203.0.113.7", time.Now(), time.Hour); err != nil {
		t.Fatal(err)
	}
	for ip, comment := range map[string]string{
		"203.0.113.8": "edgeban:web-1 until=2026-11-20T12:00:00Z seen=2026-11-20T09:00:00Z | fail2ban:sshd",
		"192.0.2.200": "by hand",
	} {
		if _, err := s.edge.SetItem(s.list, ip, comment); err != nil {
			t.Fatal(err)
		}
	}
}

func testUntouched(t *testing.T, tests []untouched) {
	t.Helper()
	t.Parallel()
	for _, tt := range tests {
		t.Run(cmp.Or(tt.name, "nothing"), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) { mustSite(t).wantUntouched(t, tt) })
		})
	}
}

// The twin of all these tables: on a site that nothing breaks, the same run changes the list.
func TestNothingBad(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		s.makeWork(t)
		stdout, stderr, status := s.run(t.Context(), nil, "sync")
		want := "192.0.2.200  by hand\n203.0.113.7  edgeban:web-1 until=2026-11-20T11:03:00Z seen=2026-11-20T10:00:00Z | fail2ban:sshd\n"
		if status != exitOK || stderr != "" || s.items() != want || s.writes() != 2 {
			t.Errorf("exit status %d, %s%s; the list holds\n%s", status, stdout, stderr, s.items())
		}
	})
}

// databaseOf is a spoil that puts a database of these statements in the place of Fail2Ban's.
func databaseOf(statements ...string) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		t.Helper()
		remove(t, s.database())
		if err := inDatabase(s.database(), statements...); err != nil {
			t.Fatal(err)
		}
	}
}

// fileOf is a spoil that puts a file in the place of Fail2Ban's database.
func fileOf(content string) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		t.Helper()
		if err := os.WriteFile(s.database(), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
