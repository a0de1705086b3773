package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"edgeban/reconcile"
)

// hostileRow is a row of Fail2Ban's table as somebody may have put it there. Each member is an SQL expression.
type hostileRow struct{ ip, jail, since, length string }

// bytesOf is an SQL expression for a text of any bytes, NUL included.
func bytesOf(text string) string { return "CAST(X'" + hex.EncodeToString([]byte(text)) + "' AS TEXT)" }

// putRows puts rows into a table that keeps every value as it is.
func (s *site) putRows(t *testing.T, rows []hostileRow) {
	t.Helper()
	statements := []string{`DROP TABLE bips`, `CREATE TABLE bips(ip, jail, timeofban, bantime, bancount, data)`}
	for _, r := range rows {
		statements = append(statements, fmt.Sprintf(`INSERT INTO bips VALUES(%s, %s, %s, %s, 1, '{}')`, r.ip, r.jail, r.since, r.length))
	}
	inDatabaseOf(statements...)(t, s)
}

// askEverything runs every command that shows bans, as a person and as a timer would, and the sync twice. It wants each to end well,
// and to say nothing that does more to a terminal than to begin a line.
func (s *site) askEverything(t *testing.T) (bans string) {
	t.Helper()
	for _, args := range [][]string{
		{"bans"}, {"bans", "--json"}, {"check"}, {"check", "--json"}, {"diff"}, {"diff", "--json"}, {"diff", "--log-format", "json", "--log-level", "debug"},
		{"sync", "--log-format", "json", "--log-level", "debug"}, {"sync"},
	} {
		s.edge.ResetRequests()
		stdout, stderr, status := s.run(t.Context(), nil, args...)
		if status != exitOK {
			t.Errorf("edgeban %s: exit status %d: %s", args, status, stderr)
		}
		wantPlain(t, "edgeban "+strings.Join(args, " "), stdout+stderr)
		if args[len(args)-1] == "--json" && !json.Valid([]byte(stdout)) {
			t.Errorf("edgeban %s prints no JSON", args)
		}
		if len(args) == 1 && args[0] == "bans" {
			bans = stdout
		}
	}
	if s.writes() != 0 {
		t.Errorf("the second sync writes %d times", s.writes())
	}
	wantPlain(t, "the metrics file", s.metricsText(t))
	wantPlain(t, "the list", s.items())
	return bans
}

func (s *site) metricsText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(s.metrics())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func wantPlain(t *testing.T, where, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("%s holds the character %U", where, r)
		}
	}
}

// A jail's name is anybody's text. It moves no cursor, forges no line and no tag.
func TestHostileJailNames(t *testing.T) {
	t.Parallel()
	forged := "edgeban:evil until=2030-01-01T00:00:00Z seen=2026-01-01T00:00:00Z | fail2ban:sshd"
	jails := []string{
		"", " ", "two\nlines", "\r\n", "tab\tbed", "nul\x00byte", "\a\b\x7f", "\x1b[2J\x1b[31mred", "\x1b]0;title\a", "\u009b31m", "\u202eright to left",
		"\u2028", "\u00ad", "\U000e0041", "\xff\xfe", `"quoted" 'both' \ways`, "`id` $(id)", "sshd until=never", "sshd until=2030-01-01T00:00:00Z",
		"x | edgeban:x", "x | " + forged, forged, "\n" + forged, "a,b", "fail2ban:c", "%0A%00", "überwacht", strings.Repeat("0123456789", 1024),
		"203.0.113.250 sshd permanent", "edgeban: warning: all is well",
	}
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		var rows []hostileRow
		for i, jail := range jails {
			rows = append(rows, hostileRow{fmt.Sprintf("'203.0.113.%d'", i+1), bytesOf(jail), fmt.Sprint(dawn().Unix()), "3600"})
		}
		s.putRows(t, rows)
		inDatabaseOf(`INSERT OR IGNORE INTO jails SELECT jail, 1 FROM bips`)(t, s)

		bans := s.askEverything(t)
		if got, want := strings.Count(bans, "\n"), len(jails)+2; got != want { // an empty line and the count follow
			t.Errorf("%d lines for %d bans:\n%s", got, len(jails), bans)
		}
		if items := s.edge.Items(s.list); len(items) != len(jails) {
			t.Errorf("%d items for %d bans", len(items), len(jails))
		}
		for _, item := range s.edge.Items(s.list) {
			tag, ok := reconcile.ParseTag(item.Comment)
			if !ok || tag.Owner != "web-1" || !tag.Until.Equal(dawn().Add(63*time.Minute)) || !tag.Seen.Equal(dawn()) ||
				!strings.HasPrefix(tag.Text, "fail2ban:") || len(strings.Fields(tag.Text)) != 1 || strings.ContainsRune(tag.Text, '|') {
				t.Errorf("%s: %q is read as %+v", item.IP, item.Comment, tag)
			}
			if len(item.Comment) > reconcile.MaxComment {
				t.Errorf("a comment of %d characters", len(item.Comment))
			}
		}
	})
}

