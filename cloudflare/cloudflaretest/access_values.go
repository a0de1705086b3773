package cloudflaretest

import (
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// The targets of access rules.
const (
	TargetIP      = "ip"       // one IPv4 address
	TargetIP6     = "ip6"      // one IPv6 address
	TargetRange   = "ip_range" // an IPv4 /16 or /24, or an IPv6 /32, /48 or /64
	TargetASN     = "asn"      // an autonomous system, "AS64496"
	TargetCountry = "country"  // two letters
)

func accessTargets() []string {
	return []string{TargetIP, TargetIP6, TargetRange, TargetASN, TargetCountry}
}

// rangeWidths are the widest first.
// https://developers.cloudflare.com/waf/tools/ip-access-rules/parameters/#ip-address-range
func rangeWidths(addr netip.Addr) []int {
	if addr.Is4() {
		return []int{16, 24}
	}
	return []int{32, 48, 64}
}

// configuration is whom an access rule is for, in the form in which it is stored.
type configuration struct {
	Target string `json:"target"`
	Value  string `json:"value"`
}

// configured reads a target and value as a client sends them. IPv6 is stored in its long form, and a range
// without host bits: the schema's own example has some, but nobody tells what becomes of them.
func configured(target, value string) (what configuration, complaint string) {
	switch target {
	case TargetIP, TargetIP6:
		addr, err := netip.ParseAddr(value)
		if err != nil || addr.Zone() != "" || addr.Is4In6() || addr.Is4() != (target == TargetIP) {
			return configuration{}, "invalid ip provided"
		}
		return singleAddress(addr), ""
	case TargetRange:
		network, err := netip.ParsePrefix(value)
		if err != nil || network.Addr().Is4In6() || !slices.Contains(rangeWidths(network.Addr()), network.Bits()) {
			return configuration{}, "invalid ip provided"
		}
		return addressRange(network), ""
	case TargetASN:
		if value = strings.ToUpper(value); !asn.MatchString(value) {
			return configuration{}, "invalid asn provided"
		}
		return configuration{target, value}, ""
	case TargetCountry:
		if value = strings.ToUpper(value); !country.MatchString(value) {
			return configuration{}, "invalid country provided"
		}
		return configuration{target, value}, ""
	}
	return configuration{}, "unsupported target received: " + target
}

var (
	asn     = regexp.MustCompile(`^AS[1-9][0-9]{0,9}$`)
	country = regexp.MustCompile(`^[A-Z][A-Z0-9]$`) // T1 is Tor
)

func singleAddress(addr netip.Addr) configuration {
	if addr.Is4() {
		return configuration{TargetIP, addr.String()}
	}
	return configuration{TargetIP6, addr.StringExpanded()}
}

func addressRange(network netip.Prefix) configuration {
	network = network.Masked()
	if network.Addr().Is4() {
		return configuration{TargetRange, network.String()}
	}
	_, width, _ := strings.Cut(network.String(), "/")
	return configuration{TargetRange, network.Addr().StringExpanded() + "/" + width}
}

// badAccessRule refuses with all complaints in one message, as has been seen. The code that goes with it has not.
func badAccessRule(complaints ...string) reply {
	return refuse(http.StatusBadRequest, codeInvalid,
		"firewallaccessrules.api.validation_error:%s", strings.Join(complaints, ","))
}
