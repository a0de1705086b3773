package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// banAnswer is what `edgeban bans --ip` knows of a network. Its JSON names are an interface.
type banAnswer struct {
	Network   string    `json:"network"`
	Bans      []banRow  `json:"bans"`                // of which each covers all of it
	Protected string    `json:"protected,omitempty"` // why it must not be blocked; empty: it may
	Items     []itemRow `json:"items"`               // on the list, of which each covers all of it; null: the list was not asked
}

// itemRow is an item of the list.
type itemRow struct {
	Value string     `json:"value"`
	Owner string     `json:"owner,omitempty"` // empty: no edgeban tag
	List  string     `json:"list"`
	By    string     `json:"by,omitempty"` // the jails and scenarios that the tag names
	Since *time.Time `json:"since"`        // null: unknown
	Until *time.Time `json:"until"`        // of the lease; null: no edgeban tag

	Allows bool `json:"allows,omitempty"` // it lets through what is banned: an Allow rule

	class reconcile.Class
	on    string
}

// bansOf answers for one network.
func (x *session) bansOf(ctx context.Context, network netip.Prefix, asJSON bool) error {
	ctx, cancel := context.WithTimeout(ctx, x.settings.Timeout)
	defer cancel()
	x.recall()
	said := x.blocking().run(nil).Read(ctx)
	if said.Err != nil {
		return x.stopped(ctx, said.Err)
	}
	for _, note := range said.Notes {
		x.out.warn(note)
	}
	answer := banAnswer{Network: reconcile.PrefixText(network), Bans: []banRow{}}
	blocked := x.blocking().desired(said, reconcile.Desired{}).Blocking(x.now)
	for _, w := range x.remedies() {
		for _, p := range w.run(nil).About(said, network) {
			row := w.rowOf(p)
			if by, beaten := blocked.Covering(p.Prefix); row.Challenge && beaten {
				row.BlockedBy = reconcile.PrefixText(by.Prefix)
			}
			answer.Bans = append(answer.Bans, row)
		}
	}
	if _, reason, detail := x.blocking().policy().Place(network); reason != "" {
		answer.Protected = leftOutText(reconcile.LeftOut{Reason: reason, Detail: detail})
	}
	var problems []error
	if x.mayLook() {
		var err error
		answer.Items, err = x.itemsOf(ctx, network)
		problems = append(problems, err)
	}
	problems = append(problems, unanswered(said)...)
	if asJSON {
		problems = append(problems, writeJSON(x.out.stdout, answer))
	} else {
		x.sayAnswer(answer)
	}
	return errors.Join(problems...)
}

func (w work) rowOf(p reconcile.Placed) banRow {
	b := p.Ban
	row := banRow{Value: reconcile.PrefixText(p.Prefix), Source: b.Source, Reason: b.Reason, Since: instant(b.Since), Until: instant(b.Until),
		Challenge: w.remedy == reconcile.Challenge}
	if p.Reason != "" {
		left := reconcile.LeftOut{Ban: b, Reason: p.Reason, Detail: p.Detail}
		row.Value, row.Why, row.Detail, row.note = b.Value, string(p.Reason), p.Detail, leftOutText(left)
	} else if b.Value != row.Value {
		row.From = []string{b.Value}
	}
	return row
}

// itemsOf reads the lists and returns the items that cover a network; nil when not all of them could be read.
func (x *session) itemsOf(ctx context.Context, network netip.Prefix) ([]itemRow, error) {
	all := []itemRow{}
	for _, w := range x.allWorks() {
		rows, err := w.itemsOf(ctx, network)
		if err != nil {
			return nil, x.stopped(ctx, err)
		}
		all = append(all, rows...)
	}
	return all, nil
}

