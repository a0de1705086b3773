package reconcile

import (
	"net/netip"
	"slices"
	"testing"
)

func TestParsePrefix(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{"192.0.2.1", "192.0.2.1"},
		{"192.0.2.1/32", "192.0.2.1"},
		{"192.0.2.77/24", "192.0.2.0/24"},
		{"2001:DB8::1", "2001:db8::1"},
		{"2001:db8:0:0:0:0:0:1/128", "2001:db8::1"},
		{"2001:db8::1/64", "2001:db8::/64"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"::ffff:c000:201", "192.0.2.1"},
		{"::ffff:192.0.2.1/120", "192.0.2.0/24"},
		{"::ffff:192.0.2.1/128", "192.0.2.1"},

		{"", "not_address"},
		{"sshd", "not_address"},
		{"example.com", "not_address"},
		{" 192.0.2.1", "not_address"},
		{"192.0.2.1 ", "not_address"},
		{"192.0.2.256", "not_address"},
		{"192.0.2.01", "not_address"}, // octal to some
		{"192.0.2.1/33", "not_address"},
		{"192.0.2.1/", "not_address"},
		{"192.0.2.1/-1", "not_address"},
		{"192.0.2.1/255.255.255.0", "not_address"},
		{"2001:db8::1/129", "not_address"},
		{"fe80::1%eth0", "not_address"},
		{"fe80::1%eth0/64", "not_address"},
		{"::ffff:192.0.2.1%eth0", "not_address"},

		{"0.0.0.0", "unspecified"},
		{"0.0.0.0/0", "unspecified"},
		{"0.1.2.3/8", "unspecified"},
		{"::", "unspecified"},
		{"::/0", "unspecified"},
		{"::ffff:0.0.0.0", "unspecified"},
		{"::ffff:192.0.2.1/80", "unspecified"},
	} {
		p, reason := ParsePrefix(c.value)
		got := string(reason)
		if reason == "" {
			got = PrefixText(p)
		}
		if got != c.want {
			t.Errorf("ParsePrefix(%q) is %s, want %s", c.value, got, c.want)
		}
	}
}

// TestComparePrefixes: a prefix comes right before what it contains.
func TestComparePrefixes(t *testing.T) {
	want := []string{"1.0.0.0/8", "1.0.0.0/16", "1.0.0.0/32", "1.1.0.0/16", "2.0.0.0/8", "1::/16", "1::/128", "2::/16"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, func(a, b string) int { return comparePrefixes(netip.MustParsePrefix(a), netip.MustParsePrefix(b)) })
	same(t, got, want)
}

func TestContains(t *testing.T) {
	for _, c := range []struct {
		outer, inner string
		want         bool
	}{
		{"192.0.2.0/24", "192.0.2.0/24", true},
		{"192.0.2.0/24", "192.0.2.255/32", true},
		{"192.0.2.0/25", "192.0.2.0/24", false},
		{"192.0.2.0/24", "192.0.3.0/32", false},
		{"::/1", "1.2.3.4/32", false},
		{"0.0.0.0/1", "::1/128", false},
	} {
		if contains(netip.MustParsePrefix(c.outer), netip.MustParsePrefix(c.inner)) != c.want {
			t.Errorf("contains(%s, %s) is not %v", c.outer, c.inner, c.want)
		}
	}
}
