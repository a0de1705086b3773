package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// customPhase is where a zone's custom rules run (https://developers.cloudflare.com/waf/custom-rules/create-api/).
const customPhase = "http_request_firewall_custom"

// Rule is one of a zone's custom rules.
type Rule struct {
	Ref         string `json:"ref,omitempty"` // stays the same when the rule is changed
	Description string `json:"description"`
	Expression  string `json:"expression"` // as the API has it: not fit for a line of text
	Action      string `json:"action"`     // "block", "managed_challenge" and others
	Enabled     bool   `json:"enabled"`
}

// ListExpression is true for visitors whose address is on the list.
func ListExpression(list string) string { return "(ip.src in $" + list + ")" }

// Uses reports whether the rule's expression names the list.
func (r Rule) Uses(list string) bool {
	for _, after := range strings.Split(r.Expression, "$")[1:] {
		rest, found := strings.CutPrefix(after, list)
		if found && (rest == "" || !plainID(rest[:1]) || rest[0] == '-') {
			return true
		}
	}
	return false
}

// Bars reports whether the rule's action keeps visitors out, or lets them in only after a challenge.
func (r Rule) Bars() bool {
	return slices.Contains([]string{"block", "challenge", "js_challenge", "managed_challenge"}, r.Action)
}

// Ruleset is the entry point of a zone's custom rules.
type Ruleset struct {
	ID    string // empty: the zone has none yet
	Rules []Rule
}

// CustomRules returns a zone's custom rules. It needs the permission Zone WAF Read, or Edit; without it the error is an *APIError of
// which Forbidden tells.
func (c *Client) CustomRules(ctx context.Context, zone Zone) (Ruleset, error) {
	e, _, err := c.get(ctx, c.outside(nil, "zones", zone.ID, "rulesets", "phases", customPhase, "entrypoint"))
	var failure *APIError
	if errors.As(err, &failure) && failure.Status == http.StatusNotFound && !failure.Has(codeNoRoute) {
		return Ruleset{}, nil
	}
	set := Ruleset{}
	if err == nil {
		err = c.decode(e, &set)
	}
	if err == nil && !c.isID(set.ID) {
		err = fmt.Errorf("ruleset id %q is not an id", c.clean(set.ID))
	}
	if err != nil {
		return Ruleset{}, fmt.Errorf("read the custom rules of zone %s: %w", zone.Name, err)
	}
	for i, r := range set.Rules {
		set.Rules[i].Ref, set.Rules[i].Description, set.Rules[i].Action = c.clean(r.Ref), c.clean(r.Description), c.clean(r.Action)
	}
	return set, nil
}

// AddRule appends a rule to a zone's custom rules, of which have is what CustomRules returned, and leaves the others as they are: it
// makes the entry point when the zone has none, and else adds to it. It needs the permission Zone WAF Edit. Errors are *APIError, of which
// Forbidden and RulesFull tell, and *UncertainError, after which the rules should be read again.
func (c *Client) AddRule(ctx context.Context, zone Zone, have Ruleset, rule Rule) error {
	var err error
	if have.ID == "" {
		err = c.create(ctx, c.outside(nil, "zones", zone.ID, "rulesets"), map[string]any{
			"name": "default", "kind": "zone", "phase": customPhase, "rules": []Rule{rule},
		})
	} else {
		err = c.create(ctx, c.outside(nil, "zones", zone.ID, "rulesets", have.ID, "rules"), rule)
	}
	if err != nil {
		return fmt.Errorf("add a custom rule to zone %s: %w", zone.Name, err)
	}
	return nil
}
