package reconcile

import (
	"context"
	"fmt"
)

// Applied is how much of a plan surely took effect.
type Applied struct {
	Added   int // posts, those included that only changed a comment
	Removed int
}

// Apply carries a plan out: additions first, so that nothing is unblocked on the way, and removals first only when room
// demands it. It stops at the first error; what was left undone is for the next run.
func Apply(ctx context.Context, t Target, p Plan) (Applied, error) {
	var done Applied
	add := func() (err error) {
		if len(p.Add) == 0 {
			return nil
		}
		posts := make([]Post, len(p.Add))
		for i, a := range p.Add {
			posts[i] = a.Post
		}
		if done.Added, err = t.Add(ctx, posts); err != nil {
			return fmt.Errorf("add %s to %s: %w", counted(len(posts), "item"), t.Name(), err)
		}
		return nil
	}
	remove := func() (err error) {
		if len(p.Remove) == 0 {
			return nil
		}
		items := make([]Item, len(p.Remove))
		for i, r := range p.Remove {
			items[i] = r.Item
		}
		if done.Removed, err = t.Remove(ctx, items); err != nil {
			return fmt.Errorf("remove %s from %s: %w", counted(len(items), "item"), t.Name(), err)
		}
		return nil
	}
	first, second := add, remove
	if p.RemoveFirst {
		first, second = remove, add
	}
	if err := first(); err != nil {
		return done, err
	}
	return done, second()
}

// counted is "1 item", "2 items".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
