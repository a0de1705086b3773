package main

import (
	"slices"
	"time"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// Cloudflare lets a user or token make 1200 requests in five minutes (https://developers.cloudflare.com/fundamentals/api/reference/limits/).
// Some are left to others.
const (
	requestWindow = 5 * time.Minute
	requestShare  = 1080
	requestMost   = 1180 // … with those that let a run look when the share is used up
)

// spent are requests that a run made.
type spent struct {
	At       time.Time `json:"at"`
	Requests int       `json:"requests"`
	By       string    `json:"by,omitempty"` // the instance, where several share the file
}

// inWindow are those that still count at now, and how many requests they are.
func inWindow(all []spent, now time.Time) (left []spent, sum int) {
	for _, s := range all {
		if age := now.Sub(s.At); age >= 0 && age < requestWindow {
			left = append(left, s)
			sum += s.Requests
		}
	}
	return left, sum
}

// rules are the access rules of a scope as this run knows them.
func (x *session) rules(scope cloudflare.Scope) *cloudflare.Rules {
	if r := x.used[scope]; r != nil {
		return r
	}
	options := cloudflare.RulesOptions{
		Budget:  x.share(),
		Known:   x.account.Known[scope.String()],
		NoRetry: x.retried || x.dir == nil || x.account.Rules.InARow > 1,
		All:     x.all,
	}
	if x.progress != nil {
		options.Progress = func(step cloudflare.Progress) { x.progress.show(step, "access rules", "rule") }
	}
	if x.used == nil {
		x.used = map[cloudflare.Scope]*cloudflare.Rules{}
	}
	x.used[scope] = cloudflare.NewRules(x.client, scope, options)
	return x.used[scope]
}

// share is the next scope's part of the run's budget: what is left, divided evenly among the scopes that are still to come.
func (x *session) share() *cloudflare.Budget {
	_, sum := inWindow(slices.DeleteFunc(slices.Clone(x.account.Spent), x.ofThisRun), x.now)
	left := max(min(x.settings.RequestBudget, requestShare-sum-x.looked), leastBudget) - x.spending()
	scopes := 1
	if x.settings.AccessRules {
		scopes = max(1, len(x.settings.scopes())-len(x.used))
	}
	b := cloudflare.NewBudget(min(max(left/scopes, leastShare), max(0, requestMost-sum-x.looked-x.spending())))
	x.budgets = append(x.budgets, b)
	return b
}

// ofThisRun reports whether the requests are those of this run.
func (x *session) ofThisRun(s spent) bool { return s.By == x.settings.Instance && s.At.Equal(x.now) }

// spentBy are this instance's requests and, of those that are kept, the other instances'.
func (x *session) spentBy(ours, there []spent) []spent {
	others := slices.DeleteFunc(slices.Clone(there), func(s spent) bool { return s.By == x.settings.Instance })
	own := slices.DeleteFunc(slices.Clone(ours), func(s spent) bool { return s.By != x.settings.Instance })
	all, _ := inWindow(append(others, own...), x.now)
	return all
}

// spending is how many requests for access rules were made since forgetRules.
func (x *session) spending() int {
	n := 0
	for _, b := range x.budgets {
		n += b.Spent()
	}
	return n
}

// widths are the prefix lengths that the target can hold.
func (w work) widths() reconcile.Widths {
	if w.onRules() {
		return cloudflare.RuleWidths()
	}
	return reconcile.Widths{}
}

// The least that a run and each scope get, so that they can at least look, unless the requests of five minutes are used up.
const (
	leastBudget = 20
	leastShare  = 10
)

// forgetRules lets the next look at access rules read them anew. Requests made so far still count.
func (x *session) forgetRules() {
	x.looked += x.spending()
	x.used, x.budgets = nil, nil
}

// What a command by hand may take that may have thousands of rules to change, unless a setting says otherwise.
const (
	budgetByHand = 1000
	timeByHand   = 5 * time.Minute
)

// byHand gives such a command its requests and its time.
func (x *session) byHand() {
	if x.settings.values["request-budget"].origin == originDefault {
		x.settings.RequestBudget = budgetByHand
	}
	if x.settings.AccessRules && x.settings.values["timeout"].origin == originDefault {
		x.settings.Timeout = timeByHand
	}
}

// learned is what is known of the account, with what this run's access rules told.
func (x *session) learned(account accountState) accountState {
	if len(x.budgets) == 0 {
		return account
	}
	for scope, rules := range x.used {
		if known := rules.Known(); len(known) > 0 || len(account.Known) > 0 {
			account.Known = with(account.Known, scope.String(), known)
		}
	}
	account.Spent, _ = inWindow(x.account.Spent, x.now)
	account.Spent = slices.DeleteFunc(account.Spent, x.ofThisRun)
	account.Spent = append(account.Spent, spent{x.now.UTC(), x.looked + x.spending(), x.settings.Instance})
	return account
}
