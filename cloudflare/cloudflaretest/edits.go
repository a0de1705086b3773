package cloudflaretest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// Edit lets the request take effect and changes its JSON answer, the whole envelope. Refusals are left alone.
func Edit(change func(envelope map[string]any)) Effect {
	return edit(func(_ *http.Request, envelope map[string]any) { change(envelope) })
}

func edit(change func(*http.Request, map[string]any)) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := capture(w, next, r)
		var envelope map[string]any
		if a.isJSON() && a.status < 300 && json.Unmarshal(a.body.Bytes(), &envelope) == nil {
			change(r, envelope)
			if body, err := json.Marshal(envelope); err == nil {
				a.body = *bytes.NewBuffer(body)
			}
		}
		a.send(w)
	}
}

// NullResult answers success with a result of null.
func NullResult() Effect {
	return Edit(func(envelope map[string]any) { envelope["result"] = nil })
}

// RepeatCursor makes each page that was asked for by a cursor name that same cursor as the next.
func RepeatCursor() Effect {
	return edit(func(r *http.Request, envelope map[string]any) {
		if cursor := r.URL.Query().Get("cursor"); cursor != "" {
			setAfter(envelope, cursor)
		}
	})
}

// ShortPage takes the last n items off a page and says nothing about it.
func ShortPage(n int) Effect {
	return Edit(func(envelope map[string]any) {
		if items, is := envelope["result"].([]any); is {
			envelope["result"] = items[:max(0, len(items)-n)]
		}
	})
}

// LastPage takes the cursor to the next page away, so that the list seems to end here.
func LastPage() Effect {
	return Edit(func(envelope map[string]any) { delete(envelope, "result_info") })
}

// ItemWithoutID leaves out the id of a page's first item.
func ItemWithoutID() Effect {
	return Edit(func(envelope map[string]any) {
		if first := firstOf(envelope); first != nil {
			delete(first, "id")
		}
	})
}

// BadItemIP gives a page's first item that address.
func BadItemIP(ip string) Effect {
	return Edit(func(envelope map[string]any) {
		if first := firstOf(envelope); first != nil {
			first["ip"] = ip
		}
	})
}

// BadRuleValue gives a page's first access rule that value.
func BadRuleValue(value string) Effect {
	return Edit(func(envelope map[string]any) {
		if first := firstOf(envelope); first != nil {
			first["configuration"] = map[string]any{"target": TargetIP, "value": value}
		}
	})
}

// RunawayRules answers every request for access rules with one invented rule that was never seen before, on a page
// that says that another follows.
func RunawayRules() Effect {
	var pages atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		n := int(pages.Add(1))
		now := stamp(time.Now())
		yes := ok([]accessRuleJSON{{
			ID: fmt.Sprintf("%032x", n), Mode: ModeBlock, AllowedModes: accessModes(),
			Configuration: configuration{TargetIP, fmt.Sprintf("10.%d.%d.%d", n>>16&0xff, n>>8&0xff, n&0xff)},
			Scope:         scopeJSON{ID: fmt.Sprintf("%032x", 0), Type: "organization"}, CreatedOn: now, ModifiedOn: now,
		}})
		yes.body.ResultInfo = pageInfo{Page: n, PerPage: 1, Count: 1, TotalCount: n + 1, TotalPages: n + 1}
		yes.write(w)
	}
}

// NumItems makes the list claim n items; an empty id: every list in the answer.
func NumItems(listID string, n int) Effect {
	set := func(list any) {
		if l, is := list.(map[string]any); is && (listID == "" || l["id"] == listID) {
			l["num_items"] = n
		}
	}
	return Edit(func(envelope map[string]any) {
		lists, several := envelope["result"].([]any)
		if !several {
			set(envelope["result"])
		}
		for _, l := range lists {
			set(l)
		}
	})
}

// RunawayPages answers every request for items with one invented item that was never seen before, and a new
// cursor: a list that never ends.
func RunawayPages() Effect {
	var pages atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		n := pages.Add(1)
		now := stamp(time.Now())
		yes := ok([]itemJSON{{
			ID:         fmt.Sprintf("%032x", n),
			IP:         fmt.Sprintf("2001:db8:%x:%x::/64", n>>16&0xffff, n&0xffff),
			CreatedOn:  now,
			ModifiedOn: now,
		}})
		yes.body.ResultInfo = &resultInfo{cursors{After: fmt.Sprintf("c+/%d==", n)}}
		yes.write(w)
	}
}

func firstOf(envelope map[string]any) map[string]any {
	items, _ := envelope["result"].([]any)
	if len(items) == 0 {
		return nil
	}
	first, _ := items[0].(map[string]any)
	return first
}

func setAfter(envelope map[string]any, cursor string) {
	envelope["result_info"] = map[string]any{"cursors": map[string]any{"after": cursor}}
}
