package cloudflare

import (
	"fmt"
	"math"
	"sync/atomic"
)

// reserve is how many requests of a budget are kept back from changes, to look up what was in the way of one.
const reserve = 2

// Budget is how many requests a run may make for access rules, whatever the scope. Cloudflare counts 1200 in five minutes per user, over
// all programs and the dashboard (https://developers.cloudflare.com/fundamentals/api/reference/limits/). Further attempts and
// reads count. A nil Budget has no end.
type Budget struct {
	all  int
	left atomic.Int64
}

// NewBudget returns a budget of n requests.
func NewBudget(n int) *Budget {
	b := &Budget{all: n}
	b.left.Store(int64(n))
	return b
}

// Left is how many requests may still be made.
func (b *Budget) Left() int {
	if b == nil {
		return math.MaxInt
	}
	return max(0, int(b.left.Load()))
}

// Spent is how many requests were made.
func (b *Budget) Spent() int {
	if b == nil {
		return 0
	}
	return b.all - b.Left()
}

// spend takes one request out. The error is a *BudgetError.
func (b *Budget) spend() error {
	if b != nil && b.left.Add(-1) < 0 {
		return &BudgetError{Budget: b.all}
	}
	return nil
}

// allows reports whether that many requests are within a share of the whole budget, and still left.
func (b *Budget) allows(requests int, share float64) bool {
	return b == nil || float64(requests) <= share*float64(b.all) && requests <= b.Left()-reserve
}

// BudgetError is work that was left off because it takes more requests than the run may make.
type BudgetError struct {
	Budget int // of the whole run
	Needs  int // requests that reading would take; 0: the budget ran out in the middle
}

func (e *BudgetError) Error() string {
	if e.Needs > 0 {
		return fmt.Sprintf("reading takes %d more requests, too many for the budget of %d requests of this run", e.Needs, e.Budget)
	}
	return fmt.Sprintf("the budget of %d requests of this run is used up", e.Budget)
}

// Later implements reconcile.Later: what was begun goes on in the next run.
func (e *BudgetError) Later() bool { return e.Needs == 0 }

// Hint tells a person what to do.
func (e *BudgetError) Hint() string {
	if e.Needs > 0 {
		return "Raise --request-budget: Cloudflare allows 1200 requests in five minutes. Or put the bans on a list (--target list)."
	}
	return "The next run goes on. Cloudflare allows 1200 requests in five minutes: --request-budget says how many of them a run may use."
}
