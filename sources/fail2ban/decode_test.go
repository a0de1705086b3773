package fail2ban

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"edgeban/reconcile"
)

// hostile is a table without any type, so that SQLite keeps whatever is put there.
const hostile = `CREATE TABLE bips(ip, jail, timeofban, bantime, bancount, data)`

func TestHostileRows(t *testing.T) {
	const began = "2026-11-20T21:51:12Z"
	const last, first = "9999-12-31T23:59:59Z", "0001-01-01T00:00:01Z"
	const never = "never"
	long := strings.Repeat("x", 1025)
	tests := []struct {
		name         string
		row          string // SQL: ip, jail, timeofban, bantime
		value        string
		void         reconcile.LeftOutReason
		since, until string
	}{
		{"ordinary", `'192.0.2.1', 'sshd', 1795211472, 600`, "192.0.2.1", "", began, "2026-11-20T22:01:12Z"},
		{"ip NULL", `NULL, 'sshd', 1795211472, 600`, "NULL", "unreadable", began, "2026-11-20T22:01:12Z"},
		{"ip BLOB", `x'3139322e302e322e31', 'sshd', 1795211472, 600`, `"192.0.2.1"`, "unreadable", began, "2026-11-20T22:01:12Z"},
		{"ip BLOB of no bytes", `x'', 'sshd', 1795211472, 600`, `""`, "unreadable", began, "2026-11-20T22:01:12Z"},
		{"ip INTEGER", `3221225985, 'sshd', 1795211472, 600`, "3221225985", "unreadable", began, "2026-11-20T22:01:12Z"},
		{"ip REAL", `1.5, 'sshd', 1795211472, 600`, "1.5", "unreadable", began, "2026-11-20T22:01:12Z"},
		{"ip with a NUL", `'192.0.2.1' || char(0) || 'x', 'sshd', 1795211472, 600`, `"192.0.2.1\x00x"`, "unreadable", began, "2026-11-20T22:01:12Z"},
		{"ip with a line break", `'192.0.2.1' || char(10), 'sshd', 1795211472, 600`, `"192.0.2.1\n"`, "unreadable", began, "2026-11-20T22:01:12Z"},
		{"ip no UTF-8", `CAST(x'ff' AS TEXT), 'sshd', 1795211472, 600`, `"\xff"`, "unreadable", began, "2026-11-20T22:01:12Z"},
		{"ip of no characters", `'', 'sshd', 1795211472, 600`, "", "", began, "2026-11-20T22:01:12Z"},
		{"ip not ASCII", `'häcker', 'sshd', 1795211472, 600`, "häcker", "", began, "2026-11-20T22:01:12Z"},
		{"ip as long as may be", `'` + long[1:] + `', 'sshd', 1795211472, 600`, long[1:], "", began, "2026-11-20T22:01:12Z"},
		{"ip too long", `'` + long + `', 'sshd', 1795211472, 600`, `"` + long[:64] + `"...`, "unreadable", began, "2026-11-20T22:01:12Z"},
		{"ip of a megabyte", `hex(zeroblob(500000)), 'sshd', 1795211472, 600`, `"` + strings.Repeat("0", 64) + `"...`, "unreadable", began, "2026-11-20T22:01:12Z"},

		{"timeofban NULL", `'a', 'sshd', NULL, 600`, "a", "unreadable", "", ""},
		{"timeofban BLOB", `'a', 'sshd', x'00', 600`, "a", "unreadable", "", ""},
		{"timeofban words", `'a', 'sshd', 'yesterday', 600`, "a", "unreadable", "", ""},
		{"timeofban nan", `'a', 'sshd', 'nan', 600`, "a", "unreadable", "", ""},
		{"timeofban hexadecimal", `'a', 'sshd', '0x10', 600`, "a", "unreadable", "", ""},
		{"timeofban of no characters", `'a', 'sshd', '', 600`, "a", "unreadable", "", ""},
		{"timeofban TEXT", `'a', 'sshd', '1795211472', 600`, "a", "", began, "2026-11-20T22:01:12Z"},
		{"timeofban REAL", `'a', 'sshd', 1795211472.25, 600`, "a", "", "2026-11-20T21:51:12.25Z", "2026-11-20T22:01:12.25Z"},
		{"timeofban 0", `'a', 'sshd', 0, 600`, "a", "", "1970-01-01T00:00:00Z", "1970-01-01T00:10:00Z"},
		{"timeofban negative", `'a', 'sshd', -60, 600`, "a", "", "1969-12-31T23:59:00Z", "1970-01-01T00:09:00Z"},
		{"timeofban greatest", `'a', 'sshd', 9223372036854775807, 600`, "a", "", last, last},
		{"timeofban least", `'a', 'sshd', -9223372036854775808, 600`, "a", "", first, "0001-01-01T00:10:01Z"},
		{"timeofban least, permanent", `'a', 'sshd', -9223372036854775808, -1`, "a", "", first, never},
		{"timeofban infinite", `'a', 'sshd', 9e999, 600`, "a", "", last, last},
		{"timeofban -infinite, bantime infinite", `'a', 'sshd', -9e999, 9e999`, "a", "", first, last},
		{"year 1, where time is zero", `'a', 'sshd', -62135596800, 0`, "a", "", first, first},

		{"bantime NULL", `'a', 'sshd', 1795211472, NULL`, "a", "unreadable", began, ""},
		{"bantime BLOB", `'a', 'sshd', 1795211472, x'3630'`, "a", "unreadable", began, ""},
		{"bantime words", `'a', 'sshd', 1795211472, '1h'`, "a", "unreadable", began, ""},
		{"bantime inf", `'a', 'sshd', 1795211472, 'inf'`, "a", "unreadable", began, ""},
		{"bantime REAL", `'a', 'sshd', 1795211472, 31.6448881165981`, "a", "", began, "2026-11-20T21:51:43.645Z"},
		{"bantime TEXT", `'a', 'sshd', 1795211472, '6e2'`, "a", "", began, "2026-11-20T22:01:12Z"},
		{"bantime -1", `'a', 'sshd', 1795211472, -1`, "a", "", began, never},
		{"bantime -1.0", `'a', 'sshd', 1795211472, -1.0`, "a", "", began, never},
		{"bantime '-1'", `'a', 'sshd', 1795211472, '-1'`, "a", "", began, never},
		{"bantime -2", `'a', 'sshd', 1795211472, -2`, "a", "", began, "2026-11-20T22:01:12Z"},
		{"bantime 0", `'a', 'sshd', 1795211472, 0`, "a", "", began, began},
		{"bantime -5", `'a', 'sshd', 1795211472, -5`, "a", "", began, began},
		{"bantime -1.5", `'a', 'sshd', 1795211472, -1.5`, "a", "", began, began},
		{"bantime least", `'a', 'sshd', 1795211472, -9223372036854775808`, "a", "", began, began},
		{"bantime greatest", `'a', 'sshd', 1795211472, 9223372036854775807`, "a", "", began, last},
		{"bantime of 100 years", `'a', 'sshd', 1795211472, 3155760000`, "a", "", began, "2126-11-21T21:51:12Z"},
		{"bantime infinite", `'a', 'sshd', 1795211472, 9e999`, "a", "", began, last},
		{"both greatest", `'a', 'sshd', 9223372036854775807, 9223372036854775807`, "a", "", last, last},
		{"everything NULL", `NULL, NULL, NULL, NULL`, "NULL", "unreadable", "", ""},
	}
	inserts := append(schema4(), `DROP TABLE bips`, hostile)
	for _, tt := range tests {
		inserts = append(inserts, "INSERT INTO bips VALUES("+tt.row+", 1, NULL)")
	}
	path := build(t, filepath.Join(t.TempDir(), "db"), inserts...)
	got := mustRead(t, New(path, Options{}), fixtureNow())
	if len(got.Bans) != len(tests) {
		t.Fatalf("%d rows became %d bans", len(tests), len(got.Bans))
	}
	show := func(tm time.Time, zero string) string {
		if tm.IsZero() {
			return zero
		}
		return tm.Format(time.RFC3339Nano)
	}
	for i, tt := range tests {
		b := got.Bans[i]
		zero := never
		if b.Void != "" {
			zero = ""
		}
		if b.Value != tt.value || b.Void != tt.void || show(b.Since, "") != tt.since || show(b.Until, zero) != tt.until {
			t.Errorf("%s: got %q, void %q, %s to %s; want %q, %q, %s to %s", tt.name,
				b.Value, b.Void, show(b.Since, ""), show(b.Until, zero), tt.value, tt.void, tt.since, tt.until)
		}
	}
	if want := "Fail2Ban did not record how long 1 ban of"; len(got.Notes) != 1 || !strings.HasPrefix(got.Notes[0], want) {
		t.Errorf("notes %q, want one that begins %q", got.Notes, want)
	}
}

