package cloudflare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

const (
	testAccount = "0123456789abcdef0123456789abcdef"
	testToken   = "t0ken-nobody-may-see-0123456789abcdefghij"
	testEmail   = "admin@example.com"
	testKey     = "c0ffee00decade00facade00c0ffee0000001"
)

// edge is an account with one IP list, and what is needed to work on it.
type edge struct {
	*cloudflaretest.Cloudflare
	listID string
	client *Client
	list   *ListTarget
	log    *bytes.Buffer
}

// inEdge runs test in a bubble of virtual time. Goroutines that it leaves behind make it fail.
func inEdge(t *testing.T, test func(t *testing.T, e *edge)) {
	t.Helper()
	inEdgeOf(t, cloudflaretest.Options{}, ListOptions{}, test)
}

func inEdgeOf(t *testing.T, opts cloudflaretest.Options, options ListOptions, test func(t *testing.T, e *edge)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fake := cloudflaretest.New(opts)
		fake.AddAccount(testAccount)
		fake.AddToken(testToken, cloudflaretest.ListsEdit)
		e := &edge{Cloudflare: fake, listID: fake.AddList(testAccount, "edgeban", "ip"), log: new(bytes.Buffer)}
		e.client = e.newClient(t, fake.Transport())
		e.list = NewList(e.client, "edgeban", options)
		test(t, e)
	})
}

func (e *edge) newClient(t *testing.T, transport http.RoundTripper, changes ...func(*Config)) *Client {
	t.Helper()
	config := Config{
		Account: testAccount, Token: NewSecret(testToken), UserAgent: "edgeban/test", Transport: transport,
		Logger: slog.New(slog.NewTextHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Jitter: func(limit time.Duration) time.Duration { return limit / 3 },
	}
	for _, change := range changes {
		change(&config)
	}
	client, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// withKey asks with the global API key in the token's place.
func withKey(c *Config) { c.Token, c.Email, c.Key = Secret{}, testEmail, NewSecret(testKey) }

// fill puts n addresses on the list.
func (e *edge) fill(t *testing.T, n int) {
	t.Helper()
	var items []cloudflaretest.Item
	for _, post := range posts(n) {
		items = append(items, cloudflaretest.Item{IP: post.Prefix.Addr().String(), Comment: post.Comment})
	}
	if err := e.SetItems(e.listID, items...); err != nil {
		t.Fatal(err)
	}
}

// fault strikes requests of a method to a path.
func (e *edge) fault(method, path string, effect cloudflaretest.Effect) (struck func() int) {
	return e.AddFault(cloudflaretest.Fault{Method: method, Path: path, Effect: effect})
}

// faultAt strikes one or several from the nth on.
func (e *edge) faultAt(method, path string, nth, times int, effect cloudflaretest.Effect) (struck func() int) {
	return e.AddFault(cloudflaretest.Fault{Method: method, Path: path, Nth: nth, Times: times, Effect: effect})
}

// asked counts the requests of a method so far.
func (e *edge) asked(method string) int {
	n := 0
	for _, r := range e.Requests() {
		if r.Method == method {
			n++
		}
	}
	return n
}

func posts(n int) []reconcile.Post {
	var all []reconcile.Post
	addr := netip.MustParseAddr("198.18.0.1")
	for range n {
		all = append(all, reconcile.Post{Prefix: netip.PrefixFrom(addr, 32), Comment: "by test"})
		addr = addr.Next()
	}
	return all
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// masked is an error's text with ids made equal.
func masked(err error) string {
	if err == nil {
		return ""
	}
	text := regexp.MustCompile(`[0-9a-f]{32}`).ReplaceAllString(err.Error(), "ID")
	return regexp.MustCompile(` \(ray [^)]*\)`).ReplaceAllString(text, "")
}

func hint(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// class says which typed errors are in err.
func class(err error) string {
	var api *APIError
	var none *NoAnswerError
	var uncertain *UncertainError
	var operation *OperationError
	var pending *PendingError
	var kinds []string
	if errors.As(err, &uncertain) {
		kinds = append(kinds, "uncertain")
	}
	if errors.As(err, &pending) {
		kinds = append(kinds, "pending")
	}
	if errors.As(err, &operation) {
		kinds = append(kinds, "operation")
	}
	if errors.As(err, &api) {
		kinds = append(kinds, fmt.Sprint(api.Status))
	}
	if errors.As(err, &none) {
		kinds = append(kinds, "none")
	}
	if IsRefused(err) {
		kinds = append(kinds, "refused")
	}
	slices.Sort(kinds)
	return fmt.Sprint(kinds)
}
