package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"edgeban/cloudflare"
)

// The permissions of a token, as the dashboard names them.
const (
	permissionLists   = "Account → Account Filter Lists → Edit"
	permissionAccount = "Account → Account Settings → Read"
	permissionZones   = "Zone → Zone → Read"
	permissionRules   = "Zone → Zone WAF → Edit"
)

func setupCommand(sys *system) *cli.Command {
	return &cli.Command{
		Name:  "setup",
		Usage: "create the list and the rule that blocks what is on it",
		Description: "Finds the account by the token, creates the list when it is missing, and appends a custom rule that uses\n" +
			"it to each zone named. Where challenge-list is set, there are two lists and two rules, the second one with\n" +
			"the action managed_challenge. What is there stays as it is, so a second run changes nothing. On a terminal\n" +
			"it asks for what no flag says, and before it writes.\n\n" +
			"What the token needs:\n" +
			"  the list      " + permissionLists + "\n" +
			"  the rule      " + permissionZones + " and " + permissionRules + "; without them the rule is\n" +
			"                printed, to be pasted in the dashboard\n" +
			"  the account   " + permissionAccount + " or " + permissionZones + ", when account is not set\n" +
			"  access rules  " + permissionAccess + "; of zones: " + permissionZoneAccess + "\n" +
			"A run (edgeban sync) needs the first one only, and with spill that for access rules, too.\n\n" +
			"With target access-rules there is nothing to create: it finds the account, or the ids of the zones named, for the\n" +
			"configuration file, and tries whether the token may write the rules.\n\n" +
			"Exit status: 0 everything is there, or would be (--dry-run); 1 something is missing or Cloudflare refused;\n" +
			"2 usage or settings.",
		Flags: append(slices.DeleteFunc(sys.settingFlags(), func(f cli.Flag) bool { return f.Names()[0] == "zone" }),
			&cli.StringSliceFlag{Name: "zone", Local: true, HideDefault: true, Usage: "`DOMAIN` to protect, as Cloudflare names the zone; repeatable"},
			&cli.StringFlag{Name: "action", Local: true, HideDefault: true, Usage: "`WORD` for what the rule of the block list does, block or managed_challenge (default: block)"},
			&cli.BoolFlag{Name: "dry-run", HideDefault: true, Local: true, Usage: "change nothing, say what would be done"},
			&cli.BoolFlag{Name: "yes", HideDefault: true, Local: true, Usage: "ask nothing"},
		),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			u, err := newSetup(cmd, sys)
			if err != nil {
				return err
			}
			return u.out.fail(u.do(ctx))
		},
	}
}

// setup is one run of `edgeban setup`.
type setup struct {
	*session
	zones  []string // names
	action string   // of the block list's rule; empty: to be asked for
	dryRun bool
	asked  *questions // nil: nobody is there to be asked

	account  string // its id
	found    bool   // … found by the token, and not set
	lists    []cloudflare.List
	wanted   []*wanted
	failures []error
}

// wanted is a list that is to be there, and the rules that are to use it.
type wanted struct {
	*setup
	work   work
	there  cloudflare.List // without an id: to be created
	action string          // of its rules
	chosen bool            // somebody said which action it is to be
	rules  []zoneRule      // one for each zone
}

func newSetup(cmd *cli.Command, sys *system) (*setup, error) {
	s, err := loadSettings(cmd, sys, needToken)
	if err != nil {
		return nil, err
	}
	u := &setup{zones: tidy(cmd.StringSlice("zone")), action: cmd.String("action"), dryRun: cmd.Bool("dry-run")}
	if _, known := actionTitle(u.action); u.action != "" && !known {
		return nil, usagef("--action: %s is neither block nor managed_challenge", quotedArgument(u.action))
	}
	for i, name := range u.zones {
		u.zones[i] = strings.ToLower(strings.TrimSuffix(name, "."))
		if !validDomain(u.zones[i]) {
			return nil, usagef("--zone: %s is not a domain such as example.com", quotedArgument(name))
		}
	}
	if sys.interactive && !cmd.Bool("yes") {
		u.asked = newQuestions(sys)
	}
	u.session, err = openSession(sys, s, person)
	return u, err
}

