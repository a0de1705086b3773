package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"edgeban/cloudflare/cloudflaretest"
)

// storyCommands are what a story says besides testscript's own commands:
//
//	edgeban ARG…                        runs edgeban, which has to exit with 0
//	status N edgeban ARG…               … with N
//	clock 10:20                         waits until then
//	ban JAIL IP SINCE LENGTH [FILE]     Fail2Ban bans: sshd 192.0.2.1 5m 1h; LENGTH may be "permanent"
//	unban JAIL IP [FILE]                fail2ban-client unban
//	jail NAME on|off [FILE]             jails.enabled
//	database FILE                       one more Fail2Ban; sql DATABASE FILE: some other database
//	decision TYPE VALUE LENGTH [SCENARIO [ORIGIN]]   CrowdSec decides: ban 192.0.2.1 4h crowdsecurity/ssh-bf crowdsec
//	decisions N LENGTH [ORIGIN]         … so many times, to ban 203.0.NNN.NNN
//	undecide VALUE                      cscli decisions delete; "all": --all; "wipe": a new database
//	lapi-fault STATUS|down|BODY         what it answers from now on; lapi-well
//	lapi-asked N                        how many requests it got so far, all of them for decisions
//	hold-lock [FOR], release-lock       another run is at work, until then or for so long
//	cf-items                            prints the list; cmp stdout
//	cf-item IP COMMENT, cf-delete IP    somebody at the dashboard
//	cf-writes N, cf-requests N          how many of them the last edgeban made
//	cf-wrote METHOD…                    which writes, in their order
//	cf-references N                     so many rules use the list
//	cf-token STATUS                     active, disabled, expired
//	cf-fault METHOD PATH EFFECT [ARG]   from now on, see storyFault; cf-fault-once: for one request
//	cf-await METHOD PATH                waits for such a request of an edgeban in the background
//	terminate, ended N                  SIGTERM for that edgeban; its exit status, after wait
//	gateway                             prints what the Pushgateway http://pushgateway:9091 holds
//	gateway-answers STATUS|never|well   from now on
//	cf-finish, cf-well                  ends the pending operation; ends all faults
func storyCommands() map[string]func(*testscript.TestScript, bool, []string) {
	commands := map[string]func(*testscript.TestScript, bool, []string){}
	command := func(name string, least, most int, do func(ts *testscript.TestScript, s *story, args []string) error) {
		commands[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			s, _ := ts.Value(storyKey{}).(*story)
			if neg || len(args) < least || len(args) > most {
				ts.Fatalf("%s: not so; see storyCommands", name)
			}
			ts.Check(do(ts, s, args))
		}
	}
	command("edgeban", 0, 99, func(ts *testscript.TestScript, s *story, args []string) error {
		return s.edgeban(ts, exitOK, args)
	})
	command("status", 2, 99, func(ts *testscript.TestScript, s *story, args []string) error {
		status, err := strconv.Atoi(args[0])
		if err != nil || args[1] != "edgeban" {
			return errors.New("want a number and edgeban")
		}
		return s.edgeban(ts, status, args[2:])
	})
	command("clock", 1, 1, func(_ *testscript.TestScript, _ *story, args []string) error {
		at, err := parseMoment(args[0])
		if err == nil && !at.After(time.Now()) {
			err = fmt.Errorf("it is %v already", time.Now())
		}
		time.Sleep(time.Until(at))
		return err
	})
	command("terminate", 0, 0, func(ts *testscript.TestScript, s *story, _ []string) error {
		s.ended = ts.BackgroundCmds()[0]
		return s.ended.Process.Signal(syscall.SIGTERM)
	})
	command("ended", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		return equal(args[0], s.ended.ProcessState.ExitCode(), "is the exit status")
	})
	fail2banCommands(command)
	crowdsecCommands(command)
	cloudflareCommands(command)
	setupCommands(command)
	pushgatewayCommands(command)
	listCommands(command)
	accessCommands(command)
	spillCommands(command)
	return commands
}

// declare adds a command with its least and greatest number of arguments.
type declare func(name string, least, most int, do func(*testscript.TestScript, *story, []string) error)

func fail2banCommands(command declare) {
	command("ban", 4, 5, func(_ *testscript.TestScript, s *story, args []string) error {
		since, err := time.ParseDuration(args[2])
		if err != nil {
			return err
		}
		length := -time.Second
		if args[3] != "permanent" {
			if length, err = time.ParseDuration(args[3]); err != nil {
				return err
			}
		}
		return s.ban(s.file(args, 4), args[0], args[1], time.Now().Add(-since), length)
	})
	command("unban", 2, 3, func(_ *testscript.TestScript, s *story, args []string) error {
		return inDatabase(s.file(args, 2), fmt.Sprintf(`DELETE FROM bips WHERE jail = %s AND ip = %s`, quoted(args[0]), quoted(args[1])))
	})
	command("jail", 2, 3, func(_ *testscript.TestScript, s *story, args []string) error {
		enabled := slices.Index([]string{"off", "on"}, args[1])
		return inDatabase(s.file(args, 2), fmt.Sprintf(`INSERT OR REPLACE INTO jails VALUES(%s, %d)`, quoted(args[0]), enabled))
	})
	command("database", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		return s.makeDatabase(s.file(args, 0))
	})
	command("sql", 2, 2, func(ts *testscript.TestScript, s *story, args []string) error {
		return inDatabase(s.file(args, 0), ts.ReadFile(args[1]))
	})
	command("hold-lock", 0, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		dir, err := openStateDir(s.stateDir())
		if err != nil {
			return err
		}
		unlock, err := dir.lock()
		if err != nil || len(args) == 0 {
			s.unlock = append(s.unlock, unlock)
			return err
		}
		d, err := time.ParseDuration(args[0])
		time.AfterFunc(d, unlock)
		return err
	})
	command("release-lock", 0, 0, func(_ *testscript.TestScript, s *story, _ []string) error {
		for _, unlock := range s.unlock {
			unlock()
		}
		s.unlock = nil
		return nil
	})
}

