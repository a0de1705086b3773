//go:build realparts

package main

import (
	"strings"
	"testing"
	"time"
)

// While a banned address goes on failing, Fail2Ban prolongs its ban in memory and says so in no row. Once the address is on
// the list it is silent, so its item has to outlive the row until Fail2Ban's memory has ended too, and not for longer.
func TestRealLingering(t *testing.T) {
	t.Parallel()
	const address = "192.0.2.1"
	l := newLab(t, jail{"sshd", "12s"})
	row := l.attackUntilListed("sshd", address, 9*time.Second, l.sync)

	l.followUntilGone("sshd", address)
	unbanned := l.f2b.unbanned("sshd", address)
	t.Logf("the row ended at %v, Fail2Ban's ban %v later", row.until.UTC(), unbanned.Sub(row.until))
	if unbanned.Before(row.until.Add(labMargin + labInterval)) {
		t.Error("the ban was not prolonged beyond the margin: this proves nothing")
	}
	if same, _ := l.f2b.row("sshd", address); same != row {
		t.Errorf("the row was %v and is %v: this proves nothing", row, same)
	}

	next := l.attackUntilListed("sshd", address, 0, l.sync)
	if !next.since.After(unbanned.Truncate(time.Second)) {
		t.Errorf("a new attack has a row of %v, before the un-ban at %v", next.since.UTC(), unbanned)
	}
}

// The twin without the rule loses the address: its item goes while Fail2Ban still bans, and because Fail2Ban writes no row for an
// address that is "already banned", it never comes back while the attack goes on.
func TestRealLingeringTwin(t *testing.T) {
	t.Parallel()
	const address = "192.0.2.1"
	l := newLab(t, jail{"sshd", "12s"})
	row := l.attackUntilListed("sshd", address, 9*time.Second, l.syncWithoutLingering)

	for s := range l.runs("sshd", address, l.syncWithoutLingering) {
		if !s.listed && !s.banned {
			t.Fatal("the twin kept the item as long as the ban")
		}
		if !s.listed {
			t.Logf("lost %v after the row's end: banned and not on the list", s.began.Sub(row.until))
			break
		}
	}

	defer l.attack("sshd", address)()
	runs := 0
	began := time.Now()
	for s := range l.runs("sshd", address, l.syncWithoutLingering) {
		runs++
		if !s.banned || s.listed {
			t.Fatalf("banned: %t, on the list: %t; the twin was to stay blind", s.banned, s.listed)
		}
		if time.Since(began) > row.until.Sub(row.since) {
			break
		}
	}
	if same, _ := l.f2b.row("sshd", address); same != row {
		t.Errorf("the row was %v and is %v", row, same)
	}
	refusals := strings.Count(l.f2b.log(), "[sshd] "+address+" already banned\n")
	if refusals == 0 {
		t.Error(`Fail2Ban never said "already banned"`)
	}
	t.Logf("lost for %d runs; Fail2Ban said %d times that the address is already banned", runs, refusals)
}

// A row that had ended before the item was put at the edge says nothing about the ban that put it there.
func TestRealLingeringOldRow(t *testing.T) {
	t.Parallel()
	const address = "192.0.2.1"
	l := newLab(t, jail{"sshd", "6s"}, jail{"recidive", "14s"})
	f := l.f2b
	f.ban("recidive", address)
	old, _ := f.row("recidive", address)
	eventually(t, 40*time.Second, "the long ban ended, more than a second ago", func() bool {
		return !f.unbanned("recidive", address).IsZero() && time.Since(old.until) > time.Second
	})

	l.attackUntilListed("sshd", address, 0, l.sync)
	l.followUntilGone("sshd", address)
	if same, _ := f.row("recidive", address); same != old {
		t.Errorf("the old row was %v and is %v: this proves nothing", old, same)
	}
}

// followUntilGone demands that an item stays as long as Fail2Ban bans its address, and goes within one run plus the
// margin of Fail2Ban's own un-ban.
func (l *lab) followUntilGone(jail, address string) {
	l.t.Helper()
	for s := range l.runs(jail, address, l.sync) {
		unbanned := l.f2b.unbanned(jail, address)
		late := !unbanned.IsZero() && s.began.After(unbanned.Add(labMargin+labInterval))
		switch {
		case s.banned && !s.listed:
			l.t.Fatal("Fail2Ban bans the address and the list lacks it")
		case s.listed && late:
			l.t.Fatalf("on the list %v after Fail2Ban's own un-ban", s.began.Sub(unbanned))
		case !s.listed:
			l.t.Logf("gone by the run %v after Fail2Ban's own un-ban", s.began.Sub(unbanned))
			return
		}
	}
}
