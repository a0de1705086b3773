package fail2ban

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const whichFile = "`fail2ban-client get dbfile` names the database that Fail2Ban uses"

func wantError(t *testing.T, e *Error, problem Problem, message, hint string) {
	t.Helper()
	if e.Problem != problem {
		t.Errorf("problem %d (%v), want %d (%v)", e.Problem, e.Problem, problem, problem)
	}
	if e.Error() != message {
		t.Errorf("message\n got %s\nwant %s", e.Error(), message)
	}
	if e.Hint() != hint {
		t.Errorf("hint\n got %s\nwant %s", e.Hint(), hint)
	}
}

func TestFilesThatAreNoDatabase(t *testing.T) {
	tests := []struct {
		name    string
		make    func(t *testing.T, dir string) string
		problem Problem
		cause   string
		hint    string
	}{
		{"no file", func(_ *testing.T, dir string) string { return dir + "/none" },
			Missing, "no such file", "Is Fail2Ban installed, and was it ever started? " + whichFile + "; set it as fail2ban-db."},
		{"no path", func(*testing.T, string) string { return "" },
			Missing, "no such file", "Is Fail2Ban installed, and was it ever started? " + whichFile + "; set it as fail2ban-db."},
		{"no directory", func(_ *testing.T, dir string) string { return dir + "/none/db" },
			NoDirectory, "no such directory", "Is Fail2Ban installed? In a container, mount the directory that holds its database. " + whichFile + "; set it as fail2ban-db."},
		{"below a file", func(t *testing.T, dir string) string { return write(t, dir+"/file", "x") + "/db" },
			NoDirectory, "no such directory", "Is Fail2Ban installed? In a container, mount the directory that holds its database. " + whichFile + "; set it as fail2ban-db."},
		{"directory", func(_ *testing.T, dir string) string { return dir },
			NotAFile, "is a directory", "Set the path of the database file itself, usually fail2ban.sqlite3. " + whichFile + "."},
		{"pipe", func(t *testing.T, dir string) string { return mkfifo(t, dir+"/pipe") },
			NotAFile, "not a regular file", "Set the path of the database file itself, usually fail2ban.sqlite3. " + whichFile + "."},
		{"empty", func(t *testing.T, dir string) string { return write(t, dir+"/db", "") },
			Empty, "empty file", "Fail2Ban makes its tables when it starts. Restart it; if the file stays empty, `journalctl -u fail2ban` says why."},
		{"short text", func(t *testing.T, dir string) string { return write(t, dir+"/db", "hello") },
			NotADatabase, "not an SQLite database", "Is this the right file? " + whichFile + ". If it is, something has overwritten it: stop Fail2Ban, move the file away, start Fail2Ban."},
		{"long text", func(t *testing.T, dir string) string { return write(t, dir+"/db", strings.Repeat("hello ", 9999)) },
			NotADatabase, "not an SQLite database", "Is this the right file? " + whichFile + ". If it is, something has overwritten it: stop Fail2Ban, move the file away, start Fail2Ban."},
		{"link to itself", func(t *testing.T, dir string) string { return symlink(t, "db", dir+"/db") },
			Unreadable, "unreadable: too many levels of symbolic links", "Look for disk errors with `dmesg`. SQLite needs a local file system: not NFS. " + whichFile + "."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := tt.make(t, t.TempDir())
			wantError(t, readError(t, New(path, Options{})), tt.problem, "Fail2Ban database "+path+": "+tt.cause, tt.hint)
		})
	}
}

func TestMalformedDatabase(t *testing.T) {
	const path = "testdata/v4-1.0.2-CORRUPT-malformed.sqlite3"
	const hint = "Restart Fail2Ban: it repairs its database when it starts, or else begins an empty one. To save the bans before that, " +
		"stop Fail2Ban and run `sqlite3 " + path + " .recover | sqlite3 recovered.sqlite3`."
	wantError(t, readError(t, New(path, Options{})), Malformed, "Fail2Ban database "+path+": malformed", hint)
}

