package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// badAnswer is what Cloudflare does to every request of one kind, what a person reads then, and the next step that a
// hint names. Each makes sync end with exit status 1.
type badAnswer struct {
	name   string
	effect fake.Effect
	want   string
	hint   string
}

// answers are the tests of bad answers to a method and path, which are told with a prefix.
func answers(method, path, prefix string, all []badAnswer) (tests []untouched) {
	for _, bad := range all {
		tests = append(tests, untouched{name: bad.name, spoil: fault(method, path, bad.effect), status: exitFailure,
			stderr: "edgeban: " + prefix + bad.want + "\n", hint: bad.hint})
	}
	return tests
}

// fault is a spoil that strikes every request of a method and path.
func fault(method, path string, effect fake.Effect) func(*testing.T, *site) {
	return func(_ *testing.T, s *site) { s.edge.AddFault(fake.Fault{Method: method, Path: path, Effect: effect}) }
}

func jsonBody(status int, body string) fake.Effect {
	return fake.Raw(status, http.Header{"Content-Type": {"application/json"}}, body)
}

// The next steps.
const (
	tryCurl    = "Try: curl -sS https://api.cloudflare.com"
	cloudIsIll = "Cloudflare has a problem of its own: https://www.cloudflarestatus.com"
	somebody   = "Something other than the API may have answered"
	accountID  = "Is the account id right?"
	otherToken = "The token is wrong, expired or restricted"
	makeList   = "Create a list, content type IP"
	setClock   = "Set the clock"
	laterOn    = "The next run goes on from here."
	readsAgain = "the next run reads the list again"
	waitingIs  = "Waiting helps, trying more often does harm."
)

func TestBadLists(t *testing.T) {
	testUntouched(t, answers("GET", fake.PathLists, "find list edgeban: ", []badAnswer{
		{"no answer", fake.Drop(), "no answer from api.cloudflare.com: EOF", tryCurl},
		{"cut off", fake.CutBody(), "answer of api.cloudflare.com breaks off: unexpected EOF", tryCurl},
		{"500", fake.Answer(500, 10001, "internal"), "Cloudflare answered 500, code 10001: internal (ray RAY)", cloudIsIll},
		{"502 page", fake.HTML(502), `Cloudflare answered 502: answer is not JSON (content type "text/html"): ` +
			"<!DOCTYPE html> <html><head><title>502: Bad Gateway</title></head><body><h1>Err… (ray RAY)", cloudIsIll},
		{"200 page", fake.HTML(200), `Cloudflare answered 200: answer is not JSON (content type "text/html"): ` +
			"<!DOCTYPE html> <html><head><title>200: OK</title></head><body><h1>Error 200</h… (ray RAY)", somebody},
		{"redirect", fake.Raw(302, http.Header{"Location": {"https://login.example.com/"}}, ""),
			"Cloudflare answered 302: redirect to https://login.example.com/, not followed (ray RAY)", "captive portal"},
		{"nothing", jsonBody(200, ""), "Cloudflare answered 200: answer is empty (ray RAY)", somebody},
		{"half of it", jsonBody(200, `{"success":`), "Cloudflare answered 200: answer is not what it should be: " +
			"unexpected end of JSON input (ray RAY)", somebody},
		{"no success", jsonBody(200, `{"success":false,"errors":[]}`), "Cloudflare answered 200 without success or reason (ray RAY)", ""},
		{"denied in words", fake.Answer(200, 1000, "not today"), "Cloudflare answered 200, code 1000: not today (ray RAY)", ""},
		{"too many requests", fake.TooManyRequests(971, ""), "Cloudflare answered 429, code 971: " +
			"you have been ratelimited please wait and try again (ray RAY)", "Wait five minutes"},
		{"null", fake.NullResult(), "the account has no such list", makeList},
		{"an id that is none", jsonBody(200, `{"success":true,"result":[{"id":"../x","name":"edgeban"}]}`),
			`list edgeban: id "../x" is not an id`, ""},
		{"no count", jsonBody(200, `{"success":true,"result":[{"id":"1f","name":"edgeban","kind":"ip"}]}`),
			"list edgeban: no number of items", ""},
	}))
}

