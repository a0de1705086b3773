package cloudflare

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"edgeban/reconcile"
)

// RulesOptions are the choices for Rules. The zero value is good.
type RulesOptions struct {
	Budget *Budget // requests that the run may make, shared by all of its Rules; nil: no bound

	// NoRetry forgoes the one further attempt after a refused write: for runs that cannot remember a refusal.
	NoRetry bool

	// Known is what Rules.Known told in the last run.
	Known []KnownRule

	// Progress learns how far a long piece of work has come; nil: nobody wants to know. It is called from the goroutine of the target.
	Progress func(Progress)
}

// KnownRule is a rule without an edgeban tag that was in the way of one of ours. Where the budget does not allow to read all rules, only
// those with a tag are read, and this one has to be remembered.
type KnownRule struct {
	Prefix netip.Prefix `json:"prefix"`
	Mode   Mode         `json:"mode"`
	Notes  string       `json:"notes,omitempty"`
	ID     string       `json:"id"`
	Found  time.Time    `json:"found"`
}

// Rules is the IP Access Rules of one scope. They are read once a run, for the targets of all modes. It serves one goroutine.
type Rules struct {
	client  *Client
	scope   Scope
	options RulesOptions
}

// NewRules returns the rules of a scope. It asks nobody.
func NewRules(client *Client, scope Scope, options RulesOptions) *Rules {
	return &Rules{client: client, scope: scope, options: options}
}

// Target returns the target that holds the rules of a mode.
func (r *Rules) Target(mode Mode) *RuleTarget { return &RuleTarget{rules: r, mode: mode} }

// Known returns the rules to be remembered for the next run. None are when all rules were read.
func (r *Rules) Known() []KnownRule { return nil }

// RuleTarget is the rules of one mode. All rules of the scope are its items, and their effect says what they do: there is one rule for an
// address, whatever its mode.
type RuleTarget struct {
	rules *Rules
	mode  Mode
}

var (
	_ reconcile.Target  = (*RuleTarget)(nil)
	_ reconcile.Metered = (*RuleTarget)(nil)
)

// Name implements reconcile.Target: "access rules of zone 023e… (challenge)".
func (t *RuleTarget) Name() string {
	switch name := t.rules.scope.rules(); t.mode {
	case ModeChallenge:
		return name + " (challenge)"
	case ModeAllow:
		return name + " (allow)"
	default:
		return name
	}
}

// Retried reports whether the one further attempt after a refused write has been made.
func (t *RuleTarget) Retried() bool { return false }

// Changes implements reconcile.Metered.
func (t *RuleTarget) Changes() int { return max(0, t.rules.options.Budget.Left()-reserve) }

var errLater = errors.New("not built yet")

// Survey implements reconcile.Target.
func (t *RuleTarget) Survey(context.Context) (reconcile.Survey, error) {
	return reconcile.Survey{}, errLater
}

// Items implements reconcile.Target.
func (t *RuleTarget) Items(context.Context) ([]reconcile.Item, []string, error) {
	return nil, nil, errLater
}

// Add implements reconcile.Target.
func (t *RuleTarget) Add(context.Context, []reconcile.Post) (int, error) { return 0, errLater }

// Remove implements reconcile.Target.
func (t *RuleTarget) Remove(context.Context, []reconcile.Item) (int, error) { return 0, errLater }
