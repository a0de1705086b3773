package cloudflare

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// TestPages reads lists around the size of a page. The fake's cursors need escaping.
func TestPages(t *testing.T) {
	for _, c := range []struct{ items, pages int }{{0, 1}, {1, 1}, {499, 1}, {500, 1}, {501, 2}, {1000, 2}, {1201, 3}} {
		inEdge(t, func(t *testing.T, e *edge) {
			e.fill(t, c.items)
			cursors := 0
			e.OnRequest(func(r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/items") && r.URL.Query().Get("per_page") != "500" {
					t.Error(r.URL)
				}
				if strings.ContainsAny(r.URL.Query().Get("cursor"), "+/=") {
					cursors++
				}
			})
			have, notes, err := e.list.Items(t.Context())
			if err != nil || len(notes) != 0 || len(have) != c.items {
				t.Fatalf("%d items, %v, %v", len(have), notes, err)
			}
			if got := e.asked("GET"); got != c.pages+1 || cursors != c.pages-1 {
				t.Errorf("%d items in %d requests with %d cursors", c.items, got, cursors)
			}
			want := map[netip.Prefix]bool{}
			for _, post := range posts(c.items) {
				want[post.Prefix] = true
			}
			for _, item := range have {
				if !want[item.Prefix] || item.ID == "" || item.Comment != "by test" || !item.Created.Equal(time.Now()) {
					t.Fatalf("%+v", item)
				}
				delete(want, item.Prefix)
			}
		})
	}
}

// TestBrokenPages has no part of a list ever taken for the list. Each case is a list of 1201 items.
func TestBrokenPages(t *testing.T) {
	edited := func(change func(map[string]any)) fake.Effect { return fake.Edit(change) }
	for _, c := range []struct {
		name   string
		nth    int // request for items that is struck; 0: all
		effect fake.Effect
		want   string
	}{
		{"repeated cursor", 0, fake.RepeatCursor(), "page 2: the next page is one that was read already"},
		{"pages without end", 0, fake.RunawayPages(), "page 1: 1 items and a next page, a page that is not the last has 500"},
		{"short page", 2, fake.ShortPage(1), "page 2: 499 items and a next page, a page that is not the last has 500"},
		{"empty page", 2, fake.ShortPage(500), "page 2: 0 items and a next page, a page that is not the last has 500"},
		{"page without next, always", 0, fake.LastPage(), "the last of 1 pages is full and names no next one, but Cloudflare counts 1201 items"},
		{"page without next, once", 2, fake.LastPage(), ""},
		{"last page short, once", 3, fake.ShortPage(1), ""},
		{"page without result", 2, fake.NullResult(), "page 2: null instead of items"},
		{"list without result", 1, fake.NullResult(), "page 1: null instead of items"},
		{"item without id", 2, fake.ItemWithoutID(), `page 2: item "198.18.1.245": "" is not an id`},
		{"no address", 3, fake.BadItemIP("bob"), `page 3: item ID: "bob" is neither an address nor a prefix`},
		{"zone", 3, fake.BadItemIP("fe80::1%eth0"), `page 3: item ID: "fe80::1%eth0" is neither an address nor a prefix`},
		{"no ip", 3, fake.BadItemIP(""), `page 3: item ID: "" is neither an address nor a prefix`},
		{"the same address on two pages", 3, fake.BadItemIP("198.18.0.1"), "page 3: item ID: 198.18.0.1 is there twice"},
		{"the same address in other words", 3, fake.BadItemIP("::ffff:198.18.0.1/128"), "page 3: item ID: 198.18.0.1 is there twice"},
		{"the same id twice", 0, edited(func(m map[string]any) {
			for _, item := range m["result"].([]any) {
				item.(map[string]any)["id"] = "same"
			}
		}), "page 1: item same is there twice"},
		{"cursor of another type", 1, edited(func(m map[string]any) {
			m["result_info"] = map[string]any{"cursors": map[string]any{"after": 7}}
		}), "page 1: Cloudflare answered 200: answer is not what it should be: json: cannot unmarshal number"},
		{"hostnames", 1, edited(func(m map[string]any) {
			m["result"].([]any)[0] = map[string]any{"id": "x", "hostname": map[string]any{"url_hostname": "example.com"}}
		}), "page 1: item x: no address: not an IP list"},
		{"404 on page 3", 3, fake.Answer(404, 10001, "gone"), "page 3: Cloudflare answered 404, code 10001: gone"},
		{"HTML on page 2", 2, fake.HTML(200), "page 2: Cloudflare answered 200: answer is not JSON"},
		{"a connection that broke on page 2", 2, fake.CutBody(), ""},
		{"nothing wrong", 2, fake.Delay(0), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			inEdge(t, func(t *testing.T, e *edge) {
				e.fill(t, 1201)
				struck := e.AddFault(fake.Fault{Path: items, Nth: c.nth, Effect: c.effect})
				have, notes, err := e.list.Items(within(t, time.Minute))
				if c.want == "" {
					if err != nil || len(have) != 1201 || len(notes) != 0 {
						t.Errorf("%d items, %v, %v", len(have), notes, err)
					}
				} else if got := masked(err); !strings.HasPrefix(got, "list items of edgeban: "+c.want) || have != nil {
					t.Errorf("%d items\n got %s\nwant %s", len(have), got, c.want)
				}
				if struck() == 0 {
					t.Error("the fault struck nothing")
				}
			})
		})
	}
}

