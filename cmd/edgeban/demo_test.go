package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runDemo runs the demo with real time and a real socket, on a host that has no other settings.
func runDemo(t *testing.T, now time.Time, args ...string) string {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	var stdout, stderr bytes.Buffer
	began := time.Now()
	status := run(t.Context(), system{
		args:           append([]string{"demo"}, args...),
		lookupEnv:      func(string) (string, bool) { return "", false },
		stdin:          strings.NewReader(""),
		stdout:         &stdout,
		stderr:         &stderr,
		now:            func() time.Time { return now },
		hostname:       os.Hostname,
		interfaceAddrs: net.InterfaceAddrs,
	})
	if status != exitOK {
		t.Errorf("exit status %d", status)
	}
	for line := range strings.Lines(stderr.String()) {
		if !strings.HasPrefix(line, "edgeban: warning: 1 ban left out as Cloudflare's own: ") {
			t.Error(line)
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if strings.Contains(stdout.String()+stderr.String(), demoToken) {
		t.Error("it prints its token")
	}
	return stdout.String()
}

func TestDemo(t *testing.T) {
	said := runDemo(t, dawn())
	rest := said
	for _, step := range []string{
		"# A Cloudflare on this machine's loopback",
		"# What would change?", "$ edgeban diff", "+  192.0.2.44", "left out", "bob", "# Change it.", "$ edgeban sync", "list edgeban: +",
		"# Once more: nothing is left to do.", "$ edgeban diff", "0 to add, 0 to remove",
		"# Somebody is un-banned.", "fail2ban-client set nginx-botsearch unbanip 203.0.113.20", "−  203.0.113.20", "$ edgeban sync", "−1",
		"lingers.", "lingering", "surely over", "−  203.0.113.7", "$ edgeban sync", "−1",
		"# What Prometheus sees.", "edgeban_last_run_outcome{outcome=\"changed\"} 1",
	} {
		_, after, found := strings.Cut(rest, step)
		if !found {
			t.Fatalf("after the steps before, %q is missing in\n%s", step, said)
		}
		rest = after
	}
}

// Somebody's own database is only read.
func TestDemoWithDatabase(t *testing.T) {
	original, err := os.ReadFile(sampleFile(t, "v4-1.1.1-A-bans"))
	if err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(t.TempDir(), "fail2ban.sqlite3")
	if err := os.WriteFile(db, original, 0o600); err != nil {
		t.Fatal(err)
	}
	said := runDemo(t, dawn().AddDate(1, 0, 0), "--db", db)
	for _, part := range []string{"your database, which is only read", "2 to add, 0 to remove", "list edgeban: +2", "0 to add, 0 to remove", "edgeban_list_items"} {
		if !strings.Contains(said, part) {
			t.Errorf("%q is missing in\n%s", part, said)
		}
	}
	after, err := os.ReadFile(db)
	if err != nil || !bytes.Equal(after, original) {
		t.Errorf("the database was changed: %v", err)
	}
	files, err := os.ReadDir(filepath.Dir(db))
	if err != nil || len(files) != 1 {
		t.Errorf("left beside it: %v, %v", files, err)
	}
}

func TestDemoWithoutDatabase(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	h := newHost(t)
	_, stderr, status := h.run("demo", "--db", "nowhere.sqlite3")
	const want = "edgeban: Fail2Ban database nowhere.sqlite3: no such file\n"
	const end = "edgeban: demo: edgeban diff ended with exit status 1\n"
	if status != exitFailure || !strings.HasPrefix(stderr, want) || !strings.HasSuffix(stderr, end) {
		t.Errorf("exit status %d: %s", status, stderr)
	}
}
