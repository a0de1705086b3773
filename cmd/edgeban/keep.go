package main

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// keep writes the state for the next run.
func (w work) keep(report reconcile.Report, target reconcile.Target) {
	list := w.listState()
	list.LastRun = lastRunOf(report)
	if m := measuredBy(report, w.quota()); m != nil {
		list.Measured = m
	}
	switch {
	case report.Outcome != reconcile.OutcomeSkipped:
		list.SkippedSince = time.Time{}
		if clockRight(report) {
			w.setAllowed(inForce(w.allowed(), report.Now))
		}
	case list.SkippedSince.IsZero() || list.SkippedSince.After(report.Now):
		list.SkippedSince = report.Now.UTC()
	}
	if succeeded(report) {
		list.LastSuccess = report.Now.UTC()
	}
	list.UntaggedAllowed = list.UntaggedAllowed || removedUntagged(report)
	if err := w.save(list, report, target); err != nil {
		w.out.warnOf(err, "")
	}
}

// clockRight reports whether the host's clock was compared with the target's, and found right: else the run was skipped.
func clockRight(r reconcile.Report) bool {
	return r.Outcome != reconcile.OutcomeSkipped && r.Survey != nil && !r.Survey.Clock.IsZero()
}

// save writes the state with what a run, or a command by hand, left on the list and on its account.
func (w work) save(list listState, report reconcile.Report, target reconcile.Target) error {
	list.Past = report.Next
	list.Throttle, list.Open = reconcile.Throttle{}, reconcile.Open{}
	account := w.learned(w.account)
	if w.onRules() {
		account.Rules = report.Next.Throttle
	} else {
		list.Capacity = reconcile.Capacity{}
		account.Throttle, account.Capacity, account.Open = report.Next.Throttle, report.Next.Capacity, report.Next.Open
	}
	if t, ok := target.(*cloudflare.ListTarget); ok {
		if t.Lists() != nil {
			w.seen = t.Lists()
		}
		if t.ID() != "" {
			list.ID = t.ID()
		}
		if t.BatchSize() < w.settings.BatchSize {
			account.BatchSize = t.BatchSize()
		}
	}
	w.state.Lists = with(w.state.Lists, w.key(), list)
	return errors.Join(w.keepAccount(account), w.dir.lists().save(w.state))
}

// keepAccount writes what is known of the account, unless nothing of it is new.
func (x *session) keepAccount(account accountState) error {
	was := x.account
	if reflect.DeepEqual(account, was) {
		return nil
	}
	x.account = account
	return x.accounts(x.dir).change(func(s *state) {
		x.account = account.over(was, s.Accounts[x.settings.holder()])
		x.account.Spent = x.spentBy(account.Spent, s.Accounts[x.settings.holder()].Spent)
		s.Accounts = with(s.Accounts, x.settings.holder(), x.account)
	})
}

// over merges what is kept with what another instance may have written meanwhile: the fields that this one changed since it read was are its
// own, all others are those that are there.
func (a accountState) over(was, there accountState) accountState {
	kept := there
	to, from, before := reflect.ValueOf(&kept).Elem(), reflect.ValueOf(a), reflect.ValueOf(was)
	for i := range to.NumField() {
		if !reflect.DeepEqual(from.Field(i).Interface(), before.Field(i).Interface()) {
			to.Field(i).Set(from.Field(i))
		}
	}
	return kept
}

// removedUntagged reports whether untagged items were removed: somebody looked at them and allowed it, then or before.
func removedUntagged(r reconcile.Report) bool {
	return r.Plan != nil && slices.ContainsFunc(r.Plan.Remove[:r.Applied.Removed], func(m reconcile.Removal) bool {
		return m.Untagged && m.Why != reconcile.RemoveProtected
	})
}

// with is a copy of m that holds the value at the key.
func with[V any](m map[string]V, key string, value V) map[string]V {
	c := maps.Clone(m)
	if c == nil {
		c = map[string]V{}
	}
	c[key] = value
	return c
}

// succeeded reports whether a run left nothing to do. What a draining list could not let go does not count: access rules do the rest.
func succeeded(r reconcile.Report) bool {
	missing, stale, known := r.Drift()
	if !known || missing > 0 || r.Degraded() {
		return false
	}
	return stale == 0 && r.Err == nil || r.Draining && (r.Err == nil || r.Outcome == reconcile.OutcomeHeld)
}

// keepMoved remembers which items of the block list the challenge list has taken over: the next run lets them go. Access rules change their
// mode in one step.
func (x *session) keepMoved(done []ended) {
	if len(done) < 2 || done[0].onRules() {
		return
	}
	moved := reconcile.Moved(done[0].report, done[1].report)
	if len(moved) == 0 || x.dir == nil {
		return
	}
	list := done[0].listState()
	list.Moved = moved
	x.state.Lists = with(x.state.Lists, done[0].key(), list)
	if err := x.dir.lists().save(x.state); err != nil {
		x.out.warnOf(err, "")
	}
}
