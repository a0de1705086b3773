//go:build figures

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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

// goFirst asks the system to prefer this process, and those that it starts, to other work on the machine. Only root may.
func goFirst(t *testing.T) {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Log(err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err := errors.Join(err, syscall.Setpriority(syscall.PRIO_PROCESS, id, -20)); err != nil {
			t.Log("other work on the machine may disturb the figures: ", err)
			return
		}
	}
}

// measureRuns does every kind of run a few times, each time on a list that was empty before.
func measureRuns(t *testing.T, binary string) measuredRuns {
	share := fakesShare(t)
	t.Logf("the embedded Cloudflare prolongs the latency by %v", share.Round(10*time.Microsecond))
	intake := fakesIntake(t)
	t.Logf("the embedded Cloudflare takes %v to read %d items", intake.Round(time.Millisecond), figureBans)
	opts := cloudflaretest.Options{Latency: figureLatency - share, OperationTime: figureOperation - intake}
	var m measuredRuns
	for range figureRounds {
		s := newFigureScene(t, binary, opts)
		m.first = append(m.first, s.sync(t, "first"))
		s.wantItems(t)
		for range 3 {
			m.idle = append(m.idle, s.sync(t, "idle"))
		}
		s.bans.change(t, figureChanges/2)
		m.changed = append(m.changed, s.sync(t, "changed"))
		s.wantItems(t)
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

func newFigureScene(t *testing.T, binary string, opts cloudflaretest.Options) *figureScene {
	t.Helper()
	dir := t.TempDir()
	s := &figureScene{binary: binary}
	s.edge, s.list = startFigureEdge(t, opts)
	s.bans = makeFigureDatabase(t, filepath.Join(dir, "fail2ban.sqlite3"), figureBans)
	s.env = []string{
		"CLOUDFLARE_ACCOUNT_ID=" + demoAccount,
		"CLOUDFLARE_API_TOKEN=" + demoToken,
		"EDGEBAN_API_URL=" + s.edge.URL(),
		"EDGEBAN_OWNER=figures",
		"EDGEBAN_FAIL2BAN_DB=" + s.bans.path,
		"EDGEBAN_STATE_DIR=" + filepath.Join(dir, "state"),
		"EDGEBAN_WRITE_INTERVAL=0s",
		"EDGEBAN_METRICS_FILE=" + filepath.Join(dir, "edgeban.prom"),
	}
	return s
}

// startFigureEdge starts a Cloudflare with an empty list.
func startFigureEdge(t *testing.T, opts cloudflaretest.Options) (edge *cloudflaretest.Cloudflare, list string) {
	t.Helper()
	edge = cloudflaretest.New(opts)
	edge.AddAccount(demoAccount)
	edge.AddToken(demoToken, cloudflaretest.ListsEdit)
	list = edge.AddList(demoAccount, "edgeban", "ip")
	edge.SetReferences(list, 1)
	if err := edge.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := edge.Close(); err != nil {
			t.Error(err)
		}
	})
	return edge, list
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

// fakesShare is by how much the embedded Cloudflare's work, and the system's to wake up for it, prolong the latency of a full
// page for a client that does nothing with it. That is no part of what is measured, so the latency is shortened by as much.
func fakesShare(t *testing.T) time.Duration {
	t.Helper()
	edge, list := startFigureEdge(t, cloudflaretest.Options{Latency: figureLatency})
	for i := range 500 {
		if _, err := edge.SetItem(list, figureAddress(i), "edgeban:figures until=2026-11-27T10:03:00Z seen=2026-11-20T10:00:02Z | fail2ban:sshd"); err != nil {
			t.Fatal(err)
		}
	}
	request, err := http.NewRequest(http.MethodGet, edge.URL()+"/accounts/"+demoAccount+"/rules/lists/"+list+"/items?per_page=500", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+demoToken)
	return least(make([]struct{}, 20), func(struct{}) time.Duration {
		start := time.Now()
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, answer.Body)
		took := time.Since(start)
		if err := errors.Join(err, answer.Body.Close()); err != nil || n < 100_000 {
			t.Fatalf("%s, %d bytes, %v", answer.Status, n, err)
		}
		return took - figureLatency
	})
}

// fakesIntake is what the embedded Cloudflare itself takes to read a first sync's items, which a client would otherwise wait for
// besides the latency and the operation.
func fakesIntake(t *testing.T) time.Duration {
	t.Helper()
	var body strings.Builder
	for i := range figureBans {
		fmt.Fprintf(&body, `,{"ip":%q,"comment":"edgeban:figures until=2026-11-27T10:03:00Z seen=2026-11-20T10:00:02Z | fail2ban:sshd"}`, figureAddress(i))
	}
	return least(make([]struct{}, 3), func(struct{}) time.Duration {
		edge, list := startFigureEdge(t, cloudflaretest.Options{})
		request, err := http.NewRequest(http.MethodPost, edge.URL()+"/accounts/"+demoAccount+"/rules/lists/"+list+"/items",
			strings.NewReader("["+body.String()[1:]+"]"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+demoToken)
		request.Header.Set("Content-Type", "application/json")
		start := time.Now()
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s, %v", answer.Status, err)
		}
		return took
	})
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
