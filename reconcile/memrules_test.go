package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
)

// memRules are access rules in memory: one for a prefix, whatever it does.
type memRules struct {
	rules map[netip.Prefix]memRule
	ids   int
	left  int // changes that the run may still make
}

type memRule struct {
	mode string // "block" or "allow"
	Item
}

// mode is a target that holds the rules of a mode.
func (m *memRules) mode(mode string) Target { return &memMode{m, mode} }

type memMode struct {
	*memRules
	does string
}

func (m *memMode) Name() string                           { return "rules " + m.does }
func (m *memMode) Changes() int                           { return m.left }
func (m *memMode) Survey(context.Context) (Survey, error) { return Survey{}, nil }

func (m *memMode) Items(context.Context) ([]Item, []string, error) {
	var all []Item
	for _, r := range m.rules {
		switch {
		case r.mode == m.does:
		case m.does == "allow":
			r.Effect = Stops
		default:
			r.Effect = Allows
		}
		all = append(all, r.Item)
	}
	return all, nil, nil
}

func (m *memMode) Add(_ context.Context, posts []Post) (int, error) {
	for i, p := range posts {
		if m.left--; m.left < 0 {
			return i, errors.New("no changes left")
		}
		r := m.rules[p.Prefix]
		if r.ID == "" {
			m.ids++
			r.ID = fmt.Sprint("rule ", m.ids)
		}
		r.mode, r.Prefix, r.Comment = m.does, p.Prefix, p.Comment
		m.rules[p.Prefix] = r
	}
	return len(posts), nil
}

func (m *memMode) Remove(_ context.Context, items []Item) (int, error) {
	for i, it := range items {
		if m.left--; m.left < 0 {
			return i, errors.New("no changes left")
		}
		if m.rules[it.Prefix].ID != it.ID {
			return i, errors.New("no such rule: " + it.ID)
		}
		delete(m.rules, it.Prefix)
	}
	return len(items), nil
}

// ruleWidths are those of Cloudflare's access rules.
func ruleWidths() Widths { return Widths{V4: []int{16, 24, 32}, V6: []int{32, 48, 64, 128}} }
