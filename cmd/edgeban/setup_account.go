package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"edgeban/cloudflare"
)

// findAccount learns which account to work on: from the settings, else from what the token sees. It returns the zones that it came across.
func (u *setup) findAccount(ctx context.Context) ([]cloudflare.Zone, error) {
	if u.account = u.settings.Account; u.account != "" {
		u.say("account", u.account+" ("+u.settings.values["account"].origin+")")
		return nil, nil
	}
	bounded, cancel := u.within(ctx)
	defer cancel()
	accounts, zones, err := u.visibleAccounts(bounded)
	if err != nil {
		return nil, err
	}
	found := accounts
	if len(accounts) > 1 {
		if named := accountsOf(zones, u.zones); len(named) > 0 {
			found = named
		}
	}
	var chosen cloudflare.Account
	switch {
	case len(found) == 0:
		return nil, errAccountUnknown{}
	case len(found) == 1:
		chosen = found[0]
	case u.asked != nil:
		if chosen, err = u.askForAccount(ctx, found); err != nil {
			return nil, err
		}
	default:
		return nil, &severalAccountsError{found, u.settings.configFile()}
	}
	u.account, u.found = chosen.ID, true
	u.say("account", fmt.Sprintf("%s (%s), found by the token; in %s:", chosen.ID, chosen.Name, u.settings.configFile()), u.accountLine())
	return zones, nil
}

// accountLine is the account as the configuration file writes it.
func (u *setup) accountLine() string { return `account = "` + u.account + `"` }

// visibleAccounts are all that the token sees, by themselves or by their zones, sorted by id.
func (x *session) visibleAccounts(ctx context.Context) ([]cloudflare.Account, []cloudflare.Zone, error) {
	accounts, err := x.client.Accounts(ctx)
	if err != nil && !forbidden(err) {
		return nil, nil, err
	}
	zones, failed := x.client.Zones(ctx, "")
	switch {
	case failed != nil && !forbidden(failed):
		return nil, nil, failed
	case failed != nil && err != nil: // neither: it is the token rather than a permission
		return nil, nil, err
	}
	for _, a := range accountsOf(zones, nil) {
		if !slices.ContainsFunc(accounts, func(b cloudflare.Account) bool { return a.ID == b.ID }) {
			accounts = append(accounts, a)
		}
	}
	slices.SortFunc(accounts, func(a, b cloudflare.Account) int { return cmp.Compare(a.ID, b.ID) })
	return accounts, zones, nil
}

// accountsOf are the accounts of the zones of these names; of all zones when there are no names.
func accountsOf(zones []cloudflare.Zone, names []string) []cloudflare.Account {
	var all []cloudflare.Account
	for _, z := range zones {
		if (len(names) == 0 || slices.Contains(names, z.Name)) && !slices.Contains(all, z.Account) {
			all = append(all, z.Account)
		}
	}
	return all
}

// forbidden reports whether Cloudflare refused for want of a permission, or of a good token.
func forbidden(err error) bool {
	var failure *cloudflare.APIError
	return errors.As(err, &failure) && failure.Forbidden()
}

// errAccountUnknown is a token that does not tell its account.
type errAccountUnknown struct{}

func (errAccountUnknown) Error() string { return "the token does not tell its account" }
func (errAccountUnknown) Hint() string {
	return "It may lack the permission " + permissionAccount + " or " + permissionZones + ", which a run does not need either.\n" + whereAccount
}

// severalAccountsError is a token that sees more than one account.
type severalAccountsError struct {
	accounts []cloudflare.Account
	config   string // the configuration file in effect
}

func (e *severalAccountsError) Error() string {
	return fmt.Sprintf("the token sees %d accounts, and none is chosen", len(e.accounts))
}

func (e *severalAccountsError) Hint() string {
	lines := []string{"Name one, by --account ID or in " + e.config + ":"}
	for _, a := range e.accounts {
		lines = append(lines, fmt.Sprintf("account = %q  # %s", a.ID, printable(a.Name)))
	}
	return strings.Join(lines, "\n")
}

func (u *setup) askForAccount(ctx context.Context, accounts []cloudflare.Account) (cloudflare.Account, error) {
	fmt.Fprintln(u.out.stdout, "The token sees several accounts:")
	for i, a := range accounts {
		fmt.Fprintf(u.out.stdout, "  %d  %s  %s\n", i+1, a.ID, printable(a.Name))
	}
	for {
		text, err := u.asked.ask(ctx, fmt.Sprintf("Which one? [1-%d]", len(accounts)))
		if err != nil {
			return cloudflare.Account{}, err
		}
		if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(accounts) {
			return accounts[n-1], nil
		}
	}
}
