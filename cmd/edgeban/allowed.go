package main

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"edgeban/reconcile"
)

// allowedUntil is a temporary allow line: a person took a network off the list that a source still bans.
type allowedUntil struct {
	Prefix netip.Prefix `json:"prefix"`
	Until  time.Time    `json:"until"`
}

// inForce are the lines that have not ended; nil when all have.
func inForce(lines []allowedUntil, now time.Time) []allowedUntil {
	var left []allowedUntil
	for _, l := range lines {
		if l.Prefix.IsValid() && l.Until.After(now) {
			left = append(left, l)
		}
	}
	return left
}

// withAllowed adds a line, in the place of any other for the same prefix.
func withAllowed(lines []allowedUntil, add allowedUntil) []allowedUntil {
	lines = slices.DeleteFunc(slices.Clone(lines), func(l allowedUntil) bool { return l.Prefix == add.Prefix })
	lines = append(lines, add)
	slices.SortFunc(lines, func(a, b allowedUntil) int { return a.Prefix.Compare(b.Prefix) })
	return lines
}

// allowed are the account's lines, those that have ended included. A command that does not know the account takes those of the only
// account that has any.
func (x *session) allowed() []allowedUntil {
	if x.settings.holder() == "" && len(x.state.Allowed) == 1 {
		return slices.Concat(slices.Collect(maps.Values(x.state.Allowed))...)
	}
	return x.state.Allowed[x.settings.holder()]
}

// setAllowed replaces the account's lines.
func (x *session) setAllowed(lines []allowedUntil) {
	x.state.Allowed = with(x.state.Allowed, x.settings.holder(), lines)
	if len(lines) == 0 {
		delete(x.state.Allowed, x.settings.holder())
	}
}

// allowedByHand protects what the temporary allow lines name.
func (x *session) allowedByHand() []reconcile.Protected {
	var all []reconcile.Protected
	for _, l := range inForce(x.allowed(), x.now) {
		all = append(all, reconcile.Protected{Prefix: l.Prefix, Reason: reconcile.LeftOutAllowed,
			Unbanned: true, Detail: "allowed by edgeban unban until " + moment(x.now, l.Until)})
	}
	return all
}
