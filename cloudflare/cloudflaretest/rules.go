package cloudflaretest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// customPhase is where a zone's custom rules run, the one phase known here.
// https://developers.cloudflare.com/waf/custom-rules/create-api/
const customPhase = "http_request_firewall_custom"

const maxExpression = 4096 // characters

// Rule is a custom rule of a zone.
type Rule struct {
	ID          string `json:"id"`
	Ref         string `json:"ref"`
	Description string `json:"description,omitempty"`
	Expression  string `json:"expression"`
	Action      string `json:"action"`
	Enabled     bool   `json:"enabled"`
}

type ruleset struct {
	id      string
	name    string
	version int
	updated time.Time
	rules   []Rule
}

type ruleJSON struct {
	Rule
	Version     string `json:"version"`
	LastUpdated string `json:"last_updated"`
}

type rulesetJSON struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Kind        string     `json:"kind"`
	Version     string     `json:"version"`
	LastUpdated string     `json:"last_updated"`
	Phase       string     `json:"phase"`
	Rules       []ruleJSON `json:"rules"`
}

// AddRule gives a zone a custom rule, as a person in the dashboard would, and returns its id. It heeds no quota.
func (c *Cloudflare) AddRule(zoneID string, rule Rule) (id string) {
	defer c.lock()()
	z := c.zones[zoneID]
	if z == nil {
		return ""
	}
	return c.addRule(z, rule)
}

// Rules returns a zone's custom rules in their order.
func (c *Cloudflare) Rules(zoneID string) []Rule {
	defer c.lock()()
	z := c.zones[zoneID]
	if z == nil || z.ruleset == nil {
		return nil
	}
	return slices.Clone(z.ruleset.rules)
}

func (c *Cloudflare) addRule(z *zone, rule Rule) string {
	if z.ruleset == nil {
		z.ruleset = &ruleset{id: c.newID("ruleset"), name: "default"}
	}
	rule.ID = c.newID("rule")
	if rule.Ref == "" {
		rule.Ref = rule.ID
	}
	z.ruleset.rules = append(z.ruleset.rules, rule)
	z.ruleset.version++
	z.ruleset.updated = c.opts.Now()
	return rule.ID
}

// references is how many rules use a list, enabled or not.
func (c *Cloudflare) references(l *list) int {
	n := l.references
	for _, z := range c.zones {
		if z.account != l.account || z.ruleset == nil {
			continue
		}
		for _, r := range z.ruleset.rules {
			if slices.Contains(listsNamed(r.Expression), l.name) {
				n++
			}
		}
	}
	return n
}

var listReference = regexp.MustCompile(`\$([a-zA-Z0-9_]+)`)

// listsNamed are the lists that an expression uses.
func listsNamed(expression string) []string {
	var names []string
	for _, match := range listReference.FindAllStringSubmatch(expression, -1) {
		names = append(names, match[1])
	}
	return names
}

// zoneOf is the zone that the path names, if the token may do there what it asks for.
func (c *Cloudflare) zoneOf(in call, need Permission) (*zone, reply, bool) {
	t, wellFormed := c.identify(in)
	switch {
	case !wellFormed:
		return nil, badHeaders(in), false
	case t == nil || t.status != TokenActive:
		return nil, refuse(http.StatusForbidden, codeAuth, "Authentication error"), false
	}
	z := c.zones[in.ids[0]]
	if z == nil || t.account != "" && t.account != z.account || !t.may(need) {
		return nil, refuse(http.StatusForbidden, codeAuth, "Authentication error"), false
	}
	return z, reply{}, true
}

func (c *Cloudflare) getEntrypoint(in call) reply {
	z, no, may := c.zoneOf(in, WAFRead)
	if !may {
		return no
	}
	if in.ids[1] != customPhase || z.ruleset == nil {
		return refuse(http.StatusNotFound, codeNoEntrypoint, "could not find entrypoint ruleset in the %q phase", in.ids[1])
	}
	return ok(z.ruleset.json())
}

