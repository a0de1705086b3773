package reconcile

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// Item is what stands on the list now.
type Item struct {
	ID      string       // opaque, never empty
	Prefix  netip.Prefix // masked; IPv4-mapped IPv6 unmapped
	Comment string
	Created time.Time // zero: unknown
	Effect  Effect    // always OfTarget on a list
}

// Effect is what an item does to a visitor, measured by what its target is for. Only a target whose items say what they do has others
// than OfTarget: IP Access Rules hold one rule for an address, whatever its mode.
type Effect uint8

const (
	OfTarget Effect = iota // what the target is for
	Weaker                 // a challenge, where the target blocks
	Stronger               // a block, where the target challenges
	Allows                 // lets the visitor through, whatever else blocks it
	Stops                  // a block or a challenge, where the target lets through
)

// Post is an item to be written. Posting a prefix that is on the list already overwrites its comment.
type Post struct {
	Prefix  netip.Prefix
	Comment string
}

// Survey is what a target tells about itself before its items are read.
type Survey struct {
	Items int // how many items the target says it holds; may lag behind the truth

	// Elsewhere is how many items of the same quota other lists of the account hold.
	Elsewhere int

	// References is how many rules use the list; 0 means that it blocks nobody.
	References int

	// Clock is the target's own time; zero: it did not say.
	Clock time.Time
}

// Target is what holds items: a Cloudflare IP list. It is used by one goroutine at a time.
//
// An error that has a method Hint() string tells a person what to do next. Errors of a target never hold secrets.
type Target interface {
	// Name is how people call the target, as in "list edgeban".
	Name() string

	// Survey asks what the target is. It is called before Items, once per run.
	Survey(ctx context.Context) (Survey, error)

	// Items returns all items or an error, never a part of them. Notes are whole sentences for a person.
	Items(ctx context.Context) (items []Item, notes []string, err error)

	// Add posts all items and returns when they are on the list. done is how many surely are, the first ones of posts, also
	// with an error. An error that leaves open whether more are implements Uncertain.
	Add(ctx context.Context, posts []Post) (done int, err error)

	// Remove removes items by their ids and returns when they are gone from the list. done is how many surely are, the
	// first ones of items, also with an error. An error that leaves open whether more are implements Uncertain.
	Remove(ctx context.Context, items []Item) (done int, err error)
}

// Replacer is a target that can write its whole content at once: after Replace it holds these items and no others. Not
// knowing whether it took effect is an error that implements Uncertain; one that implements TooLarge changed nothing.
type Replacer interface {
	Replace(ctx context.Context, posts []Post) error
}

// Awaiter is a target whose writes may go on after a run. Await returns nil when the operation has ended, and when the target
// does not know it any more. An operation that ended because the account is throttled is an error that implements Refusal.
type Awaiter interface {
	Await(ctx context.Context, operation string) error
}

// Metered is a target that can make only a limited number of changes in one run, because each is a request. Changes is how many are left.
type Metered interface{ Changes() int }

// What a target's error says, besides its text and its Hint.
type (
	// Refusal says that the write was not let through, because the account is throttled or because an operation of somebody else's
	// is pending.
	Refusal interface{ Refused() bool }

	// Brief tells of a refusal in a few words, for runs that remember it.
	Brief interface{ Brief() string }

	// Uncertain says that it is open how much of a write took effect.
	Uncertain interface{ Uncertain() bool }

	// Stale says that the list is no longer as it was read, or that nobody knows: it has to be read again before the next write.
	Stale interface{ Stale() bool }

	// Pending names the operation that may still take effect; empty: none.
	Pending interface{ Pending() string }

	// TooLarge says that there are too many items for one write.
	TooLarge interface{ TooLarge() bool }

	// Later says that the rest is for the next run: a Metered target has no more requests or no more time for it in this one.
	Later interface{ Later() bool }

	// Full says that there is no room for that many items.
	Full interface{ Full() bool }
)

// ErrReadOnly is the answer of a read-only target to every write.
var ErrReadOnly = errors.New("read-only target: a dry run writes nothing")

// ReadOnly returns t with every write refused by ErrReadOnly, so that a dry run cannot write.
func ReadOnly(t Target) Target { return readOnly{t} }

type readOnly struct{ Target }

// Await only asks.
func (r readOnly) Await(ctx context.Context, operation string) error {
	if t, ok := r.Target.(Awaiter); ok {
		return t.Await(ctx, operation)
	}
	return nil
}

func (readOnly) Add(context.Context, []Post) (int, error)    { return 0, ErrReadOnly }
func (readOnly) Remove(context.Context, []Item) (int, error) { return 0, ErrReadOnly }
