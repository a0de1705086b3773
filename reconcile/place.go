package reconcile

import (
	"fmt"
	"net/netip"
	"strings"
)

// place finds the prefix under which a ban goes on the list, or why it must not. prefix and reason are what ParsePrefix says of
// it. A ban that is left out but is for a prefix keeps it, so that an item's removal can be explained.
func (p *Policy) place(b *Ban, prefix netip.Prefix, reason LeftOutReason) (netip.Prefix, LeftOutReason, string) {
	switch {
	case p.Split && p.remedy(b) != p.Remedy:
		return p.widest(prefix), LeftOutOtherList, ""
	case b.Void != "":
		return p.widest(prefix), b.Void, ""
	case p.remedy(b) != p.Remedy:
		return p.widest(prefix), LeftOutRemedy, ""
	case !p.Filters[b.Source].passes(b.Reason):
		return p.widest(prefix), LeftOutFiltered, ""
	case reason != "":
		return prefix, reason, ""
	}
	wide := p.widest(prefix)
	_, touching := p.Protected.Touching(wide) // seldom; otherwise nothing protected is anywhere near
	if touching {
		if covering, ok := p.Protected.Covering(prefix); ok {
			return wide, covering.Reason, covering.Detail
		}
	}
	least := p.MinPrefix4
	if prefix.Addr().Is6() {
		least = p.MinPrefix6
	}
	if prefix.Bits() < least {
		return prefix, LeftOutTooBroad, fmt.Sprintf("broader than /%d", least)
	}
	if more := p.Widths.tooMany(wide); more != "" {
		return wide, LeftOutWidth, more
	}
	if !touching {
		return wide, "", ""
	}
	narrowed, inside, ok := p.widen(prefix)
	if !ok {
		return wide, inside.Reason,
			strings.TrimSuffix(fmt.Sprintf("contains %s: %s", PrefixText(inside.Prefix), inside.Detail), ": ")
	}
	return narrowed, "", ""
}

// widest is where a prefix would go if nothing were protected.
func (p *Policy) widest(prefix netip.Prefix) netip.Prefix {
	if prefix.IsValid() && prefix.Addr().Is6() && prefix.Bits() > p.IPv6Prefix {
		return netip.PrefixFrom(prefix.Addr(), p.IPv6Prefix).Masked()
	}
	return prefix
}

// widen returns the widest prefix, at most as wide as the policy's, that contains no protected one. Where even the
// prefix itself does, it returns what is inside.
func (p *Policy) widen(prefix netip.Prefix) (wide netip.Prefix, inside Protected, ok bool) {
	for wide = p.widest(prefix); ; wide = netip.PrefixFrom(prefix.Addr(), wide.Bits()+1).Masked() {
		var blocked bool
		if inside, blocked = p.Protected.Inside(wide); !blocked {
			return wide, Protected{}, true
		}
		if wide == prefix {
			return netip.Prefix{}, inside, false
		}
		for next := wide.Bits() + 1; next < prefix.Bits() && !p.Widths.holds(netip.PrefixFrom(prefix.Addr(), next)); next++ {
			wide = netip.PrefixFrom(prefix.Addr(), next)
		}
	}
}
