package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

const (
	rulesPage = 100       // the most that one answer has been seen to list
	mostRules = 1_000_000 // an account may have 50 000, on request more: https://developers.cloudflare.com/waf/tools/ip-access-rules/#availability
)

// rule is an access rule for addresses.
type rule struct {
	id      string
	mode    Mode
	prefix  netip.Prefix
	notes   string
	created time.Time
}

func (r rule) same(other rule) bool {
	return r.id == other.id && r.mode == other.mode && r.prefix == other.prefix && r.notes == other.notes
}

// rulesPart is one page of rules.
type rulesPart struct {
	members []ruleMember
	total   int // of all pages, as Cloudflare counts
	size    int // members of a page that is not the last
	clock   time.Time
}

// ruleMember is a rule as the API writes it.
type ruleMember struct {
	ID            string            `json:"id"`
	Mode          Mode              `json:"mode"`
	Notes         string            `json:"notes"`
	Created       laxTime           `json:"created_on"`
	Configuration ruleConfiguration `json:"configuration"`
	Scope         struct {
		Type string `json:"type"` // "user", "organization" or "zone"
	} `json:"scope"`
}

// ruleConfiguration is whom a rule is for.
type ruleConfiguration struct {
	Target string `json:"target"` // "ip", "ip6", "ip_range", "asn" or "country"
	Value  string `json:"value"`
}

// page asks for a page of the rules that the query selects. The first is 1.
func (r *Rules) page(ctx context.Context, query url.Values, number int) (rulesPart, error) {
	query.Set("page", strconv.Itoa(number))
	query.Set("per_page", strconv.Itoa(rulesPage))
	u, err := r.scope.url(r.client, query)
	if err != nil {
		return rulesPart{}, err
	}
	a, err := r.client.askWithin(ctx, u, nil, r.options.Budget)
	if err != nil {
		return rulesPart{}, err
	}
	part, err := r.client.rulesPart(a, number)
	if err != nil {
		return rulesPart{}, fmt.Errorf("page %d: %w", number, err)
	}
	return part, nil
}

// rulesPart reads an answer that is a page.
func (c *Client) rulesPart(a answer, number int) (rulesPart, error) {
	e, err := c.open(a)
	if err != nil {
		return rulesPart{}, err
	}
	info := e.ResultInfo
	part := rulesPart{size: rulesPage, clock: a.clock()}
	total, err := info.TotalCount.Float64() // the API's schema knows but one type of numbers
	switch {
	case err != nil || total < 0:
		return rulesPart{}, errors.New("it does not tell how many rules there are")
	case total > mostRules:
		return rulesPart{}, fmt.Errorf("%.0f rules, nobody has that many", total)
	case info.Page != 0 && info.Page != float64(number):
		return rulesPart{}, fmt.Errorf("it is page %v", info.Page)
	}
	part.total = int(total)
	if info.PerPage >= 1 && info.PerPage <= mostRules {
		part.size = int(info.PerPage)
	}
	if e.empty() {
		if part.total > 0 {
			return rulesPart{}, errors.New("null instead of rules")
		}
		return part, nil
	}
	if err := c.decode(e, &part.members); err != nil {
		return rulesPart{}, err
	}
	for _, m := range part.members {
		if !c.isID(m.ID) {
			return rulesPart{}, fmt.Errorf("rule for %q: %q is not an id", c.clean(m.Configuration.Value), c.clean(m.ID))
		}
	}
	return part, nil
}

// pages is how many pages hold all rules; there is always one.
func (p rulesPart) pages() int { return max(1, (p.total+p.size-1)/p.size) }

// rule returns the rule if it is for addresses. Those for others are none, and no flaw; one for addresses that cannot be read is told.
func (m ruleMember) rule() (is rule, ok bool, flaw error) {
	switch m.Configuration.Target {
	case "ip", "ip6", "ip_range":
	default:
		return rule{}, false, nil
	}
	prefix, ok := parsePrefix(m.Configuration.Value)
	if !ok {
		return rule{}, false, errors.New("neither an address nor a prefix")
	}
	return rule{m.ID, m.Mode, prefix, m.Notes, time.Time(m.Created)}, true, nil
}

// configured is whom a rule for the prefix is for, IPv6 in the long form that Cloudflare stores
// (https://developers.cloudflare.com/waf/tools/ip-access-rules/parameters/). Other widths than these have no rule.
func configured(prefix netip.Prefix) (ruleConfiguration, error) {
	addr, bits := prefix.Addr(), prefix.Bits()
	switch {
	case addr.Is4() && bits == 32:
		return ruleConfiguration{"ip", addr.String()}, nil
	case addr.Is6() && bits == 128:
		return ruleConfiguration{"ip6", addr.StringExpanded()}, nil
	case addr.Is4() && (bits == 16 || bits == 24), addr.Is6() && (bits == 32 || bits == 48 || bits == 64):
		return ruleConfiguration{"ip_range", addr.StringExpanded() + "/" + strconv.Itoa(bits)}, nil
	}
	return ruleConfiguration{}, fmt.Errorf("%s: no access rule is that wide: /16, /24 and /32 are, and for IPv6 /32, /48, /64 and /128", prefix)
}