func TestHostileJails(t *testing.T) {
	path := build(t, filepath.Join(t.TempDir(), "db"), append(schema4(), `DROP TABLE bips`, hostile,
		`DROP TABLE jails`, `CREATE TABLE jails(name, enabled)`,
		`INSERT INTO jails VALUES('sshd', 1), (NULL, 0), (x'ff', 0), ('line' || char(10), 0), ('flagged', 'no'), ('null', NULL)`,
		`INSERT INTO bips VALUES('a', NULL, 1, -1, 1, NULL), ('b', x'ff', 1, -1, 1, NULL), ('c', 'line' || char(10), 1, -1, 1, NULL),
			('d', 'flagged', 1, -1, 1, NULL), ('e', 'null', 1, -1, 1, NULL), ('f', 7, 1, -1, 1, NULL)`)...)
	memory := json.RawMessage(`{"disabled_since":{"flagged":"2020-01-01T00:00:00Z","null":"2020-01-01T00:00:00Z","\"line\\n\"":"2020-01-01T00:00:00Z"}}`)
	got, err := New(path, Options{}).Bans(t.Context(), fixtureNow(), memory)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, b := range got.Bans {
		lines = append(lines, fmt.Sprintf("%s %s %s", b.Value, b.Reason, b.Void))
	}
	want := "a NULL |b \"\\xff\" |c \"line\\n\" jail_removed|d flagged |e null |f 7 "
	if strings.Join(lines, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(lines, "|"), want)
	}
}

