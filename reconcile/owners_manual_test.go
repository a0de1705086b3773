package reconcile_test

import (
	"context"
	"slices"
	"time"

	"pgregory.net/rapid"

	"edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

const (
	bannedByHand   = "items banned by command"
	unbannedByHand = "items un-banned by command"
	endedByHand    = "items by command that ended"
	takenBack      = "items by command that a source's ban took back"
)

// commands is a person who bans or un-bans with edgeban on an idle host.
func (c *community) commands(t *rapid.T) {
	idle := slices.DeleteFunc(c.alive(), func(h *member) bool { return h.run != nil })
	if len(idle) == 0 {
		t.Skip("all hosts are busy")
	}
	h := some(t, "host", idle)
	prefix, _ := reconcile.ParsePrefix(somePrefix().Draw(t, "prefix"))
	minutes := max(rapid.IntRange(-60, 90).Draw(t, "minutes; 0 or less: un-ban"), 0)
	until := h.now().Truncate(time.Second).Add(time.Duration(minutes) * time.Minute)
	c.start(h, true, func(r reconcile.Run, ctx context.Context) reconcile.Report {
		return r.Carry(ctx, func(items []reconcile.Item, now time.Time) (p reconcile.Plan) {
			if minutes == 0 {
				p, _ = r.Policy.PlanUnban(reconcile.Unban{Network: prefix}, items, r.Ownership, now)
			} else {
				p, _ = reconcile.PlanBan(reconcile.ManualBan{Prefix: prefix, Until: until}, items, r.Ownership, now)
			}
			return p
		})
	})
}

// noteManual takes down what an item by command promises. It comes with the item, not with the end of the command.
func (c *community) noteManual(item cloudflaretest.Item) {
	tag, tagged := reconcile.ParseTag(item.Comment)
	if _, manual := tag.Host(); tagged && manual {
		c.manual[item.IP] = tag.Until
		c.count(bannedByHand)
	}
}

// removedManual judges the removal of an item by command: a run may take it when its lease is over, a person at any time. What was
// added since the list was read may be lost, as by others; see author.
func (c *community) removedManual(by *writing, old cloudflaretest.Item, tag reconcile.Tag) {
	c.t.Helper()
	_, manual := tag.Host()
	switch {
	case by == nil || by.command:
		if by != nil {
			c.count(unbannedByHand)
		}
		delete(c.manual, old.IP)
	case manual && tag.Until.After(by.now):
		c.t.Fatalf("at %v a run of %s removed %s %q", by.now, by.host.owner(), old.IP, old.Comment)
	case manual:
		c.count(endedByHand)
	}
}

// rewrittenManual judges a new comment by the tag that the run had read: a run of the same host writes over a ban by command when its lease is over; a person only
// makes what stands there last longer, or takes over what is the host's own.
func (c *community) rewrittenManual(by *writing, was reconcile.Tag, old, item cloudflaretest.Item) {
	c.t.Helper()
	c.noteManual(item)
	is, _ := reconcile.ParseTag(item.Comment)
	if c.manual[old.IP].After(is.Until) && (by == nil || by.read[old.IP].Comment != old.Comment) {
		delete(c.manual, old.IP) // written over unseen
	}
	if by == nil {
		return
	}
	_, manual := was.Host()
	switch {
	case by.command && (manual || !by.host.owns(was)) && !is.Until.After(was.Until):
		c.t.Fatalf("%s by command wrote %q over %s %q", by.host.owner(), item.Comment, old.IP, old.Comment)
	case by.command || !manual:
	case by.host.owns(was) && was.Until.After(by.now):
		c.t.Fatalf("at %v a run of %s wrote %q over %s %q", by.now, by.host.owner(), item.Comment, old.IP, old.Comment)
	case by.host.owns(was):
		c.count(takenBack)
	}
}

// demandManual demands that what was banned by command is on the list. Shortly before it ends, a peer may have taken it over for a
// ban that was lifted since.
func (c *community) demandManual() {
	for ip, until := range c.manual {
		if until.After(time.Now().Add(2*reconcile.Interval+2*time.Minute)) && !c.covered(ip) {
			c.t.Fatalf("%s is banned by command until %v and not on the list: %v", ip, until, c.items)
		}
	}
}
