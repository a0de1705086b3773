package main

import (
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	fake "edgeban/cloudflare/cloudflaretest"
)

// removeByHand takes the item off the list that the run is about to remove.
func removeByHand(s *site) fake.Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		s.edge.DeleteItem(s.list, "203.0.113.8")
		next.ServeHTTP(w, r)
	}
}

// instead puts something else in the place of Fail2Ban's database, until putBack.
func instead(put func(*testing.T, *site)) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		t.Helper()
		rename(t, s.database(), s.database()+".away")
		if put != nil {
			put(t, s)
		}
	}
}

func putBack(t *testing.T, s *site) {
	t.Helper()
	rename(t, s.database()+".away", s.database())
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// inDatabaseOf is a spoil that executes statements in the place of Fail2Ban's database.
func inDatabaseOf(statements ...string) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		t.Helper()
		if err := inDatabase(s.database(), statements...); err != nil {
			t.Fatal(err)
		}
	}
}

func sourceFaults() []faultCase {
	source := func(name, says string, put func(*testing.T, *site)) faultCase {
		return faultCase{name: "database: " + name, spoil: instead(put), repair: putBack, says: says, outcome: "skipped", after: asItWas}
	}
	// damaged was there, but not in order: what stands at its place later may be another one, and what that lacks proves nothing.
	damaged := func(name, says string, put func(*testing.T, *site)) faultCase {
		c := source(name, says, put)
		c.then, c.last = added, added
		return c
	}
	malformed := func(t *testing.T, s *site) {
		content, err := os.ReadFile(sampleFile(t, malformedSample))
		if err != nil {
			t.Fatal(err)
		}
		fileOf(string(content))(t, s)
	}
	directory := func(t *testing.T, s *site) {
		if err := os.Mkdir(s.database(), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	noDirectory := func(t *testing.T, s *site) { remove(t, s.database()) }
	isDirectory := source("directory", "is a directory", directory)
	isDirectory.repair = func(t *testing.T, s *site) { noDirectory(t, s); putBack(t, s) }
	return []faultCase{
		source("missing", "no such file", nil),
		damaged("empty file", "empty file", fileOf("")),
		damaged("text", "not an SQLite database", fileOf(strings.Repeat("not a database ", 100))),
		damaged("malformed", "malformed", malformed),
		isDirectory,
		damaged("of another program", `no table "fail2banDb"`, inDatabaseOf(`CREATE TABLE moz_places(url TEXT)`)),
		damaged("of a future Fail2Ban", "unknown schema version 9",
			inDatabaseOf(`CREATE TABLE fail2banDb(version INTEGER)`, `INSERT INTO fail2banDb VALUES(9)`, `CREATE TABLE jails(name TEXT, enabled INTEGER)`)),
		lockedCase(), replacedCase(),
	}
}

func lockedCase() faultCase {
	var db *sql.DB
	return faultCase{
		name: "database: locked", says: "locked for more than 2s", outcome: "skipped", after: asItWas,
		spoil: func(t *testing.T, s *site) {
			var err error
			if db, err = sql.Open("sqlite", s.database()); err != nil {
				t.Fatal(err)
			}
			db.SetMaxOpenConns(1)
			if _, err := db.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
				t.Fatal(err)
			}
		},
		repair: func(*testing.T, *site) { _ = db.Close() },
	}
}

// replacedCase: Fail2Ban took its database for broken and began a new one. What that does not know proves nothing.
func replacedCase() faultCase {
	empty := instead(func(t *testing.T, s *site) {
		if err := s.makeDatabase(s.database()); err != nil {
			t.Fatal(err)
		}
	})
	return faultCase{
		name: "database: replaced by an empty one", says: "database replaced: the bans of 1 item are unknown to it", outcome: "in_step",
		spoil: func(t *testing.T, s *site) {
			if said, status := s.runFaulty(t, faultCase{}); status != exitOK {
				t.Fatal(said)
			}
			empty(t, s)
		},
		after: asItWas, then: asItWas, last: asItWas,
	}
}

func stateFaults() []faultCase {
	file := func(s *site) string { return filepath.Join(s.stateDir(), "state.json") }
	// unusable is a state that is set aside while the run does its work without it.
	unusable := func(name, says string, spoil func(*testing.T, *site)) faultCase {
		return faultCase{name: "state: " + name, spoil: spoil, outcome: "changed", writes: 2, after: inStep,
			says: says + "…; going on without it, it is now DIR/state/state.json.bad",
			check: func(t *testing.T, s *site) {
				if _, err := os.Lstat(file(s) + ".bad"); err != nil {
					t.Error(err)
				}
				if _, err := (&stateDir{s.stateDir()}).lists().load(); err != nil {
					t.Error(err)
				}
			}}
	}
	isDirectory := func(t *testing.T, s *site) {
		if err := os.MkdirAll(filepath.Join(file(s), "filled"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	link := unusable("a symbolic link", "is a symbolic link, which is not followed", func(t *testing.T, s *site) {
		mustStateDir(t, s.stateDir())
		if err := os.Symlink("../elsewhere", file(s)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, "elsewhere"), []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	followed := link.check
	link.check = func(t *testing.T, s *site) {
		followed(t, s)
		if text, err := os.ReadFile(filepath.Join(s.dir, "elsewhere")); string(text) != "precious" {
			t.Errorf("the link was followed: %q, %v", text, err)
		}
	}
	return []faultCase{
		unusable("empty", "is damaged: unexpected end of JSON input", stateText("")),
		unusable("cut", "is damaged: unexpected end of JSON input", stateText(`{"version": 1, "past": {`)),
		unusable("another's file", "is damaged: invalid character", stateText("what is this")),
		unusable("of a newer edgeban", "is of version 7, this edgeban writes 1", stateText(`{"version": 7}`)),
		unusable("a directory", "is a directory", isDirectory),
		link,
		{name: "state: no directory can be made", env: []string{"EDGEBAN_STATE_DIR=/dev/null/state"}, outcome: "changed", writes: 2, after: inStep,
			says: "state directory /dev/null/state: not a directory; going on without it: nothing is remembered"},
		accountsCase(), lockHeldCase(), diskFullCase(),
	}
}

// accountsCase: what is known of the account is in a file of its own.
func accountsCase() faultCase {
	file := func(s *site) *stateFile { return accountsFile(&stateDir{s.stateDir()}, "") }
	return faultCase{name: "state: of the account, cut", outcome: "changed", writes: 2, after: inStep,
		says: "accounts.json is damaged: unexpected end of JSON input; going on without it, it is now DIR/state/accounts.json.bad",
		spoil: func(t *testing.T, s *site) {
			mustStateDir(t, s.stateDir())
			if err := os.WriteFile(file(s).path(), []byte(`{"version": 1, "acc`), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		check: func(t *testing.T, s *site) {
			if kept, err := file(s).load(); err != nil || kept.Accounts[testAccount].Throttle.Wrote.IsZero() {
				t.Errorf("%+v, %v", kept, err)
			}
		}}
}

func lockHeldCase() faultCase {
	var unlock func()
	return faultCase{name: "state: lock held by another run", status: exitFailure, outcome: none, after: asItWas, says: "another edgeban is running",
		spoil: func(t *testing.T, s *site) {
			var err error
			if unlock, err = mustStateDir(t, s.stateDir()).lock(); err != nil {
				t.Fatal(err)
			}
		},
		repair: func(*testing.T, *site) { unlock() }}
}

// diskFullCase: the list is put in step all the same; the old state stays, and nothing half written beside it.
func diskFullCase() faultCase {
	old := state{Version: stateVersion, Lists: map[string]listState{"a/b": {LastSuccess: dawn()}}}
	return faultCase{name: "state and metrics: disk full", full: true, outcome: none, writes: 2, after: inStep,
		says: "state DIR/state/state.json: file too large",
		spoil: func(t *testing.T, s *site) {
			if err := mustStateDir(t, s.stateDir()).lists().save(old); err != nil {
				t.Fatal(err)
			}
		},
		check: func(t *testing.T, s *site) {
			d := &stateDir{s.stateDir()}
			if kept, err := d.lists().load(); err != nil || !kept.Lists["a/b"].LastSuccess.Equal(dawn()) {
				t.Errorf("%+v, %v", kept, err)
			}
			wantOnly(t, d, "lock", "state.json")
		}}
}

func metricsFaults() []faultCase {
	metrics := func(name, path, says string) faultCase {
		return faultCase{name: "metrics: " + name, env: []string{"EDGEBAN_METRICS_FILE=" + path}, says: says, outcome: none, writes: 2, after: inStep}
	}
	long := "/tmp/" + strings.Repeat("m", 251) + ".prom"
	return []faultCase{
		metrics("no such directory", "/nowhere/edgeban.prom", "write metrics /nowhere/edgeban.prom: no such file or directory"),
		metrics("below a device", "/dev/null/edgeban.prom", "write metrics /dev/null/edgeban.prom: not a directory"),
		metrics("name too long", long, "file name too long"),
	}
}
