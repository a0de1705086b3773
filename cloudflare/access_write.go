package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"edgeban/reconcile"
)

// writeLeast is how much time there must be for a write to be begun: one that is cut off leaves open whether it took effect.
const writeLeast = 5 * time.Second

// ruleBody is a rule as it is written.
type ruleBody struct {
	Mode          Mode              `json:"mode"`
	Configuration ruleConfiguration `json:"configuration"` // has to be there in a change too, and cannot be changed
	Notes         string            `json:"notes"`
}

// Add implements reconcile.Target: one request for each post, in their order. If a prefix has a rule already, of whatever mode, the rule's
// mode and notes are changed. A rule that was not read is left as it is; the error is then a *TakenError, after all others were posted.
// Besides those of Survey, errors are *UncertainError, *LateError, and one for a prefix of a width that no rule can have, before anything is
// asked.
func (t *RuleTarget) Add(ctx context.Context, posts []reconcile.Post) (int, error) {
	all := make([]post, len(posts))
	for i, p := range posts {
		prefix := p.Prefix
		if prefix.IsValid() {
			prefix = canonical(prefix)
		}
		whom, err := configured(prefix)
		if err != nil {
			return 0, fmt.Errorf("add to %s: %w", t.rules.scope.rules(), err)
		}
		all[i] = post{prefix, ruleBody{t.mode, whom, p.Comment}}
	}
	done, err := t.rules.add(ctx, all)
	if err != nil {
		return done, fmt.Errorf("add to %s: %w", t.rules.scope.rules(), err)
	}
	return done, nil
}

// post is a rule to be.
type post struct {
	prefix netip.Prefix
	body   ruleBody
}

func (r *Rules) add(ctx context.Context, posts []post) (done int, err error) {
	if r.rules == nil {
		if _, _, err := r.Target(ModeBlock).Items(ctx); err != nil {
			return 0, err
		}
	}
	var taken TakenError
	for i, p := range posts {
		r.progress(Adding, i, len(posts))
		have, is := r.rules[p.prefix]
		if is {
			err = r.alter(ctx, have, p)
		} else {
			is, err = r.create(ctx, p)
		}
		switch {
		case err != nil:
			return done, atPrefix(err, p.prefix, i, len(posts))
		case !is:
			taken.add(p.prefix)
		case taken.Count == 0:
			done++
		}
	}
	if taken.Count > 0 {
		r.generation++ // r.rules holds now what reading them again would find
		return done, &taken
	}
	return done, nil
}

// atPrefix says at which of several prefixes an error came.
func atPrefix(err error, prefix netip.Prefix, i, all int) error {
	if all == 1 {
		return fmt.Errorf("%s: %w", text(prefix), err)
	}
	return fmt.Errorf("%s, %d of %d: %w", text(prefix), i+1, all, err)
}

// alter changes mode and notes of a rule.
func (r *Rules) alter(ctx context.Context, have rule, p post) error {
	_, err := r.write(ctx, http.MethodPatch, p.body, have.id)
	if err != nil {
		if gone(err) {
			r.forget(have)
		}
		return err
	}
	r.forget(have)
	r.rules[p.prefix] = rule{have.id, p.body.Mode, p.prefix, p.body.Notes, have.created}
	return nil
}

// create makes a rule, and reports whether it is there now. When it is not, another rule for the same prefix is in the way.
func (r *Rules) create(ctx context.Context, p post) (bool, error) {
	e, err := r.write(ctx, http.MethodPost, p.body)
	var failure *APIError
	if errors.As(err, &failure) && failure.duplicate() {
		return r.inTheWay(ctx, p)
	}
	if err != nil {
		return false, err
	}
	var made ruleMember
	if told := r.client.decode(e, &made) == nil && r.client.isID(made.ID); !told {
		r.fresh = false // it is there, but to change it its id has to be read
		return true, nil
	}
	r.rules[p.prefix] = rule{made.ID, p.body.Mode, p.prefix, p.body.Notes, time.Time(made.Created)}
	return true, nil
}

// inTheWay learns what is in the way of a rule, and reports whether it is that very rule.
func (r *Rules) inTheWay(ctx context.Context, p post) (bool, error) {
	found, ok, err := r.lookUp(ctx, p.prefix)
	switch {
	case err != nil:
		r.fresh = false
		return false, err
	case ok && found.mode == p.body.Mode && found.notes == p.body.Notes:
		r.rules[p.prefix] = found
		return true, nil
	case !ok && !r.view.filtered: // reading all rules again will tell
		r.fresh = false
		return false, nil
	case !ok:
		found = rule{id: notFoundID, prefix: p.prefix}
	}
	r.rules[p.prefix] = found
	if notes := found.notes; r.view.filtered && !isTagged(notes) {
		if r.client.holdsSecret(notes) { // which is in no state file
			notes = r.client.clean(notes)
		}
		r.known = append(r.known, KnownRule{p.prefix, found.mode, notes, found.id, r.now()})
	}
	return false, nil
}

// Remove implements reconcile.Target: one request for each item, in their order. One that is gone already is no error. Errors are those of
// Add, but for *TakenError.
func (t *RuleTarget) Remove(ctx context.Context, items []reconcile.Item) (int, error) {
	for done, item := range items {
		if err := t.rules.remove(ctx, item, done, len(items)); err != nil {
			return done, fmt.Errorf("remove from %s: %w", t.rules.scope.rules(), atPrefix(err, item.Prefix, done, len(items)))
		}
	}
	return len(items), nil
}

func (r *Rules) remove(ctx context.Context, item reconcile.Item, done, all int) error {
	r.progress(Removing, done, all)
	if !r.client.isID(item.ID) {
		return errors.New("the item has no id")
	}
	_, err := r.write(ctx, http.MethodDelete, struct{}{}, item.ID)
	if err != nil && !gone(err) {
		return err
	}
	if have, ok := r.rules[item.Prefix]; ok && have.id == item.ID {
		r.forget(have)
	}
	return nil
}

// forget takes a rule out of what was read.
func (r *Rules) forget(have rule) {
	delete(r.rules, have.prefix)
	for i, k := range r.known {
		if k.Prefix == have.prefix {
			r.known = append(r.known[:i:i], r.known[i+1:]...)
			return
		}
	}
}

// write makes one write. It makes a refused one once more, if no other was in this run and the deadline and the budget allow it.
func (r *Rules) write(ctx context.Context, method string, body any, id ...string) (envelope, error) {
	if r.stopped != nil {
		return envelope{}, r.stopped
	}
	u, err := r.scope.url(r.client, nil, id...)
	if err != nil {
		return envelope{}, err
	}
	if ctx.Err() == nil && !fits(ctx, writeLeast) {
		return envelope{}, &LateError{}
	}
	if err := r.options.Budget.spend(); err != nil {
		return envelope{}, err
	}
	e, err := r.client.write(ctx, method, u, body)
	if IsRefused(err) && !r.retried && !r.options.NoRetry && r.options.Budget.Left() > 0 && r.client.pause(ctx, err, writeLeast) {
		r.retried = true
		_ = r.options.Budget.spend() // there is something left
		e, err = r.client.write(ctx, method, u, body)
	}
	var uncertain *UncertainError
	switch {
	case errors.As(err, &uncertain):
		r.stopped, r.fresh = err, false
	case IsRefused(err):
		r.stopped = err
	case gone(err):
		r.fresh = false
	}
	return e, err
}
