package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"edgeban/cloudflare"
)

// printPlan says what is there and what is to be done, with the permission that it takes.
func (u *setup) printPlan() {
	for _, l := range u.wanted {
		l.printPlan()
	}
}

func (u *wanted) printPlan() {
	if u.there.ID != "" {
		u.setup.say("list", fmt.Sprintf("%s: is there, %s", u.there.Name, plural(u.there.Items, "item")))
	} else {
		u.setup.say("list", fmt.Sprintf("%s: to be created (needs %s)", u.there.Name, permissionLists))
	}
	for _, r := range u.rules {
		switch r.state {
		case ruleThere:
			u.setup.say("rule", r.name+": "+r.text)
		case ruleDue:
			u.setup.say("rule", fmt.Sprintf("%s: to be appended: %s, %s (needs %s and %s)",
				r.name, u.rule().Expression, u.action, permissionZones, permissionRules))
		case ruleFailed:
			u.setup.say("rule", r.name+": see below")
		}
	}
}

// askForZones asks which zones to protect. known are those that the token was seen to see already.
func (u *setup) askForZones(ctx context.Context, known []cloudflare.Zone) error {
	if known == nil {
		bounded, cancel := u.within(ctx)
		defer cancel()
		var err error
		if known, err = u.client.Zones(bounded, ""); err != nil && !forbidden(err) {
			return err
		}
	}
	var names []string
	for _, z := range known {
		if z.Account.ID == u.account {
			names = append(names, z.Name)
		}
	}
	if len(names) == 0 {
		fmt.Fprintln(u.out.stdout, "The token sees no zones (it would need "+permissionZones+"), so the rule is for you to make.")
		return nil
	}
	slices.Sort(names)
	fmt.Fprintln(u.out.stdout, "Zones of this account:")
	for i, name := range names {
		fmt.Fprintf(u.out.stdout, "  %d  %s\n", i+1, printable(name))
	}
	for {
		text, err := u.asked.ask(ctx, "Which ones are to block what is on the list? Numbers or names, \"all\", or nothing:")
		if err != nil {
			return err
		}
		chosen, ok := choose(text, names)
		if ok {
			u.zones = chosen
			return nil
		}
		fmt.Fprintln(u.out.stdout, "Not understood.")
	}
}

// choose reads which of the names somebody chose.
func choose(text string, names []string) ([]string, bool) {
	if strings.EqualFold(text, "all") {
		return names, true
	}
	var chosen []string
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		if n, err := strconv.Atoi(word); err == nil && n >= 1 && n <= len(names) {
			word = names[n-1]
		}
		if !slices.Contains(names, strings.ToLower(word)) {
			return nil, false
		}
		if !slices.Contains(chosen, strings.ToLower(word)) {
			chosen = append(chosen, strings.ToLower(word))
		}
	}
	return chosen, true
}

// askForAction asks what the rule is to do; nothing means block.
func (u *setup) askForAction(ctx context.Context) error {
	for {
		text, err := u.asked.ask(ctx, "block, or managed_challenge? [block]")
		if err != nil {
			return err
		}
		if text = strings.ToLower(text); text == "" {
			text = "block"
		}
		if _, known := actionTitle(text); known {
			u.action = text
			return nil
		}
	}
}