func (w work) itemsOf(ctx context.Context, network netip.Prefix) (rows []itemRow, err error) {
	var holders []reconcile.Holder
	run := w.run(reconcile.ReadOnly(w.target()))
	run.DryRun = true
	report := run.Carry(ctx, func(items []reconcile.Item, now time.Time) reconcile.Plan {
		holders = run.Ownership.Around(network, items)
		return reconcile.Plan{Now: now, Items: len(items)}
	})
	w.progress.done()
	if report.Err != nil {
		return nil, report.Err
	}
	for _, h := range holders {
		if w.onRules() && h.Effect != reconcile.OfTarget && (h.Effect != reconcile.Allows || w.mode != cloudflare.ModeBlock) {
			continue // the target of its own mode tells; of Allow rules, the block rules'
		}
		owner, _ := h.Tag.Host()
		row := itemRow{Value: reconcile.PrefixText(h.Prefix), Owner: owner, By: h.Tag.Reasons(), Since: instant(h.Since), class: h.Class, List: w.label(), on: w.on(),
			Allows: h.Effect == reconcile.Allows}
		row.Until = instant(h.Tag.Until)
		rows = append(rows, row)
	}
	return rows, nil
}

// sayAnswer prints the answer for people.
func (x *session) sayAnswer(a banAnswer) {
	if len(a.Bans) == 0 {
		x.say("%s is banned by no source", a.Network)
	}
	for _, r := range a.Bans {
		until := end(x.now, time.Time{})
		if r.Until != nil {
			until = end(x.now, *r.Until)
		}
		how := "listed as " + r.Value
		if x.settings.AccessRules {
			how = "as rule " + r.Value
		}
		if len(r.From) > 0 {
			how += " (" + r.formed() + " " + r.From[0] + ")"
		}
		if r.BlockedBy != "" {
			how = "but blocked as " + r.BlockedBy
		}
		if r.Why != "" {
			how = "left out: " + r.note
		}
		verb := "banned"
		if r.Challenge {
			verb = "to be challenged"
		}
		x.say("%s is %s by %s, %s, %s", a.Network, verb, printable(r.Reason), until, how)
	}
	if a.Protected != "" {
		x.say("%s is not to be blocked: %s", a.Network, a.Protected)
	}
	switch {
	case a.Items == nil && !x.mayLook():
		x.say("whether it is %s: ask `%s`, or set the account and the token", x.onTargets("the list"), x.settings.typed("edgeban diff"))
	case a.Items == nil:
		x.say("whether it is %s is unknown", x.onTargets("the list"))
	case len(a.Items) == 0:
		x.say("it is not %s", x.onTargets(x.theTargets()))
	}
	for _, i := range a.Items {
		since := ""
		if i.Since != nil {
			since = " since " + moment(x.now, *i.Since)
		}
		through := ""
		if i.Allows {
			through = ", an Allow rule: it lets the visitor through"
		}
		x.say("%s as %s%s (%s)%s", i.on, i.Value, since, x.itemOwner(i), through)
	}
}

// mayLook reports whether Cloudflare can be asked.
func (x *session) mayLook() bool {
	return x.client != nil && (x.settings.Account != "" || x.settings.accountless())
}

// onTargets is "on the list", or whatever lists are named; "among the access rules".
func (x *session) onTargets(lists string) string {
	if x.settings.AccessRules {
		return "among the access rules"
	}
	return "on " + lists
}

// formed is how a row's value came of what the source said.
func (r banRow) formed() string {
	from, err := netip.ParsePrefix(r.From[0])
	value, reason := reconcile.ParsePrefix(r.Value)
	if err == nil && reason == "" && from.Bits() < value.Bits() {
		return "a part of"
	}
	return "widened from"
}

// itemOwner is whose an item is, in words.
func (x *session) itemOwner(i itemRow) string {
	switch i.class {
	case reconcile.Foreign:
		return "without an edgeban tag"
	case reconcile.Peer:
		return "of " + i.Owner + ": " + printable(i.By)
	case reconcile.Manual:
		return fmt.Sprintf("banned by hand: %s, %s", printable(i.By), leaseText(x.now, *i.Until))
	default:
		return "ours: " + printable(i.By)
	}
}
