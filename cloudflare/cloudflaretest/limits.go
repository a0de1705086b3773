package cloudflaretest

import (
	"fmt"
	"net/http"
	"time"
)

// WriteLimit is how often an account may change the items of its lists; reads stay free. The zero value is no
// limit. Cloudflare documents large numbers, but accounts have been seen that were held to far less, and whose
// Retry-After told nothing about when the next write would be let through.
type WriteLimit struct {
	Writes int           // so many accepted writes (POST, PUT, DELETE of items)
	Per    time.Duration // within this time, by Options.Now
	// Sticky lets every refused write start the time anew. Otherwise refused ones do not count.
	Sticky bool
}

// LimitWrites sets the limit of every account. Writes accepted before count.
func (c *Cloudflare) LimitWrites(limit WriteLimit) {
	defer c.lock()()
	c.limit = limit
}

func (c *Cloudflare) overLimit(a *account) bool {
	if c.limit.Writes <= 0 || c.limit.Per <= 0 {
		return false
	}
	now := c.opts.Now()
	within := 0
	for _, at := range a.writes {
		if now.Sub(at) < c.limit.Per {
			within++
		}
	}
	if within < c.limit.Writes {
		return false
	}
	if c.limit.Sticky {
		for i := range a.writes {
			a.writes[i] = now
		}
	}
	return true
}

// ThrottledAccount is the limit of an account that was measured in 2026: one write of list items in 72 hours, whoever
// asks and however often, while reads, lists themselves, rules and access rules stay open.
func ThrottledAccount() WriteLimit { return WriteLimit{Writes: 1, Per: 72 * time.Hour} }

const (
	quotaRequests = 1200
	quotaTime     = 5 * time.Minute
)

// LimitRequests has Cloudflare refuse requests of any kind, those that a fault would strike included, when one user
// or one token of an account's has sent more than most within five minutes. Everything is refused then for the five
// minutes that follow. The real limit is 1200; zero, which it is at first, is no limit. The count goes on as it is.
// https://developers.cloudflare.com/fundamentals/api/reference/limits/
func (c *Cloudflare) LimitRequests(most int) {
	defer c.lock()()
	c.requests = most
}

// rateWindow counts the requests of one caller.
type rateWindow struct {
	began   time.Time
	used    int
	blocked time.Time // until when everything is refused
}

// quotaOf is where a request counts: a user's tokens and key count together, a token of an account's for itself. Those
// of nobody known count as the user's.
func (c *Cloudflare) quotaOf(r *http.Request) *rateWindow {
	whose := "user"
	if t, _ := c.bearer(r.Header.Get("Authorization")); t != nil && t.account != "" {
		whose = t.id
	}
	if c.quotas[whose] == nil {
		c.quotas[whose] = &rateWindow{}
	}
	return c.quotas[whose]
}

// note counts one request, states the headers that every answer carries, and returns how long there will be no other
// answer than a refusal; zero: it is within the limit.
func (q *rateWindow) note(now time.Time, limit int, header http.Header) (wait time.Duration) {
	if q.began.IsZero() || now.Sub(q.began) >= quotaTime && !now.Before(q.blocked) {
		q.began, q.used = now, 0
	}
	q.used++
	most := quotaRequests
	if limit > 0 {
		most = limit
	}
	if limit > 0 && q.used > most && !now.Before(q.blocked) {
		q.blocked = now.Add(quotaTime)
	}
	if limit > 0 {
		wait = max(0, q.blocked.Sub(now))
	}
	reset := wholeSeconds(max(wait, quotaTime-now.Sub(q.began)))
	header.Set("Ratelimit", fmt.Sprintf(`"default";r=%d;t=%s`, max(0, most-q.used), reset))
	header.Set("Ratelimit-Policy", fmt.Sprintf(`"default";q=%d;w=%s`, most, wholeSeconds(quotaTime)))
	return wait
}

// tooMany is the answer to every request beyond the limit.
// https://github.com/cloudflare/terraform-provider-cloudflare/issues/5505
func tooMany(most int, wait time.Duration) reply {
	no := refuse(http.StatusTooManyRequests, codeTooMany,
		"More than %d requests per %s seconds reached. Please wait and consider throttling your request speed",
		most, wholeSeconds(quotaTime))
	no.header = http.Header{"Retry-After": {wholeSeconds(wait)}}
	return no
}
