package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// faultCase is something that goes wrong in one sync that has an item to add and one to remove, and what follows from it.
type faultCase struct {
	name   string
	spoil  func(t *testing.T, s *site)
	repair func(t *testing.T, s *site) // besides Cloudflare, which is well again
	env    []string
	args   []string      // nil: sync
	full   bool          // the program has a process of its own that can write to no file
	later  time.Duration // when the healthy run comes; 0: two minutes later

	status  int
	outcome string // as the metrics say it; none: they were not written
	says    string // parts of what is said, with "…" between them
	writes  int
	after   string // what the list holds after the run
	then    string // and after a healthy one; "": inStep
	last    string // and in the end; "": inStep
	check   func(t *testing.T, s *site)
}

// What the list may hold.
const (
	asItWas = "as it was"
	inStep  = "in step"
	added   = "the ban added, nothing removed"
	removed = "the un-ban removed, nothing added"
	none    = "none"
)

// TestFaults says for every fault how the run ends and what becomes of the list: `go test -run TestFaults -v ./cmd/edgeban`
// prints it as a table. No fault makes a run remove what it should not, and after each the next healthy run repairs what is left.
func TestFaults(t *testing.T) {
	t.Parallel()
	cases := allFaults()
	if len(cases) < 50 {
		t.Errorf("only %d faults", len(cases))
	}
	var mu sync.Mutex
	rows := make([]string, len(cases))
	t.Run("sync", func(t *testing.T) {
		for i, c := range cases {
			t.Run(strings.ReplaceAll(c.name, ",", ""), func(t *testing.T) { // a comma would part the database's path
				t.Parallel()
				in := inBubble
				if c.full {
					in = func(t *testing.T, f func(*testing.T)) { t.Helper(); f(t) }
				}
				in(t, func(t *testing.T) {
					row := mustSite(t).wantFault(t, c)
					mu.Lock()
					defer mu.Unlock()
					rows[i] = row
				})
			})
		}
	})
	t.Log(aligned(append([]string{"fault\texit\toutcome\twrites\tthe list afterwards\tafter a healthy run"}, rows...)))
}

// allFaults are the rows of the table, those that begin in the same place one after the other.
func allFaults() []faultCase {
	var all []faultCase
	for _, group := range [][]faultCase{
		listFaults(), itemFaults(), pageFaults(), countFaults(), authFaults(), clockFaults(),
		refusedWrites(), uncertainWrites(), failedWrites(), removalFaults(),
		sourceFaults(), stateFaults(), metricsFaults(), byHandFaults(), challengeFaults(),
	} {
		all = append(all, group...)
	}
	return all
}

func aligned(rows []string) string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w)
	for _, row := range rows {
		fmt.Fprintln(w, row)
	}
	_ = w.Flush()
	return b.String()
}

// wantFault runs a case and returns its row of the table.
func (s *site) wantFault(t *testing.T, c faultCase) string {
	t.Helper()
	s.makeWork(t)
	if c.spoil != nil {
		c.spoil(t, s)
	}
	before := s.items()
	_ = os.Remove(s.metrics())
	s.edge.ResetRequests()

	said, status := s.runFaulty(t, c)
	outcome, writes, after := s.lastOutcome(), s.writes(), s.holds(before)
	if status != c.status || outcome != c.outcome || writes != c.writes || after != c.after {
		t.Errorf("exit status %d, outcome %s, %d writes, the list is %s; want %d, %s, %d, %s\n%s",
			status, outcome, writes, after, c.status, c.outcome, c.writes, c.after, said)
	}
	for part := range strings.SplitSeq(c.says, "…") {
		if !strings.Contains(said, part) || part == "" {
			t.Errorf("want %q in\n%s", part, said)
		}
	}
	if c.check != nil {
		c.check(t, s)
	}
	return strings.Join([]string{c.name, fmt.Sprint(status), outcome, fmt.Sprint(writes), after, s.healthy(t, c, before)}, "\t")
}

