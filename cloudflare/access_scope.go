package cloudflare

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
)

// Scope says whose access rules: an account's (the zero value), a zone's or the user's. Scopes can be compared.
type Scope struct {
	user bool
	zone string // id; empty: none
}

// AccountScope is the rules of the client's account: for all of its zones.
func AccountScope() Scope { return Scope{} }

// UserScope is the rules of the user to whom the token or key belongs: for all zones that the user owns.
func UserScope() Scope { return Scope{user: true} }

// ZoneScope is the rules of one zone. The error says that id cannot be one.
func ZoneScope(id string) (Scope, error) {
	if !plainID(id) {
		return Scope{}, fmt.Errorf("zone id %q: 32 hexadecimal digits are due", clean(id))
	}
	return Scope{zone: id}, nil
}

// String is "account", "user" or "zone ID".
func (s Scope) String() string {
	switch {
	case s.user:
		return "user"
	case s.zone != "":
		return "zone " + s.zone
	}
	return "account"
}

// rules is how people call the rules of the scope.
func (s Scope) rules() string {
	if s == AccountScope() {
		return "access rules"
	}
	if s.user {
		return "access rules of the user"
	}
	return "access rules of " + s.String()
}

// url returns where the rules are, or one of them.
func (s Scope) url(c *Client, query url.Values, id ...string) (*url.URL, error) {
	elements := slices.Concat([]string{"firewall", "access_rules", "rules"}, id)
	switch {
	case s.user:
		return c.outside(query, append([]string{"user"}, elements...)...), nil
	case s.zone != "":
		return c.outside(query, append([]string{"zones", s.zone}, elements...)...), nil
	case c.account == "":
		return nil, errors.New("no account id is known")
	}
	return c.url(query, elements...), nil
}

// owns reports whether a rule that says it is from there is one of the scope's. The list of a zone's rules may hold those that it has from
// its account ("organization") and from the user. A rule that does not say is taken for the scope's.
func (s Scope) owns(kind string) bool { return s.zone == "" || kind == "" || kind == "zone" }

// Mode is what a rule does (https://developers.cloudflare.com/waf/tools/ip-access-rules/actions/).
type Mode string

// The modes that edgeban writes. Rules of others may be there: "js_challenge" and "challenge", an older challenge.
const (
	ModeBlock     Mode = "block"
	ModeChallenge Mode = "managed_challenge"
	ModeAllow     Mode = "whitelist" // "Allow" in the dashboard: it lets through what custom rules and other access rules block
)
