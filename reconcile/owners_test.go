package reconcile_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

// TestOwnersShareAList lets hosts share one list through the real client, their requests interleaved one by one, while bans come
// and go, runs crash, states are lost, Cloudflare refuses writes and a person edits the list. Whatever happened: nobody ever
// removed what is another's, and once it is quiet the list holds what is wanted and no host writes any more.
func TestOwnersShareAList(t *testing.T) {
	tally := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			c := newCommunity(t, tally)
			defer c.end()
			c.bansOf(t, c.hosts[0])
			c.round()
			t.Repeat(map[string]func(*rapid.T){
				"runs begin":    c.runsBegin,
				"requests":      c.requests,
				"more requests": c.requests,
				"time":          c.timePasses,
				"bans":          c.bansChange,
				"trouble":       c.trouble,
				"by hand":       c.editByHand,
				"commands":      c.commands,
			})
			c.finish()
			c.comesToRest()
		})
	})
	demandAll(t, tally)
}

func (c *community) runsBegin(t *rapid.T) {
	idle := slices.DeleteFunc(c.alive(), func(h *member) bool { return h.run != nil })
	if len(idle) == 0 {
		t.Skip("all hosts are busy")
	}
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(idle)-1), 1, len(idle), rapid.ID).Draw(t, "hosts") {
		c.begin(idle[i])
	}
}

// some draws one of several by its number, which is short when rapid shows what it drew.
func some[E any](t *rapid.T, what string, all []E) E {
	return all[rapid.IntRange(0, len(all)-1).Draw(t, what)]
}

// requests lets several requests through, in any order of the hosts; of a host that sleeps, some time is due instead.
func (c *community) requests(t *rapid.T) {
	for range rapid.IntRange(1, 16).Draw(t, "requests") {
		runs := c.underWay(func(*running) bool { return true })
		if len(runs) == 0 {
			return
		}
		switch r := some(t, "run", runs); {
		case r.asks.Load() == nil:
			c.pass(time.Duration(rapid.IntRange(1, 20).Draw(t, "pause")) * 100 * time.Millisecond)
		case r.asks.Load().writes() && rapid.IntRange(0, 2).Draw(t, "2: mishap") == 2:
			c.mishap(t, r)
		default:
			c.letThrough(r)
		}
	}
}

func (c *community) timePasses(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{time.Second, 15 * time.Second, time.Minute, 2 * time.Minute, 10 * time.Minute, time.Hour}).Draw(t, "time")
	if time.Since(c.began)+d > 12*time.Hour {
		t.Skip("see comesToRest")
	}
	c.pass(d)
}

// prefixes are few, so that hosts want the same ones.
func somePrefix() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"192.0.2.1", "192.0.2.2", "192.0.2.0/30", "198.51.100.7", "2001:db8::/64"})
}

// bansChange lets a host ban, ban anew before a ban has ended, and un-ban.
func (c *community) bansChange(t *rapid.T) { c.bansOf(t, some(t, "host", c.alive())) }

func (c *community) bansOf(t *rapid.T, h *member) {
	for range rapid.IntRange(1, 6).Draw(t, "changes") {
		ip := somePrefix().Draw(t, "prefix")
		if _, banned := h.bans[ip]; banned && rapid.IntRange(0, 2).Draw(t, "un-ban") == 0 {
			delete(h.bans, ip)
			continue
		}
		b := reconcile.Ban{Value: ip, Source: h.Name(), Reason: "sshd", Since: h.now().Truncate(time.Second)}
		switch length := rapid.IntRange(-3, 90).Draw(t, "minutes; below 0: weeks; 0: for ever"); {
		case length > 0:
			b.Until = b.Since.Add(time.Duration(length) * time.Minute)
		case length < 0:
			b.Until = b.Since.Add(time.Duration(-length) * 7 * 24 * time.Hour)
		}
		h.bans[ip] = b
	}
}

// mishap is what befalls a write.
func (c *community) mishap(t *rapid.T, r *running) {
	switch rapid.SampledFrom([]string{"refused", "answer lost", "crash"}).Draw(t, "mishap") {
	case "refused":
		c.count(refused)
		c.letThroughWith(r, cloudflaretest.TooManyRequests(10040, "8"))
	case "answer lost":
		c.count(unanswered)
		c.letThroughWith(r, cloudflaretest.After(cloudflaretest.Drop()))
	default:
		c.count(crashedWriting)
		c.crash(r)
	}
}

// trouble is what befalls a host.
func (c *community) trouble(t *rapid.T) {
	h := some(t, "host", c.alive())
	if h.run != nil {
		c.count(crashed)
		c.crash(h.run)
	}
	switch what := rapid.SampledFrom([]string{"none", "renamed", "state lost", "gone"}).Draw(t, "what else"); {
	case what == "renamed":
		c.count(renamed)
		h.name += "x"
	case what == "state lost":
		c.count(forgot)
		h.past = nil
	case what == "gone" && len(c.alive()) > 1:
		c.count(gone)
		h.gone = true
	}
}

