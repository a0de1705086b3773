package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"edgeban/reconcile"
)

const (
	refusedLeast  = 5 * time.Second // before the one further attempt
	refusedMost   = 5 * time.Minute // a longer Retry-After is for the next run
	refusedJitter = 15 * time.Second

	settleTime = 5 * time.Second // most operations take less
)

// member is an item as it is written.
type member struct {
	IP      string `json:"ip"`
	Comment string `json:"comment"`
}

// members turns posts into what is sent. Cloudflare refuses duplicates, so they are an error.
func members(posts []reconcile.Post) ([]member, error) {
	all := make([]member, 0, len(posts))
	ips := make([]string, 0, len(posts))
	for _, post := range posts {
		if !post.Prefix.IsValid() {
			return nil, errors.New("invalid prefix")
		}
		ip := text(canonical(post.Prefix))
		all, ips = append(all, member{ip, post.Comment}), append(ips, ip)
	}
	slices.Sort(ips) // takes less memory than a set
	for i := 1; i < len(ips); i++ {
		if ips[i] == ips[i-1] {
			return nil, fmt.Errorf("%s is there twice", ips[i])
		}
	}
	return all, nil
}

// Add implements reconcile.Target. Besides those of Survey, errors are *APIError (of which IsRefused tells refusals),
// *OperationError, *PendingError and *UncertainError. Items of batches that did not surely complete do not count as
// done. Duplicates after canonicalisation are an error.
func (t *ListTarget) Add(ctx context.Context, posts []reconcile.Post) (int, error) {
	all, err := members(posts)
	if err != nil {
		return 0, fmt.Errorf("add to %s: %w", t.Name(), err)
	}
	t.giveBack()
	done, err := batches(t, Adding, all, func(batch []member) error {
		return t.change(ctx, http.MethodPost, batch)
	})
	if err != nil {
		return done, fmt.Errorf("add to %s: %w", t.Name(), err)
	}
	return done, nil
}

// Replace implements reconcile.Replacer: one write that leaves these items on the list and no others. It refuses to
// empty a list. Errors are those of Add, and one that implements reconcile.TooLarge: such a write cannot be halved.
func (t *ListTarget) Replace(ctx context.Context, posts []reconcile.Post) error {
	all, err := members(posts)
	switch {
	case err != nil:
	case len(all) == 0:
		err = errors.New("an empty list is not written this way")
	case len(all) > t.options.BatchSize:
		err = &batchError{len(all), t.options.BatchSize}
	default:
		t.progress(Replacing, 0, len(all))
		err = t.change(ctx, http.MethodPut, all)
		t.shrink(err, len(all))
	}
	if err != nil {
		return fmt.Errorf("replace the items of %s: %w", t.Name(), err)
	}
	return nil
}

// batchError is a write that is not made because it is larger than one may be.
type batchError struct{ items, most int }

func (e *batchError) Error() string {
	return fmt.Sprintf("%d items are more than the %d of one write", e.items, e.most)
}

// TooLarge implements reconcile.TooLarge.
func (e *batchError) TooLarge() bool { return true }

// shrink halves the batches when that is why a write of so many items failed, and reports whether it did.
func (t *ListTarget) shrink(err error, size int) bool {
	var answer *APIError
	if !errors.As(err, &answer) || !answer.TooLarge() || size <= 1 {
		return false
	}
	t.options.BatchSize = (size + 1) / 2
	return true
}

// Remove implements reconcile.Target. Errors are those of Add.
func (t *ListTarget) Remove(ctx context.Context, items []reconcile.Item) (int, error) {
	type member struct {
		ID string `json:"id"`
	}
	all := make([]member, 0, len(items))
	for _, item := range items {
		if item.ID == "" {
			return 0, fmt.Errorf("remove from %s: item %s without an id", t.Name(), item.Prefix)
		}
		all = append(all, member{item.ID})
	}
	done, err := batches(t, Removing, all, func(batch []member) error {
		return t.change(ctx, http.MethodDelete, map[string]any{"items": batch})
	})
	if err != nil {
		return done, fmt.Errorf("remove from %s: %w", t.Name(), err)
	}
	return done, nil
}

