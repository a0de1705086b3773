package cloudflaretest

import (
	"net/netip"
	"time"
)

// full is the text of the example in Cloudflare's API schema.
const full = "This list is at the maximum number of items"

// room returns how many items the list may have, given those of the account's other IP lists.
func (c *Cloudflare) room(l *list) int {
	room := c.opts.MaxItems
	for _, other := range c.listsOf(l.account) {
		if other != l && other.kind == "ip" {
			room -= len(other.items)
		}
	}
	return room
}

// upsert adds values; one that is there already keeps its id and creation time and takes the new comment.
func (c *Cloudflare) upsert(l *list, values []value, at time.Time) (failure string) {
	count := len(l.items)
	for _, v := range values {
		if l.items[v.prefix] == nil {
			count++
		}
	}
	if count > c.room(l) {
		return full
	}
	for _, v := range values {
		c.put(l, v, at)
	}
	return ""
}

// replace makes values the whole content. Every item gets a new id: whether the real API keeps those of values
// that stay is not documented, so nothing should depend on it.
func (c *Cloudflare) replace(l *list, values []value, at time.Time) (failure string) {
	if len(values) > c.room(l) {
		return full
	}
	l.items = make(map[netip.Prefix]*item, len(values))
	l.touch(at)
	for _, v := range values {
		c.put(l, v, at)
	}
	return ""
}

func (c *Cloudflare) put(l *list, v value, at time.Time) *item {
	i := l.items[v.prefix]
	if i == nil {
		i = &item{id: c.newID("item"), prefix: v.prefix, created: at}
		l.items[v.prefix] = i
	}
	i.comment = v.comment
	i.modified = at
	l.touch(at)
	return i
}

// remove takes items away by id; ids that are not on the list are ignored.
func (l *list) remove(ids []string, at time.Time) {
	gone := make(map[string]bool, len(ids))
	for _, id := range ids {
		gone[id] = true
	}
	for prefix, i := range l.items {
		if gone[i.id] {
			delete(l.items, prefix)
			l.touch(at)
		}
	}
}

func (l *list) touch(at time.Time) {
	l.modified = at
	l.sorted = nil
}