func cloudflareCommands(command declare) {
	command("cf-items", 0, 0, func(ts *testscript.TestScript, s *story, _ []string) error {
		_, err := fmt.Fprint(ts.Stdout(), s.items())
		return err
	})
	command("cf-item", 2, 2, func(_ *testscript.TestScript, s *story, args []string) error {
		_, err := s.edge.SetItem(s.list, args[0], args[1])
		return err
	})
	command("cf-delete", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		if !s.edge.DeleteItem(s.list, args[0]) {
			return fmt.Errorf("%s is not on the list", args[0])
		}
		return nil
	})
	command("cf-writes", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		return equal(args[0], s.writes(), "writes")
	})
	command("cf-wrote", 0, 9, func(_ *testscript.TestScript, s *story, args []string) error {
		if want := strings.Join(args, " "); s.wrote() != want {
			return fmt.Errorf("the writes are %q, want %q", s.wrote(), want)
		}
		return nil
	})
	command("cf-requests", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		return equal(args[0], len(s.edge.Requests()), "requests")
	})
	command("cf-references", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		n, err := strconv.Atoi(args[0])
		s.edge.SetReferences(s.list, n)
		return err
	})
	command("cf-token", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		s.edge.SetTokenStatus(testToken, args[0])
		return nil
	})
	for name, times := range map[string]int{"cf-fault": 0, "cf-fault-once": 1} {
		command(name, 3, 4, func(_ *testscript.TestScript, s *story, args []string) error {
			effect, err := storyFault(args[2], strings.Join(args[3:], " "))
			s.edge.AddFault(cloudflaretest.Fault{Method: args[0], Path: "/" + args[1], Times: times, Effect: effect})
			return err
		})
	}
	command("cf-await", 2, 2, func(_ *testscript.TestScript, s *story, args []string) error {
		asked := func(r cloudflaretest.Request) bool { return r.Method == args[0] && strings.Contains(r.Path, args[1]) }
		for !slices.ContainsFunc(s.edge.Requests(), asked) {
			time.Sleep(time.Millisecond)
		}
		return nil
	})
	command("cf-finish", 0, 0, func(_ *testscript.TestScript, s *story, _ []string) error {
		s.edge.Finish(testAccount)
		return nil
	})
	command("cf-well", 0, 0, func(_ *testscript.TestScript, s *story, _ []string) error {
		s.edge.ClearFaults()
		return nil
	})
}

// edgeban runs the program, which has to exit with status.
func (s *story) edgeban(ts *testscript.TestScript, status int, args []string) error {
	s.edge.ResetRequests()
	got := exitOK
	if s.process {
		err := ts.Exec(program, args...)
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			got = exit.ExitCode()
		} else if err != nil {
			return err
		}
	} else {
		lookupEnv := func(name string) (string, bool) { text := ts.Getenv(name); return text, text != "" }
		var stdout, stderr bytes.Buffer
		sys := s.system(lookupEnv, &stdout, &stderr, args...)
		sys.terminal, sys.journal = ts.Getenv("TERMINAL") != "off", ts.Getenv("JOURNAL_STREAM") != ""
		sys.watched = ts.Getenv("WATCHED") != ""
		sys.fail2banClient = fail2banSays(ts.Getenv("FAIL2BAN_SAYS"))
		sys.interactive, sys.stdin = replies(ts.Getenv("REPLIES"))
		if timers := ts.Getenv("TIMERS"); timers != "" {
			sys.systemctl = func(context.Context, ...string) ([]byte, error) { return []byte(timers), nil }
		}
		addrs, err := hostAddrs(strings.Fields(ts.Getenv("HOST_ADDRESSES"))...)
		if err != nil {
			return err
		}
		sys.interfaceAddrs = func() ([]net.Addr, error) { return addrs, nil }
		got = run(context.Background(), sys)
		fmt.Fprint(ts.Stdout(), masked(stdout.String()))
		fmt.Fprint(ts.Stderr(), masked(stderr.String()))
	}
	if got != status {
		return fmt.Errorf("exit status %d, want %d", got, status)
	}
	return nil
}

// file is the database that the argument names, if there is one, else the site's first.
func (s *story) file(args []string, i int) string {
	if len(args) <= i {
		return s.database()
	}
	return filepath.Join(s.dir, args[i])
}

func equal(want string, got int, what string) error {
	if want != strconv.Itoa(got) {
		return fmt.Errorf("%d %s, want %s", got, what, want)
	}
	return nil
}
