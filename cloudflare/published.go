package cloudflare

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
)

// PublishedRanges asks for the addresses of Cloudflare's own servers, sorted, to be compared with Ranges
// (https://developers.cloudflare.com/api/resources/ips/).
func (c *Client) PublishedRanges(ctx context.Context) ([]netip.Prefix, error) {
	e, _, err := c.get(ctx, c.outside(nil, "ips"))
	var published struct {
		IPv4 []string `json:"ipv4_cidrs"`
		IPv6 []string `json:"ipv6_cidrs"`
	}
	if err == nil {
		err = c.decode(e, &published)
	}
	var all []netip.Prefix
	for _, text := range slices.Concat(published.IPv4, published.IPv6) {
		prefix, ok := parsePrefix(text)
		if !ok && err == nil {
			err = fmt.Errorf("range %q is none", c.clean(text))
		}
		all = append(all, prefix)
	}
	if err == nil && (len(published.IPv4) == 0 || len(published.IPv6) == 0) {
		err = fmt.Errorf("%d IPv4 and %d IPv6 ranges are not all", len(published.IPv4), len(published.IPv6))
	}
	if err != nil {
		return nil, fmt.Errorf("read Cloudflare's ranges: %w", err)
	}
	slices.SortFunc(all, netip.Prefix.Compare)
	return all, nil
}
