package cloudflare

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// TestReadAgain holds what is asked again, how often, and how long that takes.
func TestReadAgain(t *testing.T) {
	const none = time.Duration(0)
	for _, c := range []struct {
		name     string
		times    int // the fault strikes; 0: every request
		effect   fake.Effect
		deadline time.Duration
		class    string // of the error
		asked    int
		took     time.Duration
	}{
		{"fine", 1, fake.Delay(0), time.Minute, "[]", 1, none},
		{"429 with Retry-After", 1, fake.TooManyRequests(10100, "30"), time.Minute, "[]", 2, 30 * time.Second},
		{"429 with Retry-After of no time", 1, fake.TooManyRequests(10100, "0"), time.Minute, "[]", 2, 500 * time.Millisecond},
		{"429 without", 1, fake.TooManyRequests(10100, ""), time.Minute, "[]", 2, 500 * time.Millisecond},
		{"429 beyond the deadline", 1, fake.TooManyRequests(10100, "300"), time.Minute, "[429]", 1, none},
		{"429 up to the deadline", 1, fake.TooManyRequests(10100, "60"), time.Minute, "[429]", 1, none},
		{"429 with a date", 1, fake.TooManyRequests(10100, "Sat, 01 Jan 2000 00:00:07 GMT"), time.Minute, "[]", 2, 7 * time.Second},
		{"429 far beyond a far deadline", 1, fake.TooManyRequests(10100, "3600"), 2 * time.Hour, "[]", 2, 2 * time.Minute},
		{"429 for ever", 0, fake.TooManyRequests(10100, "5"), time.Minute, "[429]", 4, 18 * time.Second},
		{"503 twice", 2, fake.HTML(503), time.Minute, "[]", 3, 2500 * time.Millisecond},
		{"503 for ever", 0, fake.HTML(503), time.Minute, "[503]", 4, 10500 * time.Millisecond},
		{"503 for ever, little time", 0, fake.HTML(503), 2 * time.Second, "[503]", 2, 500 * time.Millisecond},
		{"500 without a body", 0, body(500, ""), time.Minute, "[500]", 4, 10500 * time.Millisecond},
		{"no connection, once", 1, fake.Drop(), time.Minute, "[]", 2, 500 * time.Millisecond},
		{"no connection", 0, fake.Drop(), time.Minute, "[none]", 4, 10500 * time.Millisecond},
		{"half a body, once", 1, fake.CutBody(), time.Minute, "[]", 2, 500 * time.Millisecond},
		{"a body that stalls", 1, fake.StallBody(time.Hour), time.Minute, "[]", 2, 30500 * time.Millisecond},
		{"no answer in time", 0, fake.Delay(time.Hour), 20 * time.Second, "[none]", 1, 20 * time.Second},
		{"404", 0, fake.Answer(404, 7003, "no route"), time.Minute, "[404]", 1, none},
		{"HTML with 200", 0, fake.HTML(200), time.Minute, "[200]", 1, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			inEdge(t, func(t *testing.T, e *edge) {
				struck := e.faultAt("GET", lists, 0, c.times, c.effect)
				start := time.Now()
				_, err := e.list.Survey(within(t, c.deadline))
				if got := class(err); got != c.class || (err == nil) != (c.class == "[]") {
					t.Errorf("class %s, want %s: %v", got, c.class, err)
				}
				if got := e.asked("GET"); got != c.asked {
					t.Errorf("asked %d times, want %d", got, c.asked)
				}
				if got := time.Since(start); got != c.took {
					t.Errorf("took %v, want %v", got, c.took)
				}
				if struck() == 0 {
					t.Error("the fault struck nothing")
				}
			})
		})
	}
}

// TestRefusalOutlivesDeadline has the last answer's details survive a deadline that the pause would pass.
func TestRefusalOutlivesDeadline(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		e.fault("GET", lists, fake.TooManyRequests(971, "300"))
		_, err := e.list.Survey(within(t, time.Minute))
		var refusal *APIError
		if !errors.As(err, &refusal) || !refusal.Has(codeTooFast) || refusal.RetryAfter != 5*time.Minute || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%#v", refusal)
		}
		if IsRefused(err) {
			t.Error("a refused read is no refused write")
		}
	})
}

