//go:build realparts

package main

import (
	"fmt"
	"testing"
	"time"

	"edgeban/sources/fail2ban"
)

// Reading does Fail2Ban no harm and is never torn: while it bans as fast as it can, each of 200 reads succeeds and sees the
// bans made so far, none missing in between; and no ban is lost.
func TestRealReadsWhileBanning(t *testing.T) {
	const (
		reads  = 200
		counts = 100 // at least so many different numbers of rows
		ahead  = 300 // failures that Fail2Ban has not got to: it never pauses
		pace   = 25 * time.Millisecond
	)
	f := newFail2banServer(t, jail{"sshd", "1d"})
	source := fail2ban.New(f.database(), fail2ban.Options{})
	var order []string // of the failures, and so of the bans
	fail := func() {
		batch := make([]string, ahead)
		for i := range batch {
			n := len(order) + i
			batch[i] = fmt.Sprintf("203.%d.%d.%d", n>>16, n>>8&255, n&255)
		}
		if err := f.logFailures("sshd", batch...); err != nil {
			t.Fatal(err)
		}
		order = append(order, batch...)
	}
	var slowest time.Duration
	read := func() (rows int) {
		began := time.Now()
		reading, err := source.Bans(t.Context(), began, nil)
		slowest = max(slowest, time.Since(began))
		if err != nil {
			t.Fatalf("a read failed after %v: %v", time.Since(began), err)
		}
		rows = len(reading.Bans)
		seen := make(map[string]bool, rows)
		for _, b := range reading.Bans {
			seen[b.Value] = true
		}
		for i, address := range order[:rows] {
			if !seen[address] {
				t.Fatalf("a read of %d rows lacks %s, ban %d", rows, address, i+1)
			}
		}
		return rows
	}

	fail()
	eventually(t, 20*time.Second, "Fail2Ban begins to ban", func() bool { return read() > 0 })
	began, done, rows := time.Now(), 0, 0
	different := map[int]bool{}
	next := time.NewTicker(pace)
	defer next.Stop()
	for ; done < reads || len(different) < counts; <-next.C {
		if time.Since(began) > time.Minute {
			t.Fatalf("%d reads in a minute saw %d different numbers of rows", done, len(different))
		}
		rows = read()
		done++
		different[rows] = true
		if rows > len(order)-ahead {
			fail()
		}
	}
	took := time.Since(began)
	t.Logf("%d reads in %.1f s, the slowest %d ms, saw %d different numbers of rows up to %d: %.0f bans a second",
		done, took.Seconds(), slowest.Milliseconds(), len(different), rows, float64(rows)/took.Seconds())
	eventually(t, 2*time.Minute, "every failure is a ban with a row", func() bool { return read() == len(order) })
}
