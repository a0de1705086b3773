package cloudflaretest

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// effect is what an operation does when it completes. A failure becomes the failed operation's text, and then
// nothing has changed.
type effect func(at time.Time) (failure string)

// operationPlan is what a fault has in mind for an operation.
type operationPlan struct {
	fail  string        // ends failed with this text; empty: as it should
	stuck bool          // never ends
	takes time.Duration // instead of Options.OperationTime; zero: that
	lag   time.Duration // how long after the end the effect begins to show
}

type operation struct {
	id, account string
	plan        operationPlan
	effect      effect
	began       time.Time // by time.Now, as due
	due         time.Time
	completed   time.Time // by Options.Now; zero: not yet
	failure     string
}

type operationJSON struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	Completed string `json:"completed,omitempty"`
	Error     string `json:"error,omitempty"`
}

func (o *operation) json(now time.Time) operationJSON {
	out := operationJSON{ID: o.id}
	switch {
	case o.completed.IsZero() && now.Before(o.began.Add(o.due.Sub(o.began)/2)):
		out.Status = "pending"
	case o.completed.IsZero():
		out.Status = "running"
	case o.failure != "":
		out.Status, out.Error = "failed", o.failure
	default:
		out.Status = "completed"
	}
	if !o.completed.IsZero() {
		out.Completed = stamp(o.completed)
	}
	return out
}

// write accepts a change of a list's items as a bulk operation, of which an account has one at a time.
// https://developers.cloudflare.com/waf/tools/lists/lists-api/
func (c *Cloudflare) write(in call, read func(*list) (effect, error)) reply {
	l, no, found := c.listOf(in)
	if !found {
		return no
	}
	if in.account.pending != nil || c.overLimit(in.account) {
		return rateLimited(c.opts.RetryAfter)
	}
	if l.kind != "ip" {
		return refuse(http.StatusBadRequest, codeInvalid, "this Cloudflare holds items of IP lists only")
	}
	change, err := read(l)
	if err != nil {
		return badBody(err)
	}
	in.account.writes = append(in.account.writes, c.opts.Now())
	c.showLate(in.account, time.Now())
	return ok(map[string]string{"operation_id": c.begin(in.account, in.plan, change).id})
}

func (c *Cloudflare) begin(a *account, plan operationPlan, change effect) *operation {
	takes := max(0, c.opts.OperationTime)
	if plan.takes > 0 {
		takes = plan.takes
	}
	now := time.Now()
	o := &operation{
		id:      c.newID("operation"),
		account: a.id,
		plan:    plan,
		effect:  change,
		began:   now,
		due:     now.Add(takes),
	}
	c.operations[o.id] = o
	a.pending = o
	return o
}

// settle ends the operations whose time has come. It is called whenever someone looks, so that no timer and
// no goroutine is needed; accounts are taken in order, so that ids stay the same in every run.
func (c *Cloudflare) settle(now time.Time) {
	for _, id := range slices.Sorted(maps.Keys(c.accounts)) {
		a := c.accounts[id]
		if o := a.pending; o != nil && !o.plan.stuck && !now.Before(o.due) {
			c.end(a, o, now)
		}
		if o := a.late; o != nil && !now.Before(o.due.Add(o.plan.lag)) {
			c.showLate(a, now)
		}
	}
}

func (c *Cloudflare) end(a *account, o *operation, now time.Time) {
	a.pending = nil
	o.completed = c.shown(o.due, now)
	switch {
	case o.plan.fail != "":
		o.failure = o.plan.fail
	case o.plan.lag > 0:
		a.late = o
	default:
		o.failure = o.effect(o.completed)
	}
}

// showLate lets the effect of an operation that ended show. Nobody learns any more whether it failed.
func (c *Cloudflare) showLate(a *account, now time.Time) {
	if a.late == nil {
		return
	}
	_ = a.late.effect(c.shown(a.late.due.Add(a.late.plan.lag), now))
	a.late = nil
}

// shown returns what Options.Now said at a moment that is over, to the second: with a clock that a test holds
// still, the microseconds until somebody looked must not show.
func (c *Cloudflare) shown(moment, now time.Time) time.Time {
	return c.opts.Now().Add(min(0, moment.Sub(now)).Truncate(time.Second))
}

func (c *Cloudflare) getOperation(in call) reply {
	o := c.operations[in.ids[1]]
	if o == nil || o.account != in.account.id {
		return refuse(http.StatusNotFound, codeNotFound, "filters.api.not_found")
	}
	return ok(o.json(time.Now()))
}

// Pending reports whether a bulk operation of the account has not ended.
func (c *Cloudflare) Pending(account string) bool {
	defer c.lock()()
	a := c.accounts[account]
	return a != nil && a.pending != nil
}

// Occupy begins a bulk operation that changes nothing, as when somebody else works on a list of the account.
// It takes d, or, if d is not positive, until Finish. Nothing happens when one is pending already.
func (c *Cloudflare) Occupy(account string, d time.Duration) {
	defer c.lock()()
	if a := c.accounts[account]; a != nil && a.pending == nil {
		c.showLate(a, time.Now())
		c.begin(a, operationPlan{takes: d, stuck: d <= 0}, func(time.Time) string { return "" })
	}
}

// Finish ends the account's pending operation now, also one that StuckOperation holds.
func (c *Cloudflare) Finish(account string) {
	defer c.lock()()
	if a := c.accounts[account]; a != nil && a.pending != nil {
		now := time.Now()
		a.pending.due = now
		c.end(a, a.pending, now)
	}
}
