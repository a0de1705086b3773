package cloudflaretest

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// Scope is whose visitors an access rule is for: the path of its owner in the API. AccountScope, ZoneScope and
// UserScope make it. A user's rules are for all zones here, an account's for the zones of that account.
type Scope string

// AccountScope is the rules of an account.
func AccountScope(id string) Scope { return Scope("/accounts/" + id) }

// ZoneScope is the rules of one zone.
func ZoneScope(id string) Scope { return Scope("/zones/" + id) }

// UserScope is the rules of the one user that this Cloudflare has.
func UserScope() Scope { return "/user" }

// The modes of access rules. ModeAllow is called Allow in the dashboard.
const (
	ModeAllow            = "whitelist"
	ModeBlock            = "block"
	ModeChallenge        = "challenge"
	ModeJSChallenge      = "js_challenge"
	ModeManagedChallenge = "managed_challenge"
)

func accessModes() []string {
	return []string{ModeAllow, ModeBlock, ModeChallenge, ModeJSChallenge, ModeManagedChallenge}
}

type accessRule struct {
	id       string
	scope    Scope
	serial   int // grows with each rule that is made
	mode     string
	what     configuration
	notes    string
	created  time.Time
	modified time.Time
}

// accessSet is the access rules of one scope.
type accessSet struct {
	scope Scope
	rules map[configuration]*accessRule
	byID  map[string]*accessRule
	order []*accessRule // by serial
}

func (s *accessSet) add(r *accessRule) {
	s.rules[r.what], s.byID[r.id] = r, r
	s.order = append(s.order, r)
}

func (s *accessSet) remove(r *accessRule) {
	delete(s.rules, r.what)
	delete(s.byID, r.id)
	at, found := slices.BinarySearchFunc(s.order, r.serial, func(r *accessRule, serial int) int {
		return cmp.Compare(r.serial, serial)
	})
	if found {
		s.order = slices.Delete(s.order, at, at+1)
	}
}

// accessSet returns the rules of a scope, which need not have any yet.
func (c *Cloudflare) accessSet(scope Scope) *accessSet {
	if c.access[scope] == nil {
		c.access[scope] = &accessSet{
			scope: scope, rules: make(map[configuration]*accessRule), byID: make(map[string]*accessRule),
		}
	}
	return c.access[scope]
}

// newAccessRule makes a rule that the set must not have yet.
func (c *Cloudflare) newAccessRule(s *accessSet, mode string, what configuration, notes string) *accessRule {
	now := c.opts.Now()
	r := &accessRule{
		id: c.newID("access rule"), scope: s.scope, mode: mode, what: what, notes: notes, created: now, modified: now,
	}
	r.serial = c.serial
	s.add(r)
	return r
}

type accessRuleJSON struct {
	ID            string        `json:"id"`
	Mode          string        `json:"mode"`
	AllowedModes  []string      `json:"allowed_modes"`
	Configuration configuration `json:"configuration"`
	Notes         string        `json:"notes"`
	Scope         scopeJSON     `json:"scope"`
	CreatedOn     string        `json:"created_on"`
	ModifiedOn    string        `json:"modified_on"`
}

type scopeJSON struct {
	ID    string `json:"id"`
	Type  string `json:"type"` // "user", "organization" or "zone"
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
}

func (c *Cloudflare) accessRuleJSON(r *accessRule) accessRuleJSON {
	return accessRuleJSON{
		ID: r.id, Mode: r.mode, AllowedModes: accessModes(), Configuration: r.what, Notes: r.notes,
		Scope: c.scopeJSON(r.scope), CreatedOn: stamp(r.created), ModifiedOn: stamp(r.modified),
	}
}

func (c *Cloudflare) scopeJSON(scope Scope) scopeJSON {
	kind, id := scope.parts()
	switch kind {
	case "zones":
		j := scopeJSON{ID: id, Type: "zone"}
		if z := c.zones[id]; z != nil {
			j.Name = z.name
		}
		return j
	case "accounts":
		return scopeJSON{ID: id, Type: "organization", Name: accountName(id)}
	default:
		return scopeJSON{ID: c.user.id, Type: "user", Email: c.user.email}
	}
}

// accountOf is the account that a scope belongs to; empty: the user's own.
func (c *Cloudflare) accountOf(scope Scope) string {
	switch kind, id := scope.parts(); {
	case kind == "accounts":
		return id
	case kind == "zones" && c.zones[id] != nil:
		return c.zones[id].account
	}
	return ""
}

// accessRoutes are the endpoints of IP Access Rules. Who asks for one rule of the user's is turned away: no
// published schema knows that method.
// https://developers.cloudflare.com/api/resources/firewall/subresources/access_rules/
func (c *Cloudflare) accessRoutes() []route {
	all := func(of func(accessHandler) handler) map[string]handler {
		return map[string]handler{"GET": of(c.getAccessRules), "POST": of(c.postAccessRule)}
	}
	one := func(of func(accessHandler) handler) map[string]handler {
		return map[string]handler{
			"GET": of(c.getAccessRule), "PATCH": of(c.patchAccessRule), "DELETE": of(c.deleteAccessRule),
		}
	}
	users := one(c.ofUser)
	delete(users, "GET")
	accounts := guard{AccessRulesRead, AccessRulesWrite}
	return []route{
		{PathAccountAccessRules, accounts, all(c.ofAccount)},
		{PathAccountAccessRule, accounts, one(c.ofAccount)},
		{PathZoneAccessRules, guard{}, all(c.ofZone)},
		{PathZoneAccessRule, guard{}, one(c.ofZone)},
		{PathUserAccessRules, guard{}, all(c.ofUser)},
		{PathUserAccessRule, guard{}, users},
	}
}

// accessHandler is a handler that works on the rules of one scope.
type accessHandler func(call, *accessSet) reply

// ofAccount serves an account's rules. The route's guard has asked for the permission.
func (c *Cloudflare) ofAccount(handle accessHandler) handler {
	return func(in call) reply { return handle(in, c.accessSet(AccountScope(in.account.id))) }
}

func (c *Cloudflare) ofZone(handle accessHandler) handler {
	return func(in call) reply {
		z, no, may := c.zoneOf(in, guard{FirewallRead, FirewallWrite}.permission(in.mutating))
		if !may {
			return no
		}
		return handle(in, c.accessSet(ZoneScope(z.id)))
	}
}

// ofUser serves the user's rules. Which permission lets an API token in is documented nowhere; here it is the
// accounts' one. A token that an account owns has no user.
func (c *Cloudflare) ofUser(handle accessHandler) handler {
	return func(in call) reply {
		t, no, known := c.caller(in)
		if !known {
			return no
		}
		if t.account != "" || !t.may(guard{AccessRulesRead, AccessRulesWrite}.permission(in.mutating)) {
			return refuse(http.StatusForbidden, codeAuth, "Authentication error")
		}
		return handle(in, c.accessSet(UserScope()))
	}
}

// ruleOf is the rule that the path names. A rule that a zone inherits is not found there.
func (s *accessSet) ruleOf(in call) (*accessRule, reply, bool) {
	r := s.byID[in.ids[len(in.ids)-1]]
	if r == nil {
		return nil, refuse(http.StatusNotFound, codeNotFound, "firewallaccessrules.api.not_found"), false
	}
	return r, reply{}, true
}

func (c *Cloudflare) getAccessRule(in call, s *accessSet) reply {
	r, no, found := s.ruleOf(in)
	if !found {
		return no
	}
	return ok(c.accessRuleJSON(r))
}