func TestBadItems(t *testing.T) {
	testUntouched(t, answers("GET", fake.PathItems, "list items of edgeban: page 1: ", []badAnswer{
		{"no answer", fake.Drop(), "no answer from api.cloudflare.com: EOF", tryCurl},
		{"cut off", fake.CutBody(), "answer of api.cloudflare.com breaks off: unexpected EOF", tryCurl},
		{"null", fake.NullResult(), "null instead of items", ""},
		{"503 page", fake.HTML(503), `Cloudflare answered 503: answer is not JSON (content type "text/html"): ` +
			"<!DOCTYPE html> <html><head><title>503: Service Unavailable</title></head><body… (ray RAY)", cloudIsIll},
		{"gone", fake.Answer(404, 10001, "list not found"), "Cloudflare answered 404, code 10001: list not found (ray RAY)", accountID},
		{"no id", fake.ItemWithoutID(), `item "192.0.2.200": "" is not an id`, ""},
		{"without end", fake.RunawayPages(), "1 items and a next page, a page that is not the last has 500", ""},
	}))
}

func TestBadTiming(t *testing.T) {
	testUntouched(t, []untouched{
		{name: "slow", spoil: fault("GET", fake.PathLists, fake.Delay(time.Hour)), status: exitFailure, hint: laterOn,
			stderr: "edgeban: out of time after 1m50s: find list edgeban: no answer from api.cloudflare.com: context deadline exceeded\n"},
		{name: "clock ahead", spoil: fault("GET", fake.PathLists, fake.WrongDate(-5*time.Minute-time.Second)), hint: setClock,
			stderr: "edgeban: this host's clock is 5m1s ahead of the API's\n"},
		{name: "clock behind", spoil: fault("GET", fake.PathLists, fake.WrongDate(24*time.Hour)), hint: setClock,
			stderr: "edgeban: this host's clock is 24h0m0s behind the API's\n"},
		{name: "clock behind in diff", spoil: fault("GET", fake.PathLists, fake.WrongDate(24*time.Hour)), hint: setClock,
			args: []string{"diff"}, status: exitFailure, stderr: "edgeban: this host's clock is 24h0m0s behind the API's\n"},
	})
}

func TestBadTokensAndNames(t *testing.T) {
	const (
		find      = "edgeban: find list edgeban: "
		unknown   = find + "Cloudflare answered 401, code 10000: Authentication error (ray RAY)\n"
		forbidden = find + "Cloudflare answered 403, code 10000: Authentication error (ray RAY)\n"
	)
	spoil := func(f func(*fake.Cloudflare)) func(*testing.T, *site) {
		return func(_ *testing.T, s *site) { f(s.edge) }
	}
	tests := []untouched{
		{name: "expired", stderr: unknown, hint: otherToken,
			spoil: spoil(func(c *fake.Cloudflare) { c.SetTokenStatus(testToken, fake.TokenExpired) })},
		{name: "disabled", stderr: unknown, hint: otherToken,
			spoil: spoil(func(c *fake.Cloudflare) { c.SetTokenStatus(testToken, fake.TokenDisabled) })},
		{name: "deleted", stderr: unknown, hint: otherToken,
			spoil: spoil(func(c *fake.Cloudflare) { c.RemoveToken(testToken) })},
		{name: "without permission", stderr: forbidden, hint: otherToken,
			spoil: spoil(func(c *fake.Cloudflare) { c.AddAccountToken(testAccount, testToken) })},
		{name: "may only read", stderr: adding + "Cloudflare answered 403, code 10000: Authentication error (ray RAY)\n", hint: otherToken, attempts: 1,
			spoil: spoil(func(c *fake.Cloudflare) { c.AddAccountToken(testAccount, testToken, fake.ListsRead) })},
		{name: "of another account", stderr: forbidden, hint: otherToken,
			spoil: spoil(func(c *fake.Cloudflare) { c.AddAccountToken("00", testToken, fake.ListsEdit) })},
		{name: "malformed", env: []string{"CLOUDFLARE_API_TOKEN=hunter2"}, hint: "The token is malformed.",
			stderr: find + "Cloudflare answered 400, code 9106: Authentication failed (status: 400) (ray RAY)\n"},
		{name: "wrong account", env: []string{"CLOUDFLARE_ACCOUNT_ID=ffffffffffffffffffffffffffffffff"}, stderr: forbidden, hint: otherToken},
		{name: "no such list", env: []string{"EDGEBAN_LIST=other"}, hint: "The account's IP lists: edgeban.",
			stderr: "edgeban: find list other: the account has no such list\n"},
		{name: "no such id", env: []string{"EDGEBAN_LIST=2c0fc9fa937b11eaa1b71c4d701ab86e"}, hint: makeList,
			stderr: "edgeban: find list 2c0fc9fa937b11eaa1b71c4d701ab86e: the account has no such list\n"},
		{name: "list of another kind", env: []string{"EDGEBAN_LIST=hosts"}, hint: "A list's kind cannot be changed.",
			stderr: "edgeban: find list hosts: not an IP list: its kind is \"hostname\"\n",
			spoil:  spoil(func(c *fake.Cloudflare) { c.AddList(testAccount, "hosts", "hostname") })},
	}
	for i := range tests {
		tests[i].status = exitFailure
	}
	testUntouched(t, tests)
}

