package cloudflaretest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// maxBody is far above any request that makes sense.
const maxBody = 64 << 20

// ServeHTTP handles a request of the API, with the faults that are due.
func (c *Cloudflare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		// The request never arrived in full, so it never happened.
		abort()
	}
	r = r.Clone(r.Context())
	entry := c.note(r, len(body))
	if hook := c.currentHook(); hook != nil {
		setBody(r, body)
		hook(r)
	}
	setBody(r, body)
	if wait(r.Context(), c.opts.Latency) != nil {
		abort()
	}
	logged := &loggedWriter{ResponseWriter: w, c: c, entry: entry}
	if no, refused := c.commonHeaders(w.Header(), r); refused {
		no.write(logged)
		return
	}
	c.faulty(r).ServeHTTP(logged, r)
}

func setBody(r *http.Request, body []byte) { r.Body = io.NopCloser(bytes.NewReader(body)) }

func readBody(r *http.Request) ([]byte, error) { return io.ReadAll(r.Body) }

// abort breaks the connection: net/http's documented way to answer with nothing, or with no more than what was
// sent. https://pkg.go.dev/net/http#ErrAbortHandler
func abort() { panic(http.ErrAbortHandler) } //nolint:forbidigo // see above

// wait returns after d, or with an error as soon as the client has gone away.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commonHeaders counts a request and sets the headers that every answer has, or returns the refusal that is due.
func (c *Cloudflare) commonHeaders(header http.Header, r *http.Request) (no reply, refused bool) {
	defer c.lock()()
	header.Set("Date", c.opts.Now().UTC().Format(http.TimeFormat))
	header.Set("Server", "cloudflare")
	header.Set("Cf-Ray", c.ray())
	if wait := c.quotaOf(r).note(c.opts.Now(), c.requests, header); wait > 0 {
		return tooMany(c.requests, wait), true
	}
	return reply{}, false
}

// Start serves the API on a free port of the loopback interface until Close.
func (c *Cloudflare) Start() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: c, ReadHeaderTimeout: time.Minute}
	defer c.lock()()
	if c.server != nil {
		return errors.Join(errors.New("cloudflaretest: already started"), listener.Close())
	}
	c.server = server
	c.url = "http://" + listener.Addr().String() + Prefix
	go func() { _ = server.Serve(listener) }()
	return nil
}

// URL is the base of the API's paths, ending in /client/v4: that of the started server, or else Cloudflare's
// own, which is what Transport stands in for.
func (c *Cloudflare) URL() string {
	defer c.lock()()
	if c.url == "" {
		return "https://api.cloudflare.com" + Prefix
	}
	return c.url
}

// Close ends what Start began, breaking open connections. It may be called without Start, and twice.
func (c *Cloudflare) Close() error {
	unlock := c.lock()
	server := c.server
	c.server, c.url = nil, ""
	unlock()
	if server == nil {
		return nil
	}
	return server.Close()
}