// A copy that was cut short holds some of the rows, but a part is no answer.
func TestTruncatedDatabase(t *testing.T) {
	whole, err := os.ReadFile("testdata/v4-1.0.2-A-bans.sqlite3")
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for size := 4096; size < len(whole); size += 4096 {
		path := write(t, filepath.Join(t.TempDir(), "db"), string(whole[:size]))
		_, err := New(path, Options{}).Bans(context.Background(), fixtureNow(), nil)
		if err == nil {
			continue // only pages of indexes are missing
		}
		failed++
		if e := asError(t, err); e.Problem != Malformed {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if failed == 0 {
		t.Error("no truncation was noticed: this test proves nothing")
	}
}

func TestDatabasesThatAreNotFail2Bans(t *testing.T) {
	const noTable = "Fail2Ban has not finished making its tables, or this is the database of another program. " + whichFile + "."
	const noView = "Fail2Ban makes no views: somebody has changed its database. Stop Fail2Ban, move the file away, start Fail2Ban."
	const versions = "Fail2Ban's releases wrote version 2 (0.9, 0.10) and 4 (0.11.1 and later); 1 and 3 were used in its development only. " +
		"An older database is upgraded when a newer Fail2Ban starts; for a newer one, update this program."
	const other = "Look for disk errors with `dmesg`. SQLite needs a local file system: not NFS. " + whichFile + "."
	tests := []struct {
		name       string
		statements []string
		problem    Problem
		cause      string
		hint       string
	}{
		{"another program's", []string{`CREATE TABLE t(x)`}, NoTable, `no table "fail2banDb"`, noTable},
		{"no bips", append(schema4(), `DROP TABLE bips`), NoTable, `no table "bips"`, noTable},
		{"no jails", append(schema4(), `DROP TABLE jails`), NoTable, `no table "jails"`, noTable},
		{"schema 2 without bans", []string{versionTable, `INSERT INTO fail2banDb VALUES(2)`, jailsTable}, NoTable, `no table "bans"`, noTable},
		{"view bips", append(schema4(), `ALTER TABLE bips RENAME TO b`, `CREATE VIEW bips AS SELECT * FROM b WHERE 0`), NotATable, `"bips" is a view, not a table`, noView},
		{"view jails", append(schema4(), `ALTER TABLE jails RENAME TO j`, `CREATE VIEW jails AS SELECT * FROM j WHERE 0`), NotATable, `"jails" is a view, not a table`, noView},
		{"view fail2banDb", append(schema4(), `ALTER TABLE fail2banDb RENAME TO f`, `CREATE VIEW fail2banDb AS SELECT 4 AS version`), NotATable, `"fail2banDb" is a view, not a table`, noView},
		{"version 1", append(schema4(), `UPDATE fail2banDb SET version = 1`), UnknownSchema, "unknown schema version 1", versions},
		{"version 3", append(schema4(), `UPDATE fail2banDb SET version = 3`), UnknownSchema, "unknown schema version 3", versions},
		{"version 5", append(schema4(), `UPDATE fail2banDb SET version = 5`), UnknownSchema, "unknown schema version 5", versions},
		{"version text", append(schema4(), `UPDATE fail2banDb SET version = 'four'`), UnknownSchema, "unknown schema version four", versions},
		{"version missing", append(schema4(), `DELETE FROM fail2banDb`), UnknownSchema, "unknown schema version NULL", versions},
		{"bips without bantime", append(schema4(), `ALTER TABLE bips DROP COLUMN bantime`), Unreadable,
			"unreadable: SQL logic error: no such column: bantime (1)", other},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := build(t, filepath.Join(t.TempDir(), "db"), tt.statements...)
			wantError(t, readError(t, New(path, Options{})), tt.problem, "Fail2Ban database "+path+": "+tt.cause, tt.hint)
		})
	}
}

// The twin of the views: other things of the same names do not matter.
func TestTriggerNamedLikeATable(t *testing.T) {
	path := build(t, filepath.Join(t.TempDir(), "db"),
		append(schema4(), `CREATE TRIGGER bips AFTER INSERT ON bips BEGIN SELECT 1; END`)...)
	if got := mustRead(t, New(path, Options{}), fixtureNow()); len(got.Bans) != 1 {
		t.Errorf("got %d bans", len(got.Bans))
	}
}

