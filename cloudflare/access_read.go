package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"time"
)

const (
	wholeShare  = 0.25 // of the budget may go into reading all rules
	taggedShare = 0.75 // and into reading those with a tag, when all are too many

	mostWalks  = 3
	mostTold   = 10             // notes about rules that are left alone
	knownFor   = 24 * time.Hour // a rule that was in the way is then looked for again
	notFoundID = "unknown"      // of a rule that is in the way and that a search does not find
)

// rulesView is what the first page told.
type rulesView struct {
	filtered bool       // only the rules with a tag are read
	all      int        // rules of the scope, as Cloudflare counts
	chosen   int        // those that are read
	other    int        // rules that are no items, as far as is known
	most     int        // pages that may be read
	clock    time.Time  // Cloudflare's, when it told; zero: it did not
	at       time.Time  // when that was, by this host's clock
	first    *rulesPart // for the first walk, which takes it away
}

// now is what Cloudflare's clock shows by now; zero: it did not tell.
func (v *rulesView) now() time.Time {
	if v.clock.IsZero() {
		return v.clock
	}
	return v.clock.Add(time.Since(v.at))
}

// vague reports whether the count may be that of all rules, although only some are asked for: the schema says that it is
// "without any search parameters".
func (v *rulesView) vague() bool { return v.filtered && v.chosen == v.all }

// survey asks for the first page, and decides what is read.
func (r *Rules) survey(ctx context.Context) error {
	if err := r.settle(ctx); err != nil {
		return err
	}
	view := &rulesView{most: math.MaxInt}
	part, err := r.page(ctx, url.Values{}, 1)
	if err != nil {
		return err
	}
	view.all, view.chosen, view.clock, view.at, view.first = part.total, part.total, part.clock, time.Now(), &part
	budget := r.options.Budget
	switch pages := part.pages(); {
	case r.options.All && pages > 1 && !budget.allows(pages-1, 1):
		return &BudgetError{Budget: budget.all, Needs: pages - 1}
	case r.options.All:
	case pages > 1 && !(budget.allows(pages, wholeShare) && pages <= budget.Left()/2):
		view.filtered = true
		if err := r.choose(ctx, view); err != nil {
			return err
		}
	}
	r.view, r.rules, r.fresh = view, nil, true
	r.generation++
	return nil
}

// choose asks for the first page of the rules with a tag.
func (r *Rules) choose(ctx context.Context, view *rulesView) error {
	part, err := r.page(ctx, view.query(), 1)
	if err != nil {
		return err
	}
	view.chosen, view.first = part.total, &part
	budget := r.options.Budget
	view.most = min(int(taggedShare*float64(budget.all)), budget.Left()-reserve+1)
	for _, m := range part.members {
		if !isTagged(m.Notes) { // the search is not heeded
			return &BudgetError{Budget: budget.all, Needs: view.all/part.size + 1}
		}
	}
	if !view.vague() && part.pages() > view.most {
		return &BudgetError{Budget: budget.all, Needs: part.pages()}
	}
	if !view.vague() {
		view.other = view.all - view.chosen
	}
	return nil
}

// read reads the rules, more than once if need be: two equal walks are believed, with a note, although Cloudflare counts other rules.
func (r *Rules) read(ctx context.Context) error {
	var before *ruleWalk
	first := r.view.first
	for range mostWalks {
		w, err := r.walk(ctx, first)
		if err != nil {
			return err
		}
		first, r.view.first = nil, nil
		switch equal := w.same(before); {
		case w.whole, equal && r.view.vague():
			r.believe(w)
			return nil
		case equal && len(w.ids) < w.total && w.last == w.size:
			return fmt.Errorf("page %d is full and no other one follows, but Cloudflare counts %d rules", len(w.ids)/w.size, w.total)
		case equal:
			r.believe(w)
			r.notes = append(r.notes, fmt.Sprintf("Cloudflare counts %d %s, but two complete reads found %d and were believed",
				w.total, r.scope.rules(), len(w.ids)))
			return nil
		}
		before = w
	}
	if before.torn != nil {
		return fmt.Errorf("the rules change while they are read: %w", before.torn)
	}
	return fmt.Errorf("the rules change while they are read: %d by now, and Cloudflare counts %d", len(before.ids), before.total)
}

// believe takes over what a walk found.
func (r *Rules) believe(w *ruleWalk) {
	r.rules, r.notes = w.rules, w.notes
	if more := len(r.notes) - mostTold; more > 0 {
		r.notes = append(r.notes[:mostTold], fmt.Sprintf("%d more rules are left alone for such reasons", more))
	}
	if !r.view.filtered {
		r.view.other, r.known = w.other, nil
		return
	}
	r.view.other = max(0, r.view.all-len(w.rules))
	r.recall()
}

// recall adds the rules that earlier runs found in the way, unless that is too long ago.
func (r *Rules) recall() {
	was := r.known
	r.known = nil
	for _, k := range was {
		if _, seen := r.rules[k.Prefix]; seen || k.ID == "" || r.now().Sub(k.Found).Abs() > knownFor {
			continue
		}
		r.known = append(r.known, k)
		r.rules[k.Prefix] = rule{id: k.ID, mode: k.Mode, prefix: k.Prefix, notes: k.Notes}
		r.view.other = max(0, r.view.other-1)
	}
}

// lookUp asks for the rule for a prefix, which was in the way of another one.
func (r *Rules) lookUp(ctx context.Context, prefix netip.Prefix) (rule, bool, error) {
	long, err := configured(prefix)
	if err != nil {
		return rule{}, false, err
	}
	spellings := []string{long.Value}
	if short := text(prefix); short != long.Value { // which one a search takes is not documented
		spellings = append(spellings, short)
	}
	for _, value := range spellings {
		part, err := r.page(ctx, url.Values{"configuration.value": {value}}, 1)
		if err != nil {
			return rule{}, false, fmt.Errorf("look up the rule for %s: %w", text(prefix), err)
		}
		for _, m := range part.members {
			if is, ok, _ := m.rule(); ok && is.prefix == prefix && r.scope.owns(m.Scope.Type) {
				return is, true, nil
			}
		}
	}
	return rule{}, false, nil
}

// settle waits, after a write of which nobody knows whether it took effect, until it most likely has. It returns the write's error when
// there is no time for that.
func (r *Rules) settle(ctx context.Context) error {
	var uncertain *UncertainError
	if !errors.As(r.stopped, &uncertain) {
		return nil
	}
	if sleep(ctx, settleTime) != nil {
		return r.stopped
	}
	r.stopped = nil
	return nil
}

// now is Cloudflare's time, or this host's if Cloudflare did not tell.
func (r *Rules) now() time.Time {
	if r.view != nil && !r.view.clock.IsZero() {
		return r.view.now()
	}
	return time.Now()
}
