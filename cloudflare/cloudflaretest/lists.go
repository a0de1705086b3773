package cloudflaretest

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

type list struct {
	id, account string
	name, kind  string
	description string
	created     time.Time
	modified    time.Time
	references  int
	items       map[netip.Prefix]*item
	sorted      []*item // items in order; nil: to be made anew
	claimed     *int    // what num_items says instead of the truth
}

type listJSON struct {
	ID                    string `json:"id"`
	Name                  string `json:"name"`
	Description           string `json:"description,omitempty"`
	Kind                  string `json:"kind"`
	NumItems              int    `json:"num_items"`
	NumReferencingFilters int    `json:"num_referencing_filters"`
	CreatedOn             string `json:"created_on"`
	ModifiedOn            string `json:"modified_on"`
}

func (c *Cloudflare) listJSON(l *list) listJSON {
	count := len(l.items)
	if l.claimed != nil {
		count = *l.claimed
	}
	return listJSON{
		ID:                    l.id,
		Name:                  l.name,
		Description:           l.description,
		Kind:                  l.kind,
		NumItems:              count,
		NumReferencingFilters: c.references(l),
		CreatedOn:             stamp(l.created),
		ModifiedOn:            stamp(l.modified),
	}
}

// listsOf returns an account's lists, sorted by name.
func (c *Cloudflare) listsOf(account string) []*list {
	var lists []*list
	for _, l := range c.lists {
		if l.account == account {
			lists = append(lists, l)
		}
	}
	slices.SortFunc(lists, func(a, b *list) int { return strings.Compare(a.name+"/"+a.id, b.name+"/"+b.id) })
	return lists
}

func (c *Cloudflare) newList(account, name, kind string) *list {
	now := c.opts.Now()
	l := &list{
		id:       c.newID("list"),
		account:  account,
		name:     name,
		kind:     kind,
		created:  now,
		modified: now,
		items:    make(map[netip.Prefix]*item),
	}
	c.lists[l.id] = l
	return l
}

// listOf returns the list that the path names.
func (c *Cloudflare) listOf(in call) (*list, reply, bool) {
	l := c.lists[in.ids[1]]
	if l == nil || l.account != in.account.id {
		return nil, refuse(http.StatusNotFound, codeNotFound, "filters.api.not_found"), false
	}
	return l, reply{}, true
}

func (c *Cloudflare) getLists(in call) reply {
	lists := []listJSON{}
	for _, l := range c.listsOf(in.account.id) {
		lists = append(lists, c.listJSON(l))
	}
	return ok(lists)
}

func (c *Cloudflare) getList(in call) reply {
	l, no, found := c.listOf(in)
	if !found {
		return no
	}
	return ok(c.listJSON(l))
}

var listName = regexp.MustCompile(`^[a-zA-Z0-9_]+$`)

const (
	maxName        = 50
	maxDescription = 500
)

func (c *Cloudflare) postList(in call) reply {
	var want struct{ Name, Kind, Description string }
	if json.Unmarshal(in.body, &want) != nil {
		return refuse(http.StatusBadRequest, codeInvalidJSON, "filters.api.invalid_json")
	}
	if complaint := c.whyNotCreate(in.account.id, want.Name, want.Kind, want.Description); complaint != "" {
		return refuse(http.StatusBadRequest, codeInvalid, "%s", complaint)
	}
	l := c.newList(in.account.id, want.Name, want.Kind)
	l.description = want.Description
	return ok(c.listJSON(l))
}

func (c *Cloudflare) whyNotCreate(account, name, kind, description string) string {
	switch {
	case !listName.MatchString(name) || len(name) > maxName:
		return "invalid list name: 1 to 50 letters, digits and underscores"
	case utf8.RuneCountInString(description) > maxDescription:
		return "the description is longer than 500 characters"
	case kind == "hostname" || kind == "asn":
		return "lists of this kind need an Enterprise plan"
	case kind != "ip" && kind != "redirect":
		return "invalid list kind"
	}
	counted := 0
	for _, l := range c.listsOf(account) {
		if l.name == name {
			return "a list with this name already exists"
		}
		if l.kind != "redirect" {
			counted++
		}
	}
	if kind != "redirect" && counted >= c.opts.MaxLists {
		return "you have reached the maximum number of lists"
	}
	return ""
}

// putList changes the description; name and kind are fixed for a list's life, and ignored.
func (c *Cloudflare) putList(in call) reply {
	l, no, found := c.listOf(in)
	if !found {
		return no
	}
	var want struct{ Description *string }
	if json.Unmarshal(in.body, &want) != nil {
		return refuse(http.StatusBadRequest, codeInvalidJSON, "filters.api.invalid_json")
	}
	if want.Description == nil {
		return ok(c.listJSON(l))
	}
	if utf8.RuneCountInString(*want.Description) > maxDescription {
		return refuse(http.StatusBadRequest, codeInvalid, "the description is longer than 500 characters")
	}
	l.description = *want.Description
	l.modified = c.opts.Now()
	return ok(c.listJSON(l))
}

func (c *Cloudflare) deleteList(in call) reply {
	l, no, found := c.listOf(in)
	if !found {
		return no
	}
	if c.references(l) > 0 {
		return refuse(http.StatusBadRequest, codeListInUse, "filters.api.ip_list_in_use")
	}
	delete(c.lists, l.id)
	return ok(map[string]string{"id": l.id})
}
