package cloudflaretest

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	defaultPage = 25
	maxPage     = 500
)

type resultInfo struct {
	Cursors cursors `json:"cursors"`
}

type cursors struct {
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// cursor is a place between two items. It names a value, not an index, so that changes elsewhere on the list
// neither skip nor repeat items.
type cursor struct {
	list   string
	side   string // "after" or "before" the item at
	at     netip.Prefix
	search string
}

// String is opaque, and needs escaping in a query: a plus sign that is sent as it is arrives as a space.
func (c cursor) String() string {
	plain := strings.Join([]string{c.list, c.side, c.at.String(), c.search}, " ")
	return "c+/" + base64.StdEncoding.EncodeToString([]byte(plain)) + "=="
}

var errCursor = errors.New("invalid or expired cursor")

func parseCursor(s string) (cursor, error) {
	s, begins := strings.CutPrefix(s, "c+/")
	s, ends := strings.CutSuffix(s, "==")
	plain, err := base64.StdEncoding.DecodeString(s)
	if !begins || !ends || err != nil {
		return cursor{}, errCursor
	}
	parts := strings.SplitN(string(plain), " ", 4)
	if len(parts) != 4 {
		return cursor{}, errCursor
	}
	at, err := netip.ParsePrefix(parts[2])
	if err != nil {
		return cursor{}, errCursor
	}
	return cursor{list: parts[0], side: parts[1], at: at, search: parts[3]}, nil
}

func (c *Cloudflare) getItems(in call) reply {
	l, no, found := c.listOf(in)
	if !found {
		return no
	}
	size, err := pageSize(in.query)
	if err != nil {
		return refuse(http.StatusBadRequest, codeInvalidCursor, "%s", err)
	}
	page, info, err := l.page(in.query.Get("cursor"), in.query.Get("search"), size)
	if err != nil {
		return refuse(http.StatusBadRequest, codeInvalidCursor, "%s", err)
	}
	items := make([]itemJSON, 0, len(page))
	for _, i := range page {
		items = append(items, i.json())
	}
	yes := ok(items)
	yes.body.ResultInfo = &info
	return yes
}

// pageSize reads per_page. Too large a one is not cut down but refused, with a text that blames the cursor.
func pageSize(query url.Values) (int, error) {
	if !query.Has("per_page") {
		return defaultPage, nil
	}
	size, err := strconv.Atoi(query.Get("per_page"))
	if err != nil || size < 1 || size > maxPage {
		return 0, errCursor
	}
	return size, nil
}

func (l *list) page(from, search string, size int) ([]*item, resultInfo, error) {
	items := l.matching(search)
	begin, end := 0, min(size, len(items))
	if from != "" {
		cur, err := parseCursor(from)
		if err != nil || cur.list != l.id || cur.search != search {
			return nil, resultInfo{}, errCursor
		}
		at, found := slices.BinarySearchFunc(items, cur.at, func(i *item, p netip.Prefix) int {
			return i.prefix.Compare(p)
		})
		if cur.side == "before" {
			begin, end = max(0, at-size), at
		} else {
			if found {
				at++
			}
			begin, end = at, min(at+size, len(items))
		}
	}
	page := items[begin:end]
	var info resultInfo
	if begin > 0 && len(page) > 0 {
		info.Cursors.Before = cursor{l.id, "before", page[0].prefix, search}.String()
	}
	if end < len(items) && len(page) > 0 {
		info.Cursors.After = cursor{l.id, "after", page[len(page)-1].prefix, search}.String()
	}
	return page, info, nil
}

// matching returns the items whose text begins with search, in order.
func (l *list) matching(search string) []*item {
	all := l.inOrder()
	if search == "" {
		return all
	}
	var found []*item
	for _, i := range all {
		if strings.HasPrefix(text(i.prefix), search) {
			found = append(found, i)
		}
	}
	return found
}
