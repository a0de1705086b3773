package cloudflaretest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"
	"unicode/utf8"
)

type item struct {
	id       string
	prefix   netip.Prefix
	comment  string
	created  time.Time
	modified time.Time
}

type itemJSON struct {
	ID         string `json:"id"`
	IP         string `json:"ip"`
	Comment    string `json:"comment,omitempty"`
	CreatedOn  string `json:"created_on"`
	ModifiedOn string `json:"modified_on"`
}

func (i *item) json() itemJSON {
	return itemJSON{
		ID:         i.id,
		IP:         text(i.prefix),
		Comment:    i.comment,
		CreatedOn:  stamp(i.created),
		ModifiedOn: stamp(i.modified),
	}
}

// inOrder returns the items by address, then by mask, IPv4 first. The caller must not change the slice.
func (l *list) inOrder() []*item {
	if l.sorted == nil {
		l.sorted = make([]*item, 0, len(l.items))
		for _, i := range l.items {
			l.sorted = append(l.sorted, i)
		}
		slices.SortFunc(l.sorted, func(a, b *item) int { return a.prefix.Compare(b.prefix) })
	}
	return l.sorted
}

// value is what a client asks to be on a list.
type value struct {
	prefix  netip.Prefix
	comment string
}

const maxComment = 500

func (c *Cloudflare) newValue(ip, comment string) (value, error) {
	prefix, err := canonical(ip)
	if err != nil {
		return value{}, err
	}
	if c.opts.OldIPv6 && prefix.Addr().Is6() && prefix.Bits() > 64 {
		return value{}, fmt.Errorf("%s: IPv6 is limited to a maximum of /64", ip)
	}
	if utf8.RuneCountInString(comment) > maxComment {
		return value{}, fmt.Errorf("%s: the comment is longer than %d characters", ip, maxComment)
	}
	return value{prefix, comment}, nil
}

// canonical reads an address or CIDR as IP lists take it and masks its host bits.
// https://developers.cloudflare.com/waf/tools/lists/custom-lists/#lists-with-ip-addresses-ip-lists
func canonical(ip string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(ip)
	if err != nil {
		addr, err := netip.ParseAddr(ip)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is no IP address or CIDR", ip)
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	// What the real API does with ::ffff:a.b.c.d is not documented.
	if prefix.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is an IPv4-mapped IPv6 address", ip)
	}
	shortest := 8
	if prefix.Addr().Is6() {
		shortest = 12
	}
	if prefix.Bits() < shortest {
		return netip.Prefix{}, fmt.Errorf("%q is wider than /%d", ip, shortest)
	}
	return prefix.Masked(), nil
}

// text writes a prefix as the API does: without the mask when it is a single address.
func text(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

var errJSON = errors.New("filters.api.invalid_json")

// readValues reads the body of POST and PUT, a bare array. One bad value spoils all.
func (c *Cloudflare) readValues(body []byte) ([]value, error) {
	var wanted []struct {
		IP      *string `json:"ip"`
		Comment string  `json:"comment"`
	}
	if json.Unmarshal(body, &wanted) != nil || bytes.Equal(bytes.TrimSpace(body), []byte("null")) {
		return nil, errJSON
	}
	values := make([]value, 0, len(wanted))
	seen := make(map[netip.Prefix]bool, len(wanted))
	for i, w := range wanted {
		if w.IP == nil {
			return nil, fmt.Errorf("item %d has no ip", i)
		}
		v, err := c.newValue(*w.IP, w.Comment)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
		if seen[v.prefix] {
			return nil, fmt.Errorf("item %d: %s is a duplicate", i, text(v.prefix))
		}
		seen[v.prefix] = true
		values = append(values, v)
	}
	return values, nil
}

func readIDs(body []byte) ([]string, error) {
	var wanted struct {
		Items []struct{ ID string }
	}
	if json.Unmarshal(body, &wanted) != nil {
		return nil, errJSON
	}
	if len(wanted.Items) == 0 {
		return nil, errors.New("items: at least one is required")
	}
	var ids []string
	for i, w := range wanted.Items {
		if len(w.ID) != 32 {
			return nil, fmt.Errorf("item %d: an id has 32 characters", i)
		}
		ids = append(ids, w.ID)
	}
	return ids, nil
}

func badBody(err error) reply {
	code := codeInvalid
	if errors.Is(err, errJSON) {
		code = codeInvalidJSON
	}
	return refuse(http.StatusBadRequest, code, "%s", err)
}

func (c *Cloudflare) getItem(in call) reply {
	l, no, found := c.listOf(in)
	if !found {
		return no
	}
	for _, i := range l.items {
		if i.id == in.ids[2] {
			return ok(i.json())
		}
	}
	return refuse(http.StatusNotFound, codeNotFound, "filters.api.not_found")
}

func (c *Cloudflare) postItems(in call) reply {
	return c.write(in, func(l *list) (effect, error) {
		values, err := c.readValues(in.body)
		return func(at time.Time) string { return c.upsert(l, values, at) }, err
	})
}

func (c *Cloudflare) putItems(in call) reply {
	return c.write(in, func(l *list) (effect, error) {
		values, err := c.readValues(in.body)
		return func(at time.Time) string { return c.replace(l, values, at) }, err
	})
}

func (c *Cloudflare) deleteItems(in call) reply {
	return c.write(in, func(l *list) (effect, error) {
		ids, err := readIDs(in.body)
		return func(at time.Time) string { l.remove(ids, at); return "" }, err
	})
}
