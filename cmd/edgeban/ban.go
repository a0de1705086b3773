package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
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
			"what is protected is refused.\n\n" + byHandStatuses,
		Flags: append(settingFlags(),
			&cli.DurationFlag{Name: "for", HideDefault: true, Local: true, Usage: "how long (default: 24h)"},
			&cli.BoolFlag{Name: "permanent", HideDefault: true, Local: true, Usage: "without an end"},
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
			x, err := openSession(sys, s, person)
			if err != nil {
				return err
			}
			return x.out.fail(x.ban(ctx, o))
		},
	}
}

type banOptions struct {
	network netip.Prefix
	length  time.Duration // 0: permanent
	reason  string
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
	o.reason = cmd.String("reason")
	switch {
	case looksLikeToken(o.reason):
		return o, usagef("ban: --reason seems to be a token")
	case len(o.reason) > reconcile.MaxReason:
		return o, usagef("ban: --reason has %d bytes, more than %d", len(o.reason), reconcile.MaxReason)
	case o.reason == "":
		o.reason = "edgeban ban"
	}
	return o, nil
}

func (x *session) ban(ctx context.Context, o banOptions) error {
	unlock, err := x.alone(ctx, x.settings.Timeout)
	if err != nil {
		return err
	}
	defer unlock()
	x.disallow(o.network)
	run := x.run(nil)
	b := reconcile.ManualBan{Reason: o.reason}
	if b.Prefix, err = bannable(run.Policy, o.network); err != nil {
		return err
	}
	if o.length > 0 {
		b.Until = x.now.Truncate(time.Second).Add(o.length)
	}
	var holder *reconcile.Holder
	_, err = x.carry(ctx, run, func(items []reconcile.Item, now time.Time) (p reconcile.Plan) {
		p, holder = reconcile.PlanBan(b, items, run.Ownership, now)
		return p
	})
	if err != nil {
		return advised(err, "Nothing tries again by itself: give the command again later.")
	}
	name := reconcile.PrefixText(b.Prefix)
	if b.Prefix != o.network {
		name = reconcile.PrefixText(o.network) + ", widened to " + name + ","
	}
	if holder != nil {
		x.say("%s is on list %s already (%s); nothing was changed", name, x.settings.List, x.whoseItem(*holder))
		if holder.Class == reconcile.Manual {
			x.say("To shorten that: edgeban unban %s, then ban it again", reconcile.PrefixText(holder.Prefix))
		}
		return nil
	}
	x.say("%s is on list %s, %s", name, x.settings.List, end(x.now, b.Until))
	return nil
}

// disallow ends the temporary allow lines inside a network: its ban is the person's later word.
func (x *session) disallow(network netip.Prefix) {
	list, known := x.state.Lists[x.key()]
	if !known {
		return
	}
	list.Allowed = slices.DeleteFunc(slices.Clone(list.Allowed), func(l allowedUntil) bool {
		return network.Bits() <= l.Prefix.Bits() && network.Contains(l.Prefix.Addr())
	})
	x.state.Lists = with(x.state.Lists, x.key(), list)
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
