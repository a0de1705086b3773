package main

import (
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

// allowedByHand protects what the temporary allow lines name.
func (w work) allowedByHand() []reconcile.Protected {
	var all []reconcile.Protected
	for _, l := range inForce(w.listState().Allowed, w.now) {
		all = append(all, reconcile.Protected{Prefix: l.Prefix, Reason: reconcile.LeftOutAllowed,
			Unbanned: true, Detail: "allowed by edgeban unban until " + moment(w.now, l.Until)})
	}
	return all
}
