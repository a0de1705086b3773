package cloudflare

import (
	"errors"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

// Errors of writes answer what the core asks of them.
var (
	_ reconcile.TooLarge  = (*batchError)(nil)
	_ reconcile.TooLarge  = (*APIError)(nil)
	_ reconcile.Brief     = (*APIError)(nil)
	_ reconcile.Refusal   = (*OperationError)(nil)
	_ reconcile.Full      = (*OperationError)(nil)
	_ reconcile.Pending   = (*PendingError)(nil)
	_ reconcile.Stale     = (*UncertainError)(nil)
	_ reconcile.Uncertain = (*UncertainError)(nil)
)

// TestReplaceTooLarge: what one write may not carry is not sent, and one that Cloudflare finds too large is not halved, because half of
// a list is another list. The next writes are smaller.
func TestReplaceTooLarge(t *testing.T) {
	inEdgeOf(t, fake.Options{}, ListOptions{BatchSize: 4}, func(t *testing.T, e *edge) {
		e.fill(t, 3)
		err := e.list.Replace(t.Context(), posts(5))
		var large reconcile.TooLarge
		if !errors.As(err, &large) || !large.TooLarge() || e.asked("PUT") != 0 ||
			err.Error() != "replace the items of list edgeban: 5 items are more than the 4 of one write" {
			t.Error(e.asked("PUT"), err)
		}
		e.faultAt("PUT", fake.PathItems, 1, 1, fake.Answer(413, 0, "too large"))
		err = e.list.Replace(t.Context(), posts(4))
		if !errors.As(err, &large) || !large.TooLarge() || e.asked("PUT") != 1 || e.list.BatchSize() != 2 || len(e.Items(e.listID)) != 3 {
			t.Error(e.asked("PUT"), e.list.BatchSize(), err)
		}
		if err := e.list.Replace(t.Context(), posts(2)); err != nil || len(e.Items(e.listID)) != 2 {
			t.Error(err)
		}
	})
}

// TestAddTooLarge: an addition is halved until it goes through, and the size that did is kept.
func TestAddTooLarge(t *testing.T) {
	inEdgeOf(t, fake.Options{}, ListOptions{BatchSize: 8}, func(t *testing.T, e *edge) {
		e.faultAt("POST", fake.PathItems, 1, 2, fake.Answer(413, 0, "too large"))
		done, err := e.list.Add(t.Context(), posts(8))
		if done != 8 || err != nil || e.list.BatchSize() != 2 || e.asked("POST") != 2+4 {
			t.Error(done, err, e.list.BatchSize(), e.asked("POST"))
		}
	})
}

// TestSettle: after a write of which nobody knows whether it took effect, the list is read only when an operation that it may have
// begun has had the time to end. Without that time it is not read at all.
func TestSettle(t *testing.T) {
	inEdgeOf(t, fake.Options{}, ListOptions{}, func(t *testing.T, e *edge) {
		e.faultAt("POST", fake.PathItems, 1, 1, fake.After(fake.Drop()))
		_, err := e.list.Add(t.Context(), posts(1))
		var doubt *UncertainError
		if !errors.As(err, &doubt) || !doubt.Uncertain() || !doubt.Stale() {
			t.Fatal(err)
		}
		if _, short := e.list.Survey(within(t, 4*time.Second)); !errors.As(short, &doubt) {
			t.Error(short)
		}
		began := time.Now()
		if _, err := e.list.Survey(t.Context()); err != nil || time.Since(began) != settleTime {
			t.Error(time.Since(began), err)
		}
		have, _, err := e.list.Items(t.Context())
		if err != nil || len(have) != 1 {
			t.Error(have, err)
		}
		if _, err := e.list.Remove(t.Context(), have); err != nil {
			t.Error(err)
		}
		began = time.Now()
		if _, err := e.list.Survey(t.Context()); err != nil || time.Since(began) != 0 {
			t.Error(time.Since(began), err)
		}
	})
}

// TestListAwait: an operation of an earlier run has ended when it completed, when it failed and when nobody knows it; that it was
// refused is news, and so is that it goes on.
func TestListAwait(t *testing.T) {
	const unknown = "ffffffffffffffffffffffffffffffff"
	for name, c := range map[string]struct {
		effect fake.Effect
		want   string // in the error; empty: none
	}{
		"completed": {},
		"failed":    {effect: fake.FailOperation("something broke")},
		"no room":   {effect: fake.FailOperation("the maximum number of items is reached")},
		"refused":   {effect: fake.FailOperation("exceeded the rate limit"), want: "failed: exceeded the rate limit"},
		"goes on":   {effect: fake.StuckOperation(), want: "was not seen to end: time was up"},
		"unknown":   {},
	} {
		t.Run(name, func(t *testing.T) {
			inEdge(t, func(t *testing.T, e *edge) {
				if c.effect != nil {
					e.fault("POST", fake.PathItems, c.effect)
				}
				if _, err := e.list.Survey(t.Context()); err != nil {
					t.Fatal(err)
				}
				u := e.client.url(nil, "rules", "lists", e.listID, "items")
				id, err := e.client.submit(t.Context(), "POST", u, []member{{IP: "192.0.2.1"}})
				if err != nil {
					t.Fatal(err)
				}
				if name == "unknown" {
					id = unknown
				}
				err = e.list.Await(within(t, time.Minute), id)
				if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Error(err)
				}
				var refusal reconcile.Refusal
				if got := errors.As(err, &refusal) && refusal.Refused(); got != (name == "refused") {
					t.Error(err)
				}
				var pending reconcile.Pending
				if errors.As(err, &pending) != (name == "goes on") || name == "goes on" && pending.Pending() != id {
					t.Error(err)
				}
			})
		})
	}
}

func TestBrief(t *testing.T) {
	for want, e := range map[string]*APIError{
		"429, code 10040": {Status: 429, Errors: []ErrorInfo{{Code: 10040}, {Code: 1}}},
		"429":             {Status: 429},
		"400":             {Status: 400, Errors: []ErrorInfo{{Message: "no"}}},
	} {
		if got := e.Brief(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestNoAnswerHint names what a person can copy, port and scheme included.
func TestNoAnswerHint(t *testing.T) {
	for base, origin := range map[string]string{"": "https://api.cloudflare.com", "http://127.0.0.1:8080/v4": "http://127.0.0.1:8080"} {
		inEdge(t, func(t *testing.T, e *edge) {
			e.fault("GET", "", fake.Drop())
			client, err := New(Config{BaseURL: base, Account: testAccount, Token: NewSecret(testToken), Transport: e.Transport()})
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = client.Lists(t.Context())
			var silent *NoAnswerError
			if !errors.As(err, &silent) || !strings.HasPrefix(silent.Hint(), "Try: curl -sS "+origin+" from this host;") {
				t.Error(err)
			}
		})
	}
}
