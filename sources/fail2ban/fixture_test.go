package fail2ban

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"edgeban/reconcile"
)

// The tables of schema 4 that matter, as Fail2Ban 1.1.1 creates them.
const (
	versionTable = `CREATE TABLE fail2banDb(version INTEGER)`
	jailsTable   = `CREATE TABLE jails(name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1)`
	bansTable    = `CREATE TABLE bans(jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL, bancount INTEGER NOT NULL default 1, data JSON)`
	bipsTable    = `CREATE TABLE bips(ip TEXT NOT NULL, jail TEXT NOT NULL, timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL, bancount INTEGER NOT NULL default 1, data JSON, PRIMARY KEY(ip, jail))`
)

// fixtureNow lies 10 s after the ban of schema4's one row.
func fixtureNow() time.Time { return time.Unix(1795211482, 0).UTC() }

// schema4 are the statements that make a database of one jail and one ban of 10 minutes.
func schema4() []string {
	return []string{
		versionTable, `INSERT INTO fail2banDb VALUES(4)`,
		jailsTable, `INSERT INTO jails VALUES('sshd', 1)`,
		bansTable, bipsTable,
		`INSERT INTO bips VALUES('192.0.2.1', 'sshd', 1795211472, 600, 1, x'7b7d')`,
	}
}

// build makes a database at path.
func build(t testing.TB, path string, statements ...string) string {
	t.Helper()
	db := openToWrite(t, path)
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return path
}

func buildSchema4(t testing.TB) string {
	t.Helper()
	return build(t, filepath.Join(t.TempDir(), "fail2ban.sqlite3"), schema4()...)
}

func openToWrite(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", fileURI(path))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

// mustRead reads or ends the test.
func mustRead(t testing.TB, s *Source, now time.Time) reconcile.Reading {
	t.Helper()
	got, err := s.Bans(context.Background(), now, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// readError reads and wants an *Error.
func readError(t testing.TB, s *Source) *Error {
	t.Helper()
	return asError(t, second(s.Bans(context.Background(), fixtureNow(), nil)))
}

func second(_ reconcile.Reading, err error) error { return err }

func asError(t testing.TB, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want an *Error", err, err)
	}
	return e
}

func write(t testing.TB, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