func TestHistoryWithUnreadableRows(t *testing.T) {
	path := build(t, filepath.Join(t.TempDir(), "db"), versionTable, `INSERT INTO fail2banDb VALUES(2)`, jailsTable,
		`CREATE TABLE bans(jail, ip, timeofban, data)`,
		`INSERT INTO bans VALUES('j', 'a', 100, NULL), ('j', 'a', 'zzz', NULL), ('j', 'a', 300, NULL), ('j', 'a', 200, NULL), ('k', 'a', 1, NULL)`)
	got := mustRead(t, New(path, Options{}), fixtureNow())
	var lines []string
	for _, b := range got.Bans {
		lines = append(lines, fmt.Sprintf("%s %d %s", b.Reason, b.Since.Unix(), b.Void))
	}
	want := fmt.Sprintf("j 300 |j %d unreadable|k 1 ", time.Time{}.Unix())
	if strings.Join(lines, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(lines, "|"), want)
	}
	if want := "10m0s stands in for 2 bans"; len(got.Notes) != 1 || !strings.Contains(got.Notes[0], want) {
		t.Errorf("notes %q lack %q", got.Notes, want)
	}
}

func TestJailNamesAreSharedStrings(t *testing.T) {
	d := newDecoder(time.Minute)
	allocated := testing.AllocsPerRun(100, func() { d.jail("sshd") })
	if allocated > 1 { // the argument's own box
		t.Errorf("%v allocations per row", allocated)
	}
	if len(d.names) != 1 {
		t.Errorf("names: %v", d.names)
	}
}

// pick makes any value that SQLite's driver can hand over.
func pick(kind uint8, i int64, f float64, b []byte) driver.Value {
	switch kind % 5 {
	case 0:
		return i
	case 1:
		return f
	case 2:
		return string(b)
	case 3:
		return b
	default:
		return nil
	}
}

func FuzzDecode(f *testing.F) {
	seeds, err := filepath.Glob("testdata/fuzz/FuzzDecode/*")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("the committed seeds are missing: %v", err)
	}
	f.Fuzz(func(t *testing.T, kinds uint32, ip, jail []byte, timeofban, bantime int64, timeofbanReal, bantimeReal float64, number []byte) {
		row := []driver.Value{
			pick(uint8(kinds), timeofban, timeofbanReal, ip),
			pick(uint8(kinds>>8), timeofban, timeofbanReal, jail),
			pick(uint8(kinds>>16), timeofban, timeofbanReal, number),
			pick(uint8(kinds>>24), bantime, bantimeReal, number),
		}
		d := newDecoder(10 * time.Minute)
		d.add(row)
		b := d.bans[0]
		for _, s := range []string{b.Value, b.Reason} {
			if !utf8.ValidString(s) || len(s) > maxText || strings.ContainsFunc(s, unicode.IsControl) {
				t.Errorf("%q cannot be printed", s)
			}
		}
		if stored, ok := row[0].(string); b.Void == "" && (!ok || stored != b.Value) {
			t.Errorf("%v became %q", row[0], b.Value)
		}
		if b.Void == "" && b.Since.IsZero() {
			t.Errorf("%v: no beginning", row[2])
		}
		if b.Void == "" && b.Until.IsZero() && !isPermanent(row[3]) {
			t.Errorf("bantime %v became permanent", row[3])
		}
		if !b.Until.IsZero() && b.Until.Before(b.Since) {
			t.Errorf("ends at %v, before it begins at %v", b.Until, b.Since)
		}
		if _, err := json.Marshal(b); err != nil { // fails outside of the years 0 to 9999
			t.Error(err)
		}
	})
}

func isPermanent(v driver.Value) bool {
	f, ok := seconds(v)
	return ok && f == -1
}

func TestSecondsOfSpecialNumbers(t *testing.T) {
	for _, v := range []driver.Value{math.NaN(), "NaN", "Infinity", "0x1p4", "1_000", " 1", "1 ", "--1", "e", true, time.Now()} {
		if got, ok := seconds(v); ok {
			t.Errorf("%v (%T) became %v", v, v, got)
		}
	}
	for v, want := range map[driver.Value]float64{int64(-1): -1, 2.5: 2.5, "17": 17, "-2": -2, "1e3": 1000, math.Inf(1): math.Inf(1)} {
		if got, ok := seconds(v); !ok || got != want {
			t.Errorf("%v (%T) became %v", v, v, got)
		}
	}
}
