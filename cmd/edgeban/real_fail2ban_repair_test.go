//go:build realparts

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// manyAddresses are so many that the guard would withhold their removals if nobody knew whose database that is.
func manyAddresses() []string {
	var all []string
	for i := range 64 {
		all = append(all, fmt.Sprintf("192.0.2.%d", i+1))
	}
	return all
}

// When Fail2Ban can save nothing of a malformed database, it begins an empty one and says so in its log alone. What that one
// lacks was forgotten and not lifted, so the items stay until their leases end.
func TestRealRepairLosesEverything(t *testing.T) {
	t.Parallel()
	l := newLab(t, jail{"sshd", "1d"}, jail{"forever", "-1"})
	f := l.f2b
	f.provoked = []string{"Error opening fail2ban persistent database", "Error repairing of fail2ban database"}
	list := manyAddresses()
	f.ban("sshd", list...)
	l.expect("banned", list...)

	f.stop()
	f.damage(func(page []byte, number int) {
		if number > 1 { // all but the header and the schema
			copy(page, bytes.Repeat([]byte("malformed"), len(page)/9))
		}
	})
	l.expectSkipped("malformed", list...)
	f.start()
	f.expectRepair(false)

	if said := l.synced(); !strings.Contains(said, "database replaced: the bans of 64 items are unknown to it") {
		t.Errorf("the run does not say that the database was replaced:\n%s", said)
	}
	l.expect("replaced by an empty one", list...)
	f.ban("forever", "198.51.100.1")
	l.expect("a new ban", append(list, "198.51.100.1")...)
	f.stop()
	f.start()
	l.later(23 * time.Hour)
	l.expect("23 hours later", append(list, "198.51.100.1")...)
	l.later(2 * time.Hour)
	l.expect("their leases have ended", "198.51.100.1")
	f.client("unban", "--all")
	l.expect("un-banned")
}

// When Fail2Ban can save all rows, they are in another file than before, and all goes on.
func TestRealRepairSavesEverything(t *testing.T) {
	t.Parallel()
	l := newLab(t, jail{"sshd", "1d"})
	f := l.f2b
	f.provoked = []string{"Error opening fail2ban persistent database", "fail2ban.utils"} // sqlite3 refuses the index
	list := manyAddresses()
	f.ban("sshd", list...)
	l.expect("banned", list...)

	f.stop()
	f.damage(func(page []byte, number int) {
		if number == 1 { // an index on a table that there is not
			copy(page, bytes.Replace(page, []byte("bips_ip ON bips(ip)"), []byte("bips_ip ON bipz(ip)"), 1))
		}
	})
	l.expectSkipped("malformed", list...)
	f.start()
	f.expectRepair(true)

	if said := l.synced(); strings.Contains(said, "database replaced") {
		t.Errorf("nothing is missing, but:\n%s", said)
	}
	l.expect("repaired", list...)
	f.client("set", "sshd", "unbanip", list[0])
	l.expect("one un-banned", list[1:]...)
	f.client("unban", "--all")
	l.expect("all un-banned: the run before has read this very file")
}

// The twin: a healthy database loses all its rows by an un-ban, which takes effect at once. Only because the run before read the
// same file: without that memory so many removals are withheld.
func TestRealUnbanAll(t *testing.T) {
	t.Parallel()
	l := newLab(t, jail{"sshd", "1d"})
	list := manyAddresses()
	l.f2b.ban("sshd", list...)
	l.expect("banned", list...)
	l.f2b.client("unban", "--all")
	l.expect("all un-banned")

	l.f2b.ban("sshd", list...)
	l.expect("banned again", list...)
	l.f2b.client(append([]string{"set", "sshd", "unbanip"}, list[1:]...)...)
	if err := os.RemoveAll(l.env["EDGEBAN_STATE_DIR"]); err != nil {
		t.Fatal(err)
	}
	if status, said := l.try(); status != exitWithheld || len(l.items()) != len(list) {
		t.Errorf("without a memory: exit status %d, %d items\n%s", status, len(l.items()), said)
	}
}

// damage changes the database's pages, numbered from 1.
func (f *fail2banServer) damage(change func(page []byte, number int)) {
	f.t.Helper()
	data, err := os.ReadFile(f.database())
	if err != nil {
		f.t.Fatal(err)
	}
	const size = 4096 // SQLite's default
	for at := 0; at < len(data); at += size {
		change(data[at:at+size], at/size+1)
	}
	if err := os.WriteFile(f.database(), data, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// expectRepair demands that Fail2Ban moved its database away and began another one, and whether it saved the rows.
func (f *fail2banServer) expectRepair(saved bool) {
	f.t.Helper()
	backups, err := filepath.Glob(f.database() + ".*")
	if err != nil || len(backups) != 1 {
		f.t.Fatalf("Fail2Ban moved away %q: %v", backups, err)
	}
	if says := strings.Contains(f.log(), "Repair seems to be successful"); says != saved {
		f.t.Fatalf("Fail2Ban says of its repair: success %t\n%s", says, f.log())
	}
}

// expectSkipped demands that a run is skipped and leaves the list as it is.
func (l *lab) expectSkipped(what string, want ...string) {
	l.t.Helper()
	if said := l.synced(); !strings.Contains(said, "malformed") || !strings.Contains(said, "skipped") {
		l.t.Errorf("%s: the run says\n%s", what, said)
	}
	if items := l.items(); len(items) != len(want) {
		l.t.Errorf("%s: %d of %d items are left", what, len(items), len(want))
	}
}
