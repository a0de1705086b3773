package cloudflare

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"edgeban/reconcile"
)

// RulesOptions are the choices for Rules. The zero value is good.
type RulesOptions struct {
	Budget *Budget // requests that the run may make, shared by all of its Rules; nil: no bound

	// NoRetry forgoes the one further attempt after a refused write: for runs that cannot remember a refusal.
	NoRetry bool

	// All reads all rules, not only those with a tag, however much of the budget that takes. If it takes more than is left, the error is
	// a *BudgetError.
	All bool

	// Known is what Rules.Known told in the last run.
	Known []KnownRule

	// Progress learns how far a long piece of work has come; nil: nobody wants to know. It is called from the goroutine of the target.
	Progress func(Progress)
}

// KnownRule is a rule without an edgeban tag that was in the way of one of ours. When the budget does not suffice to read all rules, only
// those with a tag are read, so this one has to be remembered.
type KnownRule struct {
	Prefix netip.Prefix `json:"prefix"`
	Mode   Mode         `json:"mode"`
	Notes  string       `json:"notes,omitempty"`
	ID     string       `json:"id"`
	Found  time.Time    `json:"found"`
}

// Rules is the IP Access Rules of one scope. They are read once a run, for the targets of all modes. It serves one run and one goroutine:
// after a write that was refused, it answers every further write with that error and does not ask any more.
type Rules struct {
	client  *Client
	scope   Scope
	options RulesOptions
	retried bool  // the one further attempt has been made
	stopped error // why there are no further writes

	generation int        // grows with each survey
	fresh      bool       // nothing has happened that makes what was read doubtful
	view       *rulesView // nil: nothing was asked yet
	rules      map[netip.Prefix]rule
	notes      []string // about what was read, until Items returns them
	known      []KnownRule
}

// NewRules returns the rules of a scope. It asks nobody.
func NewRules(client *Client, scope Scope, options RulesOptions) *Rules {
	return &Rules{client: client, scope: scope, options: options, known: slices.Clone(options.Known)}
}

// Target returns the target that holds the rules of a mode.
func (r *Rules) Target(mode Mode) *RuleTarget { return &RuleTarget{rules: r, mode: mode} }

// Known returns the rules to be remembered for the next run, sorted. There are none when all rules were read.
func (r *Rules) Known() []KnownRule {
	all := slices.Clone(r.known)
	slices.SortFunc(all, func(a, b KnownRule) int { return a.Prefix.Compare(b.Prefix) })
	return all
}

// Partial reports whether only the rules with a tag were read, because reading all takes too many requests.
func (r *Rules) Partial() bool { return r.view != nil && r.view.filtered }

func (r *Rules) progress(work Work, done, all int) {
	if r.options.Progress != nil {
		r.options.Progress(Progress{work, done, all})
	}
}

// RuleTarget is the rules of one mode. All rules of the scope are its items, and their effect says what they do: there is one rule for an
// address, whatever its mode.
type RuleTarget struct {
	rules *Rules
	mode  Mode

	surveyed, listed int // the generations of the rules that Survey and Items last told of
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

// Retried reports whether the one further attempt after a refused write has been made, for a target of any mode.
func (t *RuleTarget) Retried() bool { return t.rules.retried }

// Changes implements reconcile.Metered: what the budget leaves for writes. Where edgeban has challenges, blocks leave an eighth to them, so
// that an un-ban there need not wait until all blocks are made.
func (t *RuleTarget) Changes() int {
	left := max(0, t.rules.options.Budget.Left()-reserve)
	if t.mode != ModeBlock {
		return left
	}
	for _, r := range t.rules.rules {
		if r.mode == ModeChallenge && isTagged(r.notes) {
			return left - left/8
		}
	}
	return left
}

// Survey implements reconcile.Target. It asks Cloudflare when this target asks a second time, and after a write that left open what is
// there; otherwise what another target of the same Rules has read will do. Elsewhere counts the rules that are no items: those for
// countries and networks, and those that are not read. Errors are *APIError, *NoAnswerError and *BudgetError.
func (t *RuleTarget) Survey(ctx context.Context) (reconcile.Survey, error) {
	r := t.rules
	if r.view == nil || !r.fresh || t.surveyed == r.generation {
		if err := r.survey(ctx); err != nil {
			return reconcile.Survey{}, fmt.Errorf("find %s: %w", r.scope.rules(), err)
		}
	}
	t.surveyed = r.generation
	return reconcile.Survey{Items: r.view.all, Elsewhere: r.view.other, References: 1, Clock: r.view.now()}, nil
}

// Items implements reconcile.Target. The rules are read in the way that ListTarget reads its items.
func (t *RuleTarget) Items(ctx context.Context) ([]reconcile.Item, []string, error) {
	r := t.rules
	if t.surveyed != r.generation || t.listed == r.generation || !r.fresh {
		if _, err := t.Survey(ctx); err != nil {
			return nil, nil, err
		}
	}
	if r.rules == nil {
		if err := r.read(ctx); err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", r.scope.rules(), err)
		}
	}
	t.listed = r.generation
	items := make([]reconcile.Item, 0, len(r.rules))
	for _, is := range r.rules {
		items = append(items, reconcile.Item{ID: is.id, Prefix: is.prefix, Comment: is.notes, Created: is.created, Effect: t.mode.effect(is.mode)})
	}
	slices.SortFunc(items, func(a, b reconcile.Item) int { return a.Prefix.Compare(b.Prefix) })
	notes := r.notes
	r.notes = nil // another target need not repeat them
	return items, notes, nil
}

// effect is what a rule of another mode does, measured by m.
func (m Mode) effect(other Mode) reconcile.Effect {
	switch {
	case m == other:
		return reconcile.OfTarget
	case m == ModeAllow:
		return reconcile.Stops
	case other == ModeAllow:
		return reconcile.Allows
	case other == ModeBlock:
		return reconcile.Stronger
	case m == ModeChallenge: // other is an older kind of challenge
		return reconcile.OfTarget
	}
	return reconcile.Weaker
}
