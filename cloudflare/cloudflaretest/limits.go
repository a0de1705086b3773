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

const (
	quotaRequests = 1200
	quotaTime     = 5 * time.Minute
)

// rateWindow counts requests for the Ratelimit headers. It refuses nothing.
type rateWindow struct {
	began time.Time
	used  int
}

// note counts one request and states the headers that every answer carries.
// https://developers.cloudflare.com/fundamentals/api/reference/limits/
func (q *rateWindow) note(now time.Time, header http.Header) {
	if q.began.IsZero() || now.Sub(q.began) >= quotaTime {
		q.began, q.used = now, 0
	}
	q.used++
	left := max(0, quotaRequests-q.used)
	reset := wholeSeconds(quotaTime - now.Sub(q.began))
	header.Set("Ratelimit", fmt.Sprintf(`"default";r=%d;t=%s`, left, reset))
	header.Set("Ratelimit-Policy", fmt.Sprintf(`"default";q=%d;w=%s`, quotaRequests, wholeSeconds(quotaTime)))
}
