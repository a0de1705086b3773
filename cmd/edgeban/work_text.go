package main

import (
	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// What people are told of a target in: fragments of sentences.

// title is how people call the target: "list edgeban", "access rules of the user (challenge)".
func (w work) title() string {
	if w.onRules() {
		return cloudflare.NewRules(nil, w.scope, cloudflare.RulesOptions{}).Target(w.mode).Name()
	}
	return "list " + w.list
}

// noun is what the target holds.
func (w work) noun() string {
	if w.onRules() {
		return "rule"
	}
	return "item"
}

// on says where an item is: "on list edgeban".
func (w work) on() string {
	if w.onRules() {
		return "among the " + w.title()
	}
	return "on " + w.title()
}

// holding is what the bans are kept in, as a heading.
func (x *session) holding() string {
	return holding(x.settings.AccessRules)
}

func holding(rules bool) string {
	if rules {
		return "rules"
	}
	return "list"
}

// movingTitle is the heading of the items that stay until another target holds their prefixes.
func (w work) movingTitle() string {
	if w.mode == cloudflare.ModeAllow {
		return "un-banned: they stay until the list lets go"
	}
	if w.onRules() {
		return "changing their mode: they stay until the rule does the other thing"
	}
	return "moving to the other list: they stay until that one holds them"
}

// off is where an un-banned network is, as in "stays off the list".
func (x *session) off() string {
	if x.settings.AccessRules {
		return "un-banned"
	}
	return "off the list"
}

// theTargets are all of them: "list edgeban", "lists edgeban and edgeban_challenge", "access rules".
func (x *session) theTargets() string {
	switch {
	case x.settings.AccessRules:
		return "access rules"
	case x.settings.ChallengeList == "":
		return "list " + x.settings.List
	}
	return "lists " + x.settings.List + " and " + x.settings.ChallengeList
}

// remedied is what happens to those on the target.
func (w work) remedied() string {
	if w.remedy == reconcile.Challenge {
		return "challenged"
	}
	return "blocked"
}

// actionTitle is the action of the rule that uses the list, as the dashboard names it.
func (w work) actionTitle() string {
	if w.remedy == reconcile.Challenge {
		return "Managed Challenge"
	}
	return "Block"
}
