package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"edgeban/cloudflare"
)

const (
	permissionAccess     = "Account → Account Firewall Access Rules → Edit"
	permissionZoneAccess = "Zone → Firewall Services → Edit"
)

// rulesPermission is what a token needs for access rules, as the dashboard names it.
func (s *Settings) rulesPermission() string {
	if len(s.Zones) > 0 {
		return permissionZoneAccess
	}
	return permissionAccess
}

// doRules finds out whose access rules these are and whether they may be written. There is nothing to be created: it changes nothing.
func (u *setup) doRules(ctx context.Context) error {
	if u.action != "" {
		return usagef("setup: --action has no meaning with target access-rules: a rule blocks or challenges as its ban says")
	}
	if u.settings.User && len(u.zones) > 0 {
		return usagef("setup: --zone has no meaning with user: the rules are for all zones of the user")
	}
	lines, err := u.findScope(ctx)
	if err != nil {
		return err
	}
	if err := u.tryScopes(ctx); err != nil {
		return err
	}
	fmt.Fprintf(u.out.stdout, "\nThere is nothing to create: an access rule blocks or challenges by itself.\n")
	next := "Next: "
	if len(lines) > 0 {
		next = "Next: put " + map[bool]string{true: "the line", false: "these lines"}[len(lines) == 1] + " into " + u.settings.configFile() + ":\n  " +
			strings.Join(lines, "\n  ") + "\nthen: "
	}
	fmt.Fprintln(u.out.stdout, next+u.settings.typed("edgeban check"))
	return nil
}

// inFile reports whether the configuration file sets it.
func (u *setup) inFile(setting string) bool {
	return strings.Contains(u.settings.values[setting].origin, u.settings.configFile())
}

// findScope learns whose access rules to use, and returns the lines that the configuration file still lacks.
func (u *setup) findScope(ctx context.Context) (lines []string, err error) {
	if !u.inFile("target") {
		lines = append(lines, `target = "`+targetRules+`"`)
	}
	switch {
	case u.settings.User:
		u.say("user", "whoever the token belongs to")
		if !u.inFile("user") {
			lines = append(lines, "user = true")
		}
	case len(u.zones) > 0:
		line, err := u.findZones(ctx)
		return append(lines, line), err
	case len(u.settings.Zones) > 0:
		for _, id := range u.settings.Zones {
			u.say("zone", id+" ("+u.settings.values["zone"].origin+")")
		}
	default:
		if _, err := u.findAccount(ctx); err != nil {
			return nil, err
		}
		if u.client, err = u.client.For(u.account); err != nil {
			return nil, err
		}
		if u.settings.Account = u.account; u.found {
			lines = append(lines, u.accountLine())
		}
	}
	return lines, nil
}

// findZones learns the ids of the zones that somebody named, and returns the line of the configuration file that says them.
func (u *setup) findZones(ctx context.Context) (line string, err error) {
	ctx, cancel := u.within(ctx)
	defer cancel()
	var ids []string
	var problems []error
	for _, name := range u.zones {
		zones, err := u.client.Zones(ctx, name)
		if err == nil && len(zones) == 0 {
			err = &notDoneError{fmt.Errorf("zone %s: the token does not see it", name),
				"Is it spelled as in the dashboard? The token needs the permission " + permissionZones + " to look it up; its id stands on the zone's overview, too."}
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		u.say("zone", name+": "+zones[0].ID)
		if !slices.Contains(ids, zones[0].ID) {
			ids = append(ids, zones[0].ID)
		}
	}
	u.settings.Zones = ids
	return `zone = ["` + strings.Join(ids, `", "`) + `"]`, errors.Join(problems...)
}

// tryScopes reads the access rules, and asks whether they may be written, without a write.
func (u *setup) tryScopes(ctx context.Context) error {
	ctx, cancel := u.within(ctx)
	defer cancel()
	var problems []error
	for _, scope := range u.settings.scopes() {
		survey, err := u.rules(scope).Target(cloudflare.ModeBlock).Survey(ctx)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		w := work{session: u.session, scope: scope, mode: cloudflare.ModeBlock}
		switch may, err := u.client.MayEditRules(ctx, scope); {
		case err != nil:
			problems = append(problems, err)
		case !may:
			problems = append(problems, &notDoneError{fmt.Errorf("%s: the token may read but not write them", w.title()),
				"Give it the permission " + u.settings.rulesPermission() + " in the dashboard under API Tokens."})
		default:
			u.say("rules", fmt.Sprintf("%s, %s: %s, and the token may write", w.title(), reach(scope), plural(survey.Items, "rule")))
		}
	}
	return errors.Join(problems...)
}

// trySpill tells whether the token may do what spilling takes, too.
func (u *setup) trySpill(ctx context.Context) {
	if !u.settings.Spill {
		return
	}
	ctx, cancel := u.within(ctx)
	defer cancel()
	text := "what a list cannot take goes into access rules: the token may write them"
	switch may, err := u.client.MayEditRules(ctx, cloudflare.AccountScope()); {
	case err != nil:
		text = fmt.Sprintf("what a list cannot take goes into access rules (needs %s, too; whether the token has it is unknown: %v)", permissionAccess, err)
	case !may:
		text = "what a list cannot take goes into access rules: the token needs " + permissionAccess + ", too"
	}
	u.say("spill", text)
}
