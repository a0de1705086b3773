//go:build figures

package main

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

const (
	figureManyRows = 1_000_000
	mostRowsMemory = 800 << 20 // bytes resident
)

// TestFiguresOfManyRows: a database of a million bans, each hundredth of which makes no sense, is read as a whole within the four seconds that
// a transaction may last, and in memory that is in proportion.
func TestFiguresOfManyRows(t *testing.T) {
	edge, list := startFigureEdge(t, cloudflaretest.Options{})
	dir := t.TempDir()
	bans := &figureDatabase{path: filepath.Join(dir, "fail2ban.sqlite3")}
	now := time.Now().Unix()
	bans.write(t, func(tx *sql.Tx) error {
		_, err1 := tx.Exec(figureTables)
		_, err2 := tx.Exec(fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			INSERT INTO bips(ip, jail, timeofban, bantime)
			SELECT iif(i %% 100 = 99, 'nobody ' || i, printf('5.%%d.%%d.%%d', i / 65536, i / 256 %% 256, i %% 256)), 'sshd', %d - i %% 1800, 86400 FROM n`,
			figureManyRows-1, now))
		return errors.Join(err1, err2)
	})
	s := &figureScene{binary: buildShipped(t), edge: edge, list: list, env: []string{
		"CLOUDFLARE_ACCOUNT_ID=" + demoAccount,
		"CLOUDFLARE_API_TOKEN=" + demoToken,
		"EDGEBAN_API_URL=" + edge.URL(),
		"EDGEBAN_OWNER=figures",
		"EDGEBAN_FAIL2BAN_DB=" + bans.path,
		"EDGEBAN_STATE_DIR=" + filepath.Join(dir, "state"),
		"EDGEBAN_WRITE_INTERVAL=0s",
	}}
	for kind, writes := range []int{1, 0} {
		r := s.sync(t, []string{"first", "idle"}[kind])
		if n := len(edge.Items(list)); n != 9_800 || r.writes != writes || r.Memory > mostRowsMemory {
			t.Errorf("%d items, %d writes, %s; want 9800 items, %d writes, at most %s", n, r.writes, megabytes(r.Memory), writes, megabytes(mostRowsMemory))
		}
	}
}
