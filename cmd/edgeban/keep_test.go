package main

import (
	"testing"
	"time"

	"edgeban/reconcile"
)

// Two instances that run at the same time keep what each of them found: a refusal is not forgotten, and requests of both count.
func TestInstancesAtTheSameTime(t *testing.T) {
	t.Parallel()
	dir := &stateDir{t.TempDir()}
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	open := func(instance string) *session {
		s := Settings{Account: testAccount, Instance: instance, RequestBudget: 400}
		x := &session{settings: s, dir: dir, now: now}
		all, err := x.accounts(dir).load()
		if err != nil {
			t.Fatal(err)
		}
		x.account = all.Accounts[testAccount]
		return x
	}
	with := func(x *session, requests int, change func(*accountState)) {
		account := x.account
		account.Spent = append(account.Spent, spent{x.now, requests, x.settings.Instance})
		change(&account)
		if err := x.keepAccount(account); err != nil {
			t.Fatal(err)
		}
	}

	one, two := open("one"), open("two")
	with(one, 300, func(a *accountState) { a.Throttle = reconcile.Throttle{}.Refused(now) })
	with(two, 500, func(a *accountState) { a.BatchSize = 100 })

	next := open("one")
	next.now = now.Add(time.Minute)
	if a := next.account; a.Throttle.InARow != 1 || a.BatchSize != 100 {
		t.Errorf("kept is %+v", a)
	}
	if got, want := next.share().Left(), requestShare-800; got != want {
		t.Errorf("the next run may make %d requests, want %d", got, want)
	}

	// The twin: what an instance found itself replaces what was there, also by nothing.
	with(next, 0, func(a *accountState) { a.Throttle = a.Throttle.Written(next.now) })
	if a := open("two").account; a.Throttle.InARow != 0 || a.BatchSize != 100 {
		t.Errorf("after a write that was let through, kept is %+v", a)
	}
	last := open("two")
	last.now = now.Add(10 * time.Minute)
	with(last, 1, func(*accountState) {})
	if n := len(open("two").account.Spent); n != 1 {
		t.Errorf("%d looks are kept, want the last alone", n)
	}
}
