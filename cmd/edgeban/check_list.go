package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// listed is a list to keep in step that the account has.
type listed struct {
	work
	found cloudflare.List
}

// eachList looks at each list and at what uses it.
func (c *checkup) eachList(ctx context.Context) {
	if c.lists == nil {
		return
	}
	for _, w := range c.works() {
		list, ok := c.theList(w)
		if !ok {
			continue
		}
		if len(c.listed) > 0 && c.listed[0].found.ID == list.ID {
			same := &cloudflare.SameListError{Ref: c.settings.List}
			c.fail("list", w.list+": "+same.Error(), same.Hint())
			continue
		}
		l := listed{w, list}
		c.listed = append(c.listed, l)
		c.rule(ctx, l)
	}
	c.abandonedLists()
}

// theList looks for a list among those of the account, and at the room that is left.
func (c *checkup) theList(w work) (list cloudflare.List, ok bool) {
	name := w.list
	i := slices.IndexFunc(c.lists, func(l cloudflare.List) bool { return l.ID == strings.ToLower(name) || l.Name == name })
	switch {
	case i < 0:
		do := "Create it: edgeban setup.\n" + (&cloudflare.ListNotFoundError{Ref: name, Lists: c.lists}).Hint()
		if w.remedy == reconcile.Challenge {
			do += "\n" + withoutSecondList
		}
		c.fail("list", "the account has no list "+name, do)
		return list, false
	case c.lists[i].Kind != cloudflare.KindIP:
		wrong := &cloudflare.ListKindError{List: c.lists[i]}
		c.fail("list", name+" is "+wrong.Error(), wrong.Hint())
		return list, false
	}
	list = c.lists[i]
	used := 0
	for _, l := range c.lists {
		if l.Kind != cloudflare.KindRedirect {
			used += l.Items
		}
	}
	most, _ := w.past().Capacity.Limit(c.settings.MaxItems, used-list.Items, c.now)
	text := fmt.Sprintf("%s, %s of %s items", list.Name, thousands(list.Items), thousands(most))
	if elsewhere := used - list.Items; elsewhere > 0 {
		text += fmt.Sprintf("; the account's other lists hold %s", thousands(elsewhere))
	}
	if used*10 > most*9 {
		c.warn("list", text+": over 90 % of the quota is used",
			"When there is no room the most recent bans are kept. Ban for shorter, mirror fewer jails (exclude-jail), or empty other lists.")
		return list, true
	}
	c.ok("list", "%s", text)
	return list, true
}

// withoutSecondList is what there is to choose from on a plan with one list.
const withoutSecondList = "A Free plan has one list for each account, so leave challenge-list out there, and challenges are left out; or block them, too:\n" +
	"challenge-as-block = true. Pro and Business have ten lists, and one zone on such a plan is enough for the account."

// challenges counts those that have no list.
func (c *checkup) challenges(context.Context) {
	if c.desired == nil {
		return
	}
	if n := countLeftOut(c.desired.LeftOut, reconcile.LeftOutRemedy); n > 0 {
		are := " is left out: there is no list of those to challenge"
		if n > 1 {
			are = "s are left out: there is no list of those to challenge"
		}
		c.warn("challenge", fmt.Sprintf("%d active challenge%s", n, are),
			"Set challenge-list and run edgeban setup, which makes the list and its rule.\n"+withoutSecondList)
	}
}

// items counts what is on each list by whose it is, and how many requests a run takes.
func (c *checkup) items(ctx context.Context) {
	requests, whole := 0, len(c.listed) > 0
	for _, l := range c.listed {
		n, ok := c.itemsOf(ctx, l)
		requests += n
		whole = whole && ok
	}
	if whole {
		hosts := int(requestLimit / runsInFive / float64(requests))
		c.ok("requests", "a run reads in %d: one token carries %s such hosts, one run every 2 min each", requests, thousands(hosts))
	}
}

// itemsOf counts those of one list, and the requests that it takes to read it.
func (c *checkup) itemsOf(ctx context.Context, l listed) (requests int, ok bool) {
	items, notes, err := l.target().Items(ctx)
	if err != nil {
		c.failOf("items", err)
		return 0, false
	}
	desired := reconcile.Desired{}
	if c.desired != nil {
		desired = l.desired(c.said, *c.desired)
	}
	for _, note := range notes {
		c.warn("items", note, "")
	}
	tagged, older := 0, 0
	for _, item := range items {
		if _, is := reconcile.ParseTag(item.Comment); is {
			tagged++
		} else if desired.Wants(item.Prefix, c.now) {
			older++
		}
	}
	which := ""
	if len(c.listed) > 1 {
		which = l.found.Name + ": "
	}
	text := fmt.Sprintf("%s%s of edgeban's, %s of others", which, thousands(tagged), thousands(len(items)-tagged))
	if older > 0 && !c.settings.Exclusive {
		untagged := "1 has no owner and equals an active ban"
		if older > 1 {
			untagged = fmt.Sprintf("%s have no owner and equal active bans", thousands(older))
		}
		c.warn("items", text+"; "+untagged+": an older script's?",
			"They would stay when their bans end. Take them over: edgeban adopt.")
	} else {
		c.ok("items", "%s", text)
	}
	return 1 + max(1, (len(items)+itemsOfPage-1)/itemsOfPage), true
}

// Cloudflare's limit for each user or account token (https://developers.cloudflare.com/fundamentals/api/reference/limits/), and what a run
// without a change asks for: the lists, and the items page by page.
const (
	requestLimit = 1200 // in five minutes
	runsInFive   = 2.5  // minutes, one every two
	itemsOfPage  = 500
)
