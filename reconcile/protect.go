package reconcile

import (
	"net/netip"
	"slices"
)

// Protected is a prefix that is never blocked.
type Protected struct {
	Prefix netip.Prefix
	Reason LeftOutReason // LeftOutAllowed, LeftOutOwnAddress, LeftOutCloudflare or LeftOutReserved
	Detail string        // for a person: "private range", "/etc/edgeban/allow line 3"

	Unbanned bool // a person took it off the list for a while: `edgeban unban --for`
}

// Protection is a set of protected prefixes. It is immutable and safe for concurrent use; the zero value protects
// nothing.
type Protection struct {
	sorted []Protected // by comparePrefixes: a prefix comes before all that it contains
	orders []order     // of sorted, quicker to search
	parent []int       // the index of the smallest prefix that contains this one; -1: none
}

// NewProtection makes a set of prefixes, which are masked first. The reserved ranges are not added by themselves: see Reserved.
func NewProtection(all []Protected) Protection {
	p := Protection{sorted: slices.Clone(all)}
	for i := range p.sorted {
		p.sorted[i].Prefix = p.sorted[i].Prefix.Masked()
	}
	slices.SortStableFunc(p.sorted, func(a, b Protected) int {
		if c := comparePrefixes(a.Prefix, b.Prefix); c != 0 {
			return c
		}
		return weight(b.Reason) - weight(a.Reason)
	})
	p.orders, p.parent = make([]order, len(p.sorted)), make([]int, len(p.sorted))
	open := -1
	for i := range p.sorted {
		for open >= 0 && !contains(p.sorted[open].Prefix, p.sorted[i].Prefix) {
			open = p.parent[open]
		}
		p.orders[i], p.parent[i] = orderOf(p.sorted[i].Prefix), open
		open = i
	}
	return p
}

// weight orders reasons by how much they tell the person who asks why: their own words first.
func weight(r LeftOutReason) int {
	switch r {
	case LeftOutAllowed:
		return 0
	case LeftOutOwnAddress:
		return 1
	case LeftOutCloudflare:
		return 2
	default:
		return 3
	}
}

// Covering returns the protected prefix that contains all of x; of several the one with the weightiest reason.
func (p Protection) Covering(x netip.Prefix) (Protected, bool) {
	i, exact := p.search(x)
	return p.covering(x, i, exact)
}

// Inside returns the first protected prefix that x contains, x itself included.
func (p Protection) Inside(x netip.Prefix) (Protected, bool) {
	i, _ := p.search(x)
	return p.inside(x, i)
}

// Touching returns a protected prefix that contains x or lies inside it.
func (p Protection) Touching(x netip.Prefix) (Protected, bool) {
	i, exact := p.search(x)
	if e, ok := p.covering(x, i, exact); ok {
		return e, true
	}
	return p.inside(x, i)
}

// unbanned is what of x a person took off the list for a while: all of it, or what lies inside, sorted.
func (p Protection) unbanned(x netip.Prefix) (all []netip.Prefix) {
	i, exact := p.search(x)
	if e, ok := p.covering(x, i, exact); ok {
		if e.Unbanned {
			all = append(all, x)
		}
		return all
	}
	for ; i < len(p.sorted) && contains(x, p.sorted[i].Prefix); i++ {
		e := &p.sorted[i]
		if e.Unbanned && (len(all) == 0 || !contains(all[len(all)-1], e.Prefix)) {
			all = append(all, e.Prefix)
		}
	}
	return all
}

// search finds x, or where it would stand.
func (p Protection) search(x netip.Prefix) (i int, exact bool) {
	return slices.BinarySearchFunc(p.orders, orderOf(x), order.compare)
}

func (p Protection) covering(x netip.Prefix, i int, exact bool) (found Protected, ok bool) {
	for exact && i+1 < len(p.sorted) && p.sorted[i+1].Prefix == x {
		i++
	}
	if !exact {
		i--
	}
	for ; i >= 0; i = p.parent[i] {
		if e := &p.sorted[i]; contains(e.Prefix, x) && (!ok || weight(e.Reason) < weight(found.Reason)) {
			found, ok = *e, true
		}
	}
	return found, ok
}

func (p Protection) inside(x netip.Prefix, i int) (Protected, bool) {
	if i < len(p.sorted) && contains(x, p.sorted[i].Prefix) {
		return p.sorted[i], true
	}
	return Protected{}, false
}
