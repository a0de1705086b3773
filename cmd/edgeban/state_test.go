package main

import (
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"edgeban/reconcile"
)

func mustStateDir(t *testing.T, path string) *stateDir {
	t.Helper()
	d, err := openStateDir(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestStateIsKept(t *testing.T) {
	d := mustStateDir(t, filepath.Join(t.TempDir(), "a", "b"))
	if s, err := d.lists().load(); err != nil || !reflect.DeepEqual(s, state{Version: stateVersion}) {
		t.Errorf("before the first run: %+v, %v", s, err)
	}
	want := state{
		Version: stateVersion,
		Lists: map[string]listState{"account/list": {Past: reconcile.Past{
			Memory:  map[string]json.RawMessage{"fail2ban /a": json.RawMessage(`{"x":1}`)},
			Known:   map[string]string{"fail2ban /a": "inode 7"},
			Orphans: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")},
			Waiting: reconcile.Waiting{"+192.0.2.9": time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)},
			Open:    reconcile.Open{Operation: "0123"},
		}, LastSuccess: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), UntaggedAllowed: true}},
		Accounts: map[string]accountState{"account": {
			Throttle:  reconcile.Throttle{InARow: 2, Hold: time.Date(2026, 11, 20, 10, 2, 0, 0, time.UTC)},
			Capacity:  reconcile.Capacity{Fits: 100, Over: 200},
			BatchSize: 500,
		}},
	}
	if err := d.lists().save(want); err != nil {
		t.Fatal(err)
	}
	got, err := d.lists().load()
	if err != nil {
		t.Fatal(err)
	}
	for name, memory := range got.Lists["account/list"].Memory { // the file is indented
		var compact strings.Builder
		for word := range strings.FieldsSeq(string(memory)) {
			compact.WriteString(word)
		}
		got.Lists["account/list"].Memory[name] = json.RawMessage(compact.String())
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	wantOnly(t, d, "state.json")
	wantMode(t, d.path, 0o700)
	wantMode(t, d.lists().path(), 0o600)
}

// A state that cannot be understood is an empty one, and it is said why.
func TestStateDamaged(t *testing.T) {
	tests := []struct{ name, content, want string }{
		{"empty", "", "is damaged: unexpected end of JSON input"},
		{"cut", `{"version": 1, "last_succ`, "is damaged: unexpected end of JSON input"},
		{"zeros", "\x00\x00\x00\x00", `is damaged: invalid character '\x00' looking for beginning of value`},
		{"of another shape", `{"version": "one"}`, "is damaged: json: cannot unmarshal string into Go struct field state.version of type int"},
		{"of a newer edgeban", `{"version": 2, "last_success": "2026-11-20T10:00:00Z"}`, "is of version 2, this edgeban writes 1"},
		{"without a version", `{}`, "is of version 0, this edgeban writes 1"},
		{"null", `null`, "is of version 0, this edgeban writes 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := mustStateDir(t, t.TempDir())
			if err := os.WriteFile(d.lists().path(), []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := d.lists().load()
			if want := "state " + d.lists().path() + " " + tt.want; err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
			if !reflect.DeepEqual(s, state{Version: stateVersion}) {
				t.Errorf("%+v is not empty", s)
			}
			if err := d.lists().save(s); err != nil { // and the next run finds it whole
				t.Fatal(err)
			}
			if _, err := d.lists().load(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What a run left that was killed while it wrote goes with the next one; all else stays.
func TestStateDirIsSwept(t *testing.T) {
	d := mustStateDir(t, t.TempDir())
	for _, name := range []string{".state.json-123", ".probe-4", "state.json", "notes"} {
		if err := os.WriteFile(filepath.Join(d.path, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	unlock, err := d.lock()
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	entries, err := os.ReadDir(d.path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "lock notes state.json" {
		t.Error(got)
	}
}

func TestStateDirIsADirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "state")} {
		if _, err := openStateDir(path); err == nil || err.Error() != "state directory "+path+": not a directory" {
			t.Error(err)
		}
	}
}

// One run at a time holds the lock, and its end frees it.
func TestLockExcludes(t *testing.T) {
	d := mustStateDir(t, t.TempDir())
	unlock, err := d.lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mustStateDir(t, d.path).lock(); !errors.Is(err, errLocked) || err.Error() != "lock "+d.path+"/lock: another edgeban is running" {
		t.Errorf("the second lock: %v", err)
	}
	other, err := mustStateDir(t, t.TempDir()).lock()
	if err != nil {
		t.Errorf("another directory: %v", err)
	}
	other()
	unlock()
	again, err := d.lock()
	if err != nil {
		t.Fatalf("after the unlock: %v", err)
	}
	again()
	wantMode(t, filepath.Join(d.path, "lock"), 0o600)
}

// The file of accounts is shared by instances and has a lock of its own: what was left of it goes when it is next written.
func TestAccountsAreSwept(t *testing.T) {
	d := mustStateDir(t, t.TempDir())
	for _, name := range []string{".accounts.json-123", ".state.json-123", "notes"} {
		if err := os.WriteFile(filepath.Join(d.path, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := accountsFile(d, "").change(func(*state) {}); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, d, ".state.json-123", "accounts.json", "notes")
}

// The lock is never somebody else's file: whoever may write into the directory could otherwise have root open one.
func TestLockFollowsNoLink(t *testing.T) {
	d := mustStateDir(t, t.TempDir())
	target := filepath.Join(t.TempDir(), "target")
	if err := os.Symlink(target, filepath.Join(d.path, "lock")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.lock(); err == nil || err.Error() != "lock "+d.path+"/lock: too many levels of symbolic links" {
		t.Error(err)
	}
	if _, err := os.Lstat(target); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link's target: %v", err)
	}
}

// Without a directory nothing is remembered and nothing is locked.
func TestNoStateDir(t *testing.T) {
	var d *stateDir
	if err := d.lists().save(state{Version: stateVersion, Lists: map[string]listState{"a/b": {LastSuccess: dawn()}}}); err != nil {
		t.Error(err)
	}
	if s, err := d.lists().load(); err != nil || !reflect.DeepEqual(s, state{Version: stateVersion}) {
		t.Errorf("%+v, %v", s, err)
	}
	for range 2 {
		unlock, err := d.lock()
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
	}
}

// What root makes belongs to the directory's owner, so that a run by hand never locks the service out.
func TestHandOver(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can hand over")
	}
	const service = 12345
	d := mustStateDir(t, t.TempDir())
	if err := os.Chown(d.path, service, service); err != nil {
		t.Fatal(err)
	}
	unlock, err := d.lock()
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if err := d.lists().save(state{Version: stateVersion}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lock", "state.json"} {
		info, err := os.Stat(filepath.Join(d.path, name))
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != service || owner.Gid != service {
			t.Errorf("%s belongs to %d:%d", name, owner.Uid, owner.Gid)
		}
	}
}

// wantOnly looks for files that should be gone.
func wantOnly(t *testing.T, d *stateDir, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(d.path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !reflect.DeepEqual(got, names) {
		t.Errorf("the directory holds %q, want %q", got, names)
	}
}

func wantMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %04o, want %04o", path, got, want)
	}
}
