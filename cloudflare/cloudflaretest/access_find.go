package cloudflaretest

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// getAccessRules lists the rules that the query asks for, newest first unless it asks for an order. More than
// Options.AccessRulePage at a time are not refused but cut off, and result_info tells.
func (c *Cloudflare) getAccessRules(in call, s *accessSet) reply {
	keep, complaints := accessFilter(in.query)
	order, complaint := accessOrder(in.query)
	if complaint != "" {
		complaints = append(complaints, complaint)
	}
	if len(complaints) > 0 {
		return badAccessRule(complaints...)
	}
	var found []*accessRule
	for _, r := range c.shownRules(s) {
		if keep(r) {
			found = append(found, r)
		}
	}
	if order != nil {
		slices.SortStableFunc(found, order)
	}
	part, info := cut(found, in.query, c.opts.AccessRulePage)
	page := make([]accessRuleJSON, 0, len(part))
	for _, r := range part {
		page = append(page, c.accessRuleJSON(r))
	}
	yes := ok(page)
	yes.body.ResultInfo = info
	return yes
}

// shownRules are the rules of a scope, newest first, and with Options.InheritedRules those that a zone has from
// its account and from the user.
func (c *Cloudflare) shownRules(s *accessSet) []*accessRule {
	rules := slices.Clone(s.order)
	if kind, id := s.scope.parts(); kind == "zones" && c.opts.InheritedRules {
		for _, scope := range c.inForce(id)[1:] {
			rules = append(rules, c.accessSet(scope).order...)
		}
		slices.SortFunc(rules, func(a, b *accessRule) int { return cmp.Compare(a.serial, b.serial) })
	}
	slices.Reverse(rules)
	return rules
}

// inForce is whose rules count in a zone: its own, its account's, the user's.
func (c *Cloudflare) inForce(zoneID string) []Scope {
	zone := ZoneScope(zoneID)
	return []Scope{zone, AccountScope(c.accountOf(zone)), UserScope()}
}

// accessFilter reads the search parameters. Values are compared as they are stored: whether the real API finds
// an IPv6 address by its short form is not documented. The schema's targets to search for lack ip6, which
// clients send all the same. Clients of old use an underscore for the dot.
func accessFilter(query url.Values) (keep func(*accessRule) bool, complaints []string) {
	value := func(names ...string) string {
		for _, name := range names {
			if v := query.Get(name); v != "" {
				return v
			}
		}
		return ""
	}
	mode, notes := value("mode"), strings.ToLower(value("notes"))
	target := value("configuration.target", "configuration_target")
	text := value("configuration.value", "configuration_value")
	if mode != "" && !slices.Contains(accessModes(), mode) {
		complaints = append(complaints, "invalid mode received: "+mode)
	}
	if target != "" && !slices.Contains(accessTargets(), target) {
		complaints = append(complaints, "unsupported target received: "+target)
	}
	match := cmp.Or(value("match"), "all")
	if match != "all" && match != "any" {
		complaints = append(complaints, "invalid match received: "+match)
	}
	var tests []func(*accessRule) bool
	when := func(asked string, test func(*accessRule) bool) {
		if asked != "" {
			tests = append(tests, test)
		}
	}
	when(mode, func(r *accessRule) bool { return r.mode == mode })
	when(target, func(r *accessRule) bool { return r.what.Target == target })
	when(text, func(r *accessRule) bool { return r.what.Value == text })
	when(notes, func(r *accessRule) bool { return strings.Contains(strings.ToLower(r.notes), notes) })
	return func(r *accessRule) bool {
		hits := 0
		for _, test := range tests {
			if test(r) {
				hits++
			}
		}
		return hits == len(tests) || match == "any" && hits > 0
	}, complaints
}

// accessOrder reads what to sort by; nil: nothing is asked for. Which direction is meant when none is given is
// not documented.
func accessOrder(query url.Values) (order func(a, b *accessRule) int, complaint string) {
	field := map[string]func(*accessRule) string{
		"mode":                 func(r *accessRule) string { return r.mode },
		"configuration.target": func(r *accessRule) string { return r.what.Target },
		"configuration.value":  func(r *accessRule) string { return r.what.Value },
	}[query.Get("order")]
	direction := query.Get("direction")
	switch {
	case query.Get("order") != "" && field == nil:
		return nil, "invalid order received: " + query.Get("order")
	case direction != "" && direction != "asc" && direction != "desc":
		return nil, "invalid direction received: " + direction
	case field == nil:
		return nil, ""
	}
	return func(a, b *accessRule) int {
		if direction == "desc" {
			a, b = b, a
		}
		return strings.Compare(field(a), field(b))
	}, ""
}
