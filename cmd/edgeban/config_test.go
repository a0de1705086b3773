package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// golden compares got with a committed file; UPDATE=1 writes the file.
func golden(t *testing.T, dir, name, got string) {
	t.Helper()
	goldenFile(t, filepath.Join(dir, "testdata", "golden", name), got)
}

// goldenFile is golden for a file that lies elsewhere.
func goldenFile(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (UPDATE=1 go test writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; UPDATE=1 go test writes it):\n%s", file, diff)
	}
}

// workingDir is where the test files lie; newHost leaves it.
func workingDir(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// configured is a host with a setting from every place.
func configured(t *testing.T) *host {
	h := newHost(t)
	h.write("etc/edgeban/edgeban.toml", "# edgeban\naccount = '"+testAccount+"'\n\njail = ['sshd', 'nginx-*']\nipv6-prefix = 56\n")
	h.write("run/credentials/cloudflare-api-token", testToken+"\n")
	h.env["CREDENTIALS_DIRECTORY"] = "run/credentials"
	h.env["EDGEBAN_ALLOW"] = "192.0.2.0/24,2001:db8::1"
	h.env["STATE_DIRECTORY"] = "/var/lib/private/edgeban"
	return h
}

func TestConfig(t *testing.T) {
	dir := workingDir(t)
	h := configured(t)
	stdout, stderr, code := h.run("config", "--margin", "5m")
	if code != exitOK || stderr != "" {
		t.Errorf("exit status %d: %s", code, stderr)
	}
	golden(t, dir, "config.txt", stdout)

	stdout, stderr, code = h.run("config", "--margin", "5m", "--json")
	if code != exitOK || stderr != "" {
		t.Errorf("--json: exit status %d: %s", code, stderr)
	}
	golden(t, dir, "config.json", stdout)
	var shown struct {
		Settings []struct{ Name, Origin string }
	}
	if err := json.Unmarshal([]byte(stdout), &shown); err != nil {
		t.Fatal(err)
	}
	if got, want := len(shown.Settings), len(settings())+len(secrets()); got != want {
		t.Errorf("%d settings shown, want %d", got, want)
	}
	for _, s := range shown.Settings {
		if s.Origin == "" {
			t.Errorf("%s has no origin", s.Name)
		}
	}
}

func TestConfigWarns(t *testing.T) {
	h := newHost(t)
	h.write("etc/edgeban/token", testToken)
	if err := os.Chmod("etc/edgeban/token", 0o644); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := h.run("config")
	want := "edgeban: warning: token file etc/edgeban/token is open to every user of this host (mode 0644)\n"
	if code != exitOK || stderr != want {
		t.Errorf("exit status %d, %q, want %q", code, stderr, want)
	}
}

func TestConfigWithoutMachineID(t *testing.T) {
	h := newHost(t)
	h.write("etc/machine-id", "")
	if _, stderr, code := h.run("config"); code != exitOK {
		t.Errorf("exit status %d: %s", code, stderr)
	}
}

// leaks are the ways a secret could go out by accident, applied to something that holds one.
func leaks(v any) string {
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("settings", "v", v)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("settings", "v", v)
	encoded, err := json.Marshal(v)
	return log.String() + string(encoded) + fmt.Sprintln(err, v) + fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v)
}

func TestTokenNeverShown(t *testing.T) {
	h := configured(t)
	for _, args := range [][]string{{"config"}, {"config", "--json"}, {"config", "--margin", "x"}, {"config", "--help"}} {
		stdout, stderr, _ := h.run(args...)
		if strings.Contains(stdout+stderr, testToken) {
			t.Errorf("%v shows the token", args)
		}
	}
	s, _, code := h.load(0)
	if code != exitOK || s.Token.IsZero() || tokenOf(h, s) != testToken {
		t.Fatal("no token was loaded: the test would prove nothing")
	}
	if strings.Contains(leaks(s)+leaks(s.Token)+leaks(&s), testToken) {
		t.Error("printing the settings shows the token")
	}
	// The twin: the same text, not declared a secret.
	if !strings.Contains(leaks(struct{ Token string }{testToken}), testToken) {
		t.Error("leaks finds nothing: the test above proves nothing")
	}
}
