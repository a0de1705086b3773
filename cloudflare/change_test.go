package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

func answering(r *http.Request, text string) *http.Response {
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(text)), Request: r,
	}
}

// TestAddAndRemove is a list's life in batches of two, each operation over before the next begins.
func TestAddAndRemove(t *testing.T) {
	inEdgeOf(t, fake.Options{}, ListOptions{BatchSize: 2}, func(t *testing.T, e *edge) {
		var bodies []string
		e.OnRequest(func(r *http.Request) {
			if r.Method != "GET" {
				data, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(strings.NewReader(string(data)))
				bodies = append(bodies, string(data))
				if e.Pending(testAccount) {
					t.Error("a write while an operation is pending")
				}
			}
		})
		want := []reconcile.Post{
			{Prefix: netip.MustParsePrefix("192.0.2.1/32"), Comment: `a "comment" & <more>`},
			{Prefix: netip.MustParsePrefix("2001:db8::1/64"), Comment: ""},
			{Prefix: netip.MustParsePrefix("::ffff:198.51.100.7/120")},
			{Prefix: netip.MustParsePrefix("2001:db8::5/128")},
			{Prefix: netip.MustParsePrefix("203.0.113.0/24")},
		}
		done, err := e.list.Add(t.Context(), want)
		if done != 5 || err != nil {
			t.Fatal(done, err)
		}
		var sent []struct{ IP, Comment string }
		if err := json.Unmarshal([]byte(bodies[0]), &sent); err != nil || len(sent) != 2 || sent[0].Comment != want[0].Comment {
			t.Error(bodies[0], err)
		}
		have, _, err := e.list.Items(t.Context())
		var texts []string
		for _, item := range have {
			texts = append(texts, text(item.Prefix))
		}
		if err != nil || !slices.Equal(texts, []string{"192.0.2.1", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/64", "2001:db8::5"}) {
			t.Error(texts, err)
		}
		done, err = e.list.Remove(t.Context(), have[1:])
		if done != 4 || err != nil || len(e.Items(e.listID)) != 1 {
			t.Error(done, err, e.Items(e.listID))
		}
		if bodies[3] != `{"items":[{"id":"`+have[1].ID+`"},{"id":"`+have[2].ID+`"}]}` || len(bodies) != 5 {
			t.Error(bodies)
		}
	})
}

// TestNothingToWrite asks nobody, and neither does what must not be sent. The twin does ask.
func TestNothingToWrite(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		post := posts(1)[0]
		for _, posts := range [][]reconcile.Post{nil, {}, {post, {}}, {post, post}, {post, {Prefix: netip.MustParsePrefix("::ffff:198.18.0.1/128")}}} {
			if done, err := e.list.Add(t.Context(), posts); done != 0 || (err == nil) != (len(posts) == 0) {
				t.Error(done, err)
			}
		}
		for _, items := range [][]reconcile.Item{nil, {}, {{ID: "x"}, {Prefix: post.Prefix}}} {
			if done, err := e.list.Remove(t.Context(), items); done != 0 || (err == nil) != (len(items) == 0) {
				t.Error(done, err)
			}
		}
		if len(e.Requests()) != 0 {
			t.Error(e.Requests())
		}
		if done, err := e.list.Add(t.Context(), []reconcile.Post{post}); done != 1 || err != nil || len(e.Requests()) != 3 {
			t.Error(done, err, e.Requests())
		}
	})
}

