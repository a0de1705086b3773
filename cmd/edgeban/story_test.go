package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// program is the name under which the test binary runs as the real program.
const program = "edgeban-program"

// TestMain runs more tests at a time than there are processors, because most wait for a disk or a process (-parallel says otherwise), and
// seldom looks for garbage, of which thousands of short runs leave much.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){program: main})
}

// TestStories runs testdata/script/*.txtar: what an administrator does and sees. Each has a site and a bubble of its own, so a
// day of waiting takes no time; "edgeban" runs in this process. UPDATE=1 rewrites what cmp compares with.
func TestStories(t *testing.T) {
	t.Parallel()
	testscript.RunT(bubbleT{t}, testscript.Params{
		Dir:                filepath.Join("testdata", "script"),
		Setup:              func(env *testscript.Env) error { return setUp(env, false) },
		Cmds:               storyCommands(),
		UpdateScripts:      os.Getenv("UPDATE") != "",
		RequireUniqueNames: true,
	})
}

// TestProcesses runs testdata/process/*.txtar: the same with the real program in a process of its own, over a socket.
func TestProcesses(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("testdata", "process"),
		Setup:              func(env *testscript.Env) error { return setUp(env, true) },
		Cmds:               storyCommands(),
		UpdateScripts:      os.Getenv("UPDATE") != "",
		RequireUniqueNames: true,
	})
}

// bubbleT makes testscript run each script inside a bubble.
type bubbleT struct{ *testing.T }

func (t bubbleT) Verbose() bool { return testing.Verbose() }
func (t bubbleT) Parallel()     {} // Run did it: inside a bubble it is not allowed

func (t bubbleT) Run(name string, script func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T) { script(bubbleT{t}) })
	})
}

// story is a script's site and what the script did with it.
type story struct {
	*site
	process bool              // edgeban runs in a process of its own
	unlock  []func()          // for hold-lock
	ended   *exec.Cmd         // for terminate
	others  map[string]string // the ids of other lists, by name
	zones   map[string]string // of zones, too
}

// storyKey is where testscript keeps the story.
type storyKey struct{}

func setUp(env *testscript.Env, process bool) error {
	site, err := newSite(env.WorkDir)
	if err != nil {
		return err
	}
	s := &story{site: site, process: process, others: map[string]string{}, zones: map[string]string{}}
	env.Values[storyKey{}] = s
	for name, value := range s.environment() {
		env.Setenv(name, value)
	}
	env.Setenv("TZ", "UTC")
	env.Setenv("CROWDSEC_KEY", testKey)
	if !process {
		return nil
	}
	if err := s.edge.Start(); err != nil {
		return err
	}
	env.Defer(func() { _ = s.edge.Close() })
	env.Setenv("EDGEBAN_API_URL", s.edge.URL())
	config := filepath.Join(s.dir, "edgeban.toml") // not this machine's own
	env.Setenv("EDGEBAN_CONFIG", config)
	return os.WriteFile(config, nil, 0o600)
}

// Every command and every exit status has a story, and every story ends in step: whatever went wrong, a later run
// repaired it, and the run after that has nothing to write.
func TestStoriesAreWhole(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 40 {
		t.Errorf("only %d stories", len(files))
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		script, _, _ := strings.Cut(string(text), "\n-- ")
		all.WriteString(script)
		if strings.Contains(script, "edgeban sync") && !endsInStep(script) {
			t.Errorf("%s does not end with a run that writes nothing", file)
		}
	}
	for _, command := range commands(&system{}) {
		if !strings.Contains(all.String(), "edgeban "+command.Name) {
			t.Errorf("no story has edgeban %s", command.Name)
		}
	}
	for status := exitFailure; status <= exitPending; status++ {
		if !strings.Contains(all.String(), fmt.Sprintf("status %d edgeban", status)) {
			t.Errorf("no story has exit status %d", status)
		}
	}
}

// endsInStep reports whether the last things that a script does are a run and a look at how much it wrote.
func endsInStep(script string) bool {
	lines := strings.Split(strings.TrimSpace(script), "\n")
	last, before := lines[len(lines)-1], lines[max(len(lines)-2, 0)]
	return last == "cf-writes 0" && strings.HasPrefix(before, "edgeban sync")
}

// parseMoment reads "10:20", a time of the story's first day, or "2026-11-28T10:20".
func parseMoment(text string) (time.Time, error) {
	if !strings.Contains(text, "T") {
		text = dawn().Format("2006-01-02T") + text
	}
	return time.Parse("2006-01-02T15:04", text)
}
