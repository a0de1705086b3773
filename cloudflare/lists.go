package cloudflare

import (
	"context"
	"fmt"
	"time"
)

// Kinds of lists (https://developers.cloudflare.com/waf/tools/lists/custom-lists/).
const (
	KindIP       = "ip"
	KindRedirect = "redirect" // has a quota of its own
)

// List is one of an account's lists, without its items.
type List struct {
	ID         string // 32 hexadecimal digits
	Name       string // unique in the account
	Kind       string // KindIP, KindRedirect, "hostname", "asn"
	Items      int    // may lag behind the truth
	References int    // how many filters and rules use the list
}

// Lists returns all lists of the account, and the server's time; zero: it did not say.
func (c *Client) Lists(ctx context.Context) ([]List, time.Time, error) {
	lists, clock, err := c.lists(ctx)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read lists: %w", err)
	}
	return lists, clock, nil
}

func (c *Client) lists(ctx context.Context) ([]List, time.Time, error) {
	e, clock, err := c.get(ctx, c.url(nil, "rules", "lists"))
	if err != nil {
		return nil, time.Time{}, err
	}
	var members []struct {
		ID         string   `json:"id"`
		Name       string   `json:"name"`
		Kind       string   `json:"kind"`
		Items      *float64 `json:"num_items"` // the API's schema knows but one type of numbers
		References float64  `json:"num_referencing_filters"`
	}
	if e.empty() {
		return nil, clock, nil // the schema allows null; an account without lists has none that could be ours
	}
	if err := c.decode(e, &members); err != nil {
		return nil, time.Time{}, err
	}
	lists := make([]List, 0, len(members))
	for _, m := range members {
		name := c.clean(m.Name)
		if !c.isID(m.ID) {
			return nil, time.Time{}, fmt.Errorf("list %s: id %q is not an id", name, c.clean(m.ID))
		}
		if m.Items == nil || *m.Items < 0 || *m.Items > 1e9 {
			return nil, time.Time{}, fmt.Errorf("list %s: no number of items", name)
		}
		lists = append(lists, List{m.ID, name, c.clean(m.Kind), int(*m.Items), int(m.References)})
	}
	return lists, clock, nil
}
