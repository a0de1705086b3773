package main

import (
	"regexp"
	"slices"
	"strings"

	"edgeban/cloudflare"
)

// What holds the bans.
const (
	targetList  = "list"
	targetRules = "access-rules"
)

// ruleQuota is how many access rules an account may have (https://developers.cloudflare.com/waf/tools/ip-access-rules/).
const ruleQuota = 50_000

// zones does not repeat what it refuses: it could be a token, put into the wrong place.
func (r reader) zones(name string) []string {
	var ids []string
	for _, text := range r.values[name].texts {
		id := strings.ToLower(text)
		switch {
		case !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id):
			r.bad(name, "not the 32 hexadecimal digits of a zone id; edgeban setup --zone DOMAIN tells it, and so does the zone's overview in the dashboard")
		case slices.Contains(ids, id):
			r.bad(name, "%s is there twice", id)
		default:
			ids = append(ids, id)
		}
	}
	return ids
}

func (r reader) email(name string) string {
	text := r.values[name].text()
	if text != "" && !regexp.MustCompile(`^[^@ ]+@[^@ ]+$`).MatchString(text) {
		r.bad(name, "not an e-mail address")
	}
	return text
}

// checkTarget wants settings that go together with what holds the bans.
func (s *Settings) checkTarget(p *problems) {
	origin := func(name string) string { return s.values[name].origins() }
	rulesOnly := "It says whose access rules to use: set target to access-rules, or leave it out."
	if !s.AccessRules {
		if len(s.Zones) > 0 {
			p.addHint(rulesOnly, "zone%s has no meaning with target list", origin("zone"))
		}
		if s.User {
			p.addHint(rulesOnly, "user%s has no meaning with target list", origin("user"))
		}
		return
	}
	if s.Spill {
		p.addHint("The bans go into access rules as it is: leave spill out.", "spill%s has no meaning with target access-rules", origin("spill"))
	}
	if s.ChallengeList != "" {
		p.addHint("An access rule can challenge by itself: leave challenge-list out.",
			"challenge-list%s has no meaning with target access-rules", origin("challenge-list"))
	}
	if s.Exclusive {
		p.addHint("edgeban adopt takes over the rules of Fail2Ban's own actions; all others are somebody's.",
			"ownership exclusive%s has no meaning with target access-rules", origin("ownership"))
	}
	if s.User && len(s.Zones) > 0 {
		p.add("user%s and zone%s exclude each other", origin("user"), origin("zone"))
	}
	if least := leastShare * len(s.Zones); s.RequestBudget < least && s.RequestBudget > 0 {
		p.addHint("Raise it, or keep fewer zones in step.", "request-budget %d%s is too small for %d zones: each takes up to %d requests in a run",
			s.RequestBudget, origin("request-budget"), len(s.Zones), leastShare)
	}
	if widths := cloudflare.RuleWidths().V6; s.IPv6Prefix > 0 && !slices.Contains(widths, s.IPv6Prefix) {
		p.addHint("Leave it out: the default is 64.", "ipv6-prefix %d%s is no width of an access rule: 32, 48, 64 or 128", s.IPv6Prefix, origin("ipv6-prefix"))
	}
	if s.values["max-items"].origin == originDefault {
		s.MaxItems = ruleQuota
	}
}

// accountless reports whether no account is needed: the rules are a zone's or the user's.
func (s *Settings) accountless() bool { return s.AccessRules && (s.User || len(s.Zones) > 0) }

// holder is under what the state keeps what is known of Cloudflare's refusals: the account, else whose rules they are.
func (s *Settings) holder() string {
	switch {
	case s.Account != "" || !s.accountless():
		return s.Account
	case s.User:
		return "user"
	default:
		return "zone " + s.Zones[0]
	}
}

// scopes are whose access rules are used.
func (s *Settings) scopes() []cloudflare.Scope {
	switch {
	case s.User:
		return []cloudflare.Scope{cloudflare.UserScope()}
	case len(s.Zones) == 0:
		return []cloudflare.Scope{cloudflare.AccountScope()}
	}
	var all []cloudflare.Scope
	for _, zone := range s.Zones {
		scope, err := cloudflare.ZoneScope(zone)
		if err == nil { // the settings were checked
			all = append(all, scope)
		}
	}
	return all
}
