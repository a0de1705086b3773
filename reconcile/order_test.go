package reconcile

import (
	"cmp"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// TestOrder: the numbers compare as the prefixes do, and are these again.
func TestOrder(t *testing.T) {
	same, differ := 0, 0
	any := func(t *rapid.T, name string) netip.Prefix {
		p := somePrefix().Draw(t, name)
		if rapid.Bool().Draw(t, "of its own") {
			p = rapid.SampledFrom(each([]string{"::1", "::1/96", "::c000:201", "0.0.0.1", "255.255.255.255", "1::/16", "ffff::/16", "::/1", "192.0.0.0/2"},
				netipPrefix)).Draw(t, name)
		}
		return p
	}
	rapid.Check(t, func(t *rapid.T) {
		p, q := any(t, "p"), any(t, "q")
		if got := orderOf(p).prefix(); got != p {
			t.Fatalf("%s became %s", p, got)
		}
		got, want := orderOf(p).compare(orderOf(q)), cmp.Compare(comparePrefixes(p, q), 0)
		if got != want || (orderOf(p) == orderOf(q)) != (p == q) {
			t.Fatalf("%s and %s: %d, want %d", p, q, got, want)
		}
		same, differ = count(same, want == 0), count(differ, want != 0)
	})
	notVacuous(t, same, "pairs of the same")
	notVacuous(t, differ, "pairs that differ")
}

// netipPrefix reads also what ParsePrefix leaves out.
func netipPrefix(s string) netip.Prefix {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p
	}
	a := netip.MustParseAddr(s)
	return netip.PrefixFrom(a, a.BitLen())
}

// TestAge: the latest comes first, and of equals the one with the lower index.
func TestAge(t *testing.T) {
	times := []string{"past", "?", "-1h", "0s", "0.000000001s", "1s", "far"}
	for i, a := range times {
		for j, b := range times {
			for k := range 3 {
				want := cmp.Or(at(b).Compare(at(a)), cmp.Compare(1, k))
				if got := cmp.Compare(ageOf(at(a), 1).compare(ageOf(at(b), k)), 0); got != want {
					t.Errorf("%s (%d), %s (%d): %d, want %d", a, i, b, j, got, want)
				}
			}
		}
	}
}
