//go:build figures

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

// measuredRuns are the rounds of each kind of run.
type measuredRuns struct{ first, idle, changed []measuredRun }

// measuredRun is one run of the program.
type measuredRun struct {
	usage
	requests   int
	writes     int // requests that are no reads
	operations int // writes that were accepted
}

// usage is what a process took.
type usage struct {
	Wall, CPU time.Duration
	Memory    int64 // most bytes resident
}

// mostWall is how long the run may take: what the API alone takes, and a share of that for everything else.
func (r measuredRun) mostWall() time.Duration {
	api := time.Duration(r.requests)*figureLatency + time.Duration(r.operations)*figureOperation
	return time.Duration(mostOverhead * float64(api))
}

func (m measuredRuns) mostMemory() int64 {
	var most int64
	for _, kind := range [][]measuredRun{m.first, m.idle, m.changed} {
		for _, r := range kind {
			most = max(most, r.Memory)
		}
	}
	return most
}

// measureRuns does every kind of run a few times, each time on a list that was empty before.
func measureRuns(t *testing.T, binary string) measuredRuns {
	var m measuredRuns
	for range figureRounds {
		s := newFigureScene(t, binary)
		m.first = append(m.first, s.sync(t, "first"))
		s.wantItems(t)
		m.idle = append(m.idle, s.sync(t, "idle"))
		s.bans.change(t, figureChanges/2)
		m.changed = append(m.changed, s.sync(t, "changed"))
		s.wantItems(t)
		s.close(t)
	}
	return m
}

// figureScene is a host with bans, and a Cloudflare with an empty list.
type figureScene struct {
	binary string
	edge   *cloudflaretest.Cloudflare
	list   string // its id
	bans   *figureDatabase
	env    []string
}

func newFigureScene(t *testing.T, binary string) *figureScene {
	t.Helper()
	dir := t.TempDir()
	edge := cloudflaretest.New(cloudflaretest.Options{Latency: figureLatency, OperationTime: figureOperation})
	edge.AddAccount(demoAccount)
	edge.AddToken(demoToken, cloudflaretest.ListsEdit)
	s := &figureScene{binary: binary, edge: edge, list: edge.AddList(demoAccount, "edgeban", "ip")}
	edge.SetReferences(s.list, 1)
	if err := edge.Start(); err != nil {
		t.Fatal(err)
	}
	s.bans = makeFigureDatabase(t, filepath.Join(dir, "fail2ban.sqlite3"), figureBans)
	s.env = []string{
		"CLOUDFLARE_ACCOUNT_ID=" + demoAccount,
		"CLOUDFLARE_API_TOKEN=" + demoToken,
		"EDGEBAN_API_URL=" + edge.URL(),
		"EDGEBAN_OWNER=figures",
		"EDGEBAN_FAIL2BAN_DB=" + s.bans.path,
		"EDGEBAN_STATE_DIR=" + filepath.Join(dir, "state"),
		"EDGEBAN_WRITE_INTERVAL=0s",
		"EDGEBAN_METRICS_FILE=" + filepath.Join(dir, "edgeban.prom"),
	}
	return s
}

func (s *figureScene) close(t *testing.T) {
	t.Helper()
	if err := s.edge.Close(); err != nil {
		t.Error(err)
	}
}

// sync runs the program once.
func (s *figureScene) sync(t *testing.T, kind string) measuredRun {
	t.Helper()
	s.edge.ResetRequests()
	r := measuredRun{usage: launch(t, s.env, s.binary, "sync")}
	for _, request := range s.edge.Requests() {
		r.requests++
		if request.Mutating {
			r.writes++
			if request.Status == 200 {
				r.operations++
			}
		}
	}
	t.Logf("%-8s %2d requests, %d writing, %s of at most %s, CPU %s, %s",
		kind, r.requests, r.writes, milliseconds(r.Wall), milliseconds(r.mostWall()), milliseconds(r.CPU), megabytes(r.Memory))
	return r
}

// wantItems wants the list to hold the bans and nothing else.
func (s *figureScene) wantItems(t *testing.T) {
	t.Helper()
	wanted := s.bans.networks(t)
	for _, item := range s.edge.Items(s.list) {
		if !wanted[item.IP] {
			t.Fatalf("%s is on the list and not banned", item.IP)
		}
		delete(wanted, item.IP)
	}
	if len(wanted) > 0 {
		t.Fatalf("%d banned networks are not on the list", len(wanted))
	}
}

// usageFile names the file to which TestLaunch writes what its child took.
const usageFile = "FIGURES_USAGE_FILE"

// launch runs a command to its end by way of a small process. A child's peak memory begins with what its parent held when
// it started the child (exec(2) on Linux takes ru_maxrss over from the memory that was shared until then), and this process
// holds a whole Cloudflare. The small one's own few megabytes are the least that can be seen.
func launch(t *testing.T, env []string, command ...string) usage {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "usage.json")
	launcher := exec.Command(self, append([]string{"-test.run=^TestLaunch$", "--"}, command...)...)
	launcher.Env = append([]string{usageFile + "=" + file}, env...)
	if out, err := launcher.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var u usage
	if err := json.Unmarshal(data, &u); err != nil {
		t.Fatal(err)
	}
	return u
}

// TestLaunch is the small process of launch, no test.
func TestLaunch(t *testing.T) {
	file := os.Getenv(usageFile)
	if file == "" {
		t.Skip("serves TestFigures")
	}
	_, command, _ := strings.Cut(strings.Join(os.Args, "\x00"), "\x00--\x00")
	args := strings.Split(command, "\x00")
	child := exec.Command(args[0], args[1:]...)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	start := time.Now()
	err := child.Run()
	u := usage{Wall: time.Since(start)}
	if err != nil {
		t.Fatal(err)
	}
	state := child.ProcessState
	u.CPU = state.UserTime() + state.SystemTime()
	u.Memory = state.SysUsage().(*syscall.Rusage).Maxrss << 10 // Linux counts in KiB
	data, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
