package main

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// AllowEntry is a network that must never be blocked.
type AllowEntry struct {
	Prefix netip.Prefix
	Origin string // where it was written: "flag --allow", "/etc/edgeban/allow, line 3"
}

// readAllowFile reads addresses and networks, one per line; # begins a comment. A line that makes no sense is a
// problem: an allowlist is whole or it is none.
func readAllowFile(file value, p *problems) []AllowEntry {
	name := file.text()
	f, err := os.Open(name)
	if err != nil {
		p.add("allow file %s: %v%s", name, cause(err), file.origins())
		return nil
	}
	defer f.Close()

	var entries []AllowEntry
	lines := bufio.NewScanner(f)
	number := 0
	for lines.Scan() {
		number++
		line, _, _ := strings.Cut(lines.Text(), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		prefix, err := parseAllowed(line)
		if err != nil {
			p.add("allow file %s, line %d: %v", name, number, err)
			continue
		}
		entries = append(entries, AllowEntry{prefix, fmt.Sprintf("%s, line %d", name, number)})
	}
	if err := lines.Err(); err != nil {
		p.add("allow file %s, line %d: %v", name, number+1, cause(err))
	}
	return entries
}

// parseAllowed reads an address or a network. Bits beyond the prefix length are dropped, and what is IPv4 in
// IPv6 clothes becomes IPv4.
func parseAllowed(text string) (netip.Prefix, error) {
	if strings.Contains(text, "%") {
		return netip.Prefix{}, fmt.Errorf("%q has a zone: it means something on one host only", text)
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a network", text)
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	if mapped := prefix.Bits() - 96; prefix.Addr().Is4In6() && mapped >= 0 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), mapped)
	}
	return prefix.Masked(), nil
}
