package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// byHandFaults are what goes wrong with commands by hand, on a list where a run has work to do. They say so with exit status 1, do
// only what they were told, and the next runs repair what is left.
func byHandFaults() []faultCase {
	unban := func(name string, writes int, says string, spoil func(*testing.T, *site)) faultCase {
		return faultCase{name: "unban: " + name, args: []string{"unban", "203.0.113.8"}, spoil: spoil, says: says,
			status: exitFailure, outcome: none, writes: writes, after: asItWas}
	}
	deleting := func(effect fake.Effect) func(*testing.T, *site) { return fault("DELETE", fake.PathItems, effect) }
	const adding, unknown = "add to list edgeban: ", "remove from list edgeban: whether it took effect is unknown: "

	well := unban("nothing wrong", 1, "removed 203.0.113.8 (sshd) from list edgeban", nil)
	well.status, well.after = exitOK, removed
	forgetful := well
	forgetful.name, forgetful.env = "unban: no state directory", []string{"EDGEBAN_STATE_DIR=/dev/null/state"}
	made := unban("made, no answer", 1, unknown+"no answer…; the list is read again", deleting(fake.After(fake.Drop())))
	made.status, made.after = exitOK, removed
	refused := unban("429", 2, "Cloudflare answered 429, code 10040…To un-ban somebody right now", deleting(fake.TooManyRequests(10040, "1")))
	refused.then = added // on an account that refused lately, each run writes but once
	held := lockHeldCase()
	locked := unban("lock held", 0, "another edgeban is running…Nothing was changed", held.spoil)
	locked.repair = held.repair

	ban := func(name string, writes int, says string, effect fake.Effect) faultCase {
		return faultCase{name: "ban: " + name, args: []string{"ban", "198.51.100.9", "--for", "1m"}, spoil: fault("POST", fake.PathItems, effect),
			says: says, status: exitFailure, outcome: none, writes: writes, after: asItWas}
	}
	lost := ban("made, no answer", 1, adding+"whether it took effect is unknown…; the list is read again", fake.After(fake.Drop()))
	lost.status, lost.after = exitOK, "something else"
	banRefused := ban("429", 2, "Cloudflare answered 429, code 10040…Nothing tries again by itself", fake.TooManyRequests(10040, "1"))
	banRefused.then = added

	flush := faultCase{name: "flush: 500", args: []string{"flush", "--yes"}, spoil: deleting(fake.HTML(500)), says: unknown + "Cloudflare answered 500",
		status: exitFailure, outcome: none, writes: 3, after: asItWas}
	return []faultCase{
		well, forgetful, made, refused, locked,
		unban("lists not to be had", 0, "find list edgeban: …Cloudflare answered 503", fault("GET", fake.PathLists, fake.HTML(503))),
		unban("items truncated", 0, "answer of api.cloudflare.com breaks off", fault("GET", fake.PathItems, fake.CutBody())),
		unban("wrong clock", 0, "this host's clock is 10m0s behind", fault("GET", fake.PathLists, fake.WrongDate(10*time.Minute))),
		unban("no answer", 3, unknown+"no answer", deleting(fake.Drop())),
		unban("operation fails", 1, "failed: some trouble inside", deleting(fake.FailOperation("some trouble inside"))),
		unban("operation stuck", 1, "was not seen to end: time was up", deleting(fake.StuckOperation())),
		ban("500", 3, adding, fake.HTML(500)), lost, banRefused, flush,
	}
}

// Whenever a command by hand is interrupted, it says so, and runs put the list in step.
func TestInterruptedByHand(t *testing.T) {
	t.Parallel()
	const requests = 4 // lists, items, DELETE, its operation
	for n := range requests + 1 {
		t.Run(fmt.Sprintf("at request %d", n), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				s := mustSite(t)
				s.makeWork(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				seen := 0
				s.edge.OnRequest(func(*http.Request) {
					if seen++; seen == n {
						cancel()
					}
				})
				stdout, stderr, status := s.run(ctx, nil, "unban", "203.0.113.8")
				switch {
				case n == 0 && (status != exitOK || stdout != "removed 203.0.113.8 (sshd) from list edgeban\n" || seen != requests):
					t.Errorf("not interrupted, but exit status %d after %d requests: %s%s", status, seen, stdout, stderr)
				case n > 0 && (status != exitFailure || stdout != "" || !strings.HasPrefix(stderr, "edgeban: interrupted: ")):
					t.Errorf("exit status %d: %s%s", status, stdout, stderr)
				}
				time.Sleep(time.Second) // what Cloudflare had begun ends by itself
				if said, status := s.runFaulty(t, faultCase{}); status != exitOK || s.holds("") != inStep {
					t.Errorf("then exit status %d, the list is %s: %s", status, s.holds(""), said)
				}
			})
		})
	}
}
