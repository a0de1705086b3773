package main

import (
	"context"
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

func banCommand(sys *system) *cli.Command {
	return &cli.Command{
		Name:      "ban",
		Usage:     "put an address or a network on the list at once, by hand",
		ArgsUsage: "PREFIX",
		Description: "The item stays until its time is over, whatever the sources say. IPv6 is widened as their bans are, and\n" +
			"what is protected is refused. With --remedy challenge it goes on the list that challenge-list names.\n\n" + byHandStatuses,
		Flags: append(settingFlags(),
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
			w, found := x.workFor(o.remedy)
			if !found {
				return noChallengeList()
			}
			return x.out.fail(w.ban(ctx, o))
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
		o.reason = "edgeban ban"
	}
	return o, nil
}

// noChallengeList says that nobody can be challenged.
func noChallengeList() error {
	return &usageError{[]problem{{"ban: there is no list of those to challenge", "Set challenge-list; edgeban setup creates the list and its rule."}}}
}

func (w work) ban(ctx context.Context, o banOptions) error {
	unlock, err := w.alone(ctx, w.settings.Timeout)
	if err != nil {
		return err
	}
	defer unlock()
	lifted := w.disallow(o.network)
	run := w.run(nil)
	b := reconcile.ManualBan{Reason: o.reason, Remedy: o.remedy}
	if b.Prefix, err = bannable(run.Policy, o.network); err != nil {
		return err
	}
	if o.length > 0 {
		b.Until = w.now.Truncate(time.Second).Add(o.length)
	}
	var holder *reconcile.Holder
	var around []reconcile.Holder
	report, err := w.carry(ctx, run, func(items []reconcile.Item, now time.Time) (p reconcile.Plan) {
		p, holder = reconcile.PlanBan(b, items, run.Ownership, now)
		around = run.Ownership.Around(b.Prefix, items)
		return p
	})
	if !report.Now.IsZero() { // the state was written, whatever became of the ban
		w.sayLifted(o.network, lifted)
	}
	if err != nil {
		return advised(err, "Nothing tries again by itself: give the command again later.")
	}
	name := reconcile.PrefixText(b.Prefix)
	if b.Prefix != o.network {
		name = reconcile.PrefixText(o.network) + ", widened to " + name + ","
	}
	if holder != nil {
		w.say("%s is on list %s already (%s); nothing was changed", name, w.list, w.whoseItem(*holder))
		if holder.Class == reconcile.Manual {
			w.say("To shorten that: %s %s, then ban it again", w.settings.typed("edgeban unban"), reconcile.PrefixText(holder.Prefix))
		}
		return nil
	}
	w.say("%s is on list %s, %s", name, w.list, end(w.now, b.Until))
	for _, h := range around {
		if owner, _ := h.Tag.Host(); h.Prefix == b.Prefix && h.Class == reconcile.Peer {
			w.say("%s was %s's item (%s), and is this host's now; %[2]s puts its own back when it is gone",
				reconcile.PrefixText(h.Prefix), owner, printable(h.Tag.Reasons()))
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
