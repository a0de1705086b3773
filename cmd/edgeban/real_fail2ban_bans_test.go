//go:build realparts

package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// ban bans by hand and returns when the rows are there: Fail2Ban writes them a moment after it has answered.
func (f *fail2banServer) ban(jail string, values ...string) {
	f.t.Helper()
	before := f.endedRows(jail, values...)
	f.client(append([]string{"set", jail, "banip"}, values...)...)
	f.awaitRows(jail, before, values...)
}

// fail lets addresses fail once, by the jail's log, and returns when the rows are there.
func (f *fail2banServer) fail(jail string, addresses ...string) {
	f.t.Helper()
	before := f.endedRows(jail, addresses...)
	if err := f.logFailures(jail, addresses...); err != nil {
		f.t.Fatal(err)
	}
	f.awaitRows(jail, before, addresses...)
}

// endedRows are the rows that bans which ended left behind.
func (f *fail2banServer) endedRows(jail string, values ...string) map[string]banRecord {
	f.t.Helper()
	ended := map[string]banRecord{}
	for _, v := range values {
		if r, ok := f.row(jail, v); ok && r.until.After(r.since) && r.until.Before(time.Now()) {
			ended[v] = r
		}
	}
	return ended
}

// awaitRows returns when all have rows, and other ones than before.
func (f *fail2banServer) awaitRows(jail string, before map[string]banRecord, values ...string) {
	f.t.Helper()
	eventually(f.t, 20*time.Second, fmt.Sprintf("%s has rows for %v", jail, values), func() bool {
		for _, v := range values {
			if r, ok := f.row(jail, v); !ok || r == before[v] {
				return false
			}
		}
		return true
	})
}

// logFailures appends what an sshd logs of failed attempts now, each in a session of its own: the filter takes the lines of
// one session for those of one visitor.
func (f *fail2banServer) logFailures(jail string, addresses ...string) error {
	var lines bytes.Buffer
	for _, a := range addresses {
		fmt.Fprintf(&lines, "%s web sshd[%d]: Failed password for root from %s port 40022 ssh2\n",
			time.Now().UTC().Format("2006-01-02T15:04:05.000000-07:00"), f.sessions.Add(1), a)
	}
	log, err := os.OpenFile(f.logOf(jail), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := log.Write(lines.Bytes()); err != nil {
		return err
	}
	return log.Close()
}

// banRecord is a row of bips.
type banRecord struct{ since, until time.Time }

// row reads a row of the database, by other means than the program's.
func (f *fail2banServer) row(jail, value string) (r banRecord, found bool) {
	f.t.Helper()
	db, err := sql.Open("sqlite", "file:"+f.database()+"?mode=ro&_pragma=busy_timeout(2000)")
	if err != nil {
		f.t.Fatal(err)
	}
	defer db.Close()
	var since, length int64
	err = db.QueryRowContext(f.t.Context(), "SELECT timeofban, bantime FROM bips WHERE jail = ? AND ip = ?", jail, value).Scan(&since, &length)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return banRecord{time.Unix(since, 0), time.Unix(since+length, 0)}, true
}

// banned reports whether Fail2Ban, asked for what it has in memory, says that a jail bans an address.
func (f *fail2banServer) banned(jail, address string) bool {
	f.t.Helper()
	text := f.client("banned") // Python: [{'sshd': ['192.0.2.1']}, {'recidive': []}]
	var jails []map[string][]string
	if err := json.Unmarshal([]byte(strings.ReplaceAll(text, "'", `"`)), &jails); err != nil {
		f.t.Fatalf("fail2ban-client banned: %v\n%s", err, text)
	}
	for _, j := range jails {
		if slices.Contains(j[jail], address) {
			return true
		}
	}
	return false
}

// unbanned is when Fail2Ban un-banned an address for the last time, by its log; zero: never.
func (f *fail2banServer) unbanned(jail, address string) (last time.Time) {
	f.t.Helper()
	for line := range strings.Lines(f.log()) {
		if !strings.HasSuffix(line, fmt.Sprintf("[%s] Unban %s\n", jail, address)) {
			continue
		}
		const layout = "2006-01-02 15:04:05,000"
		when, err := time.Parse(layout, line[:len(layout)])
		if err != nil {
			f.t.Fatal(err)
		}
		last = when
	}
	return last
}

// eventually waits for something to become true.
func eventually(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
