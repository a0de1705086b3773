//go:build figures

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	figureBans    = 10_000
	figureChanges = 100 // half of them new bans, half of them un-bans, so that the list stays as full as it is
	figureRounds  = 5

	figureLatency   = 20 * time.Millisecond
	figureOperation = 500 * time.Millisecond
)

// The targets.
const (
	mostOverhead = 1.2                    // a run's wall time over what the API alone takes
	mostIdleCPU  = 100 * time.Millisecond // of a run with nothing to do
	mostMemory   = 24 << 20               // bytes resident, in any of the runs
	mostOfShell  = 3.0                    // a read's time over that of the sqlite3 shell
)

// TestFigures measures the program as it is shipped, in processes of its own, and holds it to its targets. Other work on the
// machine can only make a round worse, so of time the least disturbed round counts; of memory the worst. UPDATE=1 writes the
// figures into the README; otherwise the README must have the same rows, whatever the numbers in them.
func TestFigures(t *testing.T) {
	binary := buildShipped(t)
	goFirst(t)
	runs := measureRuns(t, binary)
	read := measureRead(t)

	var f figures
	f.run("first sync of 10 000 bans", runs.first, 1)
	f.run("run with 100 changes", runs.changed, 2)
	f.run("run with nothing to do", runs.idle, 0)
	cpu := least(runs.idle, func(r measuredRun) time.Duration { return r.CPU })
	f.add("run with nothing to do: CPU time", milliseconds(cpu), "< "+milliseconds(mostIdleCPU), cpu < mostIdleCPU)
	memory := runs.mostMemory()
	f.add("peak memory of all these runs", megabytes(memory), "< "+megabytes(mostMemory), memory < mostMemory)
	f.add("read of 100 000 bans", milliseconds(read.ours), "", true)
	f.add("… as a multiple of the `sqlite3` shell's time", fmt.Sprintf("%.1f", read.ratio()), fmt.Sprintf("≤ %.0f", mostOfShell), read.ratio() <= mostOfShell)
	f.add("static binary, "+runtime.GOOS+"/"+runtime.GOARCH, fmt.Sprintf("%.1f MB", float64(fileSize(t, binary))/1e6), "", true)

	t.Logf("\n%s", f.table())
	if len(f.missed) > 0 {
		t.Fatalf("targets missed:\n%s", strings.Join(f.missed, "\n"))
	}
	f.compareREADME(t)
}

// figures are the rows of the README's table.
type figures struct {
	rows   []figure
	missed []string
}

type figure struct{ name, measured, target string }

func (f *figures) add(name, measured, target string, met bool) {
	f.rows = append(f.rows, figure{name, measured, target})
	if !met {
		f.missed = append(f.missed, fmt.Sprintf("%s: %s, the target is %s", name, measured, target))
	}
}

// run adds what is said about every kind of run. writes is how many requests may change the list.
func (f *figures) run(name string, rounds []measuredRun, writes int) {
	requests, wrote := 0, 0
	for _, r := range rounds {
		requests, wrote = max(requests, r.requests), max(wrote, r.writes)
	}
	f.add(name+": requests", fmt.Sprintf("%d, %d of them writing", requests, wrote), fmt.Sprintf("%d writing", writes), wrote == writes)

	wall := least(rounds, func(r measuredRun) time.Duration { return r.Wall })
	most := least(rounds, measuredRun.mostWall)
	f.add(name+": wall time", fmt.Sprintf("%.2f s", wall.Seconds()), fmt.Sprintf("≤ %.2f s", most.Seconds()), wall <= most)
}

func (f *figures) table() string {
	var b strings.Builder
	b.WriteString("| figure | measured | target |\n|---|--:|--:|\n")
	for _, r := range f.rows {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.name, r.measured, r.target)
	}
	return b.String()
}

// compareREADME writes the table into the README, or wants its rows to be there.
func (f *figures) compareREADME(t *testing.T) {
	old, now := readmePart(t, "figures"), f.table()
	if os.Getenv("UPDATE") != "" {
		writeReadmePart(t, "figures", now)
		return
	}
	if was, is := rowNames(old), rowNames(now); !slices.Equal(was, is) {
		t.Errorf("the README's figures have the rows\n\t%s\nbut measured were\n\t%s\nUPDATE=1 go test -tags figures -run TestFigures ./cmd/edgeban writes them",
			strings.Join(was, "\n\t"), strings.Join(is, "\n\t"))
	}
}

func rowNames(table string) []string {
	var names []string
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 1 {
			names = append(names, strings.TrimSpace(cells[1]))
		}
	}
	return names
}

func least[T any](all []T, of func(T) time.Duration) time.Duration {
	low := of(all[0])
	for _, x := range all {
		low = min(low, of(x))
	}
	return low
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20)) }

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// buildShipped builds the program as a release does. Without templates in its help it is 2 MB smaller: text/template keeps the
// linker from leaving methods out that nobody calls.
func buildShipped(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "edgeban")
	build := exec.Command("go", "build", "-tags", "urfave_cli_no_template,nethttpomithttp2", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}
