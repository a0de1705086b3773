package reconcile

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func protected(lines ...[2]string) Protection {
	return NewProtection(each(lines, func(l [2]string) Protected {
		return Protected{Prefix: netip.MustParsePrefix(l[0]), Reason: LeftOutReason(l[1]), Detail: l[0]}
	}))
}

func TestProtection(t *testing.T) {
	set := protected(
		[2]string{"10.0.0.0/8", "reserved"},
		[2]string{"10.1.0.0/16", "allowed"},
		[2]string{"10.1.2.3/32", "own_address"},
		[2]string{"192.0.2.99/24", "allowed"}, // masked
		[2]string{"2001:db8::5/128", "own_address"},
		[2]string{"2001:db8::5/128", "allowed"},
	)
	for _, c := range []struct{ x, covering, inside string }{
		{"10.1.2.3", "10.1.0.0/16 allowed", "10.1.2.3/32 own_address"}, // the person's own word weighs most
		{"10.1.2.0/24", "10.1.0.0/16 allowed", "10.1.2.3/32 own_address"},
		{"10.2.0.0", "10.0.0.0/8 reserved", ""},
		{"10.0.0.0/8", "10.0.0.0/8 reserved", "10.0.0.0/8 reserved"},
		{"10.0.0.0/7", "", "10.0.0.0/8 reserved"},
		{"11.0.0.0/8", "", ""},
		{"9.255.255.255", "", ""},
		{"192.0.2.0", "192.0.2.0/24 allowed", ""},
		{"192.0.2.255", "192.0.2.0/24 allowed", ""},
		{"2001:db8::5", "2001:db8::5/128 allowed", "2001:db8::5/128 own_address"},
		{"2001:db8::/64", "", "2001:db8::5/128 own_address"},
		{"2001:db8:0:1::/64", "", ""},
	} {
		show := func(p Protected, ok bool) string {
			if !ok {
				return ""
			}
			return p.Prefix.String() + " " + string(p.Reason)
		}
		if got := show(set.Covering(prefix(c.x))); got != c.covering {
			t.Errorf("Covering(%s) is %q, want %q", c.x, got, c.covering)
		}
		if got := show(set.Inside(prefix(c.x))); got != c.inside {
			t.Errorf("Inside(%s) is %q, want %q", c.x, got, c.inside)
		}
		if _, ok := set.Touching(prefix(c.x)); ok != (c.covering != "" || c.inside != "") {
			t.Errorf("Touching(%s) is %v", c.x, ok)
		}
	}
	var none Protection
	if _, ok := none.Touching(prefix("192.0.2.1")); ok {
		t.Error("the zero value protects something")
	}
}

// TestProtectionAgainstModel compares with what reads every prefix every time.
func TestProtectionAgainstModel(t *testing.T) {
	reasons := []LeftOutReason{LeftOutAllowed, LeftOutOwnAddress, LeftOutCloudflare, LeftOutReserved}
	covered, insides := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Protected {
			return Protected{Prefix: somePrefix().Draw(t, "protected"), Reason: rapid.SampledFrom(reasons).Draw(t, "reason")}
		}), 0, 12).Draw(t, "all")
		set := NewProtection(all)
		for _, x := range rapid.SliceOfN(somePrefix(), 1, 12).Draw(t, "asked") {
			best, inside := 99, false
			for _, p := range all {
				if contains(p.Prefix, x) {
					best = min(best, weight(p.Reason))
				}
				inside = inside || contains(x, p.Prefix)
			}
			found, ok := set.Covering(x)
			if ok != (best < 99) || ok && (weight(found.Reason) != best || !contains(found.Prefix, x)) {
				t.Fatalf("Covering(%s) is %v %v", x, found, ok)
			}
			in, got := set.Inside(x)
			if got != inside || got && !contains(x, in.Prefix) {
				t.Fatalf("Inside(%s) is %v %v", x, in, got)
			}
			if _, touching := set.Touching(x); touching != (ok || got) {
				t.Fatalf("Touching(%s) is %v", x, touching)
			}
			covered, insides = count(covered, ok), count(insides, got)
		}
	})
	notVacuous(t, covered, "covered prefixes")
	notVacuous(t, insides, "prefixes around a protected one")
}
