package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// ruleState is what there is to do about the rule of a zone.
type ruleState uint8

const (
	ruleThere  ruleState = iota // a rule uses the list and keeps visitors out
	ruleDue                     // it is to be added
	ruleFailed                  // it cannot be known or must be changed by hand; told already
)

// zoneRule is the rule that a zone needs.
type zoneRule struct {
	name  string // of the zone
	zone  cloudflare.Zone
	have  cloudflare.Ruleset
	state ruleState
	text  string // what was found
}

// actionTitle is an action as the dashboard names it, if it is one that setup knows.
func actionTitle(action string) (string, bool) {
	title, known := map[string]string{"block": "Block", "managed_challenge": "Managed Challenge"}[action]
	return title, known
}

// rule is the rule as it is added. Its ref is what a later run finds it by.
func (u *wanted) rule() cloudflare.Rule {
	return cloudflare.Rule{
		Ref:         "edgeban_" + u.there.Name,
		Description: "edgeban: addresses on the list " + u.there.Name,
		Expression:  cloudflare.ListExpression(u.there.Name),
		Action:      u.action,
		Enabled:     true,
	}
}

// findRule looks at the custom rules of one zone.
func (u *wanted) findRule(ctx context.Context, name string) zoneRule {
	ctx, cancel := u.within(ctx)
	defer cancel()
	r := zoneRule{name: name, state: ruleFailed}
	zones, err := u.client.Zones(ctx, name)
	if err == nil {
		r.zone, err = u.oneZone(name, zones)
	}
	if err == nil {
		r.have, err = u.client.CustomRules(ctx, r.zone)
	}
	switch {
	case forbidden(err):
		u.setup.failures = append(u.setup.failures, &ruleForbiddenError{name, u.ruleToPaste(name), err})
	case err != nil:
		u.setup.failures = append(u.setup.failures, err)
	default:
		r.state, r.text, err = u.judge(r)
		if err != nil {
			u.setup.failures = append(u.setup.failures, err)
		}
	}
	return r
}

func (u *setup) oneZone(name string, zones []cloudflare.Zone) (cloudflare.Zone, error) {
	for _, z := range zones {
		if z.Account.ID == u.account {
			return z, nil
		}
	}
	if len(zones) > 0 {
		return cloudflare.Zone{}, &zoneError{name, fmt.Sprintf("is in another account, %s", zones[0].Account.ID),
			"A rule can use lists of its own account only: run setup with --account " + zones[0].Account.ID + "."}
	}
	return cloudflare.Zone{}, &zoneError{name, "the token sees no such zone",
		"Is it the domain as it was added to Cloudflare, without www? The token needs " + permissionZones + " for it."}
}

// zoneError is something about a zone that a person has to see to.
type zoneError struct{ name, text, hint string }

func (e *zoneError) Error() string { return "zone " + e.name + ": " + e.text }
func (e *zoneError) Hint() string  { return e.hint }

// ruleForbiddenError is a zone whose rules the token may not read or write.
type ruleForbiddenError struct {
	name, paste string
	err         error
}

func (e *ruleForbiddenError) Error() string {
	return fmt.Sprintf("zone %s: the token may not add a rule: %v", e.name, e.err)
}
func (e *ruleForbiddenError) Unwrap() error { return e.err }
func (e *ruleForbiddenError) Hint() string {
	return "It needs " + permissionZones + " and " + permissionRules + " for this zone. Or paste the rule in the dashboard:\n" + e.paste
}

// judge decides what a zone's rules mean: nothing is ever changed or taken away, so what is in the way is for a person.
func (u *wanted) judge(r zoneRule) (ruleState, string, error) {
	want := u.rule()
	for _, have := range r.have.Rules {
		if have.Ref != want.Ref && have.Description != want.Description {
			continue
		}
		switch {
		case !have.Uses(u.there.Name):
			return ruleFailed, "", &zoneError{r.name, "edgeban's rule no longer uses the list",
				"Somebody changed its expression. Mend it in the dashboard, or delete the rule and run setup again:\n" + u.ruleToPaste(r.name)}
		case !have.Enabled:
			return ruleFailed, "", &zoneError{r.name, "edgeban's rule is disabled", "Enable it in the dashboard: " + customRulesPage + "."}
		case have.Action != want.Action && (u.chosen || !have.Bars() || u.work.remedy == reconcile.Challenge && have.Action == "block"):
			title, _ := actionTitle(want.Action)
			do := "Choose " + title + " in the dashboard (" + customRulesPage + ")"
			if u.work.remedy == reconcile.Block {
				do += ", or leave it and run setup with --action " + printable(have.Action)
			}
			return ruleFailed, "", &zoneError{r.name, fmt.Sprintf("edgeban's rule has the action %s", printable(have.Action)), do + "."}
		}
		return ruleThere, "the rule is there, " + have.Action, nil
	}
	bars := func(have cloudflare.Rule) bool { return have.Enabled && have.Bars() && have.Uses(u.there.Name) }
	if i := slices.IndexFunc(r.have.Rules, bars); i >= 0 {
		return ruleThere, "a rule made by hand uses the list, " + r.have.Rules[i].Action, nil
	}
	return ruleDue, "", nil
}

// addRule appends the rule to a zone.
func (u *wanted) addRule(ctx context.Context, r zoneRule) {
	ctx, cancel := u.within(ctx)
	defer cancel()
	err := u.client.AddRule(ctx, r.zone, r.have, u.rule())
	var uncertain *cloudflare.UncertainError
	if errors.As(err, &uncertain) { // whether it is there can be seen
		if have, failed := u.client.CustomRules(ctx, r.zone); failed == nil {
			if state, _, _ := u.judge(zoneRule{name: r.name, have: have}); state == ruleThere {
				err = nil
			}
		}
	}
	var failure *cloudflare.APIError
	switch {
	case err == nil:
		u.say("rule", r.name+": added, "+u.action)
	case errors.As(err, &failure) && failure.RulesFull():
		u.setup.failures = append(u.setup.failures, &zoneError{r.name, fmt.Sprintf("the plan's quota of custom rules is used up: %v", err),
			"A Free plan allows five in each zone. Widen one whose action is the same: (its expression) or " + u.rule().Expression +
				", or delete one: " + customRulesPage + "."})
	case forbidden(err):
		u.setup.failures = append(u.setup.failures, &ruleForbiddenError{r.name, u.ruleToPaste(r.name), err})
	default:
		u.setup.failures = append(u.setup.failures, err)
	}
}

const customRulesPage = "Security → WAF → Custom rules"

// ruleToPaste is the rule as a person enters it in the dashboard.
func (u *wanted) ruleToPaste(zone string) string {
	want := u.rule()
	title, _ := actionTitle(want.Action)
	where := "each zone"
	if zone != "" {
		where = zone
	}
	return strings.Join([]string{
		"  in " + where + ": " + customRulesPage + " → Create rule → Edit expression",
		"  name        " + want.Description,
		"  expression  " + want.Expression,
		"  action      " + title + "\n",
	}, "\n")
}