// Fail2Ban 0.9.0 to 0.9.4 kept its journal on disk. What a crash leaves has to be rolled back by a writer.
func TestJournalOfACrashedWriter(t *testing.T) {
	dir := t.TempDir()
	path := build(t, filepath.Join(dir, "db"), schema4()...)
	db := openToWrite(t, path)
	defer db.Close()
	for _, q := range []string{"PRAGMA cache_size = 1", "BEGIN", // so small a cache spills into the file before the commit
		"INSERT INTO bips WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 999) SELECT i, 'sshd', 1, 1, 1, zeroblob(800) FROM n"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	crashed := filepath.Join(dir, "crashed")
	for _, suffix := range []string{"", "-journal"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		write(t, crashed+suffix, string(content))
	}
	wantError(t, readError(t, New(crashed, Options{})), Unfinished, "Fail2Ban database "+crashed+": a crashed program left an unfinished change",
		"Restart Fail2Ban: a program that may write has to open the database once to undo that change.")

	build(t, crashed, `SELECT count(*) FROM bips`) // rolls back
	if got := mustRead(t, New(crashed, Options{}), fixtureNow()); len(got.Bans) != 1 {
		t.Errorf("after the rollback: got %d bans", len(got.Bans))
	}
}

// SQLite says "out of memory" or "unable to open database file" of many things.
func TestFailureToOpenIsExplained(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir + "/none", dir + "/none/db"} {
		_, cause := New(path, Options{}).transact(t.Context()) // past the checks
		if resultCode(cause) != sqliteCantOpen {
			t.Errorf("%s: SQLite said %v, this test expects code 14", path, cause)
		}
		e := asError(t, New(path, Options{}).explain(t.Context(), cause))
		if strings.Contains(e.Error()+e.Hint(), "memory") || e.Hint() == "" {
			t.Errorf("%s: %v (%s)", path, e, e.Hint())
		}
	}
	path := buildSchema4(t)
	e := asError(t, openError(path, fs.ErrInvalid))
	wantError(t, e, Unopenable, "Fail2Ban database "+path+": SQLite cannot open it",
		"The file may be read, so look at what lies beside it: a database in WAL mode, which Fail2Ban never uses, needs more than permission to read. Restart Fail2Ban.")
	if !errors.Is(e, fs.ErrInvalid) {
		t.Error("the cause is lost")
	}
}

// Where the tests run as root nothing is forbidden, so the system's error is made here; TestForbidden has real ones.
func TestPermissionDenied(t *testing.T) {
	path := buildSchema4(t)
	e := asError(t, fileError(path, &fs.PathError{Op: "open", Path: path, Err: syscall.EACCES}))
	if e.Problem != Denied || e.Error() != "Fail2Ban database "+path+": permission denied" {
		t.Errorf("got %v", e)
	}
	fact := "The database belongs to " + owner(uint32(os.Getuid()), uint32(os.Getgid())) + ". "
	if advice := "Run as root, or give this user the capability CAP_DAC_READ_SEARCH."; !strings.HasPrefix(e.Hint(), fact+advice) {
		t.Errorf("hint %s", e.Hint())
	}
	if !errors.Is(e, fs.ErrPermission) {
		t.Error("the cause is lost")
	}
}

func TestOwner(t *testing.T) {
	tests := []struct {
		uid, gid uint32
		want     string
	}{{0, 0, "root"}, {4123456789, 0, "4123456789"}, {0, 4123456789, "root:4123456789"}}
	for _, tt := range tests {
		if got := owner(tt.uid, tt.gid); got != tt.want {
			t.Errorf("%d, %d: got %q, want %q", tt.uid, tt.gid, got, tt.want)
		}
	}
}

func TestHintsQuoteThePathForAShell(t *testing.T) {
	e := &Error{Path: "/my files/it's.db", Problem: Malformed}
	if want := `sqlite3 '/my files/it'\''s.db' .recover`; !strings.Contains(e.Hint(), want) {
		t.Errorf("hint %s\nlacks %s", e.Hint(), want)
	}
}

func TestEveryProblemHasWordsAndAHint(t *testing.T) {
	seen := make(map[string]Problem)
	for p := Missing; p <= Stopped; p++ {
		if other, ok := seen[p.String()]; ok || strings.HasPrefix(p.String(), "problem ") {
			t.Errorf("problem %d has no words of its own: %v, as %d", p, p, other)
		}
		seen[p.String()] = p
		if hint := p.hint("x"); !strings.HasSuffix(hint, ".") {
			t.Errorf("%v: hint %q", p, hint)
		}
	}
	if p := Stopped + 1; p.String() != "problem 18" || p.hint("x") != "" {
		t.Errorf("there is a problem after the last: %v", p)
	}
}

// Garbage in the pages must end in an error or in bans, not in a crash.
func TestDamagedPages(t *testing.T) {
	whole, err := os.ReadFile("testdata/v4-1.0.2-odd-ids.sqlite3")
	if err != nil {
		t.Fatal(err)
	}
	failed, read := 0, 0
	for at := 100; at < len(whole); at += 509 {
		damaged := bytes.Clone(whole)
		for i := at; i < min(at+32, len(damaged)); i++ {
			damaged[i] ^= 0xa5
		}
		path := write(t, filepath.Join(t.TempDir(), "db"), string(damaged))
		if _, err := New(path, Options{}).Bans(context.Background(), fixtureNow(), nil); err != nil {
			asError(t, err)
			failed++
		} else {
			read++
		}
	}
	if failed == 0 || read == 0 {
		t.Errorf("%d failed, %d were read: this test proves nothing", failed, read)
	}
}

func mkfifo(t *testing.T, path string) string {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func symlink(t *testing.T, to, path string) string {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
	return path
}