// TestEndlessPages has full pages, each with a new cursor, stop somewhere.
func TestEndlessPages(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		id, asked := 0, 0
		client := e.newClient(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.URL.Path, "/items") {
				return e.Transport().RoundTrip(r)
			}
			asked++
			var b strings.Builder
			b.WriteString(`{"success":true,"result":[`)
			for range pageSize {
				id++
				fmt.Fprintf(&b, `{"id":"%d","ip":"10.%d.%d.%d"},`, id, id>>16, id>>8&255, id&255)
			}
			text := strings.TrimSuffix(b.String(), ",") + fmt.Sprintf(`],"result_info":{"cursors":{"after":"c%d"}}}`, id)
			return answering(r, text), nil
		}))
		list := NewList(client, "edgeban", ListOptions{})
		if list.pages < 500_000/pageSize { // what an Enterprise account may hold
			t.Error(list.pages)
		}
		list.pages = 12
		_, _, err := list.Items(t.Context())
		if got := masked(err); got != "list items of edgeban: page 12 announces yet another one, no list is that long" || asked != 12 {
			t.Error(got, asked)
		}
	})
}

// TestCounts compares what was read with what Cloudflare counts.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(e *edge)
		have    int
		note    string
		want    string
		reads   int
	}{
		{"equal", func(*edge) {}, 7, "", "", 1},
		{
			"count lags", func(e *edge) { e.SetNumItems(e.listID, 9) }, 7,
			"Cloudflare counts 9 items on list edgeban, but two complete reads found 7 and were believed", "", 2,
		},
		{
			"count lags, and catches up", func(e *edge) { e.faultAt("GET", lists, 1, 1, fake.NumItems(e.listID, 3)) }, 7, "", "", 2,
		},
		{"items vanish once", func(e *edge) { e.faultAt("GET", items, 1, 1, fake.ShortPage(2)) }, 7, "", "", 2},
		{
			"items vanish twice", func(e *edge) {
				e.faultAt("GET", items, 1, 1, fake.ShortPage(2))
				e.faultAt("GET", items, 2, 1, fake.ShortPage(1))
			}, 0, "", "list items of edgeban: the list changes while it is read: 5 items, then 6, and Cloudflare counts 7", 2,
		},
		{
			"count says none", func(e *edge) { e.SetNumItems(e.listID, 0) }, 7,
			"Cloudflare counts 0 items on list edgeban, but two complete reads found 7 and were believed", "", 2,
		},
		{
			"reads say none", func(e *edge) { e.fault("GET", items, fake.ShortPage(7)) }, 0,
			"Cloudflare counts 7 items on list edgeban, but two complete reads found 0 and were believed", "", 2,
		},
		{"null says none", func(e *edge) { e.fault("GET", items, fake.NullResult()) }, 0, "", "list items of edgeban: page 1: null instead of items", 1},
		{
			"second read fails", func(e *edge) {
				e.SetNumItems(e.listID, 9)
				e.faultAt("GET", items, 2, 1, fake.HTML(200))
			}, 0, "", "list items of edgeban: page 1: Cloudflare answered 200: answer is not JSON", 2,
		},
		{
			"second count fails", func(e *edge) {
				e.SetNumItems(e.listID, 9)
				e.faultAt("GET", lists, 2, 1, fake.NullResult())
			}, 0, "", "list items of edgeban: the account has no such list", 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inEdge(t, func(t *testing.T, e *edge) {
				e.fill(t, 7)
				c.prepare(e)
				if _, err := e.list.Survey(t.Context()); err != nil {
					t.Fatal(err)
				}
				have, notes, err := e.list.Items(t.Context())
				if len(have) != c.have || strings.Join(notes, "") != c.note || !strings.HasPrefix(masked(err), c.want) || (err == nil) != (c.want == "") {
					t.Errorf("%d items, notes %q, %v", len(have), notes, err)
				}
				reads := 0
				for _, r := range e.Requests() {
					if strings.HasSuffix(r.Path, "/items") {
						reads++
					}
				}
				if reads != c.reads {
					t.Errorf("%d reads, want %d", reads, c.reads)
				}
			})
		})
	}
	t.Run("empty list, null", func(t *testing.T) {
		inEdge(t, func(t *testing.T, e *edge) {
			e.fault("GET", items, fake.NullResult())
			if have, notes, err := e.list.Items(t.Context()); len(have) != 0 || len(notes) != 0 || err != nil {
				t.Error(have, notes, err)
			}
		})
	})
}

