package cloudflaretest

import "net/http"

// OnRequest has f called before each request is handled, the faults included; nil ends that. The calling
// request waits, and f may use the Cloudflare and read the request's body. The request carries the token.
func (c *Cloudflare) OnRequest(f func(*http.Request)) {
	defer c.lock()()
	c.hook = f
}

func (c *Cloudflare) currentHook() func(*http.Request) {
	defer c.lock()()
	return c.hook
}

// Request is one line of the log of requests. It holds no headers, hence no token.
type Request struct {
	Method   string
	Path     string // below /client/v4
	Query    string // as sent
	BodySize int
	Status   int  // zero: not answered (yet)
	Mutating bool // neither GET nor HEAD
}

// Requests returns the requests since the last ResetRequests in the order in which they arrived.
func (c *Cloudflare) Requests() []Request {
	defer c.lock()()
	requests := make([]Request, 0, len(c.log))
	for _, r := range c.log {
		requests = append(requests, *r)
	}
	return requests
}

// ResetRequests empties the log of requests.
func (c *Cloudflare) ResetRequests() {
	defer c.lock()()
	c.log = nil
}

func (c *Cloudflare) note(r *http.Request, bodySize int) *Request {
	defer c.lock()()
	entry := &Request{
		Method:   r.Method,
		Path:     apiPath(r.URL),
		Query:    r.URL.RawQuery,
		BodySize: bodySize,
		Mutating: mutating(r.Method),
	}
	c.log = append(c.log, entry)
	return entry
}

// loggedWriter logs the status before the client can see it.
type loggedWriter struct {
	http.ResponseWriter
	c     *Cloudflare
	entry *Request
}

func (w *loggedWriter) WriteHeader(status int) {
	unlock := w.c.lock()
	if w.entry.Status == 0 {
		w.entry.Status = status
	}
	unlock()
	w.ResponseWriter.WriteHeader(status)
}

func (w *loggedWriter) Write(p []byte) (int, error) {
	unlock := w.c.lock()
	if w.entry.Status == 0 {
		w.entry.Status = http.StatusOK
	}
	unlock()
	return w.ResponseWriter.Write(p)
}

func (w *loggedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
