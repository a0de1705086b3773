package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"edgeban/cloudflare/cloudflaretest"
)

const (
	demoAccount = "0123456789abcdef0123456789abcdef"
	demoToken   = "demo-token-that-opens-nothing-outside-this-process"
)

func demoCommand(sys *system) *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "watch the whole job on an embedded Cloudflare: no account, no root, no network",
		Description: "Starts a Cloudflare on this machine's loopback and makes a Fail2Ban database of a few dozen bans, then\n" +
			"runs the real commands on them. With --db it reads a real database instead and changes nothing in it.",
		Flags: []cli.Flag{&cli.StringFlag{Name: "db", Local: true, HideDefault: true, TakesFile: true, Usage: "a real Fail2Ban `FILE` to show"}},
		Action: func(ctx context.Context, cmd *cli.Command) (err error) {
			d, err := newDemo(sys)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, d.close()) }()
			if db := cmd.String("db"); db != "" {
				return d.playWith(ctx, db)
			}
			return d.play(ctx)
		},
	}
}

// demo runs the program's own commands against an embedded Cloudflare, with a clock that it can put forward.
type demo struct {
	sys    *system
	dir    string
	list   string // its id
	edge   *cloudflaretest.Cloudflare
	ahead  time.Duration
	env    map[string]string
	failed error
}

func newDemo(sys *system) (*demo, error) {
	dir, err := os.MkdirTemp("", "edgeban-demo-")
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	d := &demo{sys: sys, dir: dir}
	d.edge = cloudflaretest.New(cloudflaretest.Options{Now: d.now, OperationTime: 150 * time.Millisecond})
	d.edge.AddAccount(demoAccount)
	d.edge.AddToken(demoToken, cloudflaretest.ListsEdit)
	d.list = d.edge.AddList(demoAccount, "edgeban", "ip")
	d.edge.SetReferences(d.list, 1)
	if _, err := d.edge.SetItem(d.list, "198.51.100.250", "by hand: a scanner that somebody noticed"); err != nil {
		return nil, errors.Join(fmt.Errorf("demo: %w", err), os.RemoveAll(dir))
	}
	if err := d.edge.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("demo: %w", err), os.RemoveAll(dir))
	}
	d.env = map[string]string{
		"CLOUDFLARE_ACCOUNT_ID":  demoAccount,
		"CLOUDFLARE_API_TOKEN":   demoToken,
		"EDGEBAN_API_URL":        d.edge.URL(),
		"EDGEBAN_OWNER":          "demo",
		"EDGEBAN_ALLOW":          "203.0.113.80",
		"EDGEBAN_WRITE_INTERVAL": "0s",
		"EDGEBAN_STATE_DIR":      filepath.Join(dir, "state"),
		"EDGEBAN_METRICS_FILE":   filepath.Join(dir, "edgeban.prom"),
	}
	return d, nil
}

func (d *demo) close() error { return errors.Join(d.edge.Close(), os.RemoveAll(d.dir)) }

func (d *demo) now() time.Time { return d.sys.now().Add(d.ahead) }

// play shows the main job on a database made on the spot.
func (d *demo) play(ctx context.Context) error {
	db := filepath.Join(d.dir, "fail2ban.sqlite3")
	if err := makeDemoDatabase(ctx, db, d.now()); err != nil {
		return err
	}
	d.env["EDGEBAN_FAIL2BAN_DB"] = db
	d.say("A Cloudflare on this machine's loopback, a Fail2Ban database made on the spot. Nothing leaves this machine.")

	d.say("What would change?")
	d.edgeban(ctx, "diff")
	d.say("Change it.")
	d.edgeban(ctx, "sync")
	d.say("Once more: nothing is left to do.")
	d.edgeban(ctx, "diff")

	d.say("Somebody is un-banned. The row is gone from the database, and the item goes with the next run.")
	d.fail(unbanInDemo(ctx, db, "nginx-botsearch", "203.0.113.20"))
	d.command("fail2ban-client set nginx-botsearch unbanip 203.0.113.20")
	d.edgeban(ctx, "diff")
	d.edgeban(ctx, "sync")

	d.ahead += 5 * time.Minute
	d.say("Five minutes later a ban's row has ended. The attacker may have knocked until the edge closed, and Fail2Ban then goes on\n" +
		"banning in its memory, so the item lingers.")
	d.edgeban(ctx, "sync")
	d.ahead += 10 * time.Minute
	d.say("Ten minutes more, and the ban is surely over.")
	d.edgeban(ctx, "diff")
	d.edgeban(ctx, "sync")
	d.metrics()
	return d.failed
}

// playWith shows the job on somebody's own database, which is only read.
func (d *demo) playWith(ctx context.Context, db string) error {
	d.env["EDGEBAN_FAIL2BAN_DB"] = db
	d.say("A Cloudflare on this machine's loopback, and your database, which is only read. Nothing leaves this machine.")
	d.edgeban(ctx, "diff")
	d.edgeban(ctx, "sync")
	d.say("Once more: nothing is left to do.")
	d.edgeban(ctx, "diff")
	d.metrics()
	return d.failed
}

func (d *demo) say(text string) {
	if d.failed == nil {
		fmt.Fprintf(d.sys.stdout, "\n# %s\n", strings.ReplaceAll(text, "\n", "\n# "))
	}
}

func (d *demo) command(line string) {
	if d.failed == nil {
		fmt.Fprintf(d.sys.stdout, "\n$ %s\n", line)
	}
}

func (d *demo) fail(err error) {
	if d.failed == nil {
		d.failed = err
	}
}

// edgeban runs a command of this program as a person at a terminal would.
func (d *demo) edgeban(ctx context.Context, args ...string) {
	if d.failed != nil {
		return
	}
	d.command("edgeban " + strings.Join(args, " "))
	status := run(ctx, system{
		args:           args,
		lookupEnv:      func(name string) (string, bool) { v, ok := d.env[name]; return v, ok },
		stdin:          d.sys.stdin,
		stdout:         d.sys.stdout,
		stderr:         d.sys.stderr,
		now:            d.now,
		hostname:       d.sys.hostname,
		interfaceAddrs: func() ([]net.Addr, error) { return nil, nil },
		terminal:       true,
		root:           d.dir,
	})
	if status != exitOK {
		d.fail(fmt.Errorf("demo: edgeban %s ended with exit status %d", strings.Join(args, " "), status))
	}
}

// metrics prints what node_exporter would pick up.
func (d *demo) metrics() {
	if d.failed != nil {
		return
	}
	d.say("What Prometheus sees.")
	d.command("grep -v '^#' edgeban.prom")
	text, err := os.ReadFile(d.env["EDGEBAN_METRICS_FILE"])
	d.fail(err)
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			fmt.Fprint(d.sys.stdout, line)
		}
	}
}
