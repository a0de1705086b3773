package cloudflare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	pollFirst = 200 * time.Millisecond
	pollMost  = 5 * time.Second
)

// OperationError is an operation that Cloudflare began and gave up. How much of it took effect is unknown.
type OperationError struct {
	ID      string
	Message string // Cloudflare's own words, made fit for a line of text
}

func (e *OperationError) Error() string {
	return fmt.Sprintf("operation %s failed: %s", e.ID, e.Message)
}

// Uncertain implements reconcile.Uncertain. One that was refused for throttling or for want of room did nothing.
func (e *OperationError) Uncertain() bool { return !e.Refused() && !e.ListFull() }

// Full implements reconcile.Full.
func (e *OperationError) Full() bool { return e.ListFull() }

// Refused reports whether the operation failed because Cloudflare throttles the account; see IsRefused.
func (e *OperationError) Refused() bool {
	return e.speaksOf("rate limit", "ratelimit", "rate-limit", "throttl", "too many requests")
}

// ListFull reports whether the operation failed because the list, or the account, has no room for more items. The
// words are the example in https://developers.cloudflare.com/api/resources/rules/subresources/lists/.
func (e *OperationError) ListFull() bool { return e.speaksOf("maximum number of items") }

func (e *OperationError) speaksOf(words ...string) bool {
	message := strings.ToLower(e.Message)
	for _, word := range words {
		if strings.Contains(message, word) {
			return true
		}
	}
	return false
}

// Hint tells a person what to do.
func (e *OperationError) Hint() string {
	switch {
	case e.ListFull():
		return "The account has no room for more items: 10 000 over all its lists below the Enterprise plan " +
			"(https://developers.cloudflare.com/waf/tools/lists/). Remove items of other lists, or ban for shorter."
	case e.Refused():
		return "Cloudflare throttles changes of lists. Waiting helps, trying more often does harm."
	}
	return "The next run reads the list again and repairs what is missing."
}

// PendingError is an operation whose end was not seen: time was up, or asking about it failed. It may still take
// effect, and until it ended Cloudflare accepts no other write to any list of the account. Client.Await goes on
// waiting.
type PendingError struct {
	OperationID string
	Err         error
}

func (e *PendingError) Error() string {
	why := e.Err.Error()
	if errors.Is(e.Err, context.DeadlineExceeded) {
		why = "time was up"
	}
	return fmt.Sprintf("operation %s was not seen to end: %s", e.OperationID, why)
}

func (e *PendingError) Unwrap() error { return e.Err }

// Uncertain implements reconcile.Uncertain: the operation may complete at any time.
func (e *PendingError) Uncertain() bool { return true }

// Pending implements reconcile.Pending: the operation to ask about.
func (e *PendingError) Pending() string { return e.OperationID }

// Hint tells a person what to do.
func (e *PendingError) Hint() string {
	return "Nothing: Cloudflare goes on working at it, and the next run reads the list again."
}

// Await returns when the operation has completed. It asks after 200 ms and then ever less often, at most 5 s apart.
// Errors are *OperationError, and *PendingError when the end was not seen: before ctx ends, as soon as no further
// question fits in.
func (c *Client) Await(ctx context.Context, operationID string) error {
	if !c.isID(operationID) {
		return fmt.Errorf("operation id %q: not an id", c.clean(operationID))
	}
	for wait := pollFirst; ; wait = min(wait*3/2, pollMost) {
		if err := sleep(ctx, wait); err != nil {
			return &PendingError{operationID, err}
		}
		ended, err := c.ended(ctx, operationID)
		if ended || err != nil {
			return err
		}
	}
}

// ended asks once about an operation.
func (c *Client) ended(ctx context.Context, id string) (bool, error) {
	e, _, err := c.get(ctx, c.url(nil, "rules", "lists", "bulk_operations", id))
	var operation struct {
		Status string `json:"status"`
		Error  string `json:"error"`
	}
	if err == nil {
		err = c.decode(e, &operation)
	}
	if err != nil {
		return false, &PendingError{id, err}
	}
	switch operation.Status {
	case "pending", "running":
		return false, nil
	case "completed":
		return true, nil
	case "failed":
		return true, &OperationError{id, c.clean(operation.Error)}
	}
	return false, &PendingError{id, fmt.Errorf("unknown status %q", c.clean(operation.Status))}
}

// submit sends one write, once, and returns the id of the operation that it started. An error that leaves open
// whether the write took effect is an *UncertainError; a refusal is an *APIError.
func (c *Client) submit(ctx context.Context, method string, u *url.URL, body any) (string, error) {
	data, err := encode(body)
	if err != nil {
		return "", err
	}
	a, err := c.send(ctx, method, u, data)
	if err != nil {
		return "", err
	}
	id, err := c.operationID(a)
	if err != nil && uncertain(a, err) {
		return "", &UncertainError{err}
	}
	return id, err
}

// send sends one write, once. When no whole answer came the error is an *UncertainError.
func (c *Client) send(ctx context.Context, method string, u *url.URL, data []byte) (answer, error) {
	if err := ctx.Err(); err != nil {
		return answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(data))
	if err != nil {
		return answer{}, err
	}
	resp, err := c.writes.Do(req)
	if err != nil {
		return answer{}, &UncertainError{c.noAnswer(req, err)}
	}
	a, err := c.receive(resp, nil)
	if err != nil {
		return answer{}, &UncertainError{err}
	}
	return a, nil
}

// create makes something by one POST that takes effect at once. Errors are those of submit.
func (c *Client) create(ctx context.Context, u *url.URL, body any) error {
	_, err := c.write(ctx, http.MethodPost, u, body)
	return err
}

// write sends one write that takes effect at once, once, and returns the answer's envelope. Errors are those of submit.
func (c *Client) write(ctx context.Context, method string, u *url.URL, body any) (envelope, error) {
	data, err := encode(body)
	if err != nil {
		return envelope{}, err
	}
	a, err := c.send(ctx, method, u, data)
	if err != nil {
		return envelope{}, err
	}
	e, err := c.open(a)
	if err != nil && uncertain(a, err) {
		return envelope{}, &UncertainError{err}
	}
	return e, err
}

func (c *Client) operationID(a answer) (string, error) {
	e, err := c.open(a)
	if err != nil {
		return "", err
	}
	var started struct {
		ID string `json:"operation_id"`
	}
	if err := c.decode(e, &started); err != nil {
		return "", err
	}
	if !c.isID(started.ID) {
		return "", fmt.Errorf("answer names no operation: %q", c.clean(started.ID))
	}
	return started.ID, nil
}

// uncertain reports whether the answer to a write leaves open what became of it: a server's error, or a good status
// without the words that go with it. A refusal, and success denied in so many words, are certain.
func uncertain(a answer, err error) bool {
	var failure *APIError
	if !errors.As(err, &failure) {
		return true
	}
	return !failure.Refused() && (a.status >= 500 || a.good() && failure.Err != nil)
}