// TestRefusedWrite has one further attempt per target, after a pause that the deadline allows.
func TestRefusedWrite(t *testing.T) {
	throttled := func(retryAfter string) fake.Effect { return fake.TooManyRequests(10040, retryAfter) }
	for _, c := range []struct {
		name     string
		options  ListOptions
		at       []int // the writes that are refused
		effect   fake.Effect
		deadline time.Duration
		done     int // of four items in two batches
		writes   int
		took     time.Duration // the operations included: 200 ms each
	}{
		{"never", ListOptions{}, nil, nil, time.Minute, 4, 2, 400 * time.Millisecond},
		{"once", ListOptions{}, []int{1}, throttled("20"), time.Minute, 4, 3, 25*time.Second + 400*time.Millisecond},
		{"once, no Retry-After", ListOptions{}, []int{1}, throttled(""), time.Minute, 4, 3, 10*time.Second + 400*time.Millisecond},
		{"once, with status 200", ListOptions{}, []int{1}, fake.Answer(200, 10040, "wait"), time.Minute, 4, 3, 10*time.Second + 400*time.Millisecond},
		{"second batch", ListOptions{}, []int{2}, throttled("20"), time.Minute, 4, 3, 25*time.Second + 400*time.Millisecond},
		{"twice", ListOptions{}, []int{1, 2}, throttled("20"), time.Minute, 0, 2, 25 * time.Second},
		{"once per batch", ListOptions{}, []int{1, 3}, throttled("20"), time.Minute, 2, 3, 25*time.Second + 200*time.Millisecond},
		{"once, no retry", ListOptions{NoRetry: true}, []int{1}, throttled("20"), time.Minute, 0, 1, 0},
		{"once, deadline too near", ListOptions{}, []int{1}, throttled("56"), time.Minute, 0, 1, 0},
		{"once, deadline near", ListOptions{}, []int{1}, throttled("54"), time.Minute, 4, 3, 59*time.Second + 400*time.Millisecond},
		{"once, for hours", ListOptions{}, []int{1}, throttled("7200"), 24 * time.Hour, 0, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.options.BatchSize = 2
			inEdgeOf(t, fake.Options{}, c.options, func(t *testing.T, e *edge) {
				for _, nth := range c.at {
					e.faultAt("POST", items, nth, 1, c.effect)
				}
				ctx := within(t, c.deadline)
				start := time.Now()
				done, err := e.list.Add(ctx, posts(4))
				if done != c.done || (err == nil) != (c.done == 4) || IsRefused(err) != (err != nil) {
					t.Errorf("done %d, want %d: %v", done, c.done, err)
				}
				if got := e.asked("POST"); got != c.writes {
					t.Errorf("%d writes, want %d", got, c.writes)
				}
				if got := time.Since(start); got != c.took {
					t.Errorf("took %v, want %v", got, c.took)
				}
				if len(e.Items(e.listID)) != c.done {
					t.Error(e.Items(e.listID))
				}
				again, later := e.list.Remove(t.Context(), []reconcile.Item{{ID: testAccount}})
				if err == nil {
					if e.asked("DELETE") != 1 { // the twin: a target in good order asks
						t.Error(e.Requests())
					}
				} else if again != 0 || !IsRefused(later) || e.asked("DELETE") != 0 ||
					!strings.HasPrefix(masked(later), "remove from list edgeban: Cloudflare answered ") {
					t.Error(again, later)
				}
			})
		})
	}
}

// TestUncertainWrite is not sent again, and no other one follows.
func TestUncertainWrite(t *testing.T) {
	for _, effect := range []fake.Effect{fake.Drop(), fake.After(fake.Drop()), fake.CutBody(), fake.HTML(502), fake.Answer(500, 0, "oops")} {
		inEdgeOf(t, fake.Options{}, ListOptions{BatchSize: 2}, func(t *testing.T, e *edge) {
			e.faultAt("POST", items, 2, 1, effect)
			done, err := e.list.Add(t.Context(), posts(6))
			var uncertain *UncertainError
			if done != 2 || !errors.As(err, &uncertain) || !strings.HasPrefix(err.Error(), "add to list edgeban: items 3 to 4 of 6: whether") {
				t.Error(done, err)
			}
			if _, later := e.list.Remove(t.Context(), []reconcile.Item{{ID: testAccount}}); !errors.As(later, &uncertain) {
				t.Error(later)
			}
			if e.asked("POST") != 2 || e.asked("DELETE") != 0 {
				t.Error(e.Requests())
			}
		})
	}
}

// TestFailedOperation does not end the run's writes: what failed for want of room makes room.
func TestFailedOperation(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		e.fill(t, 2)
		have, _, err := e.list.Items(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		e.faultAt("POST", items, 1, 1, fake.FailOperation("This list is at the maximum number of items"))
		done, err := e.list.Add(t.Context(), posts(4))
		var failed *OperationError
		if done != 0 || !errors.As(err, &failed) || !failed.ListFull() || failed.Refused() || IsRefused(err) {
			t.Error(done, err)
		}
		if done, err := e.list.Remove(t.Context(), have); done != 2 || err != nil {
			t.Error(done, err)
		}
	})
}

