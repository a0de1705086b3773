package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestBadDatabases(t *testing.T) {
	const (
		versions = `CREATE TABLE fail2banDb(version INTEGER)`
		four     = `INSERT INTO fail2banDb VALUES(4)`
		jails    = `CREATE TABLE jails(name TEXT, enabled INTEGER)`
		database = "edgeban: Fail2Ban database DIR/fail2ban.sqlite3: "
		dbfile   = "`fail2ban-client get dbfile` names the database"
	)
	link := func(target string) func(*testing.T, *site) {
		return func(t *testing.T, s *site) {
			remove(t, s.database())
			if err := os.Symlink(target, s.database()); err != nil {
				t.Fatal(err)
			}
		}
	}
	testUntouched(t, []untouched{
		{name: "missing", spoil: func(t *testing.T, s *site) { remove(t, s.database()) },
			stderr: database + "no such file\n", hint: dbfile},
		{name: "directory missing", env: []string{"EDGEBAN_FAIL2BAN_DB=/nowhere/fail2ban.sqlite3"},
			stderr: "edgeban: Fail2Ban database /nowhere/fail2ban.sqlite3: no such directory\n", hint: "In a container, mount the directory"},
		{name: "below a file", spoil: func(t *testing.T, s *site) {
			if err := os.WriteFile(filepath.Join(s.dir, "file"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			remove(t, s.database())
			if err := os.Symlink("file/fail2ban.sqlite3", s.database()); err != nil {
				t.Fatal(err)
			}
		}, stderr: database + "no such file\n", hint: dbfile},
		{name: "link to nowhere", spoil: link("nowhere"), stderr: database + "no such file\n", hint: dbfile},
		{name: "link to itself", spoil: link("fail2ban.sqlite3"), stderr: database + "unreadable: too many levels of symbolic links\n", hint: "dmesg"},
		{name: "directory", spoil: link("."), stderr: database + "is a directory\n", hint: "Set the path of the database file itself"},
		{name: "device", spoil: link("/dev/null"), stderr: database + "not a regular file\n", hint: "Set the path of the database file itself"},
		{name: "pipe", spoil: func(t *testing.T, s *site) {
			remove(t, s.database())
			if err := syscall.Mkfifo(s.database(), 0o600); err != nil {
				t.Fatal(err)
			}
		}, stderr: database + "not a regular file\n", hint: "Set the path of the database file itself"},
		{name: "permission", spoil: func(t *testing.T, s *site) {
			if err := os.Chmod(s.database(), 0); err != nil {
				t.Fatal(err)
			}
			if f, err := os.Open(s.database()); err == nil { // the gate runs this without the capability
				_ = f.Close()
				t.Skip("root may read everything")
			}
		}, stderr: database + "permission denied\n", hint: "Run as root, or give this user the capability CAP_DAC_READ_SEARCH"},
		{name: "empty", spoil: fileOf(""), stderr: database + "empty file\n", hint: "Fail2Ban makes its tables when it starts"},
		{name: "text", spoil: fileOf("This is not the file that you are looking for, although it is long enough to be one of those files.\n"),
			stderr: database + "not an SQLite database\n", hint: "something has overwritten it"},
		{name: "cut", spoil: func(t *testing.T, s *site) {
			if err := os.Truncate(s.database(), 3000); err != nil {
				t.Fatal(err)
			}
		}, stderr: database + "malformed\n", hint: "Restart Fail2Ban: it repairs"},
		{name: "malformed", env: []string{"EDGEBAN_FAIL2BAN_DB=" + sampleFile(t, malformedSample)},
			stderr: "edgeban: Fail2Ban database " + sampleFile(t, malformedSample) + ": malformed\n", hint: "Restart Fail2Ban: it repairs"},
		{name: "another program's", spoil: databaseOf(`CREATE TABLE moz_places(url TEXT)`),
			stderr: database + "no table \"fail2banDb\"\n", hint: "the database of another program"},
		{name: "no version", spoil: databaseOf(versions, jails), stderr: database + "unknown schema version NULL\n", hint: "Fail2Ban's releases wrote version 2"},
		{name: "version 3", spoil: databaseOf(versions, `INSERT INTO fail2banDb VALUES(3)`, jails),
			stderr: database + "unknown schema version 3\n", hint: "An older database is upgraded"},
		{name: "version 5", spoil: databaseOf(versions, `INSERT INTO fail2banDb VALUES(5)`, jails),
			stderr: database + "unknown schema version 5\n", hint: "for a newer one, update this program"},
		{name: "no table of jails", spoil: databaseOf(versions, four), stderr: database + "no table \"jails\"\n", hint: "has not finished making its tables"},
		{name: "no table of bans", spoil: databaseOf(versions, four, jails), stderr: database + "no table \"bips\"\n", hint: "has not finished making its tables"},
		{name: "a view instead", spoil: databaseOf(versions, four, jails, `CREATE VIEW bips AS SELECT '203.0.113.7' AS ip, 'sshd' AS jail, 1 AS timeofban, -1 AS bantime`),
			stderr: database + "\"bips\" is a view, not a table\n", hint: "somebody has changed its database"},
		{name: "a column less", spoil: databaseOf(versions, four, jails, `CREATE TABLE bips(ip TEXT, jail TEXT, timeofban INTEGER)`),
			stderr: database + "unreadable: SQL logic error: no such column: bantime (1)\n", hint: "dmesg"},
		{name: "locked", spoil: lockDatabase, stderr: database + "locked for more than 2s\n", hint: "fuser -v DIR/fail2ban.sqlite3"},

		// Whoever asks gets exit status 1.
		{name: "diff", spoil: fileOf(""), args: []string{"diff"}, status: exitFailure, stderr: database + "empty file\n", hint: "Fail2Ban makes its tables"},
		{name: "diff --json", spoil: fileOf(""), args: []string{"diff", "--json"}, status: exitFailure, stderr: database + "empty file\n", hint: "Fail2Ban makes its tables"},
		{name: "bans", spoil: fileOf(""), args: []string{"bans"}, status: exitFailure, stderr: database + "empty file\n", hint: "Fail2Ban makes its tables"},
		{name: "bans --json", spoil: fileOf(""), args: []string{"bans", "--json"}, status: exitFailure, stderr: database + "empty file\n", hint: "Fail2Ban makes its tables"},
	})
}

// lockDatabase holds the database as a program does that writes for long.
func lockDatabase(t *testing.T, s *site) {
	t.Helper()
	db, err := sql.Open("sqlite", s.database())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
}
