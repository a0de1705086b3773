//go:build figures

package main

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"edgeban/sources/fail2ban"
)

const figureRows = 100_000

// measuredRead is how long a read of the large database took us and the sqlite3 shell.
type measuredRead struct{ ours, shell time.Duration }

func (r measuredRead) ratio() float64 { return float64(r.ours) / float64(r.shell) }

// measureRead reads the same rows of the same file turn by turn, so that other work on the machine burdens both alike.
func measureRead(t *testing.T) measuredRead {
	shell, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Fatal("the sqlite3 shell is needed for comparison: ", err)
	}
	path := filepath.Join(t.TempDir(), "fail2ban.sqlite3")
	makeFigureDatabase(t, path, figureRows)

	var rounds []measuredRead
	for i := range figureRounds + 1 {
		r := measuredRead{ours: readOurselves(t, path), shell: readByShell(t, shell, path)}
		if i == 0 {
			continue // the first one fills the system's cache
		}
		t.Logf("read     %s, the shell %s", milliseconds(r.ours), milliseconds(r.shell))
		rounds = append(rounds, r)
	}
	return measuredRead{
		ours:  least(rounds, func(r measuredRead) time.Duration { return r.ours }),
		shell: least(rounds, func(r measuredRead) time.Duration { return r.shell }),
	}
}

func readOurselves(t *testing.T, path string) time.Duration {
	t.Helper()
	start := time.Now()
	reading, err := fail2ban.New(path, fail2ban.Options{}).Bans(t.Context(), start, nil)
	took := time.Since(start)
	if err != nil {
		t.Fatal(err)
	}
	if len(reading.Bans) != figureRows {
		t.Fatalf("read %d bans", len(reading.Bans))
	}
	return took
}

// readByShell includes the start of the process; the output goes to the null device.
func readByShell(t *testing.T, shell, path string) time.Duration {
	t.Helper()
	start := time.Now()
	err := exec.Command(shell, "-readonly", path, "SELECT ip, jail, timeofban, bantime FROM bips NOT INDEXED").Run()
	took := time.Since(start)
	if err != nil {
		t.Fatal(err)
	}
	return took
}
