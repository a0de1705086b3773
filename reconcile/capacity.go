package reconcile

import "time"

// Capacity is what an account was found to hold, where that is less than the quota: the API does not tell. The zero value has found
// nothing. Numbers are items over all lists of the account.
type Capacity struct {
	Fits int       `json:"fits"`        // that many were there
	Over int       `json:"over"`        // that many were refused; 0: nothing was
	At   time.Time `json:"at,omitzero"` // when
}

// forgetCapacity is when what was found is tried again: somebody may have made room.
const forgetCapacity = time.Hour

// Limit is how many items of the account to try, those on other lists included. It closes in on the real limit by halves. probe is true
// until it is near: as long as it is, the list has to be filled to tell whether that many fit.
func (c Capacity) Limit(quota, elsewhere int, now time.Time) (limit int, probe bool) {
	switch gap := c.Over - c.Fits; {
	case c.Over == 0 || now.Sub(c.At).Abs() >= forgetCapacity:
		return quota, false
	case gap <= 1+(c.Over-elsewhere)/100:
		return min(quota, c.Fits), false
	default:
		limit = c.Fits + gap/2
		return min(quota, limit), limit < quota
	}
}

// refused is what a run learned from a write that found no room: how many items were there, and how many it tried.
func (c Capacity) refused(there, tried int, now time.Time) Capacity {
	fits := there
	if c.Over > 0 && now.Sub(c.At).Abs() < forgetCapacity && c.Fits < tried {
		fits = max(fits, c.Fits)
	}
	return Capacity{Fits: fits, Over: max(tried, fits+1), At: now.UTC()}
}

// fitted is what a run learned whose items found room.
func (c Capacity) fitted(items int) Capacity {
	if c.Over == 0 {
		return c
	}
	if items >= c.Over {
		return Capacity{}
	}
	c.Fits = max(c.Fits, items)
	return c
}
