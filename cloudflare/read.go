package cloudflare

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	readRetries   = 3 // after the first attempt
	retryFirst    = 500 * time.Millisecond
	retryGrowth   = 4
	retryMost     = 8 * time.Second
	retryAfterMax = 2 * time.Minute
)

// get reads what is at u and returns the answer's envelope and the server's time.
func (c *Client) get(ctx context.Context, u *url.URL) (envelope, time.Time, error) {
	a, err := c.ask(ctx, u, nil)
	if err != nil {
		return envelope{}, time.Time{}, err
	}
	e, err := c.open(a)
	return e, a.clock(), err
}

// ask reads what is at u, if need be with further attempts. room is where the answer's body may be put, see receive.
func (c *Client) ask(ctx context.Context, u *url.URL, room []byte) (answer, error) {
	return c.askWithin(ctx, u, room, nil)
}

// askWithin is ask with a budget, which every attempt is taken from. The error is a *BudgetError when there is nothing left for the first.
func (c *Client) askWithin(ctx context.Context, u *url.URL, room []byte, budget *Budget) (answer, error) {
	if err := budget.spend(); err != nil {
		return answer{}, err
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return answer{}, err
	}
	r := &reading{client: c, room: room, budget: budget, pause: retryFirst}
	req.SetResponseHandler(r.receive)
	again := &retryablehttp.Client{
		HTTPClient: c.reads, RetryMax: readRetries,
		CheckRetry: r.check, Backoff: r.backoff, ErrorHandler: r.giveUp,
	}
	if _, err := again.Do(req); err != nil { //nolint:bodyclose // receive closed it
		return answer{}, c.noAnswer(req.Request, err)
	}
	return r.answer, nil
}

// origin is where a URL leads, without the path.
func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

func (c *Client) noAnswer(req *http.Request, err error) error {
	var partial *NoAnswerError
	if errors.As(err, &partial) {
		return err
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // the URL is told otherwise
	}
	return &NoAnswerError{Method: req.Method, Path: req.URL.Path, Host: req.URL.Hostname(), Origin: origin(req.URL), Err: c.cleaned(err)}
}

// reading is one read with its attempts. Its methods are go-retryablehttp's hooks, because that library's own obey
// any Retry-After, wait beyond the deadline and throw the last answer away.
type reading struct {
	client *Client
	room   []byte        // for the answer's body
	budget *Budget       // for further attempts
	pause  time.Duration // the next one, should the server not ask for another
	wait   time.Duration // decided by check for backoff
	answer answer
}

// receive keeps an answer that will not be asked for again. Its error, a body that breaks off, is worth a retry.
func (r *reading) receive(resp *http.Response) error {
	var err error
	r.answer, err = r.client.receive(resp, r.room)
	return err
}

// check decides whether another attempt makes sense and can be made before the deadline. With "no" the library hands
// out the answer at hand.
func (r *reading) check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil || !worthAnother(resp, err) || r.budget.Left() == 0 {
		return false, nil //nolint:nilerr // "no" is the decision; err reaches giveUp by itself
	}
	r.wait = r.pause
	if resp != nil {
		r.wait = max(r.wait, retryAfter(resp.Header, time.Now()))
	}
	if !fits(ctx, r.wait) {
		return false, nil
	}
	r.wait = min(r.wait, retryAfterMax)
	return true, nil
}

func (r *reading) backoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration {
	_ = r.budget.spend() // check saw that there is something left
	r.pause = min(r.pause*retryGrowth, retryMost)
	return r.wait
}

// giveUp keeps the last answer when there are no attempts left.
func (r *reading) giveUp(resp *http.Response, err error, _ int) (*http.Response, error) {
	if err == nil {
		err = r.receive(resp)
	}
	return resp, err // its body, if there is one, was read and closed
}

func worthAnother(resp *http.Response, err error) bool {
	if err != nil {
		var cert *tls.CertificateVerificationError
		return !errors.As(err, &cert)
	}
	return resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500
}

// fits reports whether ctx goes on for longer than wait.
func fits(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > wait
}

// sleep waits, or returns at once why it cannot.
func sleep(ctx context.Context, wait time.Duration) error {
	if ctx.Err() == nil && !fits(ctx, wait) {
		return context.DeadlineExceeded
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
