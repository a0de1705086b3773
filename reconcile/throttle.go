package reconcile

import "time"

// Throttle is what is remembered about the writes of an account. A refused write buys quiet, not another attempt: accounts have
// been seen that let one write through in 72 hours, and that stay throttled for as long as they are asked.
//
// The zero value knows of no refusal. Throttle is a value; its methods return the next one.
type Throttle struct {
	InARow int       `json:"in_a_row,omitempty"` // refused runs since the last write that was let through
	Since  time.Time `json:"since,omitzero"`     // the first of these
	Why    string    `json:"why,omitempty"`      // what the last of these said, in a few words
	Last   time.Time `json:"last,omitzero"`      // the last refusal of all
	Hold   time.Time `json:"hold,omitzero"`      // no write is tried before
	Wrote  time.Time `json:"wrote,omitzero"`     // the last write that was let through
}

const (
	maxHold = time.Hour
	lately  = 24 * time.Hour // after a refusal, every write is weighed
)

// holdAfter is how long writes rest after so many refused runs in a row.
func holdAfter(inARow int) time.Duration {
	ladder := [...]time.Duration{0, 0, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, maxHold}
	return ladder[min(max(inARow, 0), len(ladder)-1)] // a state file may say anything
}

// Refused is the throttle after a run whose write was refused.
func (t Throttle) Refused(now time.Time) Throttle {
	if t.InARow == 0 || t.Since.IsZero() {
		t.Since = now.UTC()
	}
	t.InARow++
	t.Last = now.UTC()
	t.Hold = time.Time{}
	if hold := holdAfter(t.InARow); hold > 0 {
		t.Hold = now.Add(hold).UTC()
	}
	return t
}

// Written is the throttle after a write that was let through.
func (t Throttle) Written(now time.Time) Throttle {
	return Throttle{Last: t.Last, Wrote: now.UTC()}
}

// Held reports whether no write is to be tried at now. A hold that lies further ahead than any was written by a clock that was
// wrong, and does not count.
func (t Throttle) Held(now time.Time) bool { return t.Hold.After(now) && t.Hold.Sub(now) <= maxHold }

// Lately reports whether the account refused a write within a day.
func (t Throttle) Lately(now time.Time) bool {
	return !t.Last.IsZero() && now.Sub(t.Last).Abs() < lately
}

// Distance is how long a run has to wait until it may write again, when writes keep that interval.
func (t Throttle) Distance(now time.Time, interval time.Duration) time.Duration {
	since := now.Sub(t.Wrote)
	if t.Wrote.IsZero() || since < 0 || since >= interval {
		return 0
	}
	return interval - since
}
