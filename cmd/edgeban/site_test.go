package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"edgeban/cloudflare/cloudflaretest"
	"edgeban/sources/crowdsec/crowdsectest"
)

// site is a host with a Fail2Ban and an edgeban, and the Cloudflare that it talks to.
type site struct {
	dir  string // everything that the host has on disk
	edge *cloudflaretest.Cloudflare
	list string // the id of the list "edgeban"

	// Of these edgeban knows only where a test says so.
	lapi    *crowdsectest.LAPI
	gateway *pushgateway
}

// dawn is when every bubble's story begins.
func dawn() time.Time { return time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC) }

// inBubble runs f where waiting takes no time, and it is dawn.
func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(dawn()))
		f(t)
	})
}

// newSite makes a site whose files lie in dir: a database without bans, a list without items that one rule uses.
func newSite(dir string) (*site, error) {
	s := &site{dir: dir, edge: cloudflaretest.New(cloudflaretest.Options{}), lapi: crowdsectest.New(testKey), gateway: &pushgateway{}}
	s.edge.AddAccount(testAccount)
	s.edge.AddAccountToken(testAccount, testToken, cloudflaretest.ListsEdit)
	s.list = s.edge.AddList(testAccount, "edgeban", "ip")
	s.edge.SetReferences(s.list, 1)
	return s, s.makeDatabase(s.database())
}

func mustSite(t *testing.T) *site {
	t.Helper()
	s, err := newSite(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) database() string { return filepath.Join(s.dir, "fail2ban.sqlite3") }
func (s *site) stateDir() string { return filepath.Join(s.dir, "state") }
func (s *site) metrics() string  { return filepath.Join(s.dir, "edgeban.prom") }

// environment is what an administrator would have set.
func (s *site) environment() map[string]string {
	return map[string]string{
		"CLOUDFLARE_ACCOUNT_ID":  testAccount,
		"CLOUDFLARE_API_TOKEN":   testToken,
		"EDGEBAN_FAIL2BAN_DB":    s.database(),
		"EDGEBAN_OWNER":          "web-1",
		"EDGEBAN_STATE_DIR":      s.stateDir(),
		"EDGEBAN_WRITE_INTERVAL": "0s",
		"EDGEBAN_METRICS_FILE":   s.metrics(),
	}
}

// system is the site as the program sees it, without sockets.
func (s *site) system(lookupEnv func(string) (string, bool), stdout, stderr io.Writer, args ...string) system {
	return system{
		args:           args,
		lookupEnv:      lookupEnv,
		stdin:          strings.NewReader(""),
		stdout:         stdout,
		stderr:         stderr,
		now:            func() time.Time { return time.Now().UTC() },
		hostname:       func() (string, error) { return "web-1", nil },
		interfaceAddrs: func() ([]net.Addr, error) { return nil, nil },
		transport:      s.edge.Transport(),
		pushgateway:    s.gateway,
		lapi:           s.lapi.Transport(),
		terminal:       true,
		systemctl:      func(context.Context, ...string) ([]byte, error) { return nil, errors.New("no systemd here") },
		root:           s.dir,
	}
}

// run runs edgeban once as a person at a terminal would; more are variables beyond those of the environment, NAME=value.
func (s *site) run(ctx context.Context, more []string, args ...string) (stdout, stderr string, status int) {
	env := s.environment()
	for _, assignment := range more {
		name, text, _ := strings.Cut(assignment, "=")
		env[name] = text
	}
	var out, complaints bytes.Buffer
	lookupEnv := func(name string) (string, bool) { text, set := env[name]; return text, set }
	sys := s.system(lookupEnv, &out, &complaints, args...)
	sys.environ = func() []string { return assignments(env) }
	status = run(ctx, sys)
	return masked(out.String()), masked(complaints.String()), status
}

// masked puts words for the ids that Cloudflare makes up.
func masked(text string) string {
	text = regexp.MustCompile(`ray [0-9a-f]{16}-FRA`).ReplaceAllString(text, "ray RAY")
	return regexp.MustCompile(`operation [0-9a-f]{32}`).ReplaceAllString(text, "operation ID")
}

// items are the list's items as text, one a line.
func (s *site) items() string { return s.itemsOn(s.list) }

func (s *site) itemsOn(list string) string {
	var b strings.Builder
	for _, item := range s.edge.Items(list) {
		fmt.Fprintf(&b, "%s  %s\n", item.IP, item.Comment)
	}
	return b.String()
}

// writes is how many requests since the last reset would have changed something.
func (s *site) writes() int {
	n := 0
	for _, r := range s.edge.Requests() {
		if r.Mutating {
			n++
		}
	}
	return n
}

// makeDatabase makes what Fail2Ban 1.1 makes when it starts with the one jail sshd.
func (s *site) makeDatabase(path string) error {
	fresh, err := freshDatabase()
	if err != nil {
		return err
	}
	return os.WriteFile(path, fresh, 0o600)
}

// freshDatabase is the file of such a database. SQLite takes its time to make it, and there are thousands of sites.
var freshDatabase = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "fail2ban.sqlite3")
	err = inDatabase(path,
		`CREATE TABLE fail2banDb(version INTEGER)`,
		`INSERT INTO fail2banDb VALUES(4)`,
		`CREATE TABLE jails(name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1)`,
		`INSERT INTO jails VALUES('sshd', 1)`,
		`CREATE TABLE bips(ip TEXT NOT NULL, jail TEXT NOT NULL, timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL,
			bancount INTEGER NOT NULL default 1, data JSON, PRIMARY KEY(ip, jail))`)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// ban makes Fail2Ban ban an address for a length, permanently if it is negative.
func (s *site) ban(path, jail, ip string, since time.Time, length time.Duration) error {
	return inDatabase(path,
		fmt.Sprintf(`INSERT OR IGNORE INTO jails VALUES(%s, 1)`, quoted(jail)),
		fmt.Sprintf(`INSERT OR REPLACE INTO bips(ip, jail, timeofban, bantime) VALUES(%s, %s, %d, %d)`,
			quoted(ip), quoted(jail), since.Unix(), int64(length.Seconds())))
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// inDatabase executes statements. A test's database need not survive a power cut.
func inDatabase(path string, statements ...string) error {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(off)&_pragma=journal_mode(memory)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, statement := range statements {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// hostAddrs are interface addresses as the system tells them.
func hostAddrs(texts ...string) ([]net.Addr, error) {
	var all []net.Addr
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		all = append(all, &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())})
	}
	return all, nil
}

// contents are a directory's files by their names, and their content.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		all[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
