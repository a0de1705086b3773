package cloudflare

import (
	_ "embed"
	"net/netip"
	"strings"
)

//go:embed ranges.txt
var rangesText string

// Ranges returns the addresses that Cloudflare's own servers have (https://www.cloudflare.com/ips/, as of
// 2026-03-24). A ban of one of them means that a web server logged the proxy instead of the visitor. The slice is the
// caller's.
func Ranges() []netip.Prefix {
	var ranges []netip.Prefix
	for line := range strings.Lines(rangesText) {
		if prefix, ok := parsePrefix(strings.TrimSpace(line)); ok { // the others are comments, a test says
			ranges = append(ranges, prefix)
		}
	}
	return ranges
}
