package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// failing are reads that fail: the run says why, writes nothing, and the list is as it was.
func failing(method, path, says string, effects ...fake.Effect) faultCase {
	return faultCase{spoil: fault(method, path, fake.Chain(effects...)), says: says,
		status: exitFailure, outcome: "failed", after: asItWas}
}

func named(name string, c faultCase) faultCase {
	c.name = name
	return c
}

func listFaults() []faultCase {
	read := func(name string, effect fake.Effect, says string) faultCase {
		return named("lists: "+name, failing("GET", fake.PathLists, "find list edgeban: …"+says, effect))
	}
	return []faultCase{
		read("no answer", fake.Drop(), "no answer from api.cloudflare.com: EOF"),
		read("never an answer", fake.Delay(time.Hour), "no answer from api.cloudflare.com: context deadline exceeded"),
		read("truncated", fake.CutBody(), "answer of api.cloudflare.com breaks off"),
		read("body stalls", fake.StallBody(time.Hour), "answer of api.cloudflare.com breaks off"),
		read("HTML with 200", fake.HTML(200), "Cloudflare answered 200: answer is not JSON"),
		read("503", fake.HTML(503), "Cloudflare answered 503"),
		read("success false with 200", fake.Answer(200, 1000, "not today"), "Cloudflare answered 200, code 1000: not today"),
		read("too many requests", fake.TooManyRequests(10100, "30"), "Cloudflare answered 429, code 10100"),
		read("redirect", fake.Raw(302, http.Header{"Location": {"https://login.example.com/"}}, ""), "redirect to https://login.example.com/, not followed"),
		read("null", fake.NullResult(), "the account has no such list"),
	}
}

func itemFaults() []faultCase {
	read := func(name string, effect fake.Effect, says string) faultCase {
		return named("items: "+name, failing("GET", fake.PathItems, "list items of edgeban: page 1: …"+says, effect))
	}
	twin := faultCase{name: "items: null, on an empty list", status: exitOK, outcome: "changed", says: "+1, 1 item", writes: 1, after: inStep,
		spoil: both(emptyList, fault("GET", fake.PathItems, fake.NullResult()))}
	return []faultCase{
		read("success false with 200", fake.Answer(200, 1000, "not today"), "Cloudflare answered 200, code 1000: not today"),
		read("HTML with 200", fake.HTML(200), "Cloudflare answered 200: answer is not JSON"),
		read("500", fake.Answer(500, 10001, "internal"), "Cloudflare answered 500, code 10001: internal"),
		read("504 page", fake.HTML(504), "Cloudflare answered 504: answer is not JSON"),
		read("truncated", fake.CutBody(), "answer of api.cloudflare.com breaks off: unexpected EOF"),
		read("half a JSON text", jsonBody(200, `{"success":true,"result":[{"id":`), "answer is not what it should be: unexpected end of JSON input"),
		read("wrong content type", fake.WrongContentType("text/plain"), `answer is not JSON (content type "text/plain")`),
		read("more than 64 MiB", fake.BigBody(64<<20), "answer is larger than 64 MiB"),
		read("null, on a list with items", fake.NullResult(), "null instead of items"), twin,
		read("an item without id", fake.ItemWithoutID(), `item "192.0.2.200": "" is not an id`),
		read("not an address", fake.BadItemIP("banana"), `"banana" is neither an address nor a prefix`),
		read("an item of another kind", fake.Edit(hostnameItem), "no address: not an IP list"),
		read("an item twice", fake.Edit(doubleItem), "is there twice"),
		read("gone", fake.Answer(404, 10001, "list not found"), "Cloudflare answered 404, code 10001: list not found"),
	}
}

// results are the items of a page.
func results(envelope map[string]any) []any {
	all, _ := envelope["result"].([]any)
	return all
}

func hostnameItem(envelope map[string]any) {
	item := results(envelope)[0].(map[string]any)
	delete(item, "ip")
	item["hostname"] = map[string]any{"url_hostname": "example.com"}
}

func doubleItem(envelope map[string]any) {
	envelope["result"] = append(results(envelope), results(envelope)[0])
}

func emptyList(t *testing.T, s *site) {
	t.Helper()
	for _, item := range s.edge.Items(s.list) {
		s.edge.DeleteItem(s.list, item.IP)
	}
}

// threePages puts so much on the list that reading it takes three pages: 1202 items.
func threePages(t *testing.T, s *site) {
	t.Helper()
	var items []fake.Item
	for i := range 1200 {
		items = append(items, fake.Item{IP: fmt.Sprintf("198.51.%d.%d", i/256, i%256), Comment: "by hand"})
	}
	if err := s.edge.SetItems(s.list, items...); err != nil {
		t.Fatal(err)
	}
}

