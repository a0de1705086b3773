package fail2ban

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edgeban/reconcile"
)

// Counts were taken from the databases with the sqlite3 shell, and by hand from their dumps.
func TestDatabasesOfAllVersions(t *testing.T) {
	tests := []struct {
		file                              string
		now                               float64 // seconds since 1970
		rows, running, permanent, guessed int
	}{
		{"v2-0.9.0-bans", 1795214507.3, 2, 1, 0, 2},
		{"v2-0.9.7-A-bans", 1795212420, 10, 9, 0, 10},
		{"v2-0.9.7-K-stopped", 1795212425, 9, 1, 0, 9},
		{"v2-0.10.6-A-bans", 1795212329, 10, 10, 0, 10},
		{"v2-0.10.6-A-bans", 1795212330, 10, 0, 0, 10},
		{"v2-0.10.6-K-stopped", 1795212335, 9, 1, 0, 9},
		{"v4-0.11.2-A-bans", 1795211765, 9, 6, 2, 0},
		{"v4-0.11.2-H-jaildropped", 1795211765, 8, 5, 2, 0},
		{"v4-0.11.2-I-sigkill", 1795211765, 8, 5, 2, 0},
		{"v4-0.11.2-K-stopped", 1795211765, 8, 5, 2, 0},
		{"v4-1.0.2-A-bans", 1795211532, 9, 6, 2, 0},
		{"v4-1.0.2-H-jaildropped", 1795211532, 8, 5, 2, 0},
		{"v4-1.0.2-I-sigkill", 1795211532, 8, 5, 2, 0},
		{"v4-1.0.2-K-stopped", 1795211532, 8, 5, 2, 0},
		{"v4-1.0.2-after-lock-tests", 1795215844, 2, 1, 0, 0},
		{"v4-1.0.2-odd-ids", 1795211493, 26, 26, 2, 0},
		{"v4-1.0.2-odd-ids", 1795211534, 26, 24, 2, 0},
		{"v4-1.0.2-upgraded-from-v2", 1795212335, 9, 7, 0, 9},
		{"v4-1.0.2-zombie-perm", 1795213580, 4, 3, 1, 0},
		{"v4-1.1.1-A-bans", 1795211575, 9, 6, 2, 0},
		{"v4-1.1.1-H-jaildropped", 1795211575, 8, 5, 2, 0},
		{"v4-1.1.1-I-sigkill", 1795211575, 8, 5, 2, 0},
		{"v4-1.1.1-K-stopped", 1795211575, 8, 5, 2, 0},
	}
	seen := map[string]bool{"v4-1.0.2-CORRUPT-malformed": true}
	for _, tt := range tests {
		seen[tt.file] = true
		t.Run(tt.file, func(t *testing.T) {
			now := instant(tt.now)
			got := mustRead(t, New("testdata/"+tt.file+".sqlite3", Options{}), now)
			running, permanent := 0, 0
			for _, b := range got.Bans {
				if b.Source != "fail2ban" || b.Remedy != reconcile.Block || b.Void != "" || b.Since.IsZero() || b.Reason == "" {
					t.Errorf("odd ban: %+v", b)
				}
				if b.Permanent() {
					permanent++
				}
				if b.Permanent() || b.Until.After(now) {
					running++
				}
			}
			if len(got.Bans) != tt.rows || running != tt.running || permanent != tt.permanent {
				t.Errorf("got %d rows, %d running, %d permanent; want %d, %d, %d",
					len(got.Bans), running, permanent, tt.rows, tt.running, tt.permanent)
			}
			if hasNote := len(got.Notes) == 1; len(got.Notes) > 1 || hasNote != (tt.guessed > 0) {
				t.Errorf("notes: %q", got.Notes)
			}
		})
	}
	files, err := filepath.Glob("testdata/*.sqlite3")
	if err != nil || len(files) == 0 {
		t.Fatalf("no databases: %v", err)
	}
	for _, f := range files {
		if !seen[strings.TrimSuffix(filepath.Base(f), ".sqlite3")] {
			t.Errorf("%s is in no test", f)
		}
	}
}