func (r *ruleset) json() rulesetJSON {
	j := rulesetJSON{
		ID: r.id, Name: r.name, Kind: "zone", Phase: customPhase,
		Version: strconv.Itoa(r.version), LastUpdated: stamp(r.updated), Rules: []ruleJSON{},
	}
	for _, rule := range r.rules {
		j.Rules = append(j.Rules, ruleJSON{rule, "1", stamp(r.updated)})
	}
	return j
}

// postRuleset makes a zone's entry point, of which there can be one.
func (c *Cloudflare) postRuleset(in call) reply {
	z, no, may := c.zoneOf(in, WAFEdit)
	if !may {
		return no
	}
	var want struct {
		Name, Kind, Phase string
		Rules             []Rule
	}
	switch {
	case json.Unmarshal(in.body, &want) != nil:
		return refuse(http.StatusBadRequest, codeInvalid, "invalid JSON")
	case want.Name == "" || want.Kind != "zone" || want.Phase != customPhase:
		return refuse(http.StatusBadRequest, codeInvalid, "a name, the kind zone and the phase %s are due", customPhase)
	case z.ruleset != nil:
		return refuse(http.StatusBadRequest, codeRuleQuota,
			"'zone' is not a valid value for kind because exceeded maximum number of zone rulesets for phase %s", customPhase)
	}
	if no, bad := c.refuseRules(z, want.Rules); bad {
		return no
	}
	z.ruleset = &ruleset{id: c.newID("ruleset"), name: want.Name, version: 1, updated: c.opts.Now()}
	for _, rule := range want.Rules {
		c.addRule(z, rule)
	}
	return ok(z.ruleset.json())
}

// postRule appends a rule and answers with all of them.
func (c *Cloudflare) postRule(in call) reply {
	z, no, may := c.zoneOf(in, WAFEdit)
	if !may {
		return no
	}
	rule := Rule{Enabled: true}
	switch {
	case z.ruleset == nil || z.ruleset.id != in.ids[1]:
		return refuse(http.StatusNotFound, codeNoEntrypoint, "could not find ruleset")
	case json.Unmarshal(in.body, &rule) != nil:
		return refuse(http.StatusBadRequest, codeInvalid, "invalid JSON")
	}
	if no, bad := c.refuseRules(z, []Rule{rule}); bad {
		return no
	}
	c.addRule(z, rule)
	return ok(z.ruleset.json())
}

// refuseRules looks whether rules can be appended to those that the zone has.
func (c *Cloudflare) refuseRules(z *zone, rules []Rule) (reply, bool) {
	have := 0
	if z.ruleset != nil {
		have = len(z.ruleset.rules)
	}
	if total := have + len(rules); total > c.opts.MaxRules {
		return refuse(http.StatusBadRequest, codeRuleQuota,
			"exceeded the maximum number of rules in the phase %s: %d out of %d", customPhase, total, c.opts.MaxRules), true
	}
	for _, rule := range rules {
		if complaint := c.whyNotRule(z, rule); complaint != "" {
			return refuse(http.StatusBadRequest, codeInvalid, "%s", complaint), true
		}
	}
	return reply{}, false
}

func (c *Cloudflare) whyNotRule(z *zone, rule Rule) string {
	actions := []string{"block", "challenge", "js_challenge", "log", "managed_challenge", "skip"}
	switch {
	case strings.TrimSpace(rule.Expression) == "" || utf8.RuneCountInString(rule.Expression) > maxExpression:
		return "an expression of 1 to 4096 characters is due"
	case !slices.Contains(actions, rule.Action):
		return fmt.Sprintf("unknown action %q", rule.Action)
	case rule.Action == "log":
		return "not entitled to use the log action"
	case rule.Ref != "" && z.ruleset != nil &&
		slices.ContainsFunc(z.ruleset.rules, func(r Rule) bool { return r.Ref == rule.Ref }):
		return "a rule with this ref already exists"
	}
	for _, name := range listsNamed(rule.Expression) {
		if !slices.ContainsFunc(c.listsOf(z.account), func(l *list) bool { return l.name == name }) {
			return fmt.Sprintf("unknown list $%s", name)
		}
	}
	return ""
}
