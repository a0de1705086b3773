package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"edgeban/cloudflare"
)

// expiresSoon is when somebody ought to make a new token.
const expiresSoon = 14 * 24 * time.Hour

// token asks Cloudflare what the token is and may do, and reads the lists on the way.
func (c *checkup) token(ctx context.Context) {
	if c.client == nil {
		if c.settings.tokenOrigin == originDefault { // else config said what is wrong with it
			p := c.settings.noToken()
			c.fail("token", p.text, p.hint)
		}
		return
	}
	var silent *cloudflare.NoAnswerError
	if c.settings.Account == "" && !c.settings.accountless() {
		if err := c.guessAccount(ctx); errors.As(err, &silent) {
			c.failOf("api", silent)
			return
		}
	}
	if !c.settings.Key.IsZero() {
		c.key(ctx)
		return
	}
	state, err := c.client.VerifyToken(ctx)
	kind := "user's token"
	if state.AccountOwned {
		kind = "account token"
	}
	switch {
	case errors.As(err, &silent):
		c.failOf("api", silent)
		return
	case err != nil && c.settings.Account == "" && !c.settings.accountless():
		c.warn("token", "whether it is good is unknown: an account's token can be tried only when the account is known", "")
		return
	case err != nil:
		kind = "token" // that it can be used is what counts
	case state.Status != "active":
		c.fail("token", fmt.Sprintf("%s, %s (%s)", kind, state.Status, c.settings.tokenOrigin), c.settings.noToken().hint)
		return
	case !state.Expires.IsZero() && state.Expires.Sub(c.now) < expiresSoon:
		c.warn("token", "expires at "+moment(c.now, state.Expires), "Make a new one, or roll this one, in the dashboard under API Tokens.")
	}
	if c.settings.Account == "" && !c.settings.accountless() {
		c.ok("token", "%s, active (%s)", kind, c.settings.tokenOrigin)
		return
	}
	c.rights(ctx, "token", kind)
}

// key tries a global API key, which nothing verifies: it may do what its user may.
func (c *checkup) key(ctx context.Context) {
	if c.settings.Account == "" && !c.settings.accountless() {
		c.warn("key", "whether it is good is unknown: it can be tried only when the account is known", "")
		return
	}
	c.rights(ctx, "key", "global API key of "+c.settings.Email)
}

// rights tries what a run needs, and asks whether it may be written, without a write.
func (c *checkup) rights(ctx context.Context, part, kind string) {
	if c.settings.AccessRules {
		c.ruleRights(ctx, part, kind)
		return
	}
	c.listRights(ctx, part, kind)
}

// guessAccount goes on with the account that the token sees, if there is but one, so that the rest can be tried. What follows from an
// error is said under account.
func (c *checkup) guessAccount(ctx context.Context) error {
	accounts, _, err := c.visibleAccounts(ctx)
	if err != nil || len(accounts) != 1 {
		return err
	}
	client, err := c.client.For(accounts[0].ID)
	if err == nil {
		c.client, c.settings.Account, c.guessed = client, accounts[0].ID, true
	}
	return err
}

// listRights reads the lists, and asks whether they may be written.
func (c *checkup) listRights(ctx context.Context, part, kind string) {
	lists, clock, err := c.client.Lists(ctx)
	if err != nil {
		c.failOf(part, err)
		return
	}
	c.asked = true
	c.lists = append([]cloudflare.List{}, lists...)
	if c.timed = !clock.IsZero(); c.timed {
		c.skew = clock.Sub(c.sys.now())
	}
	from := " (" + c.settings.tokenOrigin + ")"
	if hold := c.blocking().past().Throttle; hold.InARow > 0 {
		c.ok(part, "%s, may read lists%s; whether it may write them is not asked while Cloudflare refuses writes", kind, from)
		return
	}
	may, err := c.client.MayEditLists(ctx)
	switch {
	case err != nil:
		c.warn(part, fmt.Sprintf("%s, may read lists%s; whether it may write them is unknown: %v", kind, from, err), hintOf(err))
	case !may:
		c.fail(part, kind+", may read lists but not write them"+from, "Give it the permission "+permissionLists+" in the dashboard under API Tokens.")
	default:
		c.ok(part, "%s, may read and write lists%s", kind, from)
	}
}

// account says which account it is.
func (c *checkup) account(context.Context) {
	switch {
	case c.settings.accountless():
	case c.guessed:
		c.fail("account", noAccount().text+"; the token sees one", fmt.Sprintf("Set it in %s: account = %q", c.settings.configFile(), c.settings.Account))
	case c.settings.Account == "":
		c.fail("account", noAccount().text, noAccount().hint)
	case c.asked:
		c.ok("account", "%s (%s)", c.settings.Account, c.settings.values["account"].origin)
	}
}