// validDomain keeps out what no zone is called; Cloudflare knows which there are.
func validDomain(name string) bool {
	return strings.Contains(name, ".") && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == "" && len(name) <= 253
}

// do finds out what is there, says what is to be done, and does it.
func (u *setup) do(ctx context.Context) error {
	if u.settings.AccessRules {
		return u.doRules(ctx)
	}
	if err := u.plan(ctx); err != nil {
		return err
	}
	u.printPlan()
	u.trySpill(ctx)
	if len(u.pending()) == 0 {
		return u.end()
	}
	if u.dryRun {
		fmt.Fprintln(u.out.stdout, "\nDry run: nothing was changed.")
		return errors.Join(u.failures...)
	}
	if u.asked != nil {
		fmt.Fprintln(u.out.stdout)
		if yes, err := u.asked.confirm(ctx, "Go on?"); err != nil || !yes {
			fmt.Fprintln(u.out.stdout, "Nothing was changed.")
			return err
		}
	}
	for _, l := range u.wanted {
		if err := l.createList(ctx); err != nil {
			return errors.Join(append(u.failures, err)...)
		}
		for _, r := range l.rules {
			if r.state == ruleDue {
				l.addRule(ctx, r)
			}
		}
	}
	return u.end()
}

// plan reads what is there, and asks for what nobody said.
func (u *setup) plan(ctx context.Context) error {
	zones, err := u.findAccount(ctx)
	if err != nil {
		return err
	}
	if u.client, err = u.client.For(u.account); err != nil {
		return err
	}
	for _, w := range u.works() {
		l := &wanted{setup: u, work: w, action: "managed_challenge"}
		if err := l.findList(ctx); err != nil {
			return err
		}
		u.wanted = append(u.wanted, l)
	}
	if len(u.zones) == 0 && u.asked != nil {
		if err := u.askForZones(ctx, zones); err != nil {
			return err
		}
	}
	if u.action == "" && len(u.zones) > 0 && u.asked != nil {
		if err := u.askForAction(ctx); err != nil {
			return err
		}
	}
	u.wanted[0].action, u.wanted[0].chosen = cmp.Or(u.action, "block"), u.action != ""
	for _, l := range u.wanted {
		for _, name := range u.zones {
			l.rules = append(l.rules, l.findRule(ctx, name))
		}
	}
	return nil
}

// pending is what is to be written, in words.
func (u *setup) pending() []string {
	var all []string
	for _, l := range u.wanted {
		if l.there.ID == "" {
			all = append(all, "list "+l.there.Name)
		}
		for _, r := range l.rules {
			if r.state == ruleDue {
				all = append(all, "rule in "+r.name)
			}
		}
	}
	return all
}

// say prints a line about one part of the set-up, and more under it.
func (u *setup) say(part, text string, more ...string) {
	fmt.Fprintf(u.out.stdout, "%-8s %s\n", part, printable(text))
	for _, line := range more {
		fmt.Fprintf(u.out.stdout, "%-8s %s\n", "", printable(line))
	}
}

// within bounds what is asked of Cloudflare at one time: a person may take as long as it takes to answer.
func (u *setup) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, u.settings.Timeout)
}

// end says what comes next, and returns what is missing.
func (u *setup) end() error {
	if len(u.failures) > 0 {
		return errors.Join(u.failures...)
	}
	unused := false
	for _, l := range u.wanted {
		if len(u.zones) == 0 && l.there.References == 0 {
			unused = true
			fmt.Fprintf(u.out.stdout, "\nNothing is %s until a rule uses the list. Run %s --zone DOMAIN, or paste it in the dashboard:\n%s",
				l.work.remedied(), u.settings.typed("edgeban setup"), l.ruleToPaste(""))
		}
	}
	switch {
	case unused && u.found:
		fmt.Fprintf(u.out.stdout, "\nPut the line %s into %s, too.\n", u.accountLine(), u.settings.configFile())
	case unused:
	case u.found:
		fmt.Fprintf(u.out.stdout, "\nEverything is there. Next: put the line %s into %s, then: %s\n", u.accountLine(), u.settings.configFile(),
			u.settings.typed("edgeban check"))
	default:
		fmt.Fprintln(u.out.stdout, "\nEverything is there. Next: "+u.settings.typed("edgeban check"))
	}
	return nil
}