func TestRowsAsTheyStand(t *testing.T) {
	got := mustRead(t, New("testdata/v4-1.0.2-H-jaildropped.sqlite3", Options{}), fixtureNow())
	at := func(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
	ban := func(value, jail string, since, until time.Time) reconcile.Ban {
		return reconcile.Ban{Value: value, Remedy: reconcile.Block, Source: "fail2ban", Reason: jail, Since: since, Until: until}
	}
	began := at(1795211472000)
	want := []reconcile.Ban{
		ban("192.0.2.1", "j1", began, at(1795212072000)),
		ban("192.0.2.3", "j1", began, at(1795212072000)),
		ban("192.0.2.1", "jshort", began, at(1795211476000)),
		ban("192.0.2.1", "jperm", began, time.Time{}),
		ban("192.0.2.4", "jperm", began, time.Time{}),
		ban("192.0.2.6", "jdrop", began, at(1795212072000)),
		ban("192.0.2.5", "jinc", at(1795211479000), at(1795211510645)), // bantime 31.6448881165981
		ban("192.0.2.9", "jshort", at(1795211480000), at(1795211484000)),
	}
	if diff := cmp.Diff(want, got.Bans); diff != "" {
		t.Errorf("bans (-want +got):\n%s", diff)
	}
}

func TestOddIdentifiersAreKeptAsStored(t *testing.T) {
	got := mustRead(t, New("testdata/v4-1.0.2-odd-ids.sqlite3", Options{}), fixtureNow())
	var values []string
	for _, b := range got.Bans {
		values = append(values, b.Value)
	}
	for _, want := range []string{"192.0.2.8 ", "01.02.03.04", "fe80::1%eth0", "user@domain", "bob", "0.0.0.0", "::",
		"::ffff:203.0.113.0/120", "198.51.100.0/25", "example.com"} {
		if !slices.Contains(values, want) {
			t.Errorf("%q is not among %q", want, values)
		}
	}
}

func TestHistoryKeepsTheLatestRow(t *testing.T) {
	got := mustRead(t, New("testdata/v2-0.9.7-K-stopped.sqlite3", Options{}), fixtureNow())
	var since []int64
	for _, b := range got.Bans {
		if b.Reason == "jshort" && b.Value == "192.0.2.9" {
			since = append(since, b.Since.Unix())
		}
	}
	if !slices.Equal(since, []int64{1795211831}) { // of 1795211821 and 1795211831
		t.Errorf("192.0.2.9 in jshort began at %v", since)
	}
}

func TestDefaultBantime(t *testing.T) {
	tests := []struct {
		file    string
		bantime time.Duration
		length  time.Duration
		notes   []string
	}{
		{"v2-0.9.0-bans", 0, 10 * time.Minute, []string{
			"the database has schema 2 (Fail2Ban 0.9 or 0.10), which does not say how long a ban lasts: 10m0s stands in for 2 bans (setting fail2ban-bantime)"}},
		{"v4-1.0.2-upgraded-from-v2", time.Hour, time.Hour, []string{
			"Fail2Ban did not record how long 9 bans of 9 will last, as after an upgrade from 0.10 or older: 1h0m0s stands in (setting fail2ban-bantime)"}},
		{"v4-1.0.2-after-lock-tests", 5 * time.Minute, time.Hour, nil}, // these rows have their own
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			got := mustRead(t, New("testdata/"+tt.file+".sqlite3", Options{DefaultBantime: tt.bantime}), fixtureNow())
			for _, b := range got.Bans {
				if b.Length() != tt.length {
					t.Errorf("%s lasts %v, want %v", b.Value, b.Length(), tt.length)
				}
			}
			if diff := cmp.Diff(tt.notes, got.Notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoBansIsAnEmptyReading(t *testing.T) {
	path := build(t, filepath.Join(t.TempDir(), "db"), append(schema4(), `DELETE FROM bips`)...)
	got := mustRead(t, New(path, Options{}), fixtureNow())
	if len(got.Bans) != 0 || got.Notes != nil || got.Memory != nil {
		t.Errorf("got %+v", got)
	}
}

// The database alone cannot tell a removed jail; two reads can.
func TestRemovedJailOverTwoReads(t *testing.T) {
	s := New("testdata/v4-1.0.2-H-jaildropped.sqlite3", Options{})
	start := fixtureNow()
	voids := func(r reconcile.Reading) (values []string) {
		for _, b := range r.Bans {
			if b.Void == reconcile.LeftOutJailRemoved {
				values = append(values, b.Value+" in "+b.Reason)
			}
		}
		return values
	}

	first := mustRead(t, s, start)
	if got := voids(first); got != nil || len(first.Notes) != 0 {
		t.Fatalf("one read voided %q, notes %q", got, first.Notes)
	}
	if want := `{"disabled_since":{"jdrop":"2026-11-20T21:51:22Z"}}`; string(first.Memory) != want {
		t.Errorf("memory %s, want %s", first.Memory, want)
	}

	second, err := s.Bans(context.Background(), start.Add(10*time.Minute), first.Memory)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"192.0.2.6 in jdrop"}, voids(second)); diff != "" {
		t.Errorf("void (-want +got):\n%s", diff)
	}
	if want := `{"disabled_since":{"jdrop":"2026-11-20T21:51:22Z"},"gone":["jdrop"]}`; string(second.Memory) != want {
		t.Errorf("memory %s, want %s", second.Memory, want)
	}
	if len(second.Notes) != 0 {
		t.Errorf("notes about a ban that ended: %q", second.Notes)
	}

	// Its ban runs until 600 s after 21:51:12.
	early, err := s.Bans(context.Background(), start, json.RawMessage(`{"disabled_since":{"jdrop":"2026-11-20T21:00:00Z"}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"jail jdrop is no longer in Fail2Ban's configuration: its 1 ban is not mirrored"}
	if diff := cmp.Diff(want, early.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestReadingLeavesNoTrace(t *testing.T) {
	path := buildSchema4(t)
	snapshot := func() (string, []string) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return string(content), names
	}
	content, names := snapshot()
	mustRead(t, New(path, Options{}), fixtureNow())
	if after, namesAfter := snapshot(); after != content || !slices.Equal(names, namesAfter) {
		t.Errorf("the database or its directory changed: %v, then %v", names, namesAfter)
	}

	build(t, path, `DELETE FROM bips`) // the twin: a writer does change it
	if after, _ := snapshot(); after == content {
		t.Error("a DELETE changed nothing: this test proves nothing")
	}
}

// After a crash an index may lack rows of its table. Here a partial index is declared a full one.
func TestRowsMissingFromAnIndex(t *testing.T) {
	path := build(t, filepath.Join(t.TempDir(), "db"), append(schema4(),
		`CREATE INDEX lossy ON bips(ip, jail, timeofban, bantime) WHERE 0`, `PRAGMA writable_schema = ON`,
		`UPDATE sqlite_master SET sql = replace(sql, 'WHERE 0', '') WHERE name = 'lossy'`)...)
	if got := mustRead(t, New(path, Options{}), fixtureNow()); len(got.Bans) != 1 {
		t.Errorf("got %d bans", len(got.Bans))
	}

	db := openToWrite(t, path)
	defer db.Close()
	var ip, jail, timeofban, bantime any // the twin: an ordinary query is deceived
	err := db.QueryRow(strings.TrimSuffix(bipsQuery, " NOT INDEXED")).Scan(&ip, &jail, &timeofban, &bantime)
	if !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("the index is not lossy (%v, error %v): this test proves nothing", ip, err)
	}
}

func TestPathsAreTakenLiterally(t *testing.T) {
	for _, name := range []string{"plain", "with space", "what?mode=memory", "a#b", "100%", "%3f", "a&b=c;d+e", "ü", "file:x"} {
		t.Run(name, func(t *testing.T) {
			path := build(t, filepath.Join(t.TempDir(), name), schema4()...)
			if _, err := os.Stat(path); err != nil {
				t.Fatal(err)
			}
			if got := mustRead(t, New(path, Options{}), fixtureNow()); len(got.Bans) != 1 {
				t.Errorf("got %d bans", len(got.Bans))
			}
			t.Chdir(filepath.Dir(path))
			if got := mustRead(t, New(name, Options{}), fixtureNow()); len(got.Bans) != 1 {
				t.Errorf("relative: got %d bans", len(got.Bans))
			}
			if got := mustRead(t, New("/"+path, Options{}), fixtureNow()); len(got.Bans) != 1 {
				t.Errorf("two slashes: got %d bans", len(got.Bans))
			}
		})
	}
}

func TestNameAndLabel(t *testing.T) {
	s := New("/a/b", Options{})
	if s.Name() != "fail2ban" || s.Label() != "/a/b" {
		t.Errorf("got %q, %q", s.Name(), s.Label())
	}
}
