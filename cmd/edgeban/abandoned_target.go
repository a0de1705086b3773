package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// otherTarget is a target of another kind than the settings', or of another scope, that runs kept in step once: its items or rules go on
// blocking. It is known by the state alone, because nothing reads it any more.
type otherTarget struct {
	title, noun, flags string // "list edgeban", "item", "--target list --list edgeban"
	own                int
	last               time.Time
}

// otherTargets are those left alone for a while, sorted. Lists beside lists are none of these: see abandoned.
func (x *session) otherTargets() []otherTarget {
	scopes := map[string]bool{}
	for _, w := range x.works() {
		if w.onRules() {
			scopes[w.label()] = true
		}
	}
	if x.settings.Spill { // the account's rules hold now what spills
		scopes[targetRules], scopes[targetRules+" challenge"] = true, true
	}
	found := map[string]otherTarget{}
	for key, list := range x.state.Lists {
		account, label, _ := strings.Cut(key, "/")
		of, isOne := targetOf(label)
		if !isOne || account != "" && account != x.settings.Account || list.Measured == nil || list.Measured.Own == 0 ||
			!x.settings.AccessRules && of.noun == "item" || scopes[label] || x.now.Sub(list.lastKept()) < abandonedAfter {
			continue
		}
		if had := found[of.flags]; had.last.After(list.lastKept()) {
			of.last = had.last
		} else {
			of.last = list.lastKept()
		}
		of.own = found[of.flags].own + list.Measured.Own
		found[of.flags] = of
	}
	var all []otherTarget
	for _, of := range found {
		all = append(all, of)
	}
	slices.SortFunc(all, func(a, b otherTarget) int { return strings.Compare(a.flags, b.flags) })
	return all
}

// targetOf reads a work's label. What spilled is no target of its own.
func targetOf(label string) (of otherTarget, isOne bool) {
	if label == "spill" || strings.HasPrefix(label, "spill ") {
		return of, false
	}
	rest, rules := strings.CutPrefix(label, targetRules)
	if !rules {
		return otherTarget{title: "list " + label, noun: "item", flags: "--target list --list " + shellWord(label)}, true
	}
	of = otherTarget{title: "access rules", noun: "rule", flags: "--target " + targetRules}
	switch rest = strings.TrimSpace(strings.TrimSuffix(rest, " challenge")); {
	case rest == "user":
		of.title, of.flags = of.title+" of the user", of.flags+" --user"
	case strings.HasPrefix(rest, "zone "):
		of.title, of.flags = of.title+" of "+rest, of.flags+" --"+rest
	}
	return of, true
}

func (o otherTarget) text(now time.Time) string {
	are := "are"
	if o.noun == "item" {
		are = "is"
	}
	stay := "stay"
	if o.own == 1 {
		stay = "stays"
	}
	return fmt.Sprintf("%s %s no longer in the settings, and no run has kept %s in step since %s: %s of ours %s there",
		printable(o.title), are, map[string]string{"item": "it", "rule": "them"}[o.noun], clock(now, o.last), plural(o.own, o.noun), stay)
}

// remedy is what to type: with the settings' own flags taken out that do not go with the other target.
func (o otherTarget) remedy(s Settings) string {
	command := "edgeban flush " + o.flags
	if len(s.Zones) > 0 && !strings.Contains(o.flags, " --zone ") {
		command += " --zone ''"
	}
	if s.User && !strings.Contains(o.flags, " --user") {
		command += " --user=false"
	}
	if o.noun == "rule" && s.ChallengeList != "" {
		command += " --challenge-list ''"
	}
	if o.noun == "rule" && s.Spill {
		command += " --spill none"
	}
	return s.typed(command)
}

// others tells of them.
func (c *checkup) others(context.Context) {
	for _, o := range c.otherTargets() {
		c.warn("target", o.text(c.now), "To remove them: "+o.remedy(c.settings))
	}
}
