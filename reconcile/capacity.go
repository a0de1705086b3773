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

// Limit is how many items to try, when other lists hold so many of these. It closes in on the real limit by halves, and probe is
// true until it is near: then only a list that is filled tells whether that many fit.
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

// refused is what a run learned whose items, on top of those there, found no room.
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
