// Package fail2ban reads the bans that Fail2Ban keeps in its SQLite database.
//
// # What it reads
//
// Fail2Ban 0.11.1 and later, 1.0 and 1.1 write schema 4: one row per address and jail in the table bips, replaced
// at every new ban and deleted by an un-ban. Fail2Ban 0.9 and 0.10 write schema 2: only a history in the table bans,
// without the length of a ban. Versions 1 and 3 were never part of a release. The column data holds log lines and is
// never read.
//
// Start at [New] and [Source.Bans].
//
// # How it reads, and why so
//
// Read-only (mode=ro): the database belongs to Fail2Ban. No journal or other file appears beside it, so permission to
// read is enough.
//
// In one short transaction: a reader that holds its lock for more than 5 seconds, which is Fail2Ban's own patience,
// makes Fail2Ban lose a ban, refuse an un-ban, or end at its start. The transaction is therefore bounded, covers nothing
// but reading rows, and is over before Bans returns.
//
// NOT INDEXED: Fail2Ban writes with synchronous=OFF and its journal in memory. After a crash an index may lack rows
// that the table has, which SQLite does not notice.
//
// It opens the file by SQLite alone: closing any other descriptor of a file drops all POSIX locks that the process holds
// on it (https://www.sqlite.org/howtocorrupt.html, section 2.2).
//
// # What the database cannot tell
//
// When a ban really ends: Fail2Ban prolongs the ban of an address that keeps knocking in its memory only. Rows of bans
// that ended are therefore reported too; the caller decides how long they linger.
//
// Whether Fail2Ban runs: it sets jails.enabled to 0 for all jails when it stops and, for a moment, when it starts. Only
// a jail that stays 0 while others are 1 is gone from the configuration; the memory between two reads tells that apart
// from a start under way.
//
// Whether a permanent ban is still meant: the row of a jail whose bantime was permanent once stays permanent.
//
// What 0.0.0.0 and :: mean: Fail2Ban writes them for 0.0.0.0/0 and ::/0 as well.
//
// All facts were observed on Fail2Ban 0.9.7, 0.10.6, 0.11.2, 1.0.2 and 1.1.1 and in their server/database.py.
package fail2ban
