package main

import (
	"strings"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// work is what a session does with one of its lists.
type work struct {
	*session
	list   string // its name, or its id
	remedy reconcile.Remedy
}

// blocking is the work on the list of those to block.
func (x *session) blocking() work { return work{x, x.settings.List, reconcile.Block} }

// works are those on all lists, in the order in which they are done: whom to block comes first.
func (x *session) works() []work {
	all := []work{x.blocking()}
	if name := x.settings.ChallengeList; name != "" {
		all = append(all, work{x, name, reconcile.Challenge})
	}
	return all
}

// workFor is the work on the list for a remedy; found is false when there is none.
func (x *session) workFor(remedy reconcile.Remedy) (w work, found bool) {
	for _, w := range x.works() {
		if w.remedy == remedy {
			return w, true
		}
	}
	return work{}, false
}

// theLists is "list edgeban", "lists edgeban and edgeban_challenge".
func (x *session) theLists() string {
	if x.settings.ChallengeList == "" {
		return "list " + x.settings.List
	}
	return "lists " + x.settings.List + " and " + x.settings.ChallengeList
}

// target is the list of this run.
func (w work) target() *cloudflare.ListTarget {
	size := w.settings.BatchSize
	if known := w.account.BatchSize; known > 0 {
		size = min(size, known)
	}
	options := cloudflare.ListOptions{
		BatchSize: size,
		Frugal:    w.sys.limitMemory != nil,
		// A run that cannot remember a refusal must not ask twice, nor one on an account that goes on refusing.
		NoRetry: w.retried || w.dir == nil || w.past().Throttle.InARow > 1,
	}
	if w.remedy == reconcile.Challenge {
		options.Apart = w.settings.List
	}
	if w.progress != nil {
		options.Progress = w.progress.show
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
		MaxItems:  w.settings.MaxItems,
		Limits:    reconcile.Limits{AllowUntagged: w.listState().UntaggedAllowed},
		Now:       w.now,
		Past:      w.past(),
	}
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

// key names the list in the state.
func (w work) key() string { return w.settings.Account + "/" + w.list }

// listState is what earlier runs on the list left. A command that asks the sources alone may not know the account; then it is that of the
// only list of the name, or of the only list there is: it tells about the same sources.
func (w work) listState() listState {
	if w.settings.Account != "" {
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
	if w.settings.Account != "" {
		past.Throttle, past.Capacity, past.Open = w.account.Throttle, w.account.Capacity, w.account.Open
	}
	return past
}

// done is what becomes of those on the list.
func (w work) done() string {
	if w.remedy == reconcile.Challenge {
		return "challenged"
	}
	return "blocked"
}

// actionTitle is what the rule that uses the list is to do, as the dashboard names it.
func (w work) actionTitle() string {
	if w.remedy == reconcile.Challenge {
		return "Managed Challenge"
	}
	return "Block"
}
