package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"edgeban/reconcile"
)

const (
	pageSize = 500  // the most that is allowed; more is answered with an error
	maxPages = 1010 // an Enterprise account may have 500 000 items
)

// Items implements reconcile.Target. When the number read is not the number that Cloudflare counts, everything is
// read a second time: two equal reads are believed, with a note, because the count may lag behind.
func (t *ListTarget) Items(ctx context.Context) ([]reconcile.Item, []string, error) {
	items, notes, err := t.items(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list items of %s: %w", t.ref, err)
	}
	t.read = items
	t.giveBack()
	return items, notes, nil
}

func (t *ListTarget) items(ctx context.Context) ([]reconcile.Item, []string, error) {
	if t.list.ID == "" {
		if _, err := t.survey(ctx); err != nil {
			return nil, nil, err
		}
	}
	t.forgive()
	first, err := t.walk(ctx)
	if err != nil || len(first) == t.list.Items {
		return first, nil, err
	}
	if _, err := t.survey(ctx); err != nil {
		return nil, nil, err
	}
	second, err := t.walk(ctx)
	if err != nil || len(second) == t.list.Items {
		return second, nil, err
	}
	switch read, counted := len(second), t.list.Items; {
	case !slices.Equal(first, second):
		return nil, nil, fmt.Errorf("the list changes while it is read: %d items, then %d, and Cloudflare counts %d", len(first), read, counted)
	case read < counted && read > 0 && read%pageSize == 0:
		return nil, nil, fmt.Errorf("the last of %d pages is full and names no next one, but Cloudflare counts %d items", read/pageSize, counted)
	default:
		return second, []string{fmt.Sprintf("Cloudflare counts %d items on %s, but two complete reads found %d and were believed",
			counted, t.Name(), read)}, nil
	}
}

// giveBack is done between two pieces of work that take memory for every item.
func (t *ListTarget) giveBack() {
	if t.options.Frugal {
		debug.FreeOSMemory()
	}
}

// walk reads all pages.
func (t *ListTarget) walk(ctx context.Context) ([]reconcile.Item, error) {
	counted := min(t.list.Items, DefaultBatchSize) // which is all that most accounts may have
	w := walk{
		client:   t.client,
		items:    make([]reconcile.Item, 0, counted),
		ids:      make(map[string]bool, counted),
		prefixes: make(map[netip.Prefix]bool, counted),
		cursors:  map[string]bool{},
	}
	page := w.fetch(ctx, t.list, "")
	for number, first := 1, true; number <= t.pages; number, first = number+1, false {
		members, next, err := w.take(<-page, t.list, first)
		if err != nil {
			return nil, fmt.Errorf("page %d: %w", number, err)
		}
		if next != "" && number < t.pages { // on its way while these items are added
			page = w.fetch(ctx, t.list, next)
		}
		for _, member := range members {
			if err := w.add(member); err != nil {
				return nil, fmt.Errorf("page %d: %w", number, err)
			}
		}
		t.progress(Reading, len(w.items), t.list.Items)
		if next == "" {
			return w.items, nil
		}
	}
	return nil, fmt.Errorf("page %d announces yet another one, no list is that long", t.pages)
}

// walk is one reading of all pages and what must not occur twice in it.
type walk struct {
	client   *Client
	items    []reconcile.Item
	ids      map[string]bool
	prefixes map[netip.Prefix]bool
	cursors  map[string]bool

	// What the last page took, for the next one to take again.
	body    []byte
	members []listItem
}

// fetched is a page as it came.
type fetched struct {
	answer answer
	err    error
}

// fetch asks for the page at cursor. The channel holds one value, so that nobody has to wait for it.
func (w *walk) fetch(ctx context.Context, list List, cursor string) <-chan fetched {
	page := make(chan fetched, 1)
	body := w.body
	go func() {
		a, err := w.client.ask(ctx, w.client.itemsURL(list.ID, cursor), body)
		page <- fetched{a, err}
	}()
	return page
}

// take reads a page and returns its items and the cursor of the next one, "" after the last. The items are good until the next call.
func (w *walk) take(page fetched, list List, first bool) ([]listItem, string, error) {
	if page.err != nil {
		return nil, "", page.err
	}
	w.body = page.answer.body
	e, members, err := w.open(page.answer)
	if err != nil {
		return nil, "", err
	}
	next := e.ResultInfo.Cursors.After
	if e.empty() && (!first || list.Items != 0) {
		return nil, "", errors.New("null instead of items")
	}
	if next != "" && len(members) < pageSize {
		return nil, "", fmt.Errorf("%d items and a next page, a page that is not the last has %d", len(members), pageSize)
	}
	if next != "" && w.cursors[next] {
		return nil, "", errors.New("the next page is one that was read already")
	}
	w.cursors[next] = true
	return members, next, nil
}

// add takes one item over. Cloudflare names no item without an id and none twice; whatever does is not a list to be
// trusted.
func (w *walk) add(member listItem) error {
	if !w.client.isID(member.ID) {
		return fmt.Errorf("item %q: %q is not an id", w.client.clean(member.IP), w.client.clean(member.ID))
	}
	prefix, err := member.prefix(w.client)
	switch {
	case err != nil:
		return fmt.Errorf("item %s: %w", member.ID, err)
	case w.ids[member.ID]:
		return fmt.Errorf("item %s is there twice", member.ID)
	case w.prefixes[prefix]:
		return fmt.Errorf("item %s: %s is there twice", member.ID, text(prefix))
	}
	w.ids[member.ID], w.prefixes[prefix] = true, true
	w.items = append(w.items, reconcile.Item{ID: member.ID, Prefix: prefix, Comment: member.Comment, Created: time.Time(member.Created)})
	return nil
}

func (c *Client) itemsURL(listID, cursor string) *url.URL {
	query := url.Values{"per_page": {strconv.Itoa(pageSize)}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	return c.url(query, "rules", "lists", listID, "items")
}

// listItem is an item as the API writes it. Items of IP lists may come with empty members of the other kinds.
type listItem struct {
	ID       string          `json:"id"`
	IP       string          `json:"ip"`
	Comment  string          `json:"comment"`
	Created  laxTime         `json:"created_on"`
	Hostname json.RawMessage `json:"hostname"`
	Redirect json.RawMessage `json:"redirect"`
	ASN      json.RawMessage `json:"asn"`
}

func (i listItem) prefix(c *Client) (netip.Prefix, error) {
	if i.IP == "" && len(i.Hostname)+len(i.Redirect)+len(i.ASN) > 0 {
		return netip.Prefix{}, errors.New("no address: not an IP list")
	}
	prefix, ok := parsePrefix(i.IP)
	if !ok {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a prefix", c.clean(i.IP))
	}
	return prefix, nil
}

// laxTime is a time that nothing hangs on: zero when it cannot be read.
type laxTime time.Time

func (t *laxTime) UnmarshalJSON(data []byte) error {
	var at time.Time
	if at.UnmarshalJSON(data) == nil {
		*t = laxTime(at)
	}
	return nil
}

// parsePrefix reads an address or a prefix: masked, IPv4 in IPv6 unmapped. Zones are refused.
func parsePrefix(text string) (netip.Prefix, bool) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, false
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	return canonical(prefix), true
}

func canonical(prefix netip.Prefix) netip.Prefix {
	if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked()
}

// text writes a prefix as Cloudflare does: without the length of a single address.
func text(prefix netip.Prefix) string {
	if prefix.IsSingleIP() {
		return prefix.Addr().String()
	}
	return prefix.String()
}
