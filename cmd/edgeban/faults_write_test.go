package main

import (
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

func authFaults() []faultCase {
	const find, authentication = "find list edgeban: Cloudflare answered ", "code 10000: Authentication error"
	auth := func(name, says string, spoil func(*fake.Cloudflare)) faultCase {
		return faultCase{name: "token: " + name, spoil: func(_ *testing.T, s *site) { spoil(s.edge) }, says: says,
			status: exitFailure, outcome: "failed", after: asItWas}
	}
	return []faultCase{
		auth("expired", find+"401, "+authentication, func(c *fake.Cloudflare) { c.SetTokenStatus(testToken, fake.TokenExpired) }),
		auth("deleted", find+"401, "+authentication, func(c *fake.Cloudflare) { c.RemoveToken(testToken) }),
		auth("without permission", find+"403, "+authentication, func(c *fake.Cloudflare) { c.AddAccountToken(testAccount, testToken) }),
		tried(1, auth("may only read", adding+"Cloudflare answered 403, "+authentication,
			func(c *fake.Cloudflare) { c.AddAccountToken(testAccount, testToken, fake.ListsRead) })),
		{name: "token: malformed", env: []string{"CLOUDFLARE_API_TOKEN=hunter 2"}, status: exitUsage, outcome: none, after: asItWas,
			says: "a blank in the token"},
		{name: "token: none", env: []string{"CLOUDFLARE_API_TOKEN="}, status: exitUsage, outcome: none, after: asItWas,
			says: "there is no Cloudflare API token"},
		{name: "account: another's", env: []string{"CLOUDFLARE_ACCOUNT_ID=ffffffffffffffffffffffffffffffff"}, status: exitFailure,
			outcome: "failed", after: asItWas, says: find + "403, " + authentication},
	}
}

// tried is a case in which so many writes are tried.
func tried(writes int, c faultCase) faultCase {
	c.writes = writes
	return c
}

// writing is what an effect on the first write does: so many attempts, and none has an effect.
func writing(name string, attempts int, effect fake.Effect, says string) faultCase {
	return tried(attempts, named("POST: "+name, failing("POST", fake.PathItems, says, effect)))
}

func refusedWrites() []faultCase {
	const throttled = "add to list edgeban: Cloudflare answered 429, code 10040"
	refused := func(name string, attempts int, effect fake.Effect, says string) faultCase {
		c := writing(name, attempts, effect, says)
		c.then = added // the removal is for the run after that
		return c
	}
	cases := []faultCase{
		writing("refused for good", 1, fake.Answer(400, 10026, "bad body"), "Cloudflare answered 400, code 10026: bad body"),
		refused("429, Retry-After 1", 2, fake.TooManyRequests(10040, "1"), throttled),
		refused("429, Retry-After 60", 2, fake.TooManyRequests(10040, "60"), throttled),
		refused("429, Retry-After 3600", 1, fake.TooManyRequests(10040, "3600"), throttled),
		refused("429, no Retry-After", 2, fake.TooManyRequests(10040, ""), throttled),
		refused("429, Retry-After nonsense", 2, fake.TooManyRequests(10040, "soon"), throttled),
		refused("429 of all requests", 2, fake.TooManyRequests(971, "1"), "Cloudflare answered 429, code 971"),
		refused("10040 with 200", 2, fake.Answer(200, 10040, "you have been ratelimited"), "Cloudflare answered 200, code 10040: you have been ratelimited"),
		refused("operation fails, rate limited", 1, fake.FailOperation("Rate limit exceeded, try again"), "failed: Rate limit exceeded, try again"),
		refused("another operation pending", 2, fake.Delay(0), throttled),
	}
	last := len(cases) - 1
	cases[last].spoil = func(_ *testing.T, s *site) { s.edge.Occupy(testAccount, 0) }
	once := writing("429 once", 3, fake.Delay(0), "+1 −1, 2 items")
	once.status, once.outcome, once.after = exitOK, "changed", inStep
	once.spoil = func(_ *testing.T, s *site) {
		s.edge.AddFault(fake.Fault{Method: "POST", Path: fake.PathItems, Nth: 1, Effect: fake.TooManyRequests(10040, "1")})
	}
	return append(cases, once)
}

func uncertainWrites() []faultCase {
	const unknown = "add to list edgeban: whether it took effect is unknown: "
	done := func(c faultCase) faultCase { // it did take effect, and the list shows it
		c.status, c.outcome, c.after = exitOK, "changed", inStep
		c.says += "…; the list is read again"
		return c
	}
	return []faultCase{
		writing("no answer", 3, fake.Drop(), unknown+"no answer from api.cloudflare.com: EOF"),
		done(writing("made, no answer", 2, fake.After(fake.Drop()), unknown+"no answer from api.cloudflare.com: EOF")),
		writing("502", 3, fake.HTML(502), unknown+"Cloudflare answered 502"),
		done(writing("made, 502", 2, fake.After(fake.HTML(502)), unknown+"Cloudflare answered 502")),
		done(writing("made, HTML with 200", 2, fake.After(fake.HTML(200)), unknown+"Cloudflare answered 200")),
		done(writing("made, answer truncated", 2, fake.CutBody(), unknown+"answer of api.cloudflare.com breaks off")),
		writing("no operation named", 3, jsonBody(200, `{"success":true,"result":{}}`), unknown+"answer names no operation"),
		writing("null", 3, jsonBody(200, `{"success":true,"result":null}`), unknown),
		writing("never an answer", 2, fake.Delay(time.Hour), unknown),
	}
}

func failedWrites() []faultCase {
	const quota = "exceeded the maximum number of items"
	full := writing("operation fails, list full", 1, fake.FailOperation(quota), "failed: "+quota)
	full.later = 61 * time.Minute // what was found out about the room is believed for an hour
	full.spoil = both(full.spoil, func(t *testing.T, s *site) {
		if err := s.ban(s.database(), "sshd", "203.0.113.7", time.Now(), 24*time.Hour); err != nil {
			t.Fatal(err)
		}
	})
	poll := func(name string, effect fake.Effect, says string) faultCase {
		return faultCase{name: "operation: " + name, spoil: fault("GET", fake.PathOperation, effect), says: says,
			status: exitFailure, outcome: "failed", writes: 1, after: added}
	}
	asleep := func(envelope map[string]any) { envelope["result"].(map[string]any)["status"] = "asleep" }
	return []faultCase{
		writing("operation fails", 1, fake.FailOperation("some trouble inside"), "failed: some trouble inside"),
		full,
		writing("operation stuck", 1, fake.StuckOperation(), "was not seen to end: time was up"),
		poll("no answer about it", fake.Drop(), "was not seen to end: no answer"),
		poll("500 about it", fake.HTML(500), "was not seen to end: Cloudflare answered 500"),
		poll("unknown status", fake.Edit(asleep), `was not seen to end: unknown status "asleep"`),
		{name: "quota of items reached", env: []string{"EDGEBAN_MAX_ITEMS=1"}, says: "1 ban left out for want of room", outcome: "changed", writes: 1, after: removed},
	}
}

func removalFaults() []faultCase {
	remove := func(name string, writes int, effect fake.Effect, says string) faultCase {
		return faultCase{name: "DELETE: " + name, spoil: fault("DELETE", fake.PathItems, effect), says: says,
			status: exitFailure, outcome: "failed", writes: writes, after: added}
	}
	gone := faultCase{name: "DELETE: removed by hand meanwhile", says: "+1 −1, 2 items", outcome: "changed", writes: 2, after: inStep}
	gone.spoil = func(_ *testing.T, s *site) {
		s.edge.AddFault(fake.Fault{Method: "POST", Path: fake.PathItems, Effect: removeByHand(s)})
	}
	return []faultCase{
		remove("429", 3, fake.TooManyRequests(10040, "1"), "remove from list edgeban: Cloudflare answered 429, code 10040"),
		remove("no answer", 4, fake.Drop(), "remove from list edgeban: whether it took effect is unknown"),
		remove("operation fails", 2, fake.FailOperation("some trouble inside"), "failed: some trouble inside"),
		remove("operation stuck", 2, fake.StuckOperation(), "was not seen to end: time was up"),
		gone,
	}
}
