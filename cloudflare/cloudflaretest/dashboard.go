package cloudflaretest

import (
	"fmt"
	"time"
)

// Item is an item of a list as the API shows it.
type Item struct {
	ID         string // empty in SetItems: a new one
	IP         string // canonical: "192.0.2.1", "2001:db8::/64"
	Comment    string
	CreatedOn  time.Time // zero in SetItems: now
	ModifiedOn time.Time // zero in SetItems: now
}

// AddAccount makes an account known. Real ids are 32 hexadecimal digits.
func (c *Cloudflare) AddAccount(id string) {
	defer c.lock()()
	c.addAccount(id)
}

func (c *Cloudflare) addAccount(id string) {
	if c.accounts[id] == nil {
		c.accounts[id] = &account{id: id}
	}
}

// AddList creates a list in an account, which is made known if need be, and returns its id. It heeds no quota;
// kind is "ip", "redirect", "hostname" or "asn".
func (c *Cloudflare) AddList(account, name, kind string) (id string) {
	defer c.lock()()
	c.addAccount(account)
	return c.newList(account, name, kind).id
}

// RemoveList deletes a list with its items, whoever uses it.
func (c *Cloudflare) RemoveList(listID string) {
	defer c.lock()()
	delete(c.lists, listID)
}

// ListID returns the id of the account's list of that name, or "".
func (c *Cloudflare) ListID(account, name string) string {
	defer c.lock()()
	for _, l := range c.listsOf(account) {
		if l.name == name {
			return l.id
		}
	}
	return ""
}

// SetReferences says how many rules use the list besides those of the zones known here. While there are any, it cannot be deleted.
func (c *Cloudflare) SetReferences(listID string, n int) {
	defer c.lock()()
	if l := c.lists[listID]; l != nil {
		l.references = n
	}
}

// SetNumItems makes the list claim n items, whatever it holds, until n is negative.
func (c *Cloudflare) SetNumItems(listID string, n int) {
	defer c.lock()()
	l := c.lists[listID]
	if l == nil {
		return
	}
	l.claimed = nil
	if n >= 0 {
		l.claimed = &n
	}
}

// SetItem puts one address or CIDR on the list, or changes its comment if it is there: at once, by no
// operation, as a person in the dashboard would. It returns the item's id.
func (c *Cloudflare) SetItem(listID, ip, comment string) (id string, err error) {
	defer c.lock()()
	return c.setItem(listID, Item{IP: ip, Comment: comment})
}

// SetItems is SetItem for several, which may bring an id and times of their own. It heeds no quota. Those
// before a bad one have been set.
func (c *Cloudflare) SetItems(listID string, items ...Item) error {
	defer c.lock()()
	for _, i := range items {
		if _, err := c.setItem(listID, i); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cloudflare) setItem(listID string, want Item) (string, error) {
	l := c.lists[listID]
	if l == nil {
		return "", fmt.Errorf("list %s: unknown", listID)
	}
	v, err := c.newValue(want.IP, want.Comment)
	if err != nil {
		return "", fmt.Errorf("list %s: %w", listID, err)
	}
	i := c.put(l, v, c.opts.Now())
	if want.ID != "" {
		i.id = want.ID
	}
	if !want.CreatedOn.IsZero() {
		i.created = want.CreatedOn
	}
	if !want.ModifiedOn.IsZero() {
		i.modified = want.ModifiedOn
	}
	return i.id, nil
}

// DeleteItem takes an address or CIDR off the list at once and reports whether it was there.
func (c *Cloudflare) DeleteItem(listID, ip string) bool {
	defer c.lock()()
	l := c.lists[listID]
	prefix, err := canonical(ip)
	if l == nil || err != nil || l.items[prefix] == nil {
		return false
	}
	delete(l.items, prefix)
	l.touch(c.opts.Now())
	return true
}

// Items returns what the list holds, by address, then by mask. It is empty for an unknown list.
func (c *Cloudflare) Items(listID string) []Item {
	defer c.lock()()
	l := c.lists[listID]
	if l == nil {
		return nil
	}
	items := make([]Item, 0, len(l.items))
	for _, i := range l.inOrder() {
		items = append(items, Item{
			ID: i.id, IP: text(i.prefix), Comment: i.comment, CreatedOn: i.created, ModifiedOn: i.modified,
		})
	}
	return items
}

// SetMaxLists is a change of plan: how many lists the API lets an account create from now on.
func (c *Cloudflare) SetMaxLists(n int) {
	defer c.lock()()
	c.opts.MaxLists = n
}
