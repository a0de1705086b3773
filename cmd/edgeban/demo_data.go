package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// demoBan is a row of the demo's database.
type demoBan struct {
	jail   string
	ip     string
	ago    time.Duration // how long the ban goes on already
	length time.Duration // negative: permanent
}

// demoBans are a few dozen of all kinds: IPv4, IPv6, a network, several jails, one permanent, one on the allowlist, one
// of Cloudflare's own, a private one, one that is no address, and one that ended.
func demoBans() []demoBan {
	const permanent = -time.Second
	bans := []demoBan{
		{"sshd", "203.0.113.7", 8 * time.Minute, 10 * time.Minute},
		{"recidive", "198.51.100.0/24", 26 * time.Hour, 7 * 24 * time.Hour},
		{"recidive", "192.0.2.44", 40 * 24 * time.Hour, permanent},
		{"nginx-botsearch", "2001:db8:1:2::77", 40 * time.Minute, 24 * time.Hour},
		{"nginx-botsearch", "2001:db8:1:2::9a", 12 * time.Minute, 24 * time.Hour},
		{"nginx-botsearch", "203.0.113.20", 3 * time.Minute, 24 * time.Hour},
		{"wordpress", "2001:db8:ffff:1::5", 2 * time.Hour, 12 * time.Hour},
		{"wordpress", "203.0.113.80", time.Minute, 12 * time.Hour},      // allowed
		{"nginx-botsearch", "172.68.10.3", time.Minute, 24 * time.Hour}, // Cloudflare's own
		{"sshd", "10.0.0.5", 30 * time.Second, time.Hour},               // private
		{"dovecot", "bob", 5 * time.Minute, time.Hour},                  // a user's name
		{"sshd", "192.0.2.9", 3 * time.Hour, time.Hour},                 // ended
	}
	for i := range 18 {
		bans = append(bans, demoBan{"wordpress", fmt.Sprintf("203.0.113.%d", 100+i), time.Duration(i*7) * time.Minute, 12 * time.Hour})
	}
	return bans
}

// makeDemoDatabase writes a database as Fail2Ban 1.0 has it (schema 4).
func makeDemoDatabase(ctx context.Context, path string, now time.Time) (err error) {
	return inDemoDatabase(path, func(db *sql.DB) error {
		statements := []string{
			`CREATE TABLE fail2banDb(version INTEGER)`,
			`INSERT INTO fail2banDb VALUES(4)`,
			`CREATE TABLE jails(name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1)`,
			`INSERT INTO jails(name) VALUES('dovecot'),('nginx-botsearch'),('recidive'),('sshd'),('wordpress')`,
			`CREATE TABLE bips(ip TEXT NOT NULL, jail TEXT NOT NULL, timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL,
				bancount INTEGER NOT NULL DEFAULT 1, data JSON, PRIMARY KEY(ip, jail))`,
		}
		for _, s := range statements {
			if _, err := db.ExecContext(ctx, s); err != nil {
				return err
			}
		}
		for _, b := range demoBans() {
			if _, err := db.ExecContext(ctx, `INSERT INTO bips(ip, jail, timeofban, bantime) VALUES(?, ?, ?, ?)`,
				b.ip, b.jail, now.Add(-b.ago).Unix(), int64(b.length.Seconds())); err != nil {
				return err
			}
		}
		return nil
	})
}

// unbanInDemo deletes a row, which is what an un-ban by fail2ban-client does to the database.
func unbanInDemo(ctx context.Context, path, jail, ip string) error {
	return inDemoDatabase(path, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, `DELETE FROM bips WHERE jail = ? AND ip = ?`, jail, ip)
		return err
	})
}

func inDemoDatabase(path string, work func(*sql.DB) error) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return fmt.Errorf("demo database: %w", err)
	}
	if err := errors.Join(work(db), db.Close()); err != nil {
		return fmt.Errorf("demo database: %w", err)
	}
	return nil
}
