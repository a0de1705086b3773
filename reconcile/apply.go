package reconcile

import (
	"context"
	"errors"
)

// Applied is how much of a plan surely took effect.
type Applied struct {
	Added   int // posts, those included that only changed a comment
	Removed int
}

// Apply carries a plan out: additions first, so that nothing is unblocked on the way, and removals first only when room
// demands it. It stops at the first error; what was left undone is for the next run.
func Apply(ctx context.Context, t Target, p Plan) (done Applied, err error) {
	add := func() (err error) { done.Added, err = addAll(ctx, t, p); return err }
	remove := func() (err error) { done.Removed, err = removeAll(ctx, t, p); return err }
	if p.RemoveFirst {
		add, remove = remove, add
	}
	if err := add(); err != nil {
		return done, err
	}
	return done, remove()
}

func addAll(ctx context.Context, t Target, p Plan) (int, error) {
	if len(p.Add) == 0 {
		return 0, nil
	}
	posts := make([]Post, len(p.Add))
	for i, a := range p.Add {
		posts[i] = a.Post
	}
	return t.Add(ctx, posts)
}

func removeAll(ctx context.Context, t Target, p Plan) (int, error) {
	if len(p.Remove) == 0 {
		return 0, nil
	}
	items := make([]Item, len(p.Remove))
	for i, r := range p.Remove {
		items[i] = r.Item
	}
	return t.Remove(ctx, items)
}

// applySparingly carries a plan out with one write, on an account that may not let a second one through: all the content at once
// where that is sure to touch nobody else's items, otherwise only the direction whose oldest change has waited longest.
func applySparingly(ctx context.Context, t Target, p Plan, content []Post, before Waiting) (done Applied, err error) {
	if p.bothDirections() {
		if r, ok := t.(Replacer); ok && len(content) > 0 {
			err := r.Replace(ctx, content)
			if err == nil {
				return Applied{Added: len(p.Add), Removed: len(p.Remove)}, nil
			}
			if !tooLarge(err) {
				return Applied{}, err
			}
		}
		p = p.oneDirection(before)
	}
	return Apply(ctx, t, p)
}

// oneDirection is the part of the plan that waited longest: its additions or its removals.
func (p Plan) oneDirection(before Waiting) Plan {
	open := p
	open.Withheld = nil // these wait for a person
	missing, stale := waitingAfter(open, Applied{}, before).Oldest()
	if p.RemoveFirst || missing.IsZero() || !stale.IsZero() && stale.Before(missing) {
		p.Add = nil
	} else {
		p.Remove = nil
	}
	return p
}

func (p Plan) bothDirections() bool { return len(p.Add) > 0 && len(p.Remove) > 0 }

// content is what the list holds after the plan, for a target that can be written whole; nil when an item on it is not ours.
// Comments of items that stay are kept to the letter.
func (p Plan) content(items []Item) []Post {
	if p.Own != len(items) || p.Unanswered > 0 || len(p.Orphaned) > 0 || len(p.Withheld) > 0 {
		return nil
	}
	changed := make(map[string]bool, len(p.Add)+len(p.Remove))
	posts := make([]Post, 0, len(items)+len(p.Add))
	for _, a := range p.Add {
		posts = append(posts, a.Post)
		changed[PrefixText(a.Post.Prefix)] = true
	}
	for _, r := range p.Remove {
		changed[PrefixText(r.Item.Prefix)] = true
	}
	for _, i := range items {
		if !changed[PrefixText(i.Prefix)] {
			posts = append(posts, Post{Prefix: i.Prefix, Comment: i.Comment})
		}
	}
	return posts
}

// is reports whether err, or one that it wraps, answers yes to the question that T asks.
func is[T any](err error, yes func(T) bool) bool {
	var t T
	return errors.As(err, &t) && yes(t)
}

func refused(err error) bool   { return is(err, Refusal.Refused) }
func uncertain(err error) bool { return is(err, Uncertain.Uncertain) }
func stale(err error) bool     { return is(err, Stale.Stale) }
func tooLarge(err error) bool  { return is(err, TooLarge.TooLarge) }
func full(err error) bool      { return is(err, Full.Full) }
func forLater(err error) bool  { return is(err, Later.Later) }

// brief is a refusal in a few words, "" when it has none.
func brief(err error) string {
	var b Brief
	if errors.As(err, &b) {
		return b.Brief()
	}
	return ""
}

// pendingOperation is the operation that may still take effect, "" when there is none.
func pendingOperation(err error) string {
	var p Pending
	if errors.As(err, &p) {
		return p.Pending()
	}
	return ""
}