// batches hands all to do, as many at a time as a write may carry, and returns how many went through. A batch that is
// refused as too large is halved. No member, no call: an empty write could empty the list.
func batches[T any](t *ListTarget, work Work, all []T, do func([]T) error) (int, error) {
	done := 0
	for done < len(all) {
		t.progress(work, done, len(all))
		size := min(t.options.BatchSize, len(all)-done)
		err := do(all[done : done+size])
		switch {
		case err == nil:
			done += size
		case t.shrink(err, size):
		case len(all) > size:
			return done, fmt.Errorf("items %d to %d of %d: %w", done+1, done+size, len(all), err)
		default:
			return done, err
		}
	}
	return done, nil
}

// BatchSize is how many items one write carries: what the options say, or less after a write was refused as too large.
func (t *ListTarget) BatchSize() int { return t.options.BatchSize }

// forgive lets the target write again after a write of which nobody knew whether it took effect: the list is read anew.
func (t *ListTarget) forgive() {
	var uncertain *UncertainError
	if errors.As(t.stopped, &uncertain) {
		t.stopped = nil
	}
}

// settle waits, after such a write, until an operation that it may have begun has most likely ended. Otherwise the list would be read as
// it was before, and the write made a second time. It returns the write's error when there is no time for that.
func (t *ListTarget) settle(ctx context.Context) error {
	var uncertain *UncertainError
	if !errors.As(t.stopped, &uncertain) || sleep(ctx, settleTime) == nil {
		return nil
	}
	return t.stopped
}

// Await implements reconcile.Awaiter: it waits for an operation that an earlier run began. The error is a *PendingError.
func (t *ListTarget) Await(ctx context.Context, operationID string) error {
	err := t.client.Await(ctx, operationID)
	var ended *OperationError
	var answer *APIError
	if errors.As(err, &ended) && !ended.Refused() || errors.As(err, &answer) && answer.Status == http.StatusNotFound {
		return nil
	}
	return err
}

// change makes one write and waits for its end.
func (t *ListTarget) change(ctx context.Context, method string, body any) error {
	if t.stopped != nil {
		return t.stopped
	}
	if t.list.ID == "" {
		if _, err := t.survey(ctx); err != nil {
			return err
		}
	}
	id, err := t.submit(ctx, method, body)
	if err == nil {
		err = t.client.Await(ctx, id)
	}
	var pending *PendingError
	var uncertain *UncertainError
	if IsRefused(err) || errors.As(err, &pending) || errors.As(err, &uncertain) {
		t.stopped = err
	}
	return err
}

// submit sends a write. It sends a refused one once more, if no other was in this run, the deadline allows the pause, and the list is
// still as it was read.
func (t *ListTarget) submit(ctx context.Context, method string, body any) (string, error) {
	u := t.client.url(nil, "rules", "lists", t.list.ID, "items")
	id, err := t.client.submit(ctx, method, u, body)
	var refusal *APIError
	if !errors.As(err, &refusal) || !refusal.Refused() || t.retried || t.options.NoRetry {
		return id, err
	}
	if !t.client.pause(ctx, err, 0) {
		return "", err
	}
	t.retried = true
	if t.read != nil {
		now, failed := t.walk(ctx)
		if failed != nil {
			return "", err
		}
		if !slices.Equal(now, t.read) {
			return "", &changedError{err}
		}
	}
	return t.client.submit(ctx, method, u, body)
}

// pause waits before the one further attempt after a write that was refused. It reports whether there was enough time, after which time
// to spare is left.
func (c *Client) pause(ctx context.Context, err error, spare time.Duration) bool {
	wait := refusedLeast
	var refusal *APIError
	if errors.As(err, &refusal) {
		wait = max(wait, refusal.RetryAfter)
	}
	if wait > refusedMost {
		return false
	}
	wait += c.jitter(refusedJitter)
	if !fits(ctx, wait+spare) {
		return false
	}
	c.logger.InfoContext(ctx, "Cloudflare refused a write, one more attempt follows", "pause", wait, "error", err)
	return sleep(ctx, wait) == nil
}

// changedError is a write that was refused and not tried again, because the list has changed since it was planned: most often it was
// the one who changed it that Cloudflare was busy with. What was planned may hit what somebody else has put there.
type changedError struct{ err error }

func (e *changedError) Error() string { return fmt.Sprintf("the list changed while %v", e.err) }

// Stale implements reconcile.Stale.
func (e *changedError) Stale() bool { return true }