// TestItemDecoding takes members that are unknown, empty or unreadable, and addresses in any form.
func TestItemDecoding(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		e.SetNumItems(e.listID, 4)
		e.fault("GET", items, body(200, `{"success":true,"result_info":{"cursors":null},"result":[
			{"id":"a","ip":"203.0.113.9/24","comment":"by <hand>","created_on":"2026-11-20T10:00:02.5Z","hostname":{},"redirect":null,"x":1},
			{"id":"b","ip":"2001:DB8:0:0::1","created_on":"yesterday"},
			{"id":"c","ip":"::ffff:192.0.2.7","comment":null,"created_on":7},
			{"id":"d","ip":"10.0.0.1/32"}]}`))
		have, _, err := e.list.Items(t.Context())
		var got []string
		for _, item := range have {
			got = append(got, fmt.Sprint(item.ID, " ", item.Prefix, " ", item.Comment, " ", item.Created.Unix()))
		}
		want := []string{
			"a 203.0.113.0/24 by <hand> 1795168802", "b 2001:db8::1/128  -62135596800",
			"c 192.0.2.7/32  -62135596800", "d 10.0.0.1/32  -62135596800",
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q %v", got, err)
		}
	})
}

func TestPrefixes(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1":            "192.0.2.1",
		"192.0.2.1/32":         "192.0.2.1",
		"1.1.1.1/24":           "1.1.1.0/24",
		"::ffff:1.2.3.4/120":   "1.2.3.0/24",
		"::ffff:0.0.0.0/96":    "0.0.0.0/0",
		"f::1/64":              "f::/64",
		"0F::":                 "f::",
		"2001:db8::1/128":      "2001:db8::1",
		"0.0.0.0/0":            "0.0.0.0/0",
		"":                     "",
		"fe80::1%eth0":         "",
		"192.0.2.1/33":         "",
		"192.0.2.01":           "",
		" 192.0.2.1":           "",
		"192.0.2.1,192.0.2.2":  "",
		"192.0.2.1-192.0.2.10": "",
	} {
		prefix, ok := parsePrefix(in)
		if ok != (want != "") || ok && text(prefix) != want {
			t.Errorf("parsePrefix(%q) = %v, %v, want %q", in, prefix, ok, want)
		}
		if again, _ := parsePrefix(text(prefix)); ok && again != prefix {
			t.Errorf("%q: %v is not read as itself", in, prefix)
		}
	}
}

func TestItemsURL(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		got := e.client.itemsURL("abc", "a+b/c==&per_page=1 %").String()
		want := DefaultBaseURL + "/accounts/" + testAccount + "/rules/lists/abc/items?" + url.Values{"cursor": {"a+b/c==&per_page=1 %"}, "per_page": {"500"}}.Encode()
		if got != want || !strings.Contains(got, "cursor=a%2Bb%2Fc%3D%3D%26per_page%3D1+%25&") {
			t.Error(got)
		}
	})
}
