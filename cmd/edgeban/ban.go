package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"edgeban/reconcile"
)

// defaultBan is how long a ban by hand lasts when nobody says.
const defaultBan = 24 * time.Hour

// defaultReason is why, when nobody says.
const defaultReason = "edgeban ban"

func banCommand(sys *system) *cli.Command {
	return &cli.Command{
		Name:      "ban",
		Usage:     "put an address or a network on the list at once, by hand",
		ArgsUsage: "PREFIX",
		Description: "The item stays until its time is over, whatever the sources say. IPv6 is widened as their bans are, and\n" +
			"what is protected is refused. With --remedy challenge it goes on the list that challenge-list names.\n\n" + byHandStatuses,
		Flags: sys.settingFlags(
			&cli.DurationFlag{Name: "for", HideDefault: true, Local: true, Usage: "how long (default: 24h)"},
			&cli.BoolFlag{Name: "permanent", HideDefault: true, Local: true, Usage: "without an end"},
			&cli.StringFlag{Name: "remedy", Local: true, HideDefault: true, Usage: "`WORD` for what the edge is to do, block or challenge (default: block)"},
			&cli.StringFlag{Name: "reason", Local: true, Usage: "why; at most 100 bytes, kept in the item's comment"},
		),
		ArgValidator: oneNetwork,
		Action: func(ctx context.Context, cmd *cli.Command) error {
			o, err := banOptionsOf(cmd)
			if err != nil {
				return err
			}
			s, err := loadSettings(cmd, sys, needCloudflare)
			if err != nil {
				return err
			}
			if s.holdsSecret(o.reason) {
				return usagef("ban: --reason holds a secret")
			}
			x, err := openSession(sys, s, person)
			if err != nil {
				return err
			}
			works := x.worksFor(o.remedy)
			if len(works) == 0 {
				return noChallengeList()
			}
			return x.out.fail(x.ban(ctx, works, o))
		},
	}
}

type banOptions struct {
	network netip.Prefix
	length  time.Duration // 0: permanent
	reason  string
	remedy  reconcile.Remedy
}

func banOptionsOf(cmd *cli.Command) (o banOptions, err error) {
	if o.network, err = networkOf(cmd); err != nil {
		return o, err
	}
	if cmd.IsSet("for") && cmd.Bool("permanent") {
		return o, usagef("ban: --for and --permanent exclude each other")
	}
	if o.length, err = lengthOf(cmd, "for"); err != nil {
		return o, err
	}
	if o.length == 0 && !cmd.Bool("permanent") {
		o.length = defaultBan
	}
	switch word := cmd.String("remedy"); word {
	case "", "block":
	case "challenge":
		o.remedy = reconcile.Challenge
	default:
		return o, usagef("ban: --remedy %s is neither block nor challenge", quotedArgument(word))
	}
	o.reason = cmd.String("reason")
	switch {
	case slices.ContainsFunc(strings.Fields(o.reason), func(word string) bool { return looksLikeToken(word) || looksLikeKey(word) }):
		return o, usagef("ban: --reason seems to be a token or a key")
	case len(o.reason) > reconcile.MaxReason:
		return o, usagef("ban: --reason has %d bytes, more than %d", len(o.reason), reconcile.MaxReason)
	case o.reason == "":
		o.reason = defaultReason
	}
	return o, nil
}

// noChallengeList says that nobody can be challenged.
func noChallengeList() error {
	return &usageError{[]problem{{"ban: there is no list of those to challenge", "Set challenge-list; edgeban setup creates the list and its rule."}}}
}

