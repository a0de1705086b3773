package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// ruleRights reads the access rules, and asks whether they may be written.
func (c *checkup) ruleRights(ctx context.Context, part, kind string) {
	from := " (" + c.settings.tokenOrigin + ")"
	for _, w := range c.works() {
		if w.remedy != reconcile.Block { // it is the same rules
			continue
		}
		what := strings.TrimSuffix(w.title(), " (challenge)")
		survey, err := w.target().Survey(ctx)
		if err != nil {
			c.failOf(part, err)
			return
		}
		if c.asked = true; !survey.Clock.IsZero() && !c.timed {
			c.timed, c.skew = true, survey.Clock.Sub(c.sys.now())
		}
		if w.past().Throttle.InARow > 0 {
			c.ok(part, "%s, may read %s%s; whether it may write them is not asked while Cloudflare refuses writes", kind, what, from)
			continue
		}
		c.mayEdit(ctx, part, kind, what+from, w.scope)
	}
}

// mayEdit says whether access rules may be written that may be read.
func (c *checkup) mayEdit(ctx context.Context, part, kind, what string, scope cloudflare.Scope) {
	switch may, err := c.client.MayEditRules(ctx, scope); {
	case err != nil:
		c.warn(part, fmt.Sprintf("%s, may read %s; whether it may write them is unknown: %v", kind, what, err), hintOf(err))
	case !may:
		c.fail(part, fmt.Sprintf("%s, may read %s but not write them", kind, what),
			"Give it the permission "+c.settings.rulesPermission()+" in the dashboard under API Tokens.")
	default:
		c.ok(part, "%s, may read and write %s", kind, what)
	}
}

// eachScope looks at the access rules of each scope.
func (c *checkup) eachScope(ctx context.Context) {
	if !c.asked || !c.settings.AccessRules {
		return
	}
	var desired [2]reconcile.Desired
	if c.desired != nil {
		for _, w := range c.remedies() {
			desired[w.remedy] = w.desired(c.said, desired[reconcile.Block])
		}
	}
	requests := 0
	for _, w := range c.works() {
		if w.remedy == reconcile.Block {
			n, ok := c.scopeOf(ctx, w, desired)
			if !ok {
				return
			}
			requests += n
		}
	}
	c.ok("requests", "a run reads in %d and may make %d; Cloudflare allows 1200 in five minutes", requests, c.settings.RequestBudget)
}

// scopeOf looks at one scope, and returns how many requests it takes to read its rules.
func (c *checkup) scopeOf(ctx context.Context, w work, desired [2]reconcile.Desired) (requests int, ok bool) {
	target := w.target()
	before := c.spending()
	survey, err := target.Survey(ctx)
	if err != nil {
		c.failOf("rules", err)
		return 0, false
	}
	items, notes, err := target.Items(ctx)
	if err != nil {
		c.failOf("rules", err)
		return 0, false
	}
	for _, note := range notes {
		c.warn("rules", note, "")
	}
	c.ok("scope", "%s: %s", w.title(), reach(w.scope))
	c.quota(w, survey, items)
	c.leftovers(w, items, desired)
	c.allowRules(items, desired)
	return 1 + c.spending() - before, true // the first page was read before
}

// reach is where the rules of a scope count.
func reach(scope cloudflare.Scope) string {
	switch {
	case scope == cloudflare.UserScope():
		return "for all zones that are the user's"
	case scope == cloudflare.AccountScope():
		return "for all zones of the account"
	}
	return "for this zone alone"
}

// quota counts the rules by whose they are.
func (c *checkup) quota(w work, survey reconcile.Survey, items []reconcile.Item) {
	most, _ := w.past().Capacity.Limit(c.settings.MaxItems, 0, c.now)
	own := 0
	for _, i := range items {
		if _, is := reconcile.ParseTag(i.Comment); is {
			own++
		}
	}
	text := fmt.Sprintf("%s of %s: %s of edgeban's, %s of others", thousands(survey.Items), thousands(most), thousands(own), thousands(survey.Items-own))
	if w.rules(w.scope).Partial() {
		text += "; only those with an edgeban tag are read, as there are so many"
	}
	if survey.Items*10 > most*9 {
		c.warn("rules", text+": over 90 % of the quota is used",
			"When there is no room the most recent bans are kept. Remove rules that nobody needs (edgeban adopt finds those of Fail2Ban's own actions), ban for shorter, or mirror fewer jails.")
		return
	}
	c.ok("rules", "%s", text)
}

// leftovers counts what Fail2Ban's own actions left behind.
func (c *checkup) leftovers(w work, items []reconcile.Item, desired [2]reconcile.Desired) {
	if w.rules(w.scope).Partial() {
		c.warn("leftovers", "rules without an edgeban tag were not looked at: they are too many for the requests of a run",
			"If Fail2Ban's own Cloudflare action was used here, take its rules over: edgeban adopt.")
		return
	}
	left, active := 0, 0
	for _, i := range items {
		if !byStockAction(i.Comment) || i.Effect == reconcile.Allows {
			continue
		}
		left++
		if slices.ContainsFunc(desired[:], func(d reconcile.Desired) bool { return d.Wants(i.Prefix, c.now) }) {
			active++
		}
	}
	if left == 0 {
		return
	}
	c.warn("leftovers", fmt.Sprintf("%s left by Fail2Ban's own action, %s with an active ban: nothing removes them when their bans end",
		strings.Replace(plural(left, "rule"), fmt.Sprint(left), thousands(left), 1), thousands(active)),
		"Take that action out of the jails, then: edgeban adopt, which takes over those that are banned, and with --remove-rest removes the rest.")
}

// allowRules tells of banned addresses that an Allow rule lets through.
func (c *checkup) allowRules(items []reconcile.Item, desired [2]reconcile.Desired) {
	var through []string
	for _, i := range items {
		if i.Effect == reconcile.Allows && slices.ContainsFunc(desired[:], func(d reconcile.Desired) bool { return d.Wants(i.Prefix, c.now) }) {
			through = append(through, reconcile.PrefixText(i.Prefix))
		}
	}
	if len(through) == 0 {
		return
	}
	text := through[0] + " is banned, but an Allow rule lets it through"
	if more := len(through) - 1; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	c.warn("allow", text, "If that is meant, put it on the allowlist (allow), so that it is not counted as banned. If not, remove the rule: Security → WAF → Tools.")
}

// spill tries the access rules that hold what a list cannot take.
func (c *checkup) spill(ctx context.Context) {
	if !c.asked || !c.settings.Spill {
		return
	}
	w := c.spillWorks()[0]
	survey, err := w.target().Survey(ctx)
	if err != nil {
		c.failOf("spill", err)
		return
	}
	if w.past().Throttle.InARow > 0 {
		c.ok("spill", "access rules may be read, %s; whether they may be written is not asked while Cloudflare refuses writes", plural(survey.Items, "rule"))
		return
	}
	kind := "token"
	if !c.settings.Key.IsZero() {
		kind = "global API key"
	}
	c.mayEdit(ctx, "spill", kind, "access rules", w.scope)
}
