package cloudflare

import (
	"context"
	"fmt"
	"strings"

	"edgeban/reconcile"
)

// DefaultBatchSize is how many items one write carries. Cloudflare documents no limit; 10 000 work.
const DefaultBatchSize = 10_000

// ListOptions are the choices for a ListTarget. The zero value is good.
type ListOptions struct {
	BatchSize int // items per write; 0: DefaultBatchSize

	// NoRetry forgoes the one further attempt after a refused write: for runs that cannot remember a refusal.
	NoRetry bool

	Apart string // the name or id of a list that must be another one; empty: none

	// Frugal gives memory back to the system as soon as a read or the preparation of a write has no more use for it, so that the peaks
	// of a run do not add up. It takes a few milliseconds each time.
	Frugal bool

	// Progress learns how far a long piece of work has come; nil: nobody wants to know. It is called from the goroutine of the target.
	Progress func(Progress)
}

// Progress is how far a piece of work has come.
type Progress struct {
	Work      Work
	Done, All int // items; All is what Cloudflare counts, and 0 when that is unknown
}

// Work is what a target is at.
type Work uint8

const (
	Reading Work = iota
	Adding
	Removing
	Replacing
)

func (t *ListTarget) progress(work Work, done, all int) {
	if t.options.Progress != nil {
		t.options.Progress(Progress{work, done, all})
	}
}

// ListTarget is one of an account's IP lists. It serves one run and one goroutine: after a write that was refused, or
// whose end nobody knows, it answers every further write with that error and does not ask any more.
type ListTarget struct {
	client  *Client
	ref     string // name or id, as the settings say it
	options ListOptions
	pages   int    // the most that a list can have
	list    List   // zero until found
	lists   []List // of the account; nil until read
	retried bool   // the one further attempt has been made
	stopped error  // why there are no further writes

	read []reconcile.Item // what Items last returned; nil: nothing yet
}

var _ reconcile.Target = (*ListTarget)(nil)

// NewList returns the list of that name or id (32 hexadecimal digits). It asks nobody.
func NewList(client *Client, nameOrID string, options ListOptions) *ListTarget {
	if options.BatchSize <= 0 {
		options.BatchSize = DefaultBatchSize
	}
	return &ListTarget{client: client, ref: nameOrID, options: options, pages: maxPages}
}

// Retried reports whether the one further attempt after a refused write has been made.
func (t *ListTarget) Retried() bool { return t.retried }

// Name implements reconcile.Target: "list edgeban".
func (t *ListTarget) Name() string { return "list " + t.ref }

// ID is the list's id, empty until it was found.
func (t *ListTarget) ID() string { return t.list.ID }

// Lists are all lists of the account as they were last read; nil: not yet.
func (t *ListTarget) Lists() []List { return t.lists }

// Survey implements reconcile.Target. Errors are *ListNotFoundError, *ListKindError, *SameListError, *APIError and *NoAnswerError.
// Elsewhere leaves redirect lists out, which have a quota of their own. After a write whose end nobody knows, Survey gives it a
// moment; the error is that write's when there is no time for it.
func (t *ListTarget) Survey(ctx context.Context) (reconcile.Survey, error) {
	err := t.settle(ctx)
	var survey reconcile.Survey
	if err == nil {
		survey, err = t.survey(ctx)
	}
	if err != nil {
		return reconcile.Survey{}, fmt.Errorf("find %s: %w", t.Name(), err)
	}
	return survey, nil
}

func (t *ListTarget) survey(ctx context.Context) (reconcile.Survey, error) {
	lists, clock, err := t.client.lists(ctx)
	if err != nil {
		return reconcile.Survey{}, err
	}
	t.lists = lists
	found, ok := find(lists, t.ref)
	if !ok {
		return reconcile.Survey{}, &ListNotFoundError{Ref: t.ref, Lists: lists}
	}
	if found.Kind != KindIP {
		return reconcile.Survey{}, &ListKindError{List: found}
	}
	if other, ok := find(lists, t.options.Apart); ok && other.ID == found.ID {
		return reconcile.Survey{}, &SameListError{Ref: t.options.Apart}
	}
	t.list = found
	survey := reconcile.Survey{Items: found.Items, References: found.References, Clock: clock}
	for _, other := range lists {
		if other.ID != found.ID && other.Kind != KindRedirect {
			survey.Elsewhere += other.Items
		}
	}
	return survey, nil
}

// find looks for an id first: a name may look like one, an id cannot be chosen.
func find(lists []List, ref string) (List, bool) {
	for _, list := range lists {
		if list.ID == strings.ToLower(ref) {
			return list, true
		}
	}
	for _, list := range lists {
		if list.Name == ref {
			return list, true
		}
	}
	return List{}, false
}

// ListNotFoundError is a list that the account does not have.
type ListNotFoundError struct {
	Ref   string // the name or id that was looked for
	Lists []List // what the account has instead
}

func (e *ListNotFoundError) Error() string { return "the account has no such list" }

// Hint tells a person what to do.
func (e *ListNotFoundError) Hint() string {
	var names []string
	for _, list := range e.Lists {
		if list.Kind == KindIP {
			names = append(names, list.Name)
		}
	}
	have := "The account has no IP list yet."
	if len(names) > 0 {
		have = "The account's IP lists: " + strings.Join(names, ", ") + "."
	}
	return have + " To create one: edgeban setup; or in the dashboard, Manage Account → Configurations → Lists → Create a list, " +
		"content type IP. A Free plan allows one list."
}

// SameListError is one list under two names, where there have to be two.
type SameListError struct {
	Ref string // the other name or id
}

func (e *SameListError) Error() string { return "it is the same as list " + e.Ref }

// Hint tells a person what to do.
func (e *SameListError) Hint() string {
	return "One of the two is its name and the other its id. Whom to block and whom to challenge need a list each."
}

// ListKindError is a list that holds something other than addresses.
type ListKindError struct{ List List }

func (e *ListKindError) Error() string {
	return fmt.Sprintf("not an IP list: its kind is %q", e.List.Kind)
}

// Hint tells a person what to do.
func (e *ListKindError) Hint() string {
	return "A list's kind cannot be changed. Name another list, or create one of content type IP."
}
