package cloudflaretest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// postAccessRule makes a rule. One with the same target and value is in its way, whatever its mode.
func (c *Cloudflare) postAccessRule(in call, s *accessSet) reply {
	var want struct {
		Mode          string
		Configuration configuration
		Notes         string
	}
	if json.Unmarshal(in.body, &want) != nil {
		return badAccessRule("invalid json")
	}
	what, complaint := configured(want.Configuration.Target, want.Configuration.Value)
	var complaints []string
	if complaint != "" {
		complaints = append(complaints, complaint)
	}
	if !slices.Contains(accessModes(), want.Mode) {
		complaints = append(complaints, "invalid mode received: "+want.Mode)
	}
	switch {
	case len(complaints) > 0:
		return badAccessRule(complaints...)
	case s.rules[what] != nil:
		return refuse(http.StatusBadRequest, codeDuplicateRule, "firewallaccessrules.api.duplicate_of_existing")
	case c.countAccessRules(c.accountOf(s.scope)) >= c.opts.MaxAccessRules:
		return refuse(http.StatusBadRequest, codeAccessRuleQuota,
			"firewallaccessrules.api.quota_exceeded: the maximum number of rules is %d", c.opts.MaxAccessRules)
	}
	return ok(c.accessRuleJSON(c.newAccessRule(s, want.Mode, what, want.Notes)))
}

// countAccessRules is how many rules an account and its zones have together; with "", the user.
func (c *Cloudflare) countAccessRules(account string) int {
	n := 0
	for scope, s := range c.access {
		if c.accountOf(scope) == account {
			n += len(s.rules)
		}
	}
	return n
}

// patchAccessRule changes mode and notes. The rest of the body is ignored: the schema of an account's rules
// demands all of it and says that nothing else can be changed.
func (c *Cloudflare) patchAccessRule(in call, s *accessSet) reply {
	r, no, found := s.ruleOf(in)
	if !found {
		return no
	}
	var want struct{ Mode, Notes *string }
	switch {
	case json.Unmarshal(in.body, &want) != nil:
		return badAccessRule("invalid json")
	case want.Mode != nil && !slices.Contains(accessModes(), *want.Mode):
		return badAccessRule("invalid mode received: " + *want.Mode)
	}
	if want.Mode != nil {
		r.mode = *want.Mode
	}
	if want.Notes != nil {
		r.notes = *want.Notes
	}
	r.modified = c.opts.Now()
	return ok(c.accessRuleJSON(r))
}

// deleteAccessRule takes a rule away, and from a zone those that are like it in other zones if the body asks for
// that. Clients send no body, too, though the schema wants one.
func (c *Cloudflare) deleteAccessRule(in call, s *accessSet) reply {
	r, no, found := s.ruleOf(in)
	if !found {
		return no
	}
	var want struct{ Cascade string }
	if len(bytes.TrimSpace(in.body)) > 0 && json.Unmarshal(in.body, &want) != nil {
		return badAccessRule("invalid json")
	}
	cascade := cmp.Or(want.Cascade, "none")
	if !slices.Contains([]string{"none", "basic", "aggressive"}, cascade) {
		return badAccessRule("invalid cascade received: " + cascade)
	}
	s.remove(r)
	if kind, _ := s.scope.parts(); kind == "zones" && cascade != "none" {
		c.cascade(r, cascade == "basic")
	}
	return ok(map[string]string{"id": r.id})
}

// cascade takes rules for the same visitors, and with sameMode of the same mode, from the account's other zones.
func (c *Cloudflare) cascade(gone *accessRule, sameMode bool) {
	for _, scope := range slices.Sorted(maps.Keys(c.access)) {
		s := c.access[scope]
		kind, _ := scope.parts()
		r := s.rules[gone.what]
		if r != nil && kind == "zones" && c.accountOf(scope) == c.accountOf(gone.scope) && (!sameMode || r.mode == gone.mode) {
			s.remove(r)
		}
	}
}

// parts splits a scope into "accounts", "zones" or "user", and the id of the first two.
func (s Scope) parts() (kind, id string) {
	kind, id, _ = strings.Cut(strings.TrimPrefix(string(s), "/"), "/")
	return kind, id
}