// adding is how an error of the first write begins.
const adding = "edgeban: add to list edgeban: "

// readAgainTwice is what a run says that reads the list again after a write whose end nobody knows, twice, and then gives up.
func readAgainTwice(err string) string {
	return strings.Repeat("edgeban: warning: "+err+"; the list is read again\n", 2) + "edgeban: " + err + "\n"
}

func TestBadWrites(t *testing.T) {
	const (
		throttled = adding + "Cloudflare answered 429, code 10040: you have been ratelimited please wait and try again (ray RAY)\n"
		unknown   = "add to list edgeban: whether it took effect is unknown: "
	)
	tests := []untouched{
		{name: "throttled", spoil: fault("POST", fake.PathItems, fake.TooManyRequests(10040, "1")), attempts: 2, stderr: throttled, hint: waitingIs},
		{name: "throttled for long", spoil: fault("POST", fake.PathItems, fake.TooManyRequests(10040, "3600")), stderr: throttled, hint: waitingIs},
		{name: "another operation", spoil: func(_ *testing.T, s *site) { s.edge.Occupy(testAccount, 0) }, attempts: 2, stderr: throttled, hint: waitingIs},
		{name: "refused", spoil: fault("POST", fake.PathItems, fake.Answer(400, 10026, "bad body")),
			stderr: adding + "Cloudflare answered 400, code 10026: bad body (ray RAY)\n"},
		{name: "no answer", spoil: fault("POST", fake.PathItems, fake.Drop()), hint: readsAgain,
			attempts: 3, stderr: readAgainTwice(unknown + "no answer from api.cloudflare.com: EOF")},
		{name: "502", spoil: fault("POST", fake.PathItems, fake.Answer(502, 1, "bad gateway")), hint: readsAgain,
			attempts: 3, stderr: readAgainTwice(unknown + "Cloudflare answered 502, code 1: bad gateway (ray RAY)")},
		{name: "no operation", spoil: fault("POST", fake.PathItems, jsonBody(200, `{"success":true,"result":{}}`)), hint: readsAgain,
			attempts: 3, stderr: readAgainTwice(unknown + "answer names no operation: \"\"")},
		{name: "operation fails", spoil: fault("POST", fake.PathItems, fake.FailOperation("some trouble inside")), hint: "next run reads the list again",
			stderr: adding + "operation ID failed: some trouble inside\n"},
		{name: "operation never ends", spoil: fault("POST", fake.PathItems, fake.StuckOperation()), hint: "the next run reads the list again",
			stderr: adding + "operation ID was not seen to end: time was up\n"},
	}
	for i := range tests {
		tests[i].status, tests[i].attempts = exitFailure, max(tests[i].attempts, 1)
	}
	testUntouched(t, tests)
}
