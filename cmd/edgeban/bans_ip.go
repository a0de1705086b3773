package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

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
	By    string     `json:"by,omitempty"`    // the jails and scenarios that the tag names
	Since *time.Time `json:"since"`           // null: unknown
	Until *time.Time `json:"until"`           // of the lease; null: no edgeban tag

	class reconcile.Class
}

// bansOf answers for one network.
func (x *session) bansOf(ctx context.Context, network netip.Prefix, asJSON bool) error {
	ctx, cancel := context.WithTimeout(ctx, x.settings.Timeout)
	defer cancel()
	x.recall()
	run := x.run(nil)
	placed, sources, notes, err := run.About(ctx, network)
	if err != nil {
		return x.stopped(ctx, err)
	}
	for _, note := range notes {
		x.out.warn(note)
	}
	answer := banAnswer{Network: reconcile.PrefixText(network), Bans: []banRow{}}
	for _, p := range placed {
		answer.Bans = append(answer.Bans, rowOf(p))
	}
	if _, reason, detail := run.Policy.Place(network); reason != "" {
		answer.Protected = leftOutText(reconcile.LeftOut{Reason: reason, Detail: detail})
	}
	var problems []error
	if x.client != nil && x.settings.Account != "" {
		answer.Items, err = x.itemsOf(ctx, network)
		problems = append(problems, x.stopped(ctx, err))
	}
	for _, s := range sources {
		problems = append(problems, s.Err)
	}
	if asJSON {
		problems = append(problems, writeJSON(x.out.stdout, answer))
	} else {
		x.sayAnswer(answer)
	}
	return errors.Join(problems...)
}

func rowOf(p reconcile.Placed) banRow {
	b := p.Ban
	row := banRow{Value: reconcile.PrefixText(p.Prefix), Source: b.Source, Reason: b.Reason, Since: instant(b.Since), Until: instant(b.Until)}
	if p.Reason != "" {
		left := reconcile.LeftOut{Ban: b, Reason: p.Reason, Detail: p.Detail}
		row.Value, row.Why, row.Detail, row.note = b.Value, string(p.Reason), p.Detail, leftOutText(left)
	} else if b.Value != row.Value {
		row.From = []string{b.Value}
	}
	return row
}

// itemsOf reads the list and returns the items that cover a network, none of them nil.
func (x *session) itemsOf(ctx context.Context, network netip.Prefix) ([]itemRow, error) {
	var holders []reconcile.Holder
	run := x.run(reconcile.ReadOnly(x.target()))
	run.DryRun = true
	report := run.Carry(ctx, func(items []reconcile.Item, now time.Time) reconcile.Plan {
		holders = run.Ownership.Around(network, items)
		return reconcile.Plan{Now: now, Items: len(items)}
	})
	x.progress.done()
	if report.Err != nil {
		return nil, report.Err
	}
	rows := []itemRow{}
	for _, h := range holders {
		owner, _ := h.Tag.Host()
		row := itemRow{Value: reconcile.PrefixText(h.Prefix), Owner: owner, By: h.Tag.Reasons(), Since: instant(h.Since), class: h.Class}
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
		if len(r.From) > 0 {
			how += " (widened from " + r.From[0] + ")"
		}
		if r.Why != "" {
			how = "left out: " + r.note
		}
		x.say("%s is banned by %s, %s, %s", a.Network, printable(r.Reason), until, how)
	}
	if a.Protected != "" {
		x.say("%s is not to be blocked: %s", a.Network, a.Protected)
	}
	switch {
	case a.Items == nil && (x.client == nil || x.settings.Account == ""):
		x.say("whether it is on the list: ask `edgeban diff`, or set the account and the token")
	case a.Items == nil:
		x.say("whether it is on the list is unknown")
	case len(a.Items) == 0:
		x.say("it is not on list %s", x.settings.List)
	}
	for _, i := range a.Items {
		since := ""
		if i.Since != nil {
			since = " since " + moment(x.now, *i.Since)
		}
		x.say("on list %s as %s%s (%s)", x.settings.List, i.Value, since, x.itemOwner(i))
	}
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
