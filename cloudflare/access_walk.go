package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"strings"
)

// tagged is what the notes of a rule of any edgeban hold.
const tagged = "edgeban:"

// ruleWalk is one reading of all pages.
type ruleWalk struct {
	rules map[netip.Prefix]rule
	notes []string // of rules that are left alone
	ids   map[string]bool
	total int   // as Cloudflare counts
	other int   // rules that are no items
	whole bool  // all that Cloudflare counts was read, and nothing else
	torn  error // why the pages do not go together; nil: they do
	last  int   // members of the last page that had some
	size  int   // of a page
}

// query selects the rules that are read.
func (v *rulesView) query() url.Values {
	if v.filtered {
		return url.Values{"notes": {tagged}}
	}
	return url.Values{}
}

// walk reads all pages. What changes meanwhile shows: Cloudflare counts other rules than before, or a rule that has moved on is there
// twice. Then the walk is torn. A count is not believed to be reached before it is, or before a page without rules.
func (r *Rules) walk(ctx context.Context, first *rulesPart) (*ruleWalk, error) {
	w := &ruleWalk{rules: map[netip.Prefix]rule{}, ids: map[string]bool{}}
	for number := 1; ; number++ {
		if number > r.view.most {
			return nil, &BudgetError{Budget: r.options.Budget.all, Needs: (w.total + w.size - 1) / w.size}
		}
		part := first
		if part == nil || number > 1 {
			next, err := r.page(ctx, r.view.query(), number)
			if err != nil {
				return nil, err
			}
			part = &next
		}
		if number == 1 {
			w.total, w.size = part.total, part.size
		}
		if w.torn = w.tear(number, part); w.torn != nil {
			return w, nil //nolint:nilerr // another walk may do better
		}
		if len(part.members) == 0 {
			w.whole = len(w.ids) == w.total || r.view.vague() && 0 < w.last && w.last < w.size
			return w, nil
		}
		for _, m := range part.members {
			r.take(w, m)
		}
		w.last = len(part.members)
		r.progress(Reading, len(w.ids), w.total)
		if len(w.ids) >= w.total {
			w.whole = len(w.ids) == w.total
			return w, nil
		}
	}
}

// tear says why a page does not go with those before it, nil if it does.
func (w *ruleWalk) tear(number int, part *rulesPart) error {
	switch {
	case part.total != w.total:
		return fmt.Errorf("page %d: Cloudflare counts %d rules, and counted %d before", number, part.total, w.total)
	case number > 1 && len(part.members) > 0 && w.last < w.size:
		return fmt.Errorf("page %d holds %d rules and is not the last, a whole one holds %d", number-1, w.last, w.size)
	}
	here := map[string]bool{}
	for _, m := range part.members {
		if w.ids[m.ID] || here[m.ID] {
			return fmt.Errorf("page %d: rule %s is there twice", number, m.ID)
		}
		here[m.ID] = true
	}
	return nil
}

// take takes one rule over. Anybody may have made it, so one that cannot be read is left alone, and told.
func (r *Rules) take(w *ruleWalk, m ruleMember) {
	w.ids[m.ID] = true
	if !r.scope.owns(m.Scope.Type) {
		return
	}
	is, ok, flaw := m.rule()
	if _, twice := w.rules[is.prefix]; ok && twice {
		ok, flaw = false, errors.New("another rule is for the same")
	}
	if flaw != nil {
		w.notes = append(w.notes, fmt.Sprintf("rule %s for %q is left alone: %v", m.ID, r.client.clean(m.Configuration.Value), flaw))
	}
	if !ok {
		w.other++
		return
	}
	w.rules[is.prefix] = is
}

// same reports whether two walks found the same.
func (w *ruleWalk) same(other *ruleWalk) bool {
	return other != nil && w.torn == nil && other.torn == nil && w.total == other.total &&
		maps.EqualFunc(w.rules, other.rules, rule.same) && maps.Equal(w.ids, other.ids)
}

// isTagged reports whether an edgeban wrote the notes.
func isTagged(notes string) bool { return strings.Contains(strings.ToLower(notes), tagged) }
