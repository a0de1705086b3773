package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// sample is a database that a real Fail2Ban wrote.
type sample struct {
	file  string // in sources/fail2ban/testdata, without .sqlite3
	now   int64  // seconds since 1970: a moment at which its bans are in force
	items string // what then has to be on the list
	later string // … and three years later: the permanent bans
}

// The expected items are written from the databases' rows, not from what edgeban made of them. All of schema 2 is taken for
// bans of ten minutes. A network's ban that ends in the same second as that of an address in it does not cover the address,
// which may linger.
func samples() []sample {
	const (
		history   = "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.6 192.0.2.9 203.0.113.50 2001:db8::/64"
		unbanned  = "192.0.2.1 192.0.2.3 192.0.2.4 192.0.2.6 192.0.2.9 203.0.113.50 2001:db8::/64" // 192.0.2.2 was un-banned
		running   = "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.9"
		dropped   = "192.0.2.1 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.9"
		permanent = "192.0.2.1 192.0.2.4"
	)
	return []sample{
		{"v2-0.9.0-bans", 1795213909, "192.0.2.1 192.0.2.2", ""},
		{"v2-0.9.7-A-bans", 1795211880, history, ""},
		{"v2-0.9.7-K-stopped", 1795211880, unbanned, ""},
		{"v2-0.10.6-A-bans", 1795211790, history, ""},
		{"v2-0.10.6-K-stopped", 1795211790, unbanned, ""},
		{"v4-0.11.2-A-bans", 1795211706, running, permanent},
		{"v4-0.11.2-H-jaildropped", 1795211715, dropped, permanent},
		{"v4-0.11.2-I-sigkill", 1795211715, dropped, permanent},
		{"v4-0.11.2-K-stopped", 1795211715, dropped, permanent},
		{"v4-1.0.2-A-bans", 1795211473, running, permanent},
		{"v4-1.0.2-H-jaildropped", 1795211482, dropped, permanent},
		{"v4-1.0.2-I-sigkill", 1795211482, dropped, permanent},
		{"v4-1.0.2-K-stopped", 1795211482, dropped, permanent},
		{"v4-1.0.2-after-lock-tests", 1795212250, "192.0.2.2 192.0.2.4", ""},
		{"v4-1.0.2-odd-ids", 1795211436, "1.2.3.0/24 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.99 198.51.100.0/24 198.51.100.0/25 " +
			"203.0.113.0/24 203.0.113.9 203.0.113.50 2001:db8::/64 2001:db8:abcd::/48", "192.0.2.1 192.0.2.2"},
		{"v4-1.0.2-upgraded-from-v2", 1795211852, "192.0.2.1 192.0.2.4 192.0.2.6 192.0.2.9 203.0.113.50 2001:db8::/64", ""},
		{"v4-1.0.2-zombie-perm", 1795213522, "192.0.2.2 192.0.2.77 2001:db8::/64", "192.0.2.2"},
		{"v4-1.1.1-A-bans", 1795211517, running, permanent},
		{"v4-1.1.1-H-jaildropped", 1795211525, dropped, permanent},
		{"v4-1.1.1-I-sigkill", 1795211525, dropped, permanent},
		{"v4-1.1.1-K-stopped", 1795211525, dropped, permanent},
	}
}

const malformedSample = "v4-1.0.2-CORRUPT-malformed"

// sampleFile is the sample's whole path: a site's own directory is not this one.
func sampleFile(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "sources", "fail2ban", "testdata", name+".sqlite3"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSamples(t *testing.T) {
	t.Parallel()
	for _, tt := range samples() {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				s := mustSite(t)
				db := "EDGEBAN_FAIL2BAN_DB=" + sampleFile(t, tt.file)
				time.Sleep(time.Until(time.Unix(tt.now, 0)))
				if tt.items == "" {
					t.Fatal("nothing is expected: the test would prove nothing")
				}
				s.wantAfterSync(t, db, tt.items)
				time.Sleep(3 * 366 * 24 * time.Hour)
				s.wantAfterSync(t, db, tt.later)
			})
		})
	}
}

// wantAfterSync runs sync twice: the list then has to hold these addresses, and the second run to write nothing.
func (s *site) wantAfterSync(t *testing.T, env, items string) {
	t.Helper()
	for i := range 2 {
		s.edge.ResetRequests()
		if _, stderr, status := s.run(t.Context(), []string{env}, "sync"); status != exitOK {
			t.Fatalf("exit status %d: %s", status, stderr)
		}
		if writes := s.writes(); (writes > 0) != (i == 0) {
			t.Errorf("run %d: %d writes", i+1, writes)
		}
		var got []string
		for _, item := range s.edge.Items(s.list) {
			got = append(got, item.IP)
		}
		if strings.Join(got, " ") != items {
			t.Errorf("run %d: the list holds %s, want %s", i+1, got, items)
		}
	}
}

// A database that Fail2Ban left malformed says nothing: the list stays.
func TestMalformedSample(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		s.wantUntouched(t, untouched{
			env:    []string{"EDGEBAN_FAIL2BAN_DB=" + sampleFile(t, malformedSample)},
			stderr: "edgeban: Fail2Ban database " + sampleFile(t, malformedSample) + ": malformed\n",
			hint:   "Restart Fail2Ban: it repairs",
		})
	})
}

// No sample is left out of the table.
func TestSamplesAreAll(t *testing.T) {
	files, err := filepath.Glob(sampleFile(t, "*"))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{malformedSample}
	for _, s := range samples() {
		names = append(names, s.file)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".sqlite3"); !slices.Contains(names, name) {
			t.Errorf("%s is not in the table", name)
		}
	}
	if len(files) != len(names) {
		t.Errorf("%d files, %d in the table", len(files), len(names))
	}
}
