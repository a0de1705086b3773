package cloudflaretest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Answer refuses the request with one error in Cloudflare's envelope. The status may be 200: answers that say
// "success": false with it have been reported.
func Answer(status, code int, message string) Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		refuse(status, code, "%s", message).write(w)
	}
}

// TooManyRequests refuses with status 429 and a Retry-After of that text, which may be anything; empty: none.
// The code is 10040 for throttled list writes, 971 or 10100 for too many requests of any kind.
func TooManyRequests(code int, retryAfter string) Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		no := refuse(http.StatusTooManyRequests, code, "you have been ratelimited please wait and try again")
		if retryAfter != "" {
			no.header = http.Header{"Retry-After": {retryAfter}}
		}
		no.write(w)
	}
}

// Raw answers with exactly that. The content type is Go's guess unless header, which may be nil, names one.
func Raw(status int, header http.Header, body string) Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		a := answer{status: status, header: header}
		a.body.WriteString(body)
		a.send(w)
	}
}

// HTML answers with a page, as Cloudflare does when something in front of the API fails or blocks.
func HTML(status int) Effect {
	page := fmt.Sprintf("<!DOCTYPE html>\n<html><head><title>%[1]d: %[2]s</title></head>"+
		"<body><h1>Error %[1]d</h1><p>%[2]s</p></body></html>\n", status, http.StatusText(status))
	return Raw(status, http.Header{"Content-Type": {"text/html; charset=UTF-8"}}, page)
}

// Drop breaks the connection without an answer. Over a socket Go's HTTP client repeats a GET by itself when the
// connection was used before.
func Drop() Effect {
	return func(http.ResponseWriter, *http.Request, http.Handler) { abort() }
}

// Delay holds the request up before it takes effect. When the client gives up meanwhile, it never does; with
// After(Delay(d)) it has.
func Delay(d time.Duration) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if wait(r.Context(), d) != nil {
			abort()
		}
		next.ServeHTTP(w, r)
	}
}

// CutBody breaks the connection in the middle of the answer's body.
func CutBody() Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := capture(w, next, r)
		a.begin(w)
		abort()
	}
}

// StallBody sends half of the answer's body, and the other half after d.
func StallBody(d time.Duration) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := capture(w, next, r)
		rest := a.begin(w)
		if wait(r.Context(), d) != nil {
			abort()
		}
		_, _ = w.Write(rest)
	}
}

// BigBody answers with a valid envelope of at least n bytes.
func BigBody(n int) Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		_, err := w.Write([]byte(`{"success":true,"errors":[],"messages":[],"result":[]`))
		chunk := bytes.Repeat([]byte(" "), 32<<10)
		for sent := 0; sent < n && err == nil; sent += len(chunk) {
			_, err = w.Write(chunk)
		}
		_, _ = w.Write([]byte("}"))
	}
}

// WrongContentType gives the right body the wrong label.
func WrongContentType(contentType string) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := capture(w, next, r)
		a.header.Set("Content-Type", contentType)
		a.send(w)
	}
}

// WrongDate moves the answer's Date header, as if one of the two clocks were off.
func WrongDate(offset time.Duration) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if date, err := http.ParseTime(w.Header().Get("Date")); err == nil {
			w.Header().Set("Date", date.Add(offset).UTC().Format(http.TimeFormat))
		}
		next.ServeHTTP(w, r)
	}
}

// FailOperation accepts the write, whose operation then ends failed with that text and changes nothing.
func FailOperation(text string) Effect {
	return withPlan(func(p *operationPlan) { p.fail = text })
}

// StuckOperation accepts the write, whose operation then never ends; see Finish.
func StuckOperation() Effect {
	return withPlan(func(p *operationPlan) { p.stuck = true })
}

// OperationTakes accepts the write, whose operation takes d instead of Options.OperationTime.
func OperationTakes(d time.Duration) Effect {
	return withPlan(func(p *operationPlan) { p.takes = d })
}

// LateItems accepts the write, whose operation completes in time but shows on the list only d later, or when
// the next write is accepted. https://github.com/cloudflare/terraform-provider-cloudflare/issues/3269
func LateItems(d time.Duration) Effect {
	return withPlan(func(p *operationPlan) { p.lag = d })
}

func withPlan(change func(*operationPlan)) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		plan := planFrom(r.Context())
		change(&plan)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), planKey{}, plan)))
	}
}

// answer is a response that was caught before it went out.
type answer struct {
	status int
	before http.Header // what header began as
	header http.Header
	body   bytes.Buffer
}

// capture catches the handler's answer. Its headers begin as those that w has by now.
func capture(w http.ResponseWriter, h http.Handler, r *http.Request) *answer {
	a := &answer{before: w.Header().Clone(), header: w.Header().Clone()}
	h.ServeHTTP(a, r)
	return a
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// head passes on only headers that the handler set: w may have changed since.
func (a *answer) head(w http.ResponseWriter) {
	for name, values := range a.header {
		if !slices.Equal(values, a.before[name]) {
			w.Header()[name] = values
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	w.WriteHeader(max(a.status, http.StatusOK))
}

func (a *answer) send(w http.ResponseWriter) {
	a.head(w)
	_, _ = w.Write(a.body.Bytes())
}

// begin sends the headers and half of the body, and returns the other half.
func (a *answer) begin(w http.ResponseWriter) (rest []byte) {
	a.head(w)
	body := a.body.Bytes()
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
	return body[len(body)/2:]
}

// isJSON reports whether the answer can be edited.
func (a *answer) isJSON() bool {
	return strings.HasPrefix(a.header.Get("Content-Type"), "application/json")
}
