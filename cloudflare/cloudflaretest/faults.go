package cloudflaretest

import (
	"net/http"
	"strings"
)

// Effect handles a request in place of next, which is Cloudflare behaving well. It may call next or not, and
// change what next answered. One effect may serve requests concurrently. Any function will do; the package
// brings those that tests need.
type Effect func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Fault is an effect and the requests that it strikes. Several faults that strike one request are nested, the
// one added first outermost.
type Fault struct {
	// Method is the request's method; empty: any.
	Method string

	// Path is one of the Path constants, or another pattern in which * stands for one segment, or, without an
	// asterisk, any part of the path. Empty: any.
	Path string

	// If narrows it further. It must not read the body. Nil: no further.
	If func(*http.Request) bool

	// Nth is the first of the matching requests that is struck, counted from 1. Zero: each of them is.
	Nth int

	// Times is how many are struck, one after the other. Zero: without end, or only the one when Nth is set.
	Times int

	// Effect is what happens to them.
	Effect Effect
}

type installedFault struct {
	Fault
	matched int
	struck  int
}

// AddFault installs a fault. The returned function tells how many requests it has struck, so that a test can
// prove that what it survived did happen.
func (c *Cloudflare) AddFault(f Fault) (struck func() int) {
	defer c.lock()()
	installed := &installedFault{Fault: f}
	c.faults = append(c.faults, installed)
	return func() int {
		defer c.lock()()
		return installed.struck
	}
}

// ClearFaults removes all faults. Requests that one is holding up stay held up.
func (c *Cloudflare) ClearFaults() {
	defer c.lock()()
	c.faults = nil
}

// faulty returns the handler for one request: the API behind the faults that strike it.
func (c *Cloudflare) faulty(r *http.Request) http.Handler {
	unlock := c.lock()
	faults := c.faults
	unlock()
	var due []Effect
	for _, f := range faults {
		if f.matches(r) && c.strikes(f) {
			due = append(due, f.Effect)
		}
	}
	return nest(due, http.HandlerFunc(c.api))
}

func (f Fault) matches(r *http.Request) bool {
	if f.Method != "" && f.Method != r.Method {
		return false
	}
	at := apiPath(r.URL)
	here := strings.Contains(at, f.Path)
	if strings.Contains(f.Path, "*") {
		here = matches(f.Path, at)
	}
	return here && (f.If == nil || f.If(r))
}

// strikes counts a matching request and reports whether its turn has come.
func (c *Cloudflare) strikes(f *installedFault) bool {
	defer c.lock()()
	f.matched++
	first, times := max(1, f.Nth), f.Times
	if times == 0 && f.Nth > 0 {
		times = 1
	}
	if f.matched < first || times > 0 && f.matched >= first+times {
		return false
	}
	f.struck++
	return true
}

// nest puts effects around a handler, the first outermost.
func nest(effects []Effect, h http.Handler) http.Handler {
	if len(effects) == 0 {
		return h
	}
	inner := nest(effects[1:], h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { effects[0](w, r, inner) })
}

// Chain is several effects on the same request, the first outermost.
func Chain(effects ...Effect) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) { nest(effects, next).ServeHTTP(w, r) }
}

// After lets the request take effect first; e then has only the answer left to spoil. After(Drop()) is a write
// that took place and whose answer was lost.
func After(e Effect) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		done := capture(w, next, r)
		e(w, r, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { done.send(w) }))
	}
}