func (x *session) ban(ctx context.Context, works []work, o banOptions) error {
	unlock, err := x.alone(ctx, x.settings.Timeout)
	if err != nil {
		return err
	}
	defer unlock()
	lifted := x.disallow(o.network)
	b := reconcile.ManualBan{Reason: o.reason, Remedy: o.remedy}
	if b.Prefix, err = bannable(works[0].policy(), o.network); err != nil {
		return err
	}
	if o.length > 0 {
		b.Until = x.now.Truncate(time.Second).Add(o.length)
	}
	var problems []error
	problems = append(problems, x.disallowRules(ctx, b.Prefix))
	for i, w := range works {
		w.forget(b.Prefix)
		saved, err := w.ban(ctx, o, b)
		if instead, ok := w.instead(); ok && err != nil && lastWord(err) {
			x.out.warn(err.Error() + "; it goes into the access rules")
			_, err = instead.ban(ctx, o, b)
		}
		if saved && i == 0 { // the state was written, whatever became of the ban
			w.sayLifted(o.network, lifted)
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func (w work) ban(ctx context.Context, o banOptions, b reconcile.ManualBan) (saved bool, err error) {
	run := w.run(nil)
	var holders, around []reconcile.Holder
	report, err := w.carry(ctx, run, func(items []reconcile.Item, now time.Time) reconcile.Plan {
		p := reconcile.Plan{Now: now, Items: len(items)}
		holders = nil
		for piece := range run.Policy.Widths.Pieces(b.Prefix) { // access rules have few widths
			b := b
			b.Prefix = piece
			one, holder := reconcile.PlanBan(b, items, run.Ownership, now)
			p.Add = append(p.Add, one.Add...)
			if holder != nil {
				holders = append(holders, *holder)
			}
			if !one.Empty() { // what stands there when the target is read again may be this ban's own
				around = append(around, run.Ownership.Around(piece, items)...)
			}
		}
		return p
	})
	saved = !report.Now.IsZero()
	if err != nil {
		return saved, advised(err, "Nothing tries again by itself: give the command again later.")
	}
	return saved, w.sayBanned(o, b, report, holders, around)
}

// sayBanned tells what became of a ban. holders are the items of others that stand in its place.
func (w work) sayBanned(o banOptions, b reconcile.ManualBan, report reconcile.Report, holders, around []reconcile.Holder) error {
	name := reconcile.PrefixText(b.Prefix)
	if b.Prefix != o.network {
		name = reconcile.PrefixText(o.network) + ", widened to " + name + ","
	}
	did := end(w.now, b.Until)
	if len(holders) > 0 && holders[0].Class == reconcile.Manual && report.Unconfirmed() > 0 { // the first plan found no such item: it is this ban's
		holders, did = nil, did+"; Cloudflare's answer was lost, but it is there now"
	}
	for _, h := range holders {
		if h.Effect == reconcile.Allows || h.Effect == reconcile.Weaker {
			instead := "a challenge"
			if h.Effect == reconcile.Allows {
				instead = "an Allow rule"
			}
			what := fmt.Errorf("%s is not %s: there is %s for %s (%s)", name, w.remedied(), instead, reconcile.PrefixText(h.Prefix), w.whoseItem(h))
			return &notDoneError{what, "edgeban never changes what it did not write: remove that rule in the dashboard, and give the command again."}
		}
	}
	if len(holders) > 0 && len(report.Plan.Add) == 0 {
		w.say("%s is %s already (%s); nothing was changed", name, w.on(), w.whoseItem(holders[0]))
		if holders[0].Class == reconcile.Manual {
			w.say("To shorten that: %s %s, then ban it again", w.settings.typed("edgeban unban"), reconcile.PrefixText(holders[0].Prefix))
		}
		return nil
	}
	if left := len(report.Plan.Add) - report.Applied.Added; left > 0 {
		return w.budgetUsed(report.Applied.Added, left)
	}
	on := w.on()
	if n := len(report.Plan.Add); n > 1 {
		on += fmt.Sprintf(" as %s", plural(n, w.noun()))
	}
	w.say("%s is %s, %s", name, on, did)
	for _, h := range around {
		if owner, _ := h.Tag.Host(); h.Prefix == b.Prefix && h.Class == reconcile.Peer {
			w.say("%s was %s's %s (%s), and is this host's now; %[2]s puts its own back when it is gone",
				reconcile.PrefixText(h.Prefix), owner, w.noun(), printable(h.Tag.Reasons()))
		}
	}
	return nil
}

// disallow ends the temporary allow lines inside a network: its ban is the person's later word. It returns those that were in force.
func (x *session) disallow(network netip.Prefix) []allowedUntil {
	var lifted []allowedUntil
	x.setAllowed(slices.DeleteFunc(slices.Clone(x.allowed()), func(l allowedUntil) bool {
		inside := network.Bits() <= l.Prefix.Bits() && network.Contains(l.Prefix.Addr())
		if inside {
			lifted = append(lifted, l)
		}
		return inside
	}))
	return inForce(lifted, x.now)
}

// sayLifted tells which temporary allow lines the ban of a network ended.
func (w work) sayLifted(network netip.Prefix, lifted []allowedUntil) {
	for _, l := range lifted {
		of := ""
		if l.Prefix != network {
			of = " of " + reconcile.PrefixText(l.Prefix)
		}
		w.say("the temporary allow%s until %s is lifted", of, clock(w.now, l.Until))
	}
}

// bannable is where a network goes on the list, or why it must not.
func bannable(policy reconcile.Policy, network netip.Prefix) (netip.Prefix, error) {
	prefix, reason, detail := policy.Place(network)
	if reason == "" {
		return prefix, nil
	}
	left := reconcile.LeftOut{Reason: reason, Detail: detail}
	return prefix, &notDoneError{fmt.Errorf("%s is not to be blocked: %s", reconcile.PrefixText(network), leftOutText(left)), "Nothing was changed."}
}
