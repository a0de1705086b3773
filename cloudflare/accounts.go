package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// Account is an account that the token may use.
type Account struct {
	ID   string // 32 hexadecimal digits
	Name string // made fit for a line of text
}

// Accounts returns the accounts that the token sees. Cloudflare tells them only to a user's token with the permission Account Settings
// Read: another one gets none (https://github.com/cloudflare/cloudflare-go/issues/725), and one that an account owns is refused, for which
// none stands here too. The zones tell their account as well, see Zones.
func (c *Client) Accounts(ctx context.Context) ([]Account, error) {
	var all []Account
	err := c.pages(ctx, nil, func(e envelope) (int, error) {
		var members []struct{ ID, Name string }
		if err := c.decode(e, &members); err != nil {
			return 0, err
		}
		for _, m := range members {
			if !c.isID(m.ID) {
				return 0, fmt.Errorf("account id %q is not an id", c.clean(m.ID))
			}
			all = append(all, Account{m.ID, c.clean(m.Name)})
		}
		return len(members), nil
	}, "accounts")
	var failure *APIError
	if errors.As(err, &failure) && failure.Status == http.StatusBadRequest && failure.Has(codeAccountOwned) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the accounts: %w", err)
	}
	return all, nil
}

const (
	zonesPage = 50  // the most members that such pages carry
	mostZones = 100 // pages
)

// pages reads the pages of a collection that counts them. take is handed each one and returns how many members it had.
func (c *Client) pages(ctx context.Context, query url.Values, take func(envelope) (int, error), elements ...string) error {
	for page := 1; page <= mostZones; page++ {
		q := url.Values{"page": {strconv.Itoa(page)}, "per_page": {strconv.Itoa(zonesPage)}}
		for name, values := range query {
			q[name] = values
		}
		e, _, err := c.get(ctx, c.outside(q, elements...))
		if err != nil {
			return err
		}
		n := 0
		if !e.empty() {
			if n, err = take(e); err != nil {
				return err
			}
		}
		if n == 0 || page >= e.ResultInfo.TotalPages {
			return nil
		}
	}
	return fmt.Errorf("more than %d pages", mostZones)
}