// A row that makes no sense is counted and shown, and the others are listed.
func TestHostileRows(t *testing.T) {
	t.Parallel()
	const now, hour = "unixepoch('2026-11-20T10:00:00Z')", "3600"
	sshd := "'sshd'"
	unreadable := []hostileRow{
		{bytesOf("203.0.113.1\x00"), sshd, now, hour}, {bytesOf("203.0.113.2\n"), sshd, now, hour}, {bytesOf("\x1b[2J"), sshd, now, hour},
		{"NULL", sshd, now, hour}, {"X'cb007103'", sshd, now, hour}, {"3405803780", sshd, now, hour}, {"1.5", sshd, now, hour},
		{"printf('%.1000000c', '1')", sshd, now, hour}, {bytesOf("\xff\xfe"), sshd, now, hour},
		{"'203.0.113.11'", sshd, "NULL", hour}, {"'203.0.113.12'", sshd, now, "NULL"}, {"'203.0.113.13'", sshd, "'soon'", hour},
		{"'203.0.113.14'", sshd, now, "X'00'"}, {"'203.0.113.15'", sshd, now, "'nan'"},
	}
	notAddress := []hostileRow{
		{"'bob'", sshd, now, hour}, {"''", sshd, now, hour}, {"'203.0.113.256'", sshd, now, hour}, {"'example.com'", sshd, now, hour},
		{"'203.0.113.1; DROP TABLE bips'", sshd, now, hour}, {"'fe80::1%eth0'", sshd, now, hour}, {"printf('%.1000c', '1')", sshd, now, hour},
		{"'0x7f.1'", sshd, now, hour}, {"'203.0.113.1/33'", sshd, now, hour}, {bytesOf("\u202e1.311.0.302"), sshd, now, hour}, {"' 203.0.113.3 '", sshd, now, hour},
	}
	listed := []hostileRow{ // times without sense that still say when the ban ends
		{"'203.0.113.101'", sshd, now, "-1"}, {"'203.0.113.102'", sshd, "-1", "9e18"}, {"'203.0.113.103'", sshd, "9223372036854775807", "9223372036854775807"},
		{"'203.0.113.104'", sshd, "-9223372036854775808", "9e999"}, {"'203.0.113.105'", "NULL", now, hour}, {"'203.0.113.106'", "X'00ff'", now, "'3600'"},
	}
	ended := []hostileRow{
		{"'203.0.113.201'", sshd, now, "-9223372036854775808"}, {"'203.0.113.202'", sshd, "-9e999", "1e300 * 0"}, {"'203.0.113.203'", sshd, now, "0"},
	}
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		s.putRows(t, slices.Concat(unreadable, notAddress, listed, ended))
		s.askEverything(t)
		var got []string
		for _, item := range s.edge.Items(s.list) {
			got = append(got, item.IP)
		}
		if len(got) != len(listed) {
			t.Errorf("the list holds %q", got)
		}
		for reason, want := range map[string]int{"unreadable": len(unreadable), "not_address": len(notAddress)} {
			if !strings.Contains(s.metricsText(t), fmt.Sprintf("edgeban_left_out_bans{reason=%q,source=\"fail2ban\"} %d\n", reason, want)) {
				t.Errorf("%d bans are not counted as %s:\n%s", want, reason,
					strings.Join(regexp.MustCompile(`(?m)^edgeban_left_out.*`).FindAllString(s.metricsText(t), -1), "\n"))
			}
		}
	})
}

// Only tables are read: a view may hide rows, or never end.
func TestHostileViews(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"bips", "jails", "fail2banDb"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				s := mustSite(t)
				s.makeWork(t)
				before := s.items()
				inDatabaseOf("ALTER TABLE "+table+" RENAME TO real_one", "CREATE VIEW "+table+" AS SELECT * FROM real_one")(t, s)
				for command, want := range map[string]int{"bans": exitFailure, "sync": exitOK} {
					stdout, stderr, status := s.run(t.Context(), nil, command)
					if status != want || stdout != "" || !strings.Contains(stderr, fmt.Sprintf("%q is a view, not a table", table)) {
						t.Errorf("edgeban %s: exit status %d: %s%s", command, status, stdout, stderr)
					}
				}
				if s.writes() != 0 || s.items() != before {
					t.Errorf("%d writes, the list holds\n%s", s.writes(), s.items())
				}
			})
		})
	}
}

// However many rows there are, all are read, in a moment, and in memory that is in proportion.
func TestManyRows(t *testing.T) {
	const (
		rows   = 30_000
		most   = 10 * time.Second // a fiftieth of it on a machine that does nothing else
		perRow = 8_000            // bytes allocated, not held
	)
	s := mustSite(t)
	inDatabaseOf(fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO bips(ip, jail, timeofban, bantime)
		SELECT printf('5.%%d.%%d.%%d', i / 65536, i / 256 %% 256, i %% 256), 'sshd', %d, 86400 FROM n`, rows-1, time.Now().Unix()))(t, s)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	stdout, stderr, status := s.run(t.Context(), nil, "bans")
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	t.Logf("%d rows in %v, %d bytes allocated for each", rows, took, (after.TotalAlloc-before.TotalAlloc)/rows)
	if status != exitOK || !strings.Contains(stdout, fmt.Sprintf("%d active bans", rows)) || took > most || after.TotalAlloc-before.TotalAlloc > rows*perRow {
		t.Errorf("exit status %d, %v, %d bytes: %s", status, took, after.TotalAlloc-before.TotalAlloc, stderr)
	}
}
