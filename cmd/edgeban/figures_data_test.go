//go:build figures

package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// figureDatabase is a Fail2Ban database, all of whose bans are active.
type figureDatabase struct {
	path string
	next int // number of the next ban
}

// The tables are Fail2Ban 1.1's, without one that nobody reads here.
const (
	figureTables = `
		CREATE TABLE fail2banDb(version INTEGER);
		INSERT INTO fail2banDb VALUES(4);
		CREATE TABLE jails(name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1);
		INSERT INTO jails(name) VALUES('nginx-botsearch'), ('postfix-sasl'), ('recidive'), ('sshd');
		CREATE TABLE bans(jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL,
			bancount INTEGER NOT NULL DEFAULT 1, data JSON, FOREIGN KEY(jail) REFERENCES jails(name));
		CREATE TABLE bips(ip TEXT NOT NULL, jail TEXT NOT NULL, timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL,
			bancount INTEGER NOT NULL DEFAULT 1, data JSON, PRIMARY KEY(ip, jail), FOREIGN KEY(jail) REFERENCES jails(name))`
	figureIndexes = `
		CREATE INDEX bans_jail_timeofban_ip ON bans(jail, timeofban);
		CREATE INDEX bans_jail_ip ON bans(jail, ip);
		CREATE INDEX bans_ip ON bans(ip);
		CREATE INDEX bips_timeofban ON bips(timeofban);
		CREATE INDEX bips_ip ON bips(ip)`
	figureHistory = `INSERT INTO bans(jail, ip, timeofban, bantime, data)
		SELECT jail, ip, timeofban - 86400 * past.column1, bantime, data FROM bips, (VALUES (0), (1), (2)) AS past WHERE bips.rowid > ?`
)

// makeFigureDatabase writes a database with so many bans, and three times as many rows of history among them.
func makeFigureDatabase(t *testing.T, path string, bans int) *figureDatabase {
	t.Helper()
	d := &figureDatabase{path: path}
	d.write(t, func(tx *sql.Tx) error {
		if _, err := tx.Exec(figureTables); err != nil {
			return err
		}
		const chunk = 1000 // so that the rows of both tables lie scattered among each other, as they do when they are written one by one
		for range bans / chunk {
			last := d.next
			if err := d.ban(tx, chunk); err != nil {
				return err
			}
			if _, err := tx.Exec(figureHistory, last); err != nil {
				return err
			}
		}
		_, err := tx.Exec(figureIndexes)
		return err
	})
	return d
}

// change un-bans the n oldest and bans n others.
func (d *figureDatabase) change(t *testing.T, n int) {
	t.Helper()
	d.write(t, func(tx *sql.Tx) error {
		_, err := tx.Exec(`DELETE FROM bips WHERE rowid IN (SELECT rowid FROM bips ORDER BY rowid LIMIT ?)`, n)
		return errors.Join(err, d.ban(tx, n))
	})
}

// networks are what the bans come to on a list: addresses of IPv4, and of IPv6 the /64 around them.
func (d *figureDatabase) networks(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	d.write(t, func(tx *sql.Tx) error {
		rows, err := tx.Query(`SELECT ip FROM bips`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var ip string
			if err := rows.Scan(&ip); err != nil {
				return err
			}
			if addr := netip.MustParseAddr(ip); addr.Is6() {
				ip = netip.PrefixFrom(addr, 64).Masked().String()
			}
			all[ip] = true
		}
		return rows.Err()
	})
	return all
}

// write does something to the database in one transaction.
func (d *figureDatabase) write(t *testing.T, work func(*sql.Tx) error) {
	t.Helper()
	err := inDemoDatabase(d.path+"?_pragma=journal_mode(off)&_pragma=synchronous(off)&_pragma=cache_size(-65536)", func(db *sql.DB) error {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		return errors.Join(work(tx), tx.Commit())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ban adds n bans.
func (d *figureDatabase) ban(tx *sql.Tx, n int) error {
	insert, err := tx.Prepare(`INSERT INTO bips(ip, jail, timeofban, bantime, data) VALUES(?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	jails := []string{"sshd", "nginx-botsearch", "recidive", "postfix-sasl", "sshd"}
	lengths := []int{3600, 86_400, 604_800, -1, 43_200}
	now := time.Now().Unix()
	for range n {
		i := d.next
		d.next++
		ip := figureAddress(i)
		if _, err := insert.Exec(ip, jails[i%len(jails)], now-int64(i%1800), lengths[i/7%len(lengths)], figureMatches(ip)); err != nil {
			return err
		}
	}
	return nil
}

// figureAddress is the address of the i-th ban. They are scattered, no two are alike, and each tenth is of IPv6, in a /64 of
// its own.
func figureAddress(i int) string {
	n := uint32(i) * 0x9E3779B1 // odd, so that the last 24 bits, too, are different for each i
	a, b, c := byte(n>>16), byte(n>>8), byte(n)
	if i%10 == 0 {
		return netip.AddrFrom16([16]byte{0x2a, 0x0e, 0x0b, 0, 0, a, b, c, 14: c, 15: 1}).String()
	}
	return netip.AddrFrom4([4]byte{45, a, b, c}).String()
}

// figureMatches is the column data: the log lines that led to the ban, about 800 bytes.
func figureMatches(ip string) string {
	line := fmt.Sprintf(`"Nov 20 10:03:27 web-1 sshd[20491]: Failed password for invalid user admin from %s port 40022 ssh2"`, ip)
	return `{"matches": [` + strings.Repeat(line+", ", 7) + line + `], "failures": 8}`
}
