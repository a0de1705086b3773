package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// memTarget is a list in memory that behaves like Cloudflare's: posting what is there overwrites its comment, and the quota
// refuses a post as a whole. It keeps no order but the prefixes'.
type memTarget struct {
	items  map[netip.Prefix]Item
	quota  int // 0: none
	survey Survey

	// fail is asked before every call: "survey", "items", "add", "remove". An error is the call's answer; of a write, the
	// first done changes are made before.
	fail func(call string) (done int, err error)

	posts, removals, peak int
	ids                   int
}

func newMemTarget(have ...Item) *memTarget {
	m := &memTarget{items: map[netip.Prefix]Item{}}
	for _, it := range have {
		m.items[it.Prefix] = it
	}
	m.peak = len(m.items)
	return m
}

func (m *memTarget) Name() string { return "list test" }

func (m *memTarget) ask(call string) (int, error) {
	if m.fail == nil {
		return 0, nil
	}
	return m.fail(call)
}

func (m *memTarget) Survey(context.Context) (Survey, error) {
	_, err := m.ask("survey")
	return m.survey, err
}

func (m *memTarget) Items(context.Context) ([]Item, []string, error) {
	if _, err := m.ask("items"); err != nil {
		return nil, nil, err
	}
	return m.all(), nil, nil
}

// all are the items, sorted by prefix.
func (m *memTarget) all() []Item {
	all := make([]Item, 0, len(m.items))
	for _, it := range m.items {
		all = append(all, it)
	}
	slices.SortFunc(all, func(a, b Item) int { return comparePrefixes(a.Prefix, b.Prefix) })
	return all
}

func (m *memTarget) Add(_ context.Context, posts []Post) (int, error) {
	done, err := m.ask("add")
	if err == nil {
		done = len(posts)
	}
	fresh := map[netip.Prefix]bool{}
	for _, p := range posts[:done] {
		if _, ok := m.items[p.Prefix]; !ok {
			fresh[p.Prefix] = true
		}
	}
	if m.quota > 0 && len(m.items)+len(fresh) > m.quota {
		return 0, fmt.Errorf("quota of %d items exceeded", m.quota)
	}
	for _, p := range posts[:done] {
		it, ok := m.items[p.Prefix]
		if !ok {
			m.ids++
			it = Item{ID: fmt.Sprintf("new %d", m.ids), Prefix: p.Prefix}
		}
		it.Comment = p.Comment
		m.items[p.Prefix] = it
	}
	m.posts += done
	m.peak = max(m.peak, len(m.items))
	return done, err
}

func (m *memTarget) Remove(_ context.Context, items []Item) (int, error) {
	done, err := m.ask("remove")
	if err == nil {
		done = len(items)
	}
	for _, it := range items[:done] {
		if m.items[it.Prefix].ID != it.ID {
			return 0, errors.New("no such item: " + it.ID)
		}
		delete(m.items, it.Prefix)
	}
	m.removals += done
	return done, err
}

// covers reports whether some item contains all of p.
func (m *memTarget) covers(p netip.Prefix) bool {
	for q := range m.items {
		if contains(q, p) {
			return true
		}
	}
	return false
}
