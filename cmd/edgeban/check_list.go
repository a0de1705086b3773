package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// theList looks for the list among those of the account, and at the room that is left.
func (c *checkup) theList(context.Context) {
	if c.lists == nil {
		return
	}
	name := c.settings.List
	i := slices.IndexFunc(c.lists, func(l cloudflare.List) bool { return l.ID == strings.ToLower(name) || l.Name == name })
	switch {
	case i < 0:
		c.fail("list", "the account has no list "+name, "Create it: edgeban setup.\n"+(&cloudflare.ListNotFoundError{Ref: name, Lists: c.lists}).Hint())
		return
	case c.lists[i].Kind != cloudflare.KindIP:
		wrong := &cloudflare.ListKindError{List: c.lists[i]}
		c.fail("list", name+" is "+wrong.Error(), wrong.Hint())
		return
	}
	c.list = &c.lists[i]
	used := 0
	for _, l := range c.lists {
		if l.Kind != cloudflare.KindRedirect {
			used += l.Items
		}
	}
	most, _ := c.past().Capacity.Limit(c.settings.MaxItems, used-c.list.Items, c.now)
	text := fmt.Sprintf("%s, %s of %s items", c.list.Name, thousands(c.list.Items), thousands(most))
	if elsewhere := used - c.list.Items; elsewhere > 0 {
		text += fmt.Sprintf("; the account's other lists hold %s", thousands(elsewhere))
	}
	if used*10 > most*9 {
		c.warn("list", text+": over 90 % of the quota is used",
			"When there is no room the most recent bans are kept. Ban for shorter, mirror fewer jails (exclude-jail), or empty other lists.")
		return
	}
	c.ok("list", "%s", text)
}

// items counts what is on the list by whose it is, and how many requests a run takes.
func (c *checkup) items(ctx context.Context) {
	if c.list == nil {
		return
	}
	items, notes, err := c.target().Items(ctx)
	if err != nil {
		c.failOf("items", err)
		return
	}
	for _, note := range notes {
		c.warn("items", note, "")
	}
	tagged, older := 0, 0
	for _, item := range items {
		if _, is := reconcile.ParseTag(item.Comment); is {
			tagged++
		} else if c.banned(item) {
			older++
		}
	}
	text := fmt.Sprintf("%s of edgeban's, %s of others", thousands(tagged), thousands(len(items)-tagged))
	if older > 0 && !c.settings.Exclusive {
		which := "1 has no owner and equals an active ban"
		if older > 1 {
			which = fmt.Sprintf("%s have no owner and equal active bans", thousands(older))
		}
		c.warn("items", text+"; "+which+": an older script's?",
			"They would stay when their bans end. Take them over: edgeban adopt.")
	} else {
		c.ok("items", "%s", text)
	}
	c.requestsPerRun(len(items))
}

// banned reports whether an item is what an active ban would put on the list.
func (c *checkup) banned(item reconcile.Item) bool {
	if c.desired == nil {
		return false
	}
	i, found := slices.BinarySearchFunc(c.desired.Entries, item, func(e reconcile.Entry, item reconcile.Item) int {
		return e.Prefix.Compare(item.Prefix)
	})
	return found && slices.ContainsFunc(c.desired.Entries[i].Terms, func(t reconcile.Term) bool {
		return t.Until.IsZero() || t.Until.After(c.now)
	})
}

// Cloudflare's limit for each user or account token (https://developers.cloudflare.com/fundamentals/api/reference/limits/), and what a run
// without a change asks for: the lists, and the items page by page.
const (
	requestLimit = 1200 // in five minutes
	runsInFive   = 2.5  // minutes, one every two
	itemsOfPage  = 500
)

func (c *checkup) requestsPerRun(items int) {
	requests := 1 + max(1, (items+itemsOfPage-1)/itemsOfPage)
	hosts := int(requestLimit / runsInFive / float64(requests))
	c.ok("requests", "a run reads in %d: one token carries %s such hosts, one run every 2 min each", requests, thousands(hosts))
}
