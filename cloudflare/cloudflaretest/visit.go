package cloudflaretest

import (
	"net/netip"
	"strings"
)

// Visitor is who asks a site of a zone for something.
type Visitor struct {
	Addr    netip.Addr
	ASN     string // "AS64496"; empty: none that a rule could name
	Country string // "DE"; likewise
}

// Verdict is what the edge does with a visitor.
type Verdict struct {
	Action string // "block", or one of the challenges; empty: the visitor reaches the site
	Rule   string // the id of the access rule or custom rule that decided; empty: none did
}

// Visit asks what the edge does with a visitor of a zone, by its access rules, those of its account and of the user,
// and then by its custom rules. Lists and rules count at once: how long the real edge takes to hear of a change is
// not documented. An unknown zone lets everybody in.
//
// An Allow rule goes before every Block and bypasses custom rules, so that a visitor on a blocked list gets in. A
// challenge that was passed spares nobody the custom rules, so a block among these prevails.
// https://developers.cloudflare.com/waf/tools/ip-access-rules/actions/
func (c *Cloudflare) Visit(zoneID string, from Visitor) Verdict {
	defer c.lock()()
	z := c.zones[zoneID]
	if z == nil {
		return Verdict{}
	}
	from.Addr = from.Addr.Unmap()
	first := c.accessVerdict(zoneID, from)
	switch {
	case first.Action == ModeAllow:
		return Verdict{Rule: first.Rule}
	case first.Action == ModeBlock:
		return first
	}
	then := c.customVerdict(z, from.Addr)
	if first.Action == "" || then.Action == ModeBlock {
		return then
	}
	return first
}

// accessVerdict is what the access rules say; ModeAllow included. Among rules that do not allow, the most specific
// counts, and among equals the zone's before the account's and the user's. Both is an assumption: the documentation
// only says that Allow takes precedence over Block.
func (c *Cloudflare) accessVerdict(zoneID string, from Visitor) Verdict {
	var first Verdict
	scopes := c.inForce(zoneID)
	for _, what := range from.configurations() {
		for _, scope := range scopes {
			s := c.access[scope]
			if s == nil || s.rules[what] == nil {
				continue
			}
			r := s.rules[what]
			if r.mode == ModeAllow {
				return Verdict{Action: r.mode, Rule: r.id}
			}
			if first.Action == "" {
				first = Verdict{Action: r.mode, Rule: r.id}
			}
		}
	}
	return first
}

// configurations are those of the rules that cover a visitor, the most specific first.
func (v Visitor) configurations() []configuration {
	var all []configuration
	if v.Addr.IsValid() {
		all = append(all, singleAddress(v.Addr))
		widths := rangeWidths(v.Addr)
		for i := len(widths) - 1; i >= 0; i-- {
			all = append(all, addressRange(netip.PrefixFrom(v.Addr, widths[i])))
		}
	}
	return append(all,
		configuration{TargetASN, strings.ToUpper(v.ASN)}, configuration{TargetCountry, strings.ToUpper(v.Country)})
}

// customVerdict is what the zone's custom rules say: the first that matches and does not just log. One that skips
// ends it, whatever it would skip of the real edge's other parts.
func (c *Cloudflare) customVerdict(z *zone, addr netip.Addr) Verdict {
	if z.ruleset == nil {
		return Verdict{}
	}
	for _, r := range z.ruleset.rules {
		switch {
		case !r.Enabled || r.Action == "log" || !c.matchesExpression(z.account, r.Expression, addr):
			continue
		case r.Action == "skip":
			return Verdict{Rule: r.ID}
		}
		return Verdict{Action: r.Action, Rule: r.ID}
	}
	return Verdict{}
}

// holds reports whether an item of the list covers the address.
func (l *list) holds(addr netip.Addr) bool {
	if len(l.items) == 0 {
		return false
	}
	for width := addr.BitLen(); width >= 8; width-- {
		if network, err := addr.Prefix(width); err == nil && l.items[network] != nil {
			return true
		}
	}
	return false
}
