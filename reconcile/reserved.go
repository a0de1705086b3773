package reconcile

import "net/netip"

// Reserved returns the ranges that cannot be a visitor's address on the public Internet, after IANA's registries
// https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry.
//
// Documentation ranges (RFC 5737, RFC 3849, RFC 9637) are ordinary addresses here: nobody is harmed by blocking them, and
// examples and samples work.
func Reserved() []Protected {
	named := []struct{ prefix, what string }{
		{"0.0.0.0/8", "this network (RFC 791)"},
		{"10.0.0.0/8", "private range (RFC 1918)"},
		{"100.64.0.0/10", "carrier-grade NAT (RFC 6598)"},
		{"127.0.0.0/8", "loopback (RFC 1122)"},
		{"169.254.0.0/16", "link-local (RFC 3927)"},
		{"172.16.0.0/12", "private range (RFC 1918)"},
		{"192.0.0.0/24", "protocol assignments (RFC 6890)"},
		{"192.168.0.0/16", "private range (RFC 1918)"},
		{"198.18.0.0/15", "benchmarking (RFC 2544)"},
		{"224.0.0.0/4", "multicast (RFC 5771)"},
		{"240.0.0.0/4", "reserved, broadcast included (RFC 1112)"},

		// Visitors come from 2000::/3, global unicast (RFC 4291); all the rest is one of these.
		{"::/3", "not global unicast (RFC 4291)"},
		{"4000::/2", "not global unicast (RFC 4291)"},
		{"8000::/1", "not global unicast (RFC 4291)"},
		{"::1/128", "loopback (RFC 4291)"},
		{"::ffff:0:0/96", "IPv4-mapped (RFC 4291)"},
		{"64:ff9b::/96", "IPv4 translation (RFC 6052)"},
		{"64:ff9b:1::/48", "IPv4 translation (RFC 8215)"},
		{"100::/64", "discard-only (RFC 6666)"},
		{"2001:2::/48", "benchmarking (RFC 5180)"},
		{"2001:10::/28", "ORCHID (RFC 4843)"},
		{"fc00::/7", "private range, unique local (RFC 4193)"},
		{"fe80::/10", "link-local (RFC 4291)"},
		{"ff00::/8", "multicast (RFC 4291)"},
	}
	all := make([]Protected, 0, len(named))
	for _, n := range named {
		p, err := netip.ParsePrefix(n.prefix)
		if err != nil {
			continue // a test parses them all
		}
		all = append(all, Protected{Prefix: p, Reason: LeftOutReserved, Detail: n.what})
	}
	return all
}
