package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// mostZones bounds how many zones' rules are read in search of those that use the list.
const mostZones = 100

// rule asks whether any rule uses the list, and whether it keeps anybody out, as far as the token may see.
func (c *checkup) rule(ctx context.Context, l listed) {
	the := "the list"
	if len(c.works()) > 1 {
		the = "list " + l.found.Name
	}
	if l.found.References == 0 {
		c.fail("rule", fmt.Sprintf("no rule uses %s: nothing is %s", the, l.remedied()), fmt.Sprintf("%s: %s → %s, or run: edgeban setup --zone example.com",
			customRulesPage, cloudflare.ListExpression(l.found.Name), l.actionTitle()))
		return
	}
	uses := plural(l.found.References, "rule") + " use " + the
	if l.found.References == 1 {
		uses = "1 rule uses " + the
	}
	seen, err := c.rulesThatUse(ctx, l.found)
	switch {
	case forbidden(err):
		c.ok("rule", "%s; whether it blocks cannot be seen: the token may not read rules, and a run does not need it to", uses)
	case err != nil:
		c.warn("rule", fmt.Sprintf("%s; whether it blocks is unknown: %v", uses, err), hintOf(err))
	default:
		c.judgeRules(uses, seen, l)
	}
}

// usingRule is a rule that uses the list, and its zone.
type usingRule struct {
	zone string
	cloudflare.Rule
}

func (r usingRule) bars() bool { return r.Enabled && r.Bars() }

func (c *checkup) rulesThatUse(ctx context.Context, list cloudflare.List) ([]usingRule, error) {
	zones, err := c.client.Zones(ctx, "")
	if err != nil {
		return nil, err
	}
	var all []usingRule
	for i, z := range zones {
		if z.Account.ID != c.settings.Account {
			continue
		}
		if i == mostZones {
			return all, fmt.Errorf("only %d of %d zones were looked at", mostZones, len(zones))
		}
		set, err := c.client.CustomRules(ctx, z)
		if err != nil {
			return nil, err
		}
		for _, r := range set.Rules {
			if r.Uses(list.Name) || r.Uses(list.ID) {
				all = append(all, usingRule{z.Name, r})
			}
		}
	}
	return all, nil
}

func (c *checkup) judgeRules(uses string, seen []usingRule, l listed) {
	var barring, idle, harsh []string
	for _, r := range seen {
		switch {
		case r.bars() && r.Action == "block" && l.remedy == reconcile.Challenge:
			harsh = append(harsh, r.zone)
		case r.bars():
			barring = append(barring, r.zone+" "+r.Action)
		case !r.Enabled:
			idle = append(idle, r.zone+" disabled")
		default:
			idle = append(idle, r.zone+" "+r.Action)
		}
	}
	if len(harsh) > 0 {
		c.warn("rule", fmt.Sprintf("%s, and blocks whom it ought to challenge: %s", uses, strings.Join(harsh, ", ")),
			"In the dashboard under "+customRulesPage+" choose Managed Challenge.")
		return
	}
	do := "In the dashboard under " + customRulesPage + " choose Block or Managed Challenge, and enable the rule."
	switch {
	case len(barring) == 0 && len(idle) == 0:
		c.ok("rule", "%s, in zones that the token does not see", uses)
	case len(barring) == 0 && len(seen) >= l.found.References:
		c.warn("rule", fmt.Sprintf("%s, but neither blocks nor challenges: %s", uses, strings.Join(idle, ", ")), do)
	case len(idle) > 0:
		c.warn("rule", fmt.Sprintf("%s; not all block or challenge: %s", uses, strings.Join(idle, ", ")), do)
	default:
		c.ok("rule", "%s: %s", uses, strings.Join(barring, ", "))
	}
}

// ranges compares Cloudflare's addresses with those that this edgeban knows and never blocks.
func (c *checkup) ranges(ctx context.Context) {
	if !c.asked {
		return
	}
	published, err := c.client.PublishedRanges(ctx)
	if err != nil {
		c.warn("ranges", err.Error(), hintOf(err))
		return
	}
	known := cloudflare.Ranges()
	var unknown, gone []string
	for _, p := range published {
		if !slices.Contains(known, p) {
			unknown = append(unknown, p.String())
		}
	}
	for _, p := range known {
		if !slices.Contains(published, p) {
			gone = append(gone, netip.Prefix.String(p))
		}
	}
	switch {
	case len(unknown) > 0:
		c.warn("ranges", "Cloudflare has ranges that this edgeban does not know: "+strings.Join(unknown, ", "),
			"Update edgeban. Until then: --allow "+strings.Join(unknown, ","))
	case len(gone) > 0:
		c.warn("ranges", "no longer Cloudflare's, and still never blocked: "+strings.Join(gone, ", "), "Update edgeban.")
	default:
		c.ok("ranges", "Cloudflare's own %d are those that this edgeban knows", len(published))
	}
}

const (
	skewMost   = 5 * time.Minute  // beyond it no run does anything
	skewSeemly = 30 * time.Second // most clocks are better
)

// clock compares this host's clock with Cloudflare's, which tells whole seconds.
func (c *checkup) clock(context.Context) {
	if !c.asked {
		return
	}
	const do = "Set the clock (timedatectl status)."
	side := "behind"
	if c.skew < 0 {
		side = "ahead of"
	}
	text := fmt.Sprintf("%s %s Cloudflare", span(c.skew.Abs()), side)
	switch {
	case !c.timed:
		c.warn("clock", "Cloudflare did not tell its time, so this host's could not be compared", "")
	case c.skew.Abs() > skewMost:
		c.fail("clock", text+": no run does anything", do)
	case c.skew.Abs() > skewSeemly:
		c.warn("clock", text, do)
	case c.skew.Abs() < 2*time.Second:
		c.ok("clock", "in step with Cloudflare's")
	default:
		c.ok("clock", "%s", text)
	}
}
