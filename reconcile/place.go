package reconcile

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
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

// Placed is an active ban and what becomes of it.
type Placed struct {
	Ban    Ban
	Prefix netip.Prefix  // under which it goes on the list, or would; where it is split, the piece that holds the network, if there is one
	Reason LeftOutReason // why it does not; "": it does
	Detail string
}

// About finds the active bans that concern a network: those that keep all of it off, and those that would if they were not left
// out. Bans that go on the other list are none of these.
func (r Run) About(said Readings, network netip.Prefix) []Placed {
	r.Now = r.Now.Truncate(time.Second)
	var found []Placed
	for i := range said.Bans {
		b := &said.Bans[i]
		exact, reason := ParsePrefix(b.Value)
		if reason != "" || !b.Permanent() && !b.Until.After(r.Now) {
			continue
		}
		p := Placed{Ban: *b}
		p.Prefix, p.Reason, p.Detail = r.Policy.place(b, exact, reason)
		if p.Reason == LeftOutOtherList {
			continue
		}
		if p.Reason != "" {
			p.Prefix = exact
		}
		if contains(p.Prefix, network) {
			p.Prefix = r.Policy.Widths.pieceAround(p.Prefix, network)
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b Placed) int {
		return cmp.Or(comparePrefixes(a.Prefix, b.Prefix), strings.Compare(a.Ban.Source, b.Ban.Source),
			strings.Compare(a.Ban.Reason, b.Ban.Reason), strings.Compare(a.Ban.Value, b.Ban.Value), a.Ban.Until.Compare(b.Ban.Until))
	})
	return found
}

// Place finds the prefix under which a network that a person names goes on the list, or why it must not.
func (p Policy) Place(network netip.Prefix) (netip.Prefix, LeftOutReason, string) {
	return p.place(&Ban{Value: PrefixText(network), Remedy: p.Remedy}, network, "")
}
