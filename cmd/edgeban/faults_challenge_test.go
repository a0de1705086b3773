package main

import (
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// challengeFaults are those of a run that keeps a second list, to which it has an item to add.
func challengeFaults() []faultCase {
	const second = "edgeban_challenge"
	with := func(name string, c faultCase, spoil func(s *site, id string)) faultCase {
		var id string // of the list
		c.name = "challenge list: " + name
		c.env = []string{"EDGEBAN_CHALLENGE_LIST=" + second, "EDGEBAN_CHALLENGE_JAIL=nginx-*"}
		check := c.check
		c.spoil = func(t *testing.T, s *site) {
			t.Helper()
			id = s.edge.AddList(testAccount, second, "ip")
			if err := s.ban(s.database(), "nginx-x", "198.51.100.7", time.Now(), time.Hour); err != nil {
				t.Fatal(err)
			}
			spoil(s, id)
		}
		c.check = func(t *testing.T, s *site) {
			t.Helper()
			if items := s.edge.Items(id); len(items) > 0 {
				t.Errorf("on the challenge list: %v", items)
			}
			if check != nil {
				check(t, s)
			}
		}
		return c
	}
	on := func(method, path string, effect fake.Effect) func(*site, string) {
		return func(s *site, id string) {
			s.edge.AddFault(fake.Fault{Method: method, Path: "/lists/" + id + path, Effect: effect})
		}
	}
	onBlock := func(method string, effect fake.Effect) func(*site, string) {
		return func(s *site, _ string) {
			s.edge.AddFault(fake.Fault{Method: method, Path: "/lists/" + s.list + "/items", Effect: effect})
		}
	}
	own := func(writes int, says string) faultCase { // the block list is kept in step
		return faultCase{status: exitFailure, outcome: "failed", after: inStep, writes: 2 + writes, says: says}
	}
	return []faultCase{
		with("missing", own(0, "find list "+second+": the account has no such list"), func(s *site, id string) { s.edge.RemoveList(id) }),
		with("items unreadable", own(0, "Cloudflare answered 500…list edgeban: +1 −1"), on("GET", "/items", fake.Answer(500, 0, ""))),
		with("POST refused for good", own(1, "add to list "+second+": Cloudflare answered 400"), on("POST", "/items", fake.Answer(400, 10026, "bad body"))),
		with("POST refused", own(2, "add to list "+second+": Cloudflare answered 429"), on("POST", "/items", fake.TooManyRequests(10040, "1"))),
		with("operation fails", own(1, "add to list "+second), on("POST", "/items", fake.FailOperation("some trouble inside"))),
		with("POST of the block list refused", faultCase{status: exitFailure, outcome: "failed", writes: 2, after: asItWas, then: added,
			says: "list " + second + ": Cloudflare refuses writes…1 ban is waiting. Next attempt in the next run."}, onBlock("POST", fake.TooManyRequests(10040, "1"))),
		with("operation on the block list goes on", faultCase{status: exitFailure, outcome: "failed", writes: 1, after: asItWas,
			says: "list " + second + ": nothing is written while an operation"}, onBlock("POST", fake.StuckOperation())),
	}
}
