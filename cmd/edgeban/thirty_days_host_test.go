package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
	"edgeban/sources/crowdsec/crowdsectest"
)

// replayedSite is a host whose bans are replayed, and the Cloudflare that it talks to.
type replayedSite struct {
	*site
	env      map[string]string
	fail2ban *sql.DB
	events   []fail2banEvent // that are to come
	purge    time.Time       // when Fail2Ban purges its database next
}

// newReplayedSite makes a site with a zone whose one custom rule blocks what is on the list.
func newReplayedSite(t *testing.T, v replayVariant, events []fail2banEvent) (*replayedSite, *watch) {
	t.Helper()
	s := &replayedSite{events: events, purge: time.Now().Add(time.Hour)}
	s.site = &site{dir: t.TempDir(), lapi: crowdsectest.New(testKey), gateway: &pushgateway{},
		edge: cloudflaretest.New(cloudflaretest.Options{Latency: 100 * time.Millisecond, OperationTime: 2 * time.Second})}
	s.edge.AddAccount(testAccount)
	s.edge.AddAccountToken(testAccount, testToken, cloudflaretest.ListsEdit, cloudflaretest.AccessRulesWrite)
	s.list = s.edge.AddList(testAccount, "edgeban", "ip")
	zone := s.edge.AddZone(testAccount, "example.com")
	s.edge.AddRule(zone, cloudflaretest.Rule{Expression: "ip.src in $edgeban", Action: "block", Enabled: true})
	s.edge.LimitRequests(1200)
	if v.throttled {
		s.edge.LimitWrites(cloudflaretest.ThrottledAccount())
	}
	if err := s.makeDatabase(s.database()); err != nil {
		t.Fatal(err)
	}
	s.env = s.environment()
	delete(s.env, "EDGEBAN_METRICS_FILE") // it is no part of this
	for name, text := range v.settings {
		s.env[name] = text
	}
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(s.database())+"?_pragma=synchronous(off)&_pragma=journal_mode(memory)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	s.fail2ban = db
	w := &watch{edge: s.edge, zone: zone, watched: map[netip.Addr]*watchedBan{}}
	s.edge.OnRequest(w.request)
	return s, w
}

// fail2banUntil lets Fail2Ban do what it does up to a time. Its hourly purge spares a row for a day and three times its ban's length.
func (s *replayedSite) fail2banUntil(now time.Time) error {
	for ; len(s.events) > 0 && !s.events[0].at.After(now); s.events = s.events[1:] {
		e := s.events[0]
		var err error
		if e.lifts {
			_, err = s.fail2ban.Exec(`DELETE FROM bips WHERE ip = ? AND jail = 'sshd'`, e.ban.addr.String())
		} else {
			_, err = s.fail2ban.Exec(`INSERT OR REPLACE INTO bips(ip, jail, timeofban, bantime) VALUES(?, 'sshd', ?, ?)`,
				e.ban.addr.String(), e.ban.since.Unix(), int64(e.ban.length.Seconds()))
		}
		if err != nil {
			return err
		}
	}
	if now.Before(s.purge) {
		return nil
	}
	s.purge = now.Add(time.Hour)
	dayAgo := now.Add(-24 * time.Hour).Unix()
	_, err := s.fail2ban.Exec(`DELETE FROM bips WHERE timeofban < ? AND timeofban + 3 * bantime < ?`, dayAgo, dayAgo)
	return err
}

// sync is one run as the timer starts it. A refused write is nothing out of the ordinary here, a run that
// withholds removals, or does nothing at all, is.
func (s *replayedSite) sync() error {
	var out, complaints bytes.Buffer
	sys := s.system(func(name string) (string, bool) { text, set := s.env[name]; return text, set }, &out, &complaints, "sync")
	sys.terminal = false
	status := run(context.Background(), sys)
	if status != exitOK && status != exitFailure || strings.Contains(complaints.String(), "run skipped") {
		return fmt.Errorf("exit status %d\n%s%s", status, out.String(), complaints.String())
	}
	return nil
}

// replay lets the timer run the program for that long, and measures.
func (v replayVariant) replay(t *testing.T, bans []*replayedBan, length time.Duration) replayMeasures {
	t.Helper()
	s, w := newReplayedSite(t, v, events(bans))
	defer s.fail2ban.Close()
	w.bans = bans
	for tick, end := time.Now(), time.Now().Add(length); !tick.After(end); tick = tick.Add(reconcile.Interval) {
		time.Sleep(time.Until(tick))
		if err := s.fail2banUntil(tick); err != nil {
			t.Fatal(err)
		}
		var err error
		if w.run(func() { err = s.sync() }); err != nil {
			t.Fatalf("%v: %v", time.Now(), err)
		}
	}
	return w.measured
}
