package main

import (
	"strings"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// work is what a session does with one of its targets: a list, or the access rules of one scope that have one mode.
type work struct {
	*session
	list   string // its name, or its id; empty for access rules
	remedy reconcile.Remedy
	scope  cloudflare.Scope // whose access rules
	mode   cloudflare.Mode  // … and what they do; empty for a list
	spill  bool             // they hold what a list cannot take
}

// blocking is the work on the first target of those to block.
func (x *session) blocking() work { return x.works()[0] }

// works are those on all targets, in the order in which they are done: in each scope blocking comes before challenging.
func (x *session) works() []work {
	var all []work
	if x.settings.AccessRules {
		for _, scope := range x.settings.scopes() {
			all = append(all, work{session: x, scope: scope, mode: cloudflare.ModeBlock},
				work{session: x, scope: scope, mode: cloudflare.ModeChallenge, remedy: reconcile.Challenge})
		}
		return all
	}
	all = append(all, work{session: x, list: x.settings.List, remedy: reconcile.Block})
	if name := x.settings.ChallengeList; name != "" {
		all = append(all, work{session: x, list: name, remedy: reconcile.Challenge})
	}
	return all
}

// remedies are the works on the first target of each remedy: every zone has the same bans.
func (x *session) remedies() []work {
	all := x.works()
	return all[:min(len(all), 2)]
}

// worksFor are those for a remedy; there may be none.
func (x *session) worksFor(remedy reconcile.Remedy) (all []work) {
	for _, w := range x.works() {
		if w.remedy == remedy {
			all = append(all, w)
		}
	}
	return all
}

// onRules reports whether the work is on access rules.
func (w work) onRules() bool { return w.mode != "" }

// label names the target in metrics, JSON and the state: "edgeban", "access-rules", "access-rules user challenge".
func (w work) label() string {
	if !w.onRules() {
		return w.list
	}
	label := targetRules
	if w.spill {
		label = "spill"
	}
	if scope := w.scope.String(); scope != "account" {
		label += " " + scope
	}
	switch w.mode {
	case cloudflare.ModeChallenge:
		label += " challenge"
	case cloudflare.ModeAllow:
		label += " allow"
	}
	return label
}

// target is the target of this run.
func (w work) target() reconcile.Target {
	if w.onRules() {
		return w.rules(w.scope).Target(w.mode)
	}
	size := w.settings.BatchSize
	if known := w.account.BatchSize; known > 0 {
		size = min(size, known)
	}
	options := cloudflare.ListOptions{
		BatchSize: size,
		Frugal:    w.sys.limitMemory != nil,
		// A run must not try a refused write again when it cannot remember a refusal, when the account goes on refusing, or when it refused
		// within a week and access rules can do it instead: an address that a person un-banned would wait for more than a minute.
		NoRetry: w.retried || w.dir == nil || w.past().Throttle.InARow > 1 || w.settings.Spill && w.past().Throttle.Draining(w.now),
	}
	if w.remedy == reconcile.Challenge {
		options.Apart = w.settings.List
	}
	if w.progress != nil {
		options.Progress = func(step cloudflare.Progress) { w.progress.show(step, "the list", "item") }
	}
	return cloudflare.NewList(w.client, w.list, options)
}

// run puts together what one reconciliation needs.
func (w work) run(target reconcile.Target) reconcile.Run {
	return reconcile.Run{
		Sources:   w.sources(),
		Target:    target,
		Policy:    w.policy(),
		Ownership: w.ownership(),
		MaxItems:  w.quota(),
		Limits:    reconcile.Limits{AllowUntagged: w.listState().UntaggedAllowed},
		Now:       w.now,
		Past:      w.past(),
	}
}

// quota is how many items the account may have.
func (w work) quota() int {
	if w.spill {
		return ruleQuota
	}
	return w.settings.MaxItems
}

// desired is what the sources want on the list. first is what they want on the block list, before the work on the other one.
func (w work) desired(said reconcile.Readings, first reconcile.Desired) reconcile.Desired {
	run := w.run(nil)
	if w.remedy == reconcile.Challenge {
		run.Policy.Blocked = first.Blocking(w.now)
	}
	return run.Desire(said)
}

// unanswered are the errors of the sources that did not answer.
func unanswered(said reconcile.Readings) []error {
	var all []error
	for _, s := range said.Sources {
		if s.Err != nil {
			all = append(all, s.Err)
		}
	}
	return all
}

// key names the target in the state.
func (w work) key() string { return w.settings.Account + "/" + w.label() }

// listState is what earlier runs on the list left. A command that asks the sources alone may not know the account; then it is that of the
// only list of the name, or of the only list there is: it tells about the same sources.
func (w work) listState() listState {
	if w.settings.Account != "" || w.onRules() {
		return w.state.Lists[w.key()]
	}
	var named []listState
	for key, list := range w.state.Lists {
		if _, name, _ := strings.Cut(key, "/"); name == w.list || len(w.state.Lists) == 1 && w.remedy == reconcile.Block {
			named = append(named, list)
		}
	}
	if len(named) != 1 {
		return listState{}
	}
	return named[0]
}

// past is what earlier runs on the list and on its account left.
func (w work) past() reconcile.Past {
	past := w.listState().Past
	switch {
	case w.onRules():
		past.Throttle, past.Open = w.account.Rules, reconcile.Open{}
	case w.settings.Account != "":
		past.Throttle, past.Capacity, past.Open = w.account.Throttle, w.account.Capacity, w.account.Open
	}
	return past
}
