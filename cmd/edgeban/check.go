package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

func checkCommand(sys *system) *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "test every part of the set-up, and say how to fix what is wrong",
		Description: "Looks at the settings, Fail2Ban, the token, the account, the list and the rule that uses it or the access rules,\n" +
			"the clock, the directories and the timer, in this order, and changes nothing. Run it as the user that runs edgeban, or as root.\n\n" +
			"Exit status: 0 all is well, or there are only warnings; 1 something failed.",
		Flags: sys.settingFlags(&cli.BoolFlag{Name: "json", HideDefault: true, Local: true, Usage: "print JSON"}),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			return check(ctx, cmd, sys)
		},
	}
}

// verdict is what was found about a part.
type verdict string

const (
	fine    verdict = "ok"
	warning verdict = "warning"
	failed  verdict = "failed"
)

// finding is one line of what `edgeban check` found. Its JSON names are an interface.
type finding struct {
	Part    string  `json:"part"`
	Verdict verdict `json:"verdict"`
	Text    string  `json:"text"`
	Do      string  `json:"do,omitempty"` // what to do about it
}

// checkup is one run of `edgeban check`. A part needs what earlier ones found out, and is left out without it.
type checkup struct {
	*session
	print    func(finding) // nil: not yet
	found    []finding
	instance string

	said    reconcile.Readings // of the sources
	desired *reconcile.Desired // on the block list; nil: no source answered
	guessed bool               // the account is the only one that the token sees, and not set
	asked   bool               // the token let in
	lists   []cloudflare.List  // nil: not read
	listed  []listed           // those to keep in step that are there
	timed   bool               // Cloudflare told its time when the lists or rules were read
	skew    time.Duration      // how far its clock was ahead of ours
}

func check(ctx context.Context, cmd *cli.Command, sys *system) error {
	c := &checkup{}
	asJSON := cmd.Bool("json")
	if !asJSON {
		c.print = func(f finding) { printFinding(sys.stdout, f) }
	}
	if err := c.config(cmd, sys); err != nil {
		return err
	}
	c.recall()
	c.tryAll(ctx)
	if asJSON {
		if err := c.writeJSON(sys.stdout); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(sys.stdout, "\n%s\n", c.count())
	}
	if c.number(failed) > 0 {
		return told{errors.New(c.count())} // it was printed already
	}
	return nil
}

// tryAll tries the parts in their order. Those that ask Fail2Ban's database and Cloudflare may take the time of a run; the host is looked
// at whatever became of them.
func (c *checkup) tryAll(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, c.settings.Timeout)
	defer cancel()
	for _, part := range []func(context.Context){
		c.askSources, c.bans, c.fail2ban, c.token, c.account, c.eachList, c.eachScope, c.others, c.spill, c.challenges, c.ranges, c.clock, c.items,
	} {
		if err := bounded.Err(); err != nil {
			c.failOf("check", c.interrupted(bounded, err))
			break
		}
		part(bounded)
	}
	for _, part := range []func(context.Context){c.stateDirectory, c.metricsDirectory, c.pushgateway, c.timer} {
		if ctx.Err() == nil {
			part(ctx)
		}
	}
}

func (c *checkup) ok(part, format string, args ...any) {
	c.add(finding{part, fine, fmt.Sprintf(format, args...), ""})
}

func (c *checkup) warn(part, text, do string) { c.add(finding{part, warning, text, do}) }

func (c *checkup) fail(part, text, do string) { c.add(finding{part, failed, text, do}) }

// failOf is fail with an error, and what its hint says.
func (c *checkup) failOf(part string, err error) {
	for _, e := range unjoined(err) {
		c.fail(part, e.Error(), hintOf(e))
	}
}

func (c *checkup) add(f finding) {
	f.Do = ofInstance(c.instance, f.Do)
	c.found = append(c.found, f)
	if c.print != nil {
		c.print(f)
	}
}

func (c *checkup) number(v verdict) int {
	n := 0
	for _, f := range c.found {
		if f.Verdict == v {
			n++
		}
	}
	return n
}
