package main

import (
	"time"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// Cloudflare lets a user or token make 1200 requests in five minutes (https://developers.cloudflare.com/fundamentals/api/reference/limits/).
// Some are left to others.
const (
	requestWindow = 5 * time.Minute
	requestShare  = 1080
)

// spent are requests that a run made.
type spent struct {
	At       time.Time `json:"at"`
	Requests int       `json:"requests"`
}

// inWindow are those that still count, at a time.
func inWindow(all []spent, now time.Time) (left []spent, sum int) {
	for _, s := range all {
		if age := now.Sub(s.At); age >= 0 && age < requestWindow {
			left = append(left, s)
			sum += s.Requests
		}
	}
	return left, sum
}

// rules are the access rules of a scope as this run knows them. All scopes share the run's budget.
func (x *session) rules(scope cloudflare.Scope) *cloudflare.Rules {
	if x.budget == nil {
		_, sum := inWindow(x.account.Spent, x.now)
		x.budget = cloudflare.NewBudget(max(min(x.settings.RequestBudget, requestShare-sum-x.looked), leastBudget))
	}
	if r := x.used[scope]; r != nil {
		return r
	}
	options := cloudflare.RulesOptions{
		Budget:  x.budget,
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

// widths are those of what holds the bans.
func (w work) widths() reconcile.Widths {
	if w.onRules() {
		return cloudflare.RuleWidths()
	}
	return reconcile.Widths{}
}

// leastBudget is what a run has in any case, so that it can look.
const leastBudget = 20

// forgetRules lets the next look at access rules read them anew. What was asked so far counts.
func (x *session) forgetRules() {
	if x.budget != nil {
		x.looked += x.budget.Spent()
	}
	x.used, x.budget = nil, nil
}

// What a command that a person gave, and that may have thousands of rules to change, may take where no setting says otherwise.
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
	if x.budget == nil {
		return account
	}
	for scope, rules := range x.used {
		if known := rules.Known(); len(known) > 0 || len(account.Known) > 0 {
			account.Known = with(account.Known, scope.String(), known)
		}
	}
	account.Spent, _ = inWindow(x.account.Spent, x.now)
	if n := len(account.Spent); n > 0 && account.Spent[n-1].At.Equal(x.now) {
		account.Spent = account.Spent[:n-1]
	}
	account.Spent = append(account.Spent, spent{x.now.UTC(), x.looked + x.budget.Spent()})
	return account
}