func pageFaults() []faultCase {
	read := func(name string, effect fake.Effect, says string) faultCase {
		c := failing("GET", fake.PathItems, says, effect)
		c.name, c.spoil = "pages: "+name, both(threePages, c.spoil)
		return c
	}
	return []faultCase{
		read("a short one with a cursor", fake.ShortPage(1), "page 1: 499 items and a next page, a page that is not the last has 500"),
		read("a cursor again", fake.RepeatCursor(), "page 2: the next page is one that was read already"),
		read("tiny ones without end", fake.RunawayPages(), "page 1: 1 items and a next page"),
		read("full ones without end", endlessPages(), "out of time after 1m50s: list items of edgeban: page 28: "),
		read("the end too early", fake.LastPage(), "the last of 1 pages is full and names no next one, but Cloudflare counts 1202 items"),
		{name: "pages: the second fails once", spoil: both(threePages, func(_ *testing.T, s *site) {
			s.edge.AddFault(fake.Fault{Method: "GET", Path: fake.PathItems, Nth: 2, Effect: fake.CutBody()})
		}), says: "+1 −1, 1202 items", outcome: "changed", writes: 2, after: inStep},
	}
}

// endlessPages is a list that has one full page after the other, and takes four seconds for each.
func endlessPages() fake.Effect {
	slow := fake.Delay(4 * time.Second)
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		slow(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var page int
			_, _ = fmt.Sscanf(r.URL.Query().Get("cursor"), "page%d", &page)
			items := make([]string, 500)
			for i := range items {
				n := page*len(items) + i
				items[i] = fmt.Sprintf(`{"id":"%032x","ip":"198.%d.%d.%d"}`, n+1, 18+n>>16, n>>8&255, n&255)
			}
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"success":true,"result":[%s],"result_info":{"cursors":{"after":"page%d"}}}`, strings.Join(items, ","), page+1)
		}))
	}
}

// countFaults: a number of items that differs from those read makes the list be read again.
func countFaults() []faultCase {
	count := func(n int) func(*testing.T, *site) {
		return func(_ *testing.T, s *site) { s.edge.SetNumItems(s.list, n) }
	}
	once := func(path string, nth int, effect fake.Effect) func(*testing.T, *site) {
		return func(_ *testing.T, s *site) {
			s.edge.AddFault(fake.Fault{Method: "GET", Path: path, Nth: nth, Effect: effect})
		}
	}
	const believed = "Cloudflare counts %d items on list edgeban, but two complete reads found 2 and were believed"
	return []faultCase{
		{name: "count: too large", spoil: count(7), says: fmt.Sprintf(believed, 7), outcome: "changed", writes: 2, after: inStep},
		{name: "count: too small", spoil: count(0), says: fmt.Sprintf(believed, 0), outcome: "changed", writes: 2, after: inStep},
		{name: "count: wrong once", spoil: once(fake.PathLists, 1, fake.NumItems("", 7)), says: "+1 −1, 2 items", outcome: "changed", writes: 2, after: inStep},
		{name: "count: two reads differ", spoil: both(count(7), once(fake.PathItems, 2, fake.ShortPage(1))), status: exitFailure, outcome: "failed", after: asItWas,
			says: "list items of edgeban: the list changes while it is read: 2 items, then 1, and Cloudflare counts 7"},
		{name: "count: an item less once", spoil: once(fake.PathItems, 1, fake.ShortPage(1)), says: "+1 −1, 2 items", outcome: "changed", writes: 2, after: inStep},
	}
}

func clockFaults() []faultCase {
	clock := func(name string, ahead time.Duration, says string) faultCase {
		return faultCase{name: "clock: " + name, spoil: fault("GET", fake.PathLists, fake.WrongDate(-ahead)), says: says, outcome: "skipped", after: asItWas}
	}
	right := func(c faultCase) faultCase {
		c.says, c.outcome, c.writes, c.after = "+1 −1, 2 items", "changed", 2, inStep
		return c
	}
	return []faultCase{
		clock("a day ahead", 24*time.Hour, "this host's clock is 24h0m0s ahead of the API's"),
		clock("a day behind", -24*time.Hour, "this host's clock is 24h0m0s behind the API's"),
		clock("6 minutes ahead", 6*time.Minute, "this host's clock is 6m0s ahead of the API's"),
		clock("6 minutes behind", -6*time.Minute, "this host's clock is 6m0s behind the API's"),
		right(clock("4 minutes ahead", 4*time.Minute, "")),
		right(clock("4 minutes behind", -4*time.Minute, "")),
	}
}
