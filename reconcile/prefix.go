package reconcile

import (
	"net/netip"
	"strings"
)

// ParsePrefix reads a banned value: an address or a prefix. The result is masked, and IPv4 inside IPv6 is unmapped.
// It is "" when the value can be on a list, else why not.
//
// Fail2Ban stores a ban of 0.0.0.0/0 as 0.0.0.0 and of ::/0 as ::, so these never mean one address:
// https://github.com/fail2ban/fail2ban/blob/1.1.0/fail2ban/server/ipdns.py
func ParsePrefix(value string) (netip.Prefix, LeftOutReason) {
	p, ok := readPrefix(value)
	switch {
	case !ok:
		return netip.Prefix{}, LeftOutNotAddress
	case p.Addr().IsUnspecified():
		return netip.Prefix{}, LeftOutUnspecified
	}
	return p, ""
}

func readPrefix(value string) (netip.Prefix, bool) {
	if !strings.Contains(value, "/") {
		a, err := netip.ParseAddr(value)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, false
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(value) // refuses zones
	if err != nil {
		return netip.Prefix{}, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}

// PrefixText is a prefix as Cloudflare and people write it: a bare address when it is one.
func PrefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// comparePrefixes orders by family, address, then length: a prefix comes right before what it contains.
func comparePrefixes(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

// contains reports whether outer contains all of inner.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}
