package reconcile_test

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

// watch looks at every change of the list and judges whoever made it.
type watch struct {
	items  map[string]cloudflaretest.Item // by address, as last looked at
	byHand map[string]string              // the comments of items that no edgeban wrote, by address
	manual map[string]time.Time           // until when addresses are banned by an edgeban's person
	write  *writing                       // the last one that was accepted
	tally  map[string]int                 // what happened, over all checks
}

// writing is a write that Cloudflare has begun. There is but one at a time.
type writing struct {
	*running
	read map[string]cloudflaretest.Item // what its run had read before
}

func (w *watch) count(what string) { w.tally[what]++ }

// accepted takes down whose operation is under way.
func (c *community) accepted(r *running, method string) {
	c.write = &writing{r, r.read}
	if r.refused {
		c.t.Fatalf("%s was refused and wrote again without a look at the list", r.host.owner())
	}
	if method == http.MethodPut {
		c.count(atOnce)
	}
	if !maps.EqualFunc(r.read, c.items, func(a, b cloudflaretest.Item) bool { return a.Comment == b.Comment }) {
		c.count(overtaken)
	}
}

// remember takes down what a run keeps that remembers nothing and whose source is empty.
func (c *community) remember(r *running) {
	if !r.blank {
		return
	}
	for ip, item := range r.read {
		if tag, tagged := reconcile.ParseTag(item.Comment); tagged && r.host.owns(tag) {
			r.host.forgot[ip] = true
		}
	}
}

// look compares the list with what it was.
func (c *community) look() {
	c.t.Helper()
	is := c.onList()
	for ip, item := range is {
		if old, stood := c.items[ip]; !stood || old.Comment != item.Comment {
			c.t.Logf("%v: now %s %q", time.Since(c.began), ip, item.Comment)
			if !stood {
				c.noteManual(item)
			}
		}
	}
	for ip, old := range c.items {
		if item, stands := is[ip]; !stands {
			c.t.Logf("%v: gone %s %q", time.Since(c.began), ip, old.Comment)
			c.removed(old)
		} else if item.Comment != old.Comment {
			c.rewritten(old, item)
		}
	}
	c.items = is
}

func (c *community) onList() map[string]cloudflaretest.Item {
	all := map[string]cloudflaretest.Item{}
	for _, item := range c.edge.Items(c.list) {
		all[item.IP] = item
	}
	return all
}

// removed judges the removal of an item by what the run had read: its own may go, and a peer's a week after its lease.
func (c *community) removed(old cloudflaretest.Item) {
	c.t.Helper()
	by, tag, tagged := c.author(old)
	c.removedManual(by, old, tag)
	switch {
	case by == nil:
	case !tagged:
		c.t.Fatalf("%s removed %s %q, made by hand", by.host.owner(), old.IP, old.Comment)
	case by.host.owns(tag):
		c.count(ownRemoved)
	case !tag.Until.Add(7 * 24 * time.Hour).Before(by.now):
		c.t.Fatalf("at %v %s removed %s %q", by.now, by.host.owner(), old.IP, old.Comment)
	default:
		c.count(overdueRemoved)
	}
}

// rewritten judges a new comment by what the run had read: its own may get one, and a peer's shortly before its lease ends.
func (c *community) rewritten(old, item cloudflaretest.Item) {
	c.t.Helper()
	by, tag, tagged := c.author(old)
	c.rewrittenManual(by, tag, old, item)
	switch {
	case by == nil:
	case by.command && tagged:
	case !tagged:
		c.t.Fatalf("%s wrote %q over %s %q, made by hand", by.host.owner(), item.Comment, old.IP, old.Comment)
	case by.host.owns(tag):
		c.count(renewed)
	case tag.Until.After(by.now.Add(2 * reconcile.Interval)):
		c.t.Fatalf("at %v %s wrote %q over %s %q", by.now, by.host.owner(), item.Comment, old.IP, old.Comment)
	default:
		c.count(takenOver)
	}
}

// author is whose write hit an item, and what tag that run had read there; nil when it had read nothing there.
//
// What somebody else added or changed after a run had read the list and before it wrote is the one thing that may be hit, because
// the API has no write with a condition: a POST overwrites such a comment, a DELETE removes such an item by the id that was read, a PUT
// replaces them all. What a host loses that way is back after its next run; what was made by hand is lost, which is documented.
func (c *community) author(old cloudflaretest.Item) (by *writing, tag reconcile.Tag, tagged bool) {
	read, known := c.write.read[old.IP]
	if read.Comment != old.Comment || !known {
		c.count(forgiven)
		delete(c.byHand, old.IP)
	}
	if !known {
		return nil, tag, false
	}
	tag, tagged = reconcile.ParseTag(read.Comment)
	return c.write, tag, tagged
}

// What is counted, because a test that never sees it would prove nothing.
const (
	overtaken      = "writes to a list that others changed since it was read"
	forgiven       = "items hit that others had added or changed since the list was read"
	pending        = "writes refused because of another host's operation"
	refused        = "writes refused by Cloudflare"
	unanswered     = "answers lost"
	crashed        = "runs crashed"
	crashedWriting = "runs crashed before a write"
	timedOut       = "runs out of time"
	forgot         = "states lost"
	renamed        = "hosts renamed"
	gone           = "hosts gone"
	edited         = "items edited by hand"
	ownRemoved     = "own items removed"
	renewed        = "own items rewritten"
	takenOver      = "items taken over from a peer"
	overdueRemoved = "items removed that a host left behind"
	atOnce         = "lists written at once"
	wanted         = "bans in force at rest"
)

// demandAll fails when something never happened.
func demandAll(t *testing.T, tally map[string]int) {
	t.Helper()
	t.Logf("%d %s", tally[forgiven], forgiven)
	for _, what := range []string{overtaken, pending, refused, unanswered, crashed, crashedWriting, timedOut, forgot, renamed, gone,
		bannedByHand, unbannedByHand, endedByHand, takenBack,
		edited, ownRemoved, renewed, takenOver, overdueRemoved, atOnce, wanted} {
		t.Logf("%d %s", tally[what], what)
		if tally[what] == 0 {
			t.Errorf("no %s: the generator proves nothing", what)
		}
	}
}