// healthy wants runs after the repair to put the list in step, until there is nothing to write. It returns what the list holds after
// the first of them.
func (s *site) healthy(t *testing.T, c faultCase, before string) (then string) {
	t.Helper()
	s.repairEdge()
	if c.repair != nil {
		c.repair(t, s)
	}
	if !c.full {
		time.Sleep(cmp.Or(c.later, 2*time.Minute))
	}
	c.full, c.env, c.args = false, nil, nil
	for i := range 3 { // on an account that refused a write lately, each run writes but once
		s.edge.ResetRequests()
		if said, status := s.runFaulty(t, c); status != exitOK || i == 2 && s.writes() != 0 {
			t.Errorf("repaired, but exit status %d and %d writes\n%s", status, s.writes(), said)
		}
		if i == 0 {
			then = s.holds(before)
		}
	}
	if want := cmp.Or(c.then, inStep); then != want || s.holds(before) != cmp.Or(c.last, inStep) {
		t.Errorf("repaired, but the list is %s, then %s:\n%s", then, s.holds(before), s.items())
	}
	return then
}

// repairEdge makes Cloudflare well again.
func (s *site) repairEdge() {
	s.edge.ClearFaults()
	s.edge.SetNumItems(s.list, -1)
	s.edge.AddAccountToken(testAccount, testToken, fake.ListsEdit)
	s.edge.Finish(testAccount)
}

// runFaulty runs sync. Everything that it says is one text, in which DIR stands for the site's directory.
func (s *site) runFaulty(t *testing.T, c faultCase) (said string, status int) {
	t.Helper()
	if c.full {
		return s.runFull(t)
	}
	args := c.args
	if args == nil {
		args = []string{"sync"}
	}
	stdout, stderr, status := s.run(t.Context(), c.env, args...)
	return strings.ReplaceAll(stdout+stderr, s.dir, "DIR"), status
}

// runFull runs sync in a process that can write to no file, as if the disk were full.
func (s *site) runFull(t *testing.T) (said string, status int) {
	t.Helper()
	if err := s.edge.Start(); err != nil {
		t.Fatal(err)
	}
	defer s.edge.Close()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -f 0 && exec "$@"`, "sh", program, "sync")
	config := filepath.Join(s.dir, "edgeban.toml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "EDGEBAN_API_URL="+s.edge.URL(), "EDGEBAN_CONFIG="+config)
	for name, value := range s.environment() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	output, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(output), s.dir, "DIR"), cmd.ProcessState.ExitCode()
}

// lastOutcome is the outcome that the metrics tell.
func (s *site) lastOutcome() string {
	text, err := os.ReadFile(s.metrics())
	found := regexp.MustCompile(`edgeban_last_run_outcome\{outcome="(\w+)"\} 1\n`).FindSubmatch(text)
	if err != nil || found == nil {
		return none
	}
	return string(found[1])
}

// holds says in words what the list holds. Whatever somebody put there by hand must be there, unchanged.
func (s *site) holds(before string) string {
	items := s.items()
	lines := map[string]bool{}
	for line := range strings.Lines(items) {
		lines[line] = true
	}
	for line := range strings.Lines(before) {
		if !strings.Contains(line, "  edgeban:") && !lines[line] {
			return "without " + line
		}
	}
	banned := regexp.MustCompile(`(?m)^203\.0\.113\.7  edgeban:web-1 until=\S+ seen=\S+ \| fail2ban:sshd$`).MatchString(items)
	unbanned := !strings.Contains(items, "203.0.113.8  ")
	switch {
	case items == before:
		return asItWas
	case banned && unbanned:
		return inStep
	case banned:
		return added
	case unbanned:
		return removed
	}
	return "something else"
}

// both is two faults at once.
func both(a, b func(*testing.T, *site)) func(*testing.T, *site) {
	return func(t *testing.T, s *site) { t.Helper(); a(t, s); b(t, s) }
}
