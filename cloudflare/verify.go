package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// TokenState is what Cloudflare says of the token.
type TokenState struct {
	Status       string    // "active", "disabled" or "expired"
	AccountOwned bool      // by the account rather than by a user
	Expires      time.Time // zero: never
	Clock        time.Time // the server's time; zero: it did not say
}

// VerifyToken asks what the token is. A token is known to one of two endpoints only, its user's or its account's, so that both may be
// asked. The error is an *APIError when neither knows it.
func (c *Client) VerifyToken(ctx context.Context) (TokenState, error) {
	var state TokenState
	var err error
	if c.account != "" {
		state, err = c.tokenState(ctx, c.url(nil, "tokens", "verify"))
		state.AccountOwned = true
	}
	var unknown *APIError
	if c.account == "" || errors.As(err, &unknown) && (unknown.Forbidden() || unknown.Status == http.StatusNotFound) {
		state, err = c.tokenState(ctx, c.outside(nil, "user", "tokens", "verify"))
	}
	if err != nil {
		return TokenState{}, fmt.Errorf("verify the token: %w", err)
	}
	return state, nil
}

func (c *Client) tokenState(ctx context.Context, at *url.URL) (TokenState, error) {
	e, clock, err := c.get(ctx, at)
	if err != nil {
		return TokenState{}, err
	}
	var state struct {
		Status  string    `json:"status"`
		Expires time.Time `json:"expires_on"`
	}
	if err := c.decode(e, &state); err != nil {
		return TokenState{}, err
	}
	return TokenState{Status: c.clean(state.Status), Expires: state.Expires, Clock: clock}, nil
}