func TestCancelledWhileWaiting(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		e.fault("GET", lists, fake.HTML(503))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		_, err := e.list.Survey(ctx)
		if !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestCertificateIsNotAskedAgain(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		client := e.newClient(t, roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, &tls.CertificateVerificationError{Err: errors.New("signed by nobody")}
		}))
		_, _, err := client.Lists(t.Context())
		if got := masked(err); got != "read lists: no answer from api.cloudflare.com: tls: failed to verify certificate: signed by nobody" {
			t.Error(got)
		}
		if want := []RequestCount{{"GET", 0, 1}}; !slices.Equal(client.Requests(), want) {
			t.Error(client.Requests())
		}
		if !strings.Contains(hint(err), "ca-certificates") {
			t.Error(hint(err))
		}
	})
}

func TestLargeAnswer(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		if e.client.bodyLimit != 64<<20 {
			t.Error("limit", e.client.bodyLimit)
		}
		e.client.bodyLimit = 1 << 20
		e.fault("GET", lists, fake.BigBody(2<<20))
		_, _, err := e.client.Lists(t.Context())
		if got := masked(err); got != "read lists: Cloudflare answered 200: answer is larger than 1 MiB" {
			t.Error(got)
		}
		e.client.bodyLimit = 4 << 20
		if _, _, err := e.client.Lists(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestRedirects has none followed, and no other host asked.
func TestRedirects(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		inEdge(t, func(t *testing.T, e *edge) {
			hosts := map[string]int{}
			client := e.newClient(t, roundTrip(func(r *http.Request) (*http.Response, error) {
				hosts[r.URL.Host]++
				return e.Transport().RoundTrip(r)
			}))
			list := NewList(client, "edgeban", ListOptions{})
			if _, err := list.Survey(t.Context()); err != nil {
				t.Fatal(err)
			}
			e.fault("", "", fake.Raw(status, http.Header{"Location": {"https://evil.example/"}}, ""))
			_, err := list.Survey(t.Context())
			if !strings.Contains(masked(err), "redirect to https://evil.example/, not followed") {
				t.Error(err)
			}
			if _, err := list.Add(t.Context(), posts(1)); !strings.Contains(masked(err), "redirect to") || class(err) != class(&APIError{Status: status}) {
				t.Error(err)
			}
			if len(hosts) != 1 || hosts["api.cloudflare.com"] != 3 {
				t.Error(hosts)
			}
		})
	}
}

// TestBodiesAreClosed has every body read to its end and closed, whatever becomes of the answer.
func TestBodiesAreClosed(t *testing.T) {
	for _, effect := range []fake.Effect{fake.HTML(503), fake.HTML(200), fake.TooManyRequests(971, "300"), fake.CutBody(), fake.WrongContentType("text/plain"), fake.Delay(0)} {
		inEdge(t, func(t *testing.T, e *edge) {
			open, handed := 0, 0
			client := e.newClient(t, roundTrip(func(r *http.Request) (*http.Response, error) {
				resp, err := e.Transport().RoundTrip(r)
				if err == nil {
					open, handed = open+1, handed+1
					resp.Body = &watchedBody{ReadCloser: resp.Body, closed: func() { open-- }}
				}
				return resp, err
			}))
			e.fault("", "", effect)
			list := NewList(client, "edgeban", ListOptions{})
			list.list.ID = e.listID
			_, _ = list.Survey(within(t, time.Minute))
			_, _ = list.Add(within(t, time.Minute), posts(1))
			if open != 0 || handed < 2 {
				t.Errorf("%d of %d bodies open", open, handed)
			}
		})
	}
}

type watchedBody struct {
	io.ReadCloser
	closed func()
}

func (b *watchedBody) Close() error {
	if b.closed != nil {
		b.closed()
	}
	b.closed = nil
	return b.ReadCloser.Close()
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
