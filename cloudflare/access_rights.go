package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// MayEditRules asks whether the scope's access rules may be written, and writes nothing, as MayEditLists does: it sends a request to make a
// rule whose body is no JSON. An error says that the answer tells neither.
func (c *Client) MayEditRules(ctx context.Context, scope Scope) (bool, error) {
	u, err := scope.url(c, nil)
	if err != nil {
		return false, fmt.Errorf("ask whether %s may be written: %w", scope.rules(), err)
	}
	a, err := c.send(ctx, http.MethodPost, u, []byte("{"))
	if err == nil {
		_, err = c.open(a)
	}
	var failure *APIError
	switch {
	case err == nil:
		return false, fmt.Errorf("ask whether %s may be written: Cloudflare took what is no JSON", scope.rules())
	case errors.As(err, &failure) && failure.Forbidden():
		return false, nil
	case errors.As(err, &failure) && failure.Status == http.StatusBadRequest && failure.Err == nil:
		return true, nil
	}
	return false, fmt.Errorf("ask whether %s may be written: %w", scope.rules(), err)
}
