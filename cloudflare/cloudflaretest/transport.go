package cloudflaretest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Transport returns a way to this Cloudflare that opens no socket: every request lands here, whatever host it
// names. Each is handled in a goroutine of the caller's synctest bubble, if there is one, and its response
// arrives with the headers, before its body. A body that is neither read nor closed keeps that goroutine.
func (c *Cloudflare) Transport() http.RoundTripper { return transport{c} }

type transport struct{ handler http.Handler }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(req.Context())
	pr, pw := io.Pipe()
	w := &pipedWriter{
		req: req, header: make(http.Header), declared: -1, cancel: cancel,
		pr: pr, pw: pw, head: make(chan *http.Response, 1), gone: make(chan error, 1),
	}
	stop := context.AfterFunc(req.Context(), func() { _ = pw.CloseWithError(context.Cause(req.Context())) })
	in := incoming(ctx, req, body)
	go func() {
		defer cancel()
		defer stop()
		w.finish(serve(t.handler, w, in))
	}()
	select {
	case response := <-w.head:
		return response, nil
	case err := <-w.gone:
		return nil, err
	case <-req.Context().Done():
		return nil, context.Cause(req.Context())
	}
}

// incoming is the request as a server sees it.
func incoming(ctx context.Context, req *http.Request, body []byte) *http.Request {
	in := req.Clone(ctx)
	in.Body = io.NopCloser(bytes.NewReader(body))
	in.GetBody = nil
	in.ContentLength = int64(len(body))
	in.RequestURI = req.URL.RequestURI()
	in.RemoteAddr = "192.0.2.1:1234"
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	in.URL.Scheme, in.URL.Host, in.URL.User, in.URL.Fragment = "", "", nil, ""
	return in
}

// serve runs the handler and reports whether it broke the connection.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (aborted bool) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			aborted = true
		default:
			panic(v) //nolint:forbidigo // a bug of the handler's, or of a test's hook, stays one
		}
	}()
	h.ServeHTTP(w, r)
	return false
}

// pipedWriter passes an answer on as it is written.
type pipedWriter struct {
	req      *http.Request
	header   http.Header
	wrote    bool
	declared int64 // Content-Length, or -1
	written  int64
	cancel   context.CancelFunc
	pr       *io.PipeReader
	pw       *io.PipeWriter
	head     chan *http.Response
	gone     chan error // the connection broke before the headers
}

func (w *pipedWriter) Header() http.Header { return w.header }

func (w *pipedWriter) WriteHeader(status int) {
	if w.wrote {
		return
	}
	w.wrote = true
	header := w.header.Clone()
	if n, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64); err == nil {
		w.declared = n
	}
	w.head <- &http.Response{
		Status:        fmt.Sprintf("%d %s", status, http.StatusText(status)),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Body:          &pipedBody{w.pr, w.cancel},
		ContentLength: w.declared,
		Request:       w.req,
	}
}

func (w *pipedWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.req.Method == http.MethodHead {
		return len(p), nil
	}
	n, err := w.pw.Write(p)
	w.written += int64(n)
	return n, err
}

// Flush does nothing: nothing is held back.
func (w *pipedWriter) Flush() {}

// finish ends the answer: cleanly, or as a connection that broke.
func (w *pipedWriter) finish(aborted bool) {
	if aborted && !w.wrote {
		w.gone <- io.EOF
		return
	}
	w.WriteHeader(http.StatusOK)
	short := w.req.Method != http.MethodHead && w.written < w.declared
	if aborted || short {
		_ = w.pw.CloseWithError(io.ErrUnexpectedEOF)
		return
	}
	_ = w.pw.Close()
}

// pipedBody tells the handler when the client has had enough.
type pipedBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (b *pipedBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}
