package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// CreateList creates an IP list. It needs the permission Account Filter Lists Edit. Errors are *APIError, of which Forbidden and ListsFull
// tell, and *UncertainError, after which the lists should be read again.
func (c *Client) CreateList(ctx context.Context, name, description string) error {
	err := c.create(ctx, c.url(nil, "rules", "lists"), map[string]string{"name": name, "kind": KindIP, "description": description})
	if err != nil {
		return fmt.Errorf("create list %s: %w", name, err)
	}
	return nil
}

// MayEditLists asks whether the token may write lists, and writes nothing: it sends a request to create a list whose body is no JSON.
// Cloudflare looks at the token first; one that may write learns that the body is bad. An error says that the answer tells neither.
func (c *Client) MayEditLists(ctx context.Context) (bool, error) {
	a, err := c.send(ctx, http.MethodPost, c.url(nil, "rules", "lists"), []byte("{"))
	if err == nil {
		_, err = c.open(a)
	}
	var failure *APIError
	switch {
	case err == nil:
		return false, errors.New("ask whether lists may be written: Cloudflare took what is no JSON")
	case errors.As(err, &failure) && failure.Forbidden():
		return false, nil
	case errors.As(err, &failure) && failure.Status == http.StatusBadRequest && failure.Err == nil:
		return true, nil
	}
	return false, fmt.Errorf("ask whether lists may be written: %w", err)
}