// TestPolling holds when an operation is asked about.
func TestPolling(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		start := time.Now()
		var at []time.Duration
		e.OnRequest(func(r *http.Request) {
			if strings.Contains(r.URL.Path, "bulk_operations") {
				at = append(at, time.Since(start).Round(time.Millisecond))
			}
		})
		e.fault("POST", items, fake.OperationTakes(20*time.Second))
		if done, err := e.list.Add(t.Context(), posts(1)); done != 1 || err != nil {
			t.Error(done, err)
		}
		const ms = time.Millisecond
		want := []time.Duration{200 * ms, 500 * ms, 950 * ms, 1625 * ms, 2638 * ms, 4156 * ms, 6434 * ms, 9852 * ms, 14852 * ms, 19852 * ms, 24852 * ms}
		if !slices.Equal(at, want) {
			t.Error(at)
		}
	})
}

// TestPending has the operation's id survive the end of the run, so that a later one can go on waiting.
func TestPending(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		e.fault("POST", items, fake.StuckOperation())
		ctx := within(t, 30*time.Second)
		start := time.Now()
		done, err := e.list.Add(ctx, posts(1))
		var pending *PendingError
		if done != 0 || !errors.As(err, &pending) || !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil || time.Since(start) > 30*time.Second {
			t.Fatal(done, err, time.Since(start))
		}
		if _, later := e.list.Remove(t.Context(), []reconcile.Item{{ID: testAccount}}); !errors.As(later, &pending) || e.asked("DELETE") != 0 {
			t.Error(later)
		}
		if err := e.client.Await(within(t, time.Second), pending.OperationID); class(err) != "[pending]" {
			t.Error(err)
		}
		e.Finish(testAccount)
		if err := e.client.Await(t.Context(), pending.OperationID); err != nil {
			t.Error(err)
		}
	})
}

func TestPollsAreAskedAgain(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		struck := e.faultAt("GET", polls, 1, 2, fake.HTML(503))
		if done, err := e.list.Add(within(t, time.Minute), posts(1)); done != 1 || err != nil || struck() != 2 {
			t.Error(done, err, struck())
		}
	})
	inEdge(t, func(t *testing.T, e *edge) {
		e.fault("GET", polls, fake.HTML(503))
		done, err := e.list.Add(within(t, time.Minute), posts(1))
		if done != 0 || class(err) != "[503 pending]" {
			t.Error(done, err)
		}
	})
}

func TestCancelled(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := e.list.Survey(ctx); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(3*time.Second, cancel)
		e.fault("POST", items, fake.StuckOperation())
		if _, err := e.list.Add(ctx, posts(1)); class(err) != "[pending]" || !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		fresh := NewList(e.client, "edgeban", ListOptions{})
		fresh.list = e.list.list
		if _, err := fresh.Add(ctx, posts(1)); class(err) != "[]" || !errors.Is(err, context.Canceled) || e.asked("POST") != 1 {
			t.Error(err) // nothing was sent, so nothing is uncertain
		}
	})
}

func TestOperationIDs(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		for _, id := range []string{"", "../../x", "a?b", "a b"} {
			if err := e.client.Await(t.Context(), id); err == nil || len(e.Requests()) != 0 {
				t.Error(id, err)
			}
		}
	})
}

func TestOperationErrorWords(t *testing.T) {
	for text, want := range map[string][2]bool{
		"This list is at the maximum number of items": {false, true},
		"you have been ratelimited":                   {true, false},
		"Rate limit exceeded":                         {true, false},
		"request was throttled":                       {true, false},
		"internal error":                              {false, false},
		"":                                            {false, false},
	} {
		err := &OperationError{Message: text}
		if got := [2]bool{err.Refused(), err.ListFull()}; got != want || err.Hint() == "" {
			t.Error(text, got)
		}
	}
}

// TestLargeBatch is a list as full as most accounts allow, written and emptied in one write each.
func TestLargeBatch(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		done, err := e.list.Add(t.Context(), posts(10_000))
		if done != 10_000 || err != nil || e.asked("POST") != 1 {
			t.Error(done, err, e.asked("POST"))
		}
		have, _, err := e.list.Items(t.Context())
		if len(have) != 10_000 || err != nil {
			t.Error(len(have), err)
		}
		done, err = e.list.Remove(t.Context(), have)
		if done != 10_000 || err != nil || e.asked("DELETE") != 1 || len(e.Items(e.listID)) != 0 {
			t.Error(done, err, e.asked("DELETE"))
		}
	})
}
