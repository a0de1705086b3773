package cloudflaretest

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// AccessRule is an access rule as the API shows it.
type AccessRule struct {
	ID         string // empty in SetAccessRule: a new one
	Mode       string // one of the Mode constants
	Target     string // one of the Target constants; empty in SetAccessRule: what the value looks like
	Value      string // "192.0.2.1", "2001:0db8:0000:0000:0000:0000:0000:0001", "198.51.100.0/24", "AS64496", "DE"
	Notes      string
	CreatedOn  time.Time // zero in SetAccessRule: now
	ModifiedOn time.Time // zero in SetAccessRule: now
}

// SetAccessRule gives a scope a rule, or changes mode and notes of the one with that target and value: at once, as
// a person in the dashboard would. It heeds no quota, and returns the rule's id. An account is made known if need
// be, a zone must be known.
func (c *Cloudflare) SetAccessRule(scope Scope, rule AccessRule) (id string, err error) {
	defer c.lock()()
	return c.setAccessRule(scope, rule)
}

// SetAccessRules is SetAccessRule for several, the oldest first. Those before a bad one have been set.
func (c *Cloudflare) SetAccessRules(scope Scope, rules ...AccessRule) error {
	defer c.lock()()
	for _, rule := range rules {
		if _, err := c.setAccessRule(scope, rule); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cloudflare) setAccessRule(scope Scope, want AccessRule) (string, error) {
	switch kind, id := scope.parts(); {
	case kind == "accounts":
		c.addAccount(id)
	case kind == "zones" && c.zones[id] == nil:
		return "", fmt.Errorf("zone %s: unknown", id)
	case kind != "zones" && scope != UserScope():
		return "", fmt.Errorf("scope %q: neither an account's, nor a zone's, nor the user's", scope)
	}
	if !slices.Contains(accessModes(), want.Mode) {
		return "", fmt.Errorf("access rule %s: unknown mode %q", want.Value, want.Mode)
	}
	what, complaint := configured(cmp.Or(want.Target, targetOf(want.Value)), want.Value)
	if complaint != "" {
		return "", fmt.Errorf("access rule %s: %s", want.Value, complaint)
	}
	s := c.accessSet(scope)
	r := s.rules[what]
	if r == nil {
		r = c.newAccessRule(s, want.Mode, what, want.Notes)
	}
	r.mode, r.notes, r.modified = want.Mode, want.Notes, c.opts.Now()
	if want.ID != "" {
		delete(s.byID, r.id)
		r.id = want.ID
		s.byID[r.id] = r
	}
	if !want.CreatedOn.IsZero() {
		r.created = want.CreatedOn
	}
	if !want.ModifiedOn.IsZero() {
		r.modified = want.ModifiedOn
	}
	return r.id, nil
}

// targetOf is what a value must be meant for.
func targetOf(value string) string {
	addr, err := netip.ParseAddr(value)
	switch {
	case err == nil && addr.Is4():
		return TargetIP
	case err == nil:
		return TargetIP6
	case strings.Contains(value, "/"):
		return TargetRange
	case len(value) == 2:
		return TargetCountry
	}
	return TargetASN
}

// DeleteAccessRule takes the rule for that value from a scope at once and reports whether it was there.
func (c *Cloudflare) DeleteAccessRule(scope Scope, value string) bool {
	defer c.lock()()
	s := c.accessSet(scope)
	what, _ := configured(targetOf(value), value)
	r := s.rules[what]
	if r == nil {
		return false
	}
	s.remove(r)
	return true
}

// AccessRules returns a scope's own rules: networks and countries by name, then addresses and ranges in their
// order, IPv4 first.
func (c *Cloudflare) AccessRules(scope Scope) []AccessRule {
	defer c.lock()()
	rules := slices.Clone(c.accessSet(scope).order)
	slices.SortFunc(rules, func(a, b *accessRule) int {
		return cmp.Or(a.what.network().Compare(b.what.network()), strings.Compare(a.what.Value, b.what.Value))
	})
	all := make([]AccessRule, 0, len(rules))
	for _, r := range rules {
		all = append(all, AccessRule{
			ID: r.id, Mode: r.mode, Target: r.what.Target, Value: r.what.Value, Notes: r.notes,
			CreatedOn: r.created, ModifiedOn: r.modified,
		})
	}
	return all
}

// CountAccessRules is how many rules a scope has of its own.
func (c *Cloudflare) CountAccessRules(scope Scope) int {
	defer c.lock()()
	return len(c.accessSet(scope).order)
}

// network is the addresses that a configuration names; invalid: it names none.
func (w configuration) network() netip.Prefix {
	if network, err := netip.ParsePrefix(w.Value); err == nil {
		return network
	}
	addr, err := netip.ParseAddr(w.Value)
	if err != nil {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(addr, addr.BitLen())
}

// SetMaxAccessRules changes how many access rules an account may have. Those that there are stay.
func (c *Cloudflare) SetMaxAccessRules(n int) {
	defer c.lock()()
	c.opts.MaxAccessRules = n
}