// editByHand is a person in the dashboard.
func (c *community) editByHand(t *rapid.T) {
	ip := somePrefix().Draw(t, "prefix")
	item, stands := c.items[ip]
	_, tagged := reconcile.ParseTag(item.Comment)
	switch what := rapid.SampledFrom([]string{"set", "delete", "annotate"}).Draw(t, "what"); {
	case what == "set":
		c.byHand[ip] = rapid.SampledFrom([]string{"", "by hand", "edgeban: no"}).Draw(t, "comment")
		c.set(ip, c.byHand[ip])
	case what == "delete" && stands:
		c.edge.DeleteItem(c.list, ip)
		delete(c.byHand, ip)
		delete(c.manual, ip)
	case what == "annotate" && tagged:
		c.set(ip, item.Comment+" (seen)")
	default:
		t.Skip("not now")
	}
	c.items = c.onList()
	c.count(edited)
}

func (c *community) set(ip, comment string) {
	if _, err := c.edge.SetItem(c.list, ip, comment); err != nil {
		c.t.Fatal(err)
	}
}

// comesToRest ends all trouble. What was by hand is intact throughout.
func (c *community) comesToRest() {
	c.edge.ClearFaults()
	c.pass(time.Hour) // no hold is longer
	c.rounds(3)
	for n := 0; c.rounds(1) > 0; n++ { // an item that goes early, because its ban was lifted, is missed until the next run of those who want it too
		if n == 30 {
			c.t.Fatal("30 rounds, and still somebody writes")
		}
	}
	c.demandWanted()
	c.demandNothingElse()

	// The short bans are over and the long ones go on for days, so that nothing ends, begins or needs a renewal.
	c.pass(4 * time.Hour)
	c.rounds(3)
	c.demandWanted()
	c.demandNothingElse()
	if n := c.rounds(2); n != 0 {
		c.t.Fatalf("%d writes although nothing changes", n)
	}

	for _, h := range c.alive() {
		clear(h.bans)
	}
	c.rounds(2)
	c.demandNothingElse()
	c.pass(38 * 24 * time.Hour)
	c.rounds(1)
	if len(c.items) != len(c.byHand) {
		c.t.Fatalf("more than what was made by hand is there: %v", c.items)
	}
	c.demandByHand()
}

// demandWanted demands that every ban in force is on the list, by whomsoever.
func (c *community) demandWanted() {
	c.demandByHand()
	c.demandManual()
	for _, h := range c.alive() {
		for ip, b := range h.bans {
			if b.Permanent() || b.Until.After(h.now()) {
				c.count(wanted)
				if !c.covered(ip) {
					c.t.Fatalf("%s bans %s until %v, which is not on the list: %v", h.owner(), ip, b.Until, c.items)
				}
			}
		}
	}
}

func (c *community) covered(ip string) bool {
	inner, _ := reconcile.ParsePrefix(ip)
	return slices.ContainsFunc(slices.Collect(maps.Keys(c.items)), func(ip string) bool {
		outer, _ := reconcile.ParsePrefix(ip)
		return outer.Bits() <= inner.Bits() && outer.Overlaps(inner)
	})
}

// demandNothingElse demands that every item of a host that is alive has a ban there which is in force, or may still be.
func (c *community) demandNothingElse() {
	c.demandByHand()
	for _, item := range c.items {
		tag, tagged := reconcile.ParseTag(item.Comment)
		for _, h := range c.alive() {
			if !tagged || !h.owns(tag) {
				continue
			}
			if _, manual := tag.Host(); manual {
				if h.now().After(tag.Until.Add(2 * reconcile.Interval)) {
					c.t.Fatalf("%s keeps %s %q", h.owner(), item.IP, item.Comment)
				}
				continue
			}
			b, banned := h.bans[item.IP]
			end := b.Until
			if lingers := tag.Seen.Add(b.Length()); lingers.After(end) {
				end = lingers
			}
			if h.forgot[item.IP] {
				continue
			}
			if !banned || !b.Permanent() && h.now().After(end.Add(margin+2*reconcile.Interval)) {
				c.t.Fatalf("%s keeps %s %q for %+v", h.owner(), item.IP, item.Comment, b)
			}
		}
	}
}

func (c *community) demandByHand() {
	for ip, comment := range c.byHand {
		if item, stands := c.items[ip]; !stands || item.Comment != comment {
			c.t.Fatalf("by hand stood %s %q, now %v", ip, comment, item)
		}
	}
}
