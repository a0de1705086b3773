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
)

// Add implements reconcile.Target. Besides those of Survey, errors are *APIError (of which IsRefused tells refusals),
// *OperationError, *PendingError and *UncertainError. Items of batches that did not surely complete do not count as
// done. Duplicates after canonicalisation are an error: Cloudflare refuses them.
func (t *ListTarget) Add(ctx context.Context, posts []reconcile.Post) (int, error) {
	type member struct {
		IP      string `json:"ip"`
		Comment string `json:"comment"`
	}
	members := make([]member, 0, len(posts))
	seen := make(map[string]bool, len(posts))
	for _, post := range posts {
		if !post.Prefix.IsValid() {
			return 0, fmt.Errorf("add to %s: invalid prefix", t.Name())
		}
		ip := text(canonical(post.Prefix))
		if seen[ip] {
			return 0, fmt.Errorf("add to %s: %s is there twice", t.Name(), ip)
		}
		seen[ip] = true
		members = append(members, member{ip, post.Comment})
	}
	done, err := batches(members, t.options.BatchSize, func(batch []member) error {
		return t.change(ctx, http.MethodPost, batch)
	})
	if err != nil {
		return done, fmt.Errorf("add to %s: %w", t.Name(), err)
	}
	return done, nil
}

// Remove implements reconcile.Target. Errors are those of Add.
func (t *ListTarget) Remove(ctx context.Context, items []reconcile.Item) (int, error) {
	type member struct {
		ID string `json:"id"`
	}
	members := make([]member, 0, len(items))
	for _, item := range items {
		if item.ID == "" {
			return 0, fmt.Errorf("remove from %s: item %s without an id", t.Name(), item.Prefix)
		}
		members = append(members, member{item.ID})
	}
	done, err := batches(members, t.options.BatchSize, func(batch []member) error {
		return t.change(ctx, http.MethodDelete, map[string]any{"items": batch})
	})
	if err != nil {
		return done, fmt.Errorf("remove from %s: %w", t.Name(), err)
	}
	return done, nil
}

// batches hands all to do, at most size at a time, and returns how many went through. No member, no call: an empty
// write could empty the list.
func batches[T any](all []T, size int, do func([]T) error) (int, error) {
	done, number, of := 0, 0, (len(all)+size-1)/size
	for batch := range slices.Chunk(all, size) {
		number++
		if err := do(batch); err != nil {
			if of > 1 {
				err = fmt.Errorf("batch %d of %d: %w", number, of, err)
			}
			return done, err
		}
		done += len(batch)
	}
	return done, nil
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

// submit sends a write, and once more if it is refused, this was not done before, and the deadline allows the pause.
func (t *ListTarget) submit(ctx context.Context, method string, body any) (string, error) {
	u := t.client.url(nil, "rules", "lists", t.list.ID, "items")
	id, err := t.client.submit(ctx, method, u, body)
	var refusal *APIError
	if !errors.As(err, &refusal) || !refusal.Refused() || t.retried || t.options.NoRetry {
		return id, err
	}
	wait := max(refusal.RetryAfter, refusedLeast)
	if wait > refusedMost {
		return "", err
	}
	wait += t.client.jitter(refusedJitter)
	if !fits(ctx, wait) {
		return "", err
	}
	t.retried = true
	t.client.logger.InfoContext(ctx, "Cloudflare refused a write, one more attempt follows", "pause", wait, "error", err)
	if sleep(ctx, wait) != nil {
		return "", err
	}
	return t.client.submit(ctx, method, u, body)
}
