// Command edgeban keeps a Cloudflare IP list in step with the bans of Fail2Ban and CrowdSec.
//
// This package holds the settings, the wiring and one file per subcommand. It is the only one that knows all the
// others; what is decided about bans and lists is decided in package reconcile.
//
// Start at syncCommand. It opens a session, which holds the settings and the parts that they wire together; the session has a work for
// each target, and session.runAll does one reconcile.Run for each of these works.
//
// # A further source
//
// It is a package under sources that implements reconcile.Source. Its settings go into settings, parse and needSources' check, it is opened by
// openSession and listed by session.sources, and work.policy filters its bans by its name. A file check_NAME.go tries it for `edgeban
// check`. What people are told of it is in sourceTextOf.
//
// # A further target
//
// It implements reconcile.Target and, as far as it can, Replacer, Awaiter and Metered. session.works lists a work for it, work.target
// makes it, and the words for it are in work_text.go. Today a work is on a list or on access rules: work.onRules and Settings.AccessRules tell
// which, and each place that asks one of these is one to look at.
package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v3"
)

// system is everything outside the program that a command may touch, so that a test can stand in for it.
type system struct {
	args      []string // without the program's name
	lookupEnv func(string) (string, bool)
	environ   func() []string // the whole environment, NAME=value; nil: unknown variables are not looked for
	stdin     io.Reader
	stdout    io.Writer
	stderr    io.Writer
	now       func() time.Time
	hostname  func() (string, error)

	interfaceAddrs func() ([]net.Addr, error) // this host's own addresses
	limitMemory    func(bytes int64)          // sets a soft limit for memory; nil: there is none
	transport      http.RoundTripper          // to Cloudflare; nil: the client's own
	pushgateway    http.RoundTripper          // to a Pushgateway; nil: the default one
	lapi           http.RoundTripper          // to CrowdSec; nil: the source's own
	terminal       bool                       // stdout is a terminal: a person reads
	journal        bool                       // stderr is systemd's journal
	watched        bool                       // stderr is a terminal: somebody sees the progress
	interactive    bool                       // stdin and stdout are terminals: a person can be asked

	// fail2banClient is what the program fail2ban-client prints, with its complaints when it fails; nil: there is none.
	fail2banClient func(ctx context.Context, args ...string) ([]byte, error)

	// systemctl is what the program of that name prints; nil: there is none.
	systemctl func(ctx context.Context, args ...string) ([]byte, error)

	flags []cli.Flag // one for each setting, shared by all commands; nil: not made yet

	// root is the directory under which the well-known files are looked up (/etc/edgeban/token, /etc/machine-id,
	// defaults that are paths); empty outside tests. Paths that somebody set are taken as they are.
	root string
}

func main() {
	spare()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal asks for an orderly end, the second one kills
	os.Exit(run(ctx, system{
		args:        os.Args[1:],
		lookupEnv:   os.LookupEnv,
		environ:     os.Environ,
		stdin:       os.Stdin,
		stdout:      os.Stdout,
		stderr:      os.Stderr,
		terminal:    isatty.IsTerminal(os.Stdout.Fd()),
		watched:     isatty.IsTerminal(os.Stderr.Fd()),
		journal:     toJournal(os.Stderr, os.Getenv("JOURNAL_STREAM")),
		now:         time.Now,
		hostname:    os.Hostname,
		interactive: isatty.IsTerminal(os.Stdout.Fd()) && isatty.IsTerminal(os.Stdin.Fd()),

		interfaceAddrs: net.InterfaceAddrs,
		limitMemory:    limitMemory,
		systemctl:      hostProgram("systemctl"),
		fail2banClient: hostProgram("fail2ban-client"),
	}))
}

// hostProgram returns a function that runs a program of this host. Of the environment, which may hold the token, the program gets only
// PATH.
func hostProgram(name string) func(ctx context.Context, args ...string) ([]byte, error) {
	return func(ctx context.Context, args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
		cmd.WaitDelay = time.Second
		said, err := cmd.Output()
		if ended, ok := errors.AsType[*exec.ExitError](err); ok {
			said = append(said, ended.Stderr...)
		}
		return said, err
	}
}

// run runs one command to its end and returns the exit status.
func run(ctx context.Context, sys system) int {
	err := rootCommand(&sys).Run(ctx, append([]string{"edgeban"}, sys.args...))
	if sys.journal {
		return report(priority{sys.stderr, priorityError}, err)
	}
	return report(sys.stderr, err)
}

// getenv returns a variable's value. A variable set to nothing is the same as one that is not set.
func (sys *system) getenv(name string) string {
	text, _ := sys.lookupEnv(name)
	return text
}

// path is where the well-known file name lies.
func (sys *system) path(name string) string { return filepath.Join(sys.root, name) }
