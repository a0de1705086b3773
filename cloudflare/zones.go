package cloudflare

import (
	"context"
	"fmt"
	"net/url"
)

// Zone is a domain.
type Zone struct {
	ID      string // 32 hexadecimal digits
	Name    string // "example.com"
	Account Account
}

// Zones returns the zones of that name, in whatever account the token sees; without a name, all. It needs the permission Zone Read for
// them; without it the answer is empty, or an *APIError of which Forbidden tells.
func (c *Client) Zones(ctx context.Context, name string) ([]Zone, error) {
	query, what := url.Values{}, "the zones"
	if name != "" {
		query.Set("name", name)
		what = "zone " + c.clean(name)
	}
	var all []Zone
	err := c.pages(ctx, query, func(e envelope) (int, error) {
		var members []struct {
			ID, Name string
			Account  struct{ ID, Name string }
		}
		if err := c.decode(e, &members); err != nil {
			return 0, err
		}
		for _, m := range members {
			if !c.isID(m.ID) || !c.isID(m.Account.ID) {
				return 0, fmt.Errorf("zone %s: id %q or its account's, %q, is not an id", c.clean(m.Name), c.clean(m.ID), c.clean(m.Account.ID))
			}
			if name == "" || m.Name == name {
				all = append(all, Zone{m.ID, c.clean(m.Name), Account{m.Account.ID, c.clean(m.Account.Name)}})
			}
		}
		return len(members), nil
	}, "zones")
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return all, nil
}
