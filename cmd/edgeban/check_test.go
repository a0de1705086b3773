package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// fail2banSays is a fail2ban-client: "running", "running FILE" with the database in use, "stopped", "denied"; "": there is none.
func fail2banSays(what string) func(context.Context, ...string) ([]byte, error) {
	state, file, _ := strings.Cut(what, " ")
	return func(_ context.Context, args ...string) ([]byte, error) {
		switch {
		case state == "":
			return nil, exec.ErrNotFound
		case state == "stopped":
			return []byte("Failed to access socket path: /var/run/fail2ban/fail2ban.sock. Is fail2ban running?\n"), errors.New("exit status 255")
		case state == "denied":
			return []byte("Permission denied to socket: /var/run/fail2ban/fail2ban.sock, (you must be root)\n"), errors.New("exit status 255")
		case args[0] == "ping":
			return []byte("Server replied: pong\n"), nil
		case file == "None":
			return []byte("Database currently disabled\n"), nil
		}
		return []byte("Current database file is:\n`- " + file + "\n"), nil
	}
}

// checked is a site on which all is well, and how edgeban check finds it.
type checked struct {
	*site
	zone     string
	fail2ban string // see fail2banSays
	timer    string // what systemctl prints; empty: there is none
	env      map[string]string
}

func newChecked(t *testing.T) *checked {
	t.Helper()
	s := &checked{site: mustSite(t), env: map[string]string{}}
	s.edge.SetReferences(s.list, 0)
	s.zone = s.edge.AddZone(testAccount, "example.com")
	s.edge.AddRule(s.zone, fake.Rule{Expression: "(ip.src in $edgeban)", Action: "block", Enabled: true})
	s.edge.AddAccountToken(testAccount, testToken, fake.ListsEdit, fake.ZoneRead, fake.WAFRead)
	if err := s.ban(s.database(), "sshd", "203.0.113.7", time.Now().Add(-2*time.Minute), time.Hour); err != nil {
		t.Fatal(err)
	}
	s.fail2ban, s.timer = "running "+s.database(), "LoadState=loaded\nActiveState=active\n"
	if _, stderr, status := s.run(t.Context(), nil, "sync"); status != exitOK {
		t.Fatal(stderr)
	}
	return s
}

func (s *checked) check(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	env := s.environment()
	for name, text := range s.env {
		env[name] = text
	}
	var out, complaints strings.Builder
	sys := s.system(func(name string) (string, bool) { text, set := env[name]; return text, set }, &out, &complaints,
		append([]string{"check"}, args...)...)
	sys.fail2banClient = fail2banSays(s.fail2ban)
	if s.timer != "" {
		sys.systemctl = func(context.Context, ...string) ([]byte, error) { return []byte(s.timer), nil }
	}
	before, state := s.items(), contents(t, s.dir)
	status = run(t.Context(), sys)
	if s.items() != before {
		t.Error("check changed the list")
	}
	for path, text := range contents(t, s.dir) {
		if state[path] != text {
			t.Errorf("check changed %s", path)
		}
	}
	return strings.ReplaceAll(masked(out.String()), s.dir, "DIR"), complaints.String(), status
}

func (s *checked) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

const allWell = `ok       config      no configuration file, 7 settings by flags and environment
ok       fail2ban    DIR/fail2ban.sqlite3, schema 4, 1 active ban (sshd 1), newest 2 min ago
ok       fail2ban    running
ok       token       account token, may read and write lists (environment CLOUDFLARE_API_TOKEN)
ok       account     0123456789abcdef0123456789abcdef (environment CLOUDFLARE_ACCOUNT_ID)
ok       list        edgeban, 1 of 10 000 items
ok       rule        1 rule uses the list: example.com block
ok       ranges      Cloudflare's own 22 are those that this edgeban knows
ok       clock       in step with Cloudflare's
ok       items       1 of edgeban's, 0 of others
ok       requests    a run reads in 2: one token carries 240 such hosts, one run every 2 min each
ok       state       DIR/state, writable
ok       metrics     DIR/edgeban.prom, its directory is writable
ok       timer       edgeban.timer is active; last run in step 0 s ago

All is well.
`

func TestCheckWell(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		s := newChecked(t)
		s.edge.ResetRequests()
		stdout, stderr, status := s.check(t)
		if stdout != allWell || stderr != "" || status != exitOK {
			t.Errorf("exit status %d: %s\n%s\nwant\n%s", status, stderr, stdout, allWell)
		}
		for _, r := range s.edge.Requests() {
			if r.Mutating && r.Status != 400 {
				t.Errorf("%s %s was let through", r.Method, r.Path)
			}
		}
	})
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		s := newChecked(t)
		s.timer = "LoadState=loaded\nActiveState=inactive\n"
		stdout, stderr, status := s.check(t, "--json")
		var got struct {
			Failed, Warnings int
			Parts            []struct{ Part, Verdict, Text, Do string }
		}
		if err := json.Unmarshal([]byte(stdout), &got); err != nil || stderr != "" || status != exitFailure {
			t.Fatalf("exit status %d: %v: %s%s", status, err, stderr, stdout)
		}
		last := got.Parts[len(got.Parts)-1]
		if got.Failed != 1 || got.Warnings != 0 || len(got.Parts) != 14 || last.Part != "timer" || last.Verdict != "failed" ||
			last.Do != "systemctl enable --now edgeban.timer" {
			t.Errorf("got %+v", got)
		}
	})
}
