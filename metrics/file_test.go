package metrics

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A reader that opened the old file goes on reading it, whoever opens the path finds the new one, nothing else stays behind.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "edgeban.prom")
	if err := os.WriteFile(path, []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()

	if err := WriteFile(path, fullRun()); err != nil {
		t.Fatal(err)
	}
	if old, err := io.ReadAll(reader); err != nil || string(old) != "old\n" {
		t.Errorf("the old file reads %q, %v", old, err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != render(t, fullRun()) {
		t.Errorf("the new file reads %q, %v", text, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o644 {
		t.Errorf("mode %v, want -rw-r--r--", info.Mode())
	}
	only(t, dir, "edgeban.prom")
}

// A file that cannot be replaced stays as it was. Its name is the longest allowed, so that no temporary file fits beside it:
// this holds for every user, root included.
func TestOldFileStays(t *testing.T) {
	dir := t.TempDir()
	name := strings.Repeat("m", 250) + ".prom"
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("old\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := WriteFile(path, fullRun())
	if !errors.Is(err, syscall.ENAMETOOLONG) {
		t.Errorf("error %v, want ENAMETOOLONG", err)
	}
	if old, err := os.ReadFile(path); err != nil || string(old) != "old\n" {
		t.Errorf("the old file reads %q, %v", old, err)
	}
	only(t, dir, name)
}

// What root writes belongs to the directory's owner; what else stands in its place does not change hands.
func TestHandOver(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can hand over")
	}
	const service = 12345
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "precious")
	if err := errors.Join(os.Chown(dir, service, service), os.WriteFile(elsewhere, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	belongs := func(path string, want uint32) {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != want || owner.Gid != want {
			t.Errorf("%s belongs to %d:%d, want %d", path, owner.Uid, owner.Gid, want)
		}
	}
	path := filepath.Join(dir, "edgeban.prom")
	for range 2 {
		if err := WriteFile(path, fullRun()); err != nil {
			t.Fatal(err)
		}
		belongs(path, service)
	}
	only(t, dir, "edgeban.prom")

	for name, put := range map[string]func(string) error{
		"link":    func(path string) error { return os.Symlink(elsewhere, path) },
		"name":    func(path string) error { return os.Link(elsewhere, path) },
		"private": func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		path := filepath.Join(dir, name)
		if err := put(path); err != nil {
			t.Fatal(err)
		}
		_ = handOver(path)
		belongs(path, 0)
	}
}

func TestFileErrors(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder.prom"), 0o755); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		path  string
		is    error
		cause string
		hint  string
	}{
		{filepath.Join(dir, "missing", "edgeban.prom"), fs.ErrNotExist, "no such file or directory",
			"Create " + filepath.Join(dir, "missing")},
		{filepath.Join(dir, "folder.prom"), syscall.EISDIR, "is a directory", "Name a file"},
	}
	for _, tt := range tests {
		err := WriteFile(tt.path, fullRun())
		if !errors.Is(err, tt.is) {
			t.Errorf("%s: error %v, want %v", tt.path, err, tt.is)
			continue
		}
		if want := "write metrics " + tt.path + ": " + tt.cause; err.Error() != want {
			t.Errorf("message %q, want %q", err, want)
		}
		checkHint(t, err, tt.hint)
	}
	only(t, dir, "folder.prom")
}

// Errors that a test run by root does not meet.
func TestHints(t *testing.T) {
	const path = "/var/lib/prometheus/node-exporter/edgeban.prom"
	for cause, hint := range map[syscall.Errno]string{
		syscall.EACCES: "permission to write in /var/lib/prometheus/node-exporter,",
		syscall.EROFS:  "ReadWritePaths=/var/lib/prometheus/node-exporter ",
		syscall.ENOSPC: "",
	} {
		opened := &fs.PathError{Op: "open", Path: path + "123456", Err: cause}
		checkHint(t, &fileError{path: path, cause: causeOf(opened)}, hint)
	}
}

// checkHint expects the hint to hold some text, or to be empty.
func checkHint(t *testing.T, err error, holds string) {
	t.Helper()
	hinter, ok := err.(interface{ Hint() string })
	if !ok {
		t.Fatalf("%v has no hint", err)
	}
	if hint := hinter.Hint(); !strings.Contains(hint, holds) || (holds == "") != (hint == "") {
		t.Errorf("%v: hint %q, want one with %q", err, hint, holds)
	}
}

// only expects dir to hold one file.
func only(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("%s holds %v, want %s alone", dir, entries, name)
	}
}
