package cloudflaretest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// zone is a domain of an account.
type zone struct {
	id, account, name string
	ruleset           *ruleset // of custom rules; nil: none yet
}

// AddZone makes a domain known in an account, which is made known if need be, and returns its id. It has no rules.
func (c *Cloudflare) AddZone(account, name string) (id string) {
	defer c.lock()()
	c.addAccount(account)
	z := &zone{id: c.newID("zone"), account: account, name: name}
	c.zones[z.id] = z
	return z.id
}

type namedJSON struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type zoneJSON struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Status  string    `json:"status"`
	Type    string    `json:"type"`
	Paused  bool      `json:"paused"`
	Account namedJSON `json:"account"`
}

func accountName(id string) string { return "Account " + id[:min(4, len(id))] }

// getAccounts answers a token that an account owns as Cloudflare has been seen to, and a user's token without the permission to read
// the accounts' settings with none of them (https://github.com/cloudflare/cloudflare-go/issues/725).
func (c *Cloudflare) getAccounts(in call) reply {
	t, no, known := c.caller(in)
	if !known {
		return no
	}
	if t.account != "" {
		return refuse(http.StatusBadRequest, codeAccountOwned, "List accounts endpoint does not support account owned tokens.")
	}
	all := []namedJSON{}
	if t.may(AccountSettingsRead) {
		for id := range c.accounts {
			all = append(all, namedJSON{id, accountName(id)})
		}
	}
	slices.SortFunc(all, func(a, b namedJSON) int { return strings.Compare(a.ID, b.ID) })
	return paged(all, in)
}

// getZones lists what the token sees, by name.
func (c *Cloudflare) getZones(in call) reply {
	t, no, known := c.caller(in)
	if !known {
		return no
	}
	if !t.may(ZoneRead) {
		return refuse(http.StatusForbidden, codeNoAccess, "Unauthorized to access requested resource")
	}
	all := []zoneJSON{}
	for _, z := range c.zones {
		if (t.account == "" || t.account == z.account) && (in.query.Get("name") == "" || in.query.Get("name") == z.name) {
			all = append(all, zoneJSON{ID: z.id, Name: z.name, Status: "active", Type: "full",
				Account: namedJSON{z.account, accountName(z.account)}})
		}
	}
	slices.SortFunc(all, func(a, b zoneJSON) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
	return paged(all, in)
}

// caller is who sends a request outside accounts; false: the reply says why it is refused.
func (c *Cloudflare) caller(in call) (*token, reply, bool) {
	t, wellFormed := c.identify(in)
	switch {
	case !wellFormed:
		return nil, badHeaders(in), false
	case t == nil || t.status != TokenActive:
		return nil, unknownCaller(in), false
	}
	return t, reply{}, true
}

// paged answers with the page that the query asks for, of at most 50.
func paged[T any](all []T, in call) reply {
	part, info := cut(all, in.query, 50)
	yes := ok(part)
	yes.body.ResultInfo = info
	return yes
}

// cut takes out the page that the query asks for: per_page is at most most, and 20 if it is not given.
func cut[T any](all []T, query url.Values, most int) ([]T, pageInfo) {
	number := func(name string, otherwise, most int) int {
		n, err := strconv.Atoi(query.Get(name))
		if err != nil || n < 1 {
			return min(otherwise, most)
		}
		return min(n, most)
	}
	size, page := number("per_page", 20, most), number("page", 1, 1<<20)
	from := min((page-1)*size, len(all))
	part := all[from:min(from+size, len(all))]
	return part, pageInfo{
		Page: page, PerPage: size, Count: len(part), TotalCount: len(all), TotalPages: (len(all) + size - 1) / size,
	}
}

type pageInfo struct {
	Page       int `json:"page"`
	PerPage    int `json:"per_page"`
	Count      int `json:"count"`
	TotalCount int `json:"total_count"`
	TotalPages int `json:"total_pages"`
}
