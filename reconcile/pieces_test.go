package reconcile

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestPiecesOfRules(t *testing.T) {
	for _, c := range []struct {
		prefix string
		n      int
		first  string
		last   string
	}{
		{"192.0.2.7", 1, "192.0.2.7/32", "192.0.2.7/32"},
		{"192.0.2.0/24", 1, "192.0.2.0/24", "192.0.2.0/24"},
		{"192.0.2.4/30", 4, "192.0.2.4/32", "192.0.2.7/32"},
		{"192.0.2.0/25", 128, "192.0.2.0/32", "192.0.2.127/32"},
		{"192.0.0.0/23", 2, "192.0.0.0/24", "192.0.1.0/24"},
		{"192.0.0.0/17", 128, "192.0.0.0/24", "192.0.127.0/24"},
		{"255.0.0.0/8", 256, "255.0.0.0/16", "255.255.0.0/16"},
		{"128.0.0.0/7", 1, "128.0.0.0/7", "128.0.0.0/7"}, // too many
		{"2001:db8::/64", 1, "2001:db8::/64", "2001:db8::/64"},
		{"2001:db8::/56", 256, "2001:db8::/64", "2001:db8:0:ff::/64"},
		{"2001:db8::/55", 1, "2001:db8::/55", "2001:db8::/55"}, // too many
		{"2001:db8::fc/126", 4, "2001:db8::fc/128", "2001:db8::ff/128"},
		{"2001:d00::/24", 256, "2001:d00::/32", "2001:dff::/32"},
	} {
		all := slices.Collect(ruleWidths().Pieces(prefix(c.prefix)))
		if len(all) != c.n || all[0].String() != c.first || all[len(all)-1].String() != c.last {
			t.Errorf("%s: %d pieces, %s to %s", c.prefix, len(all), all[0], all[len(all)-1])
		}
	}
}

// TestPiecesCover: the pieces of a prefix stand one after the other, in order, and all of it is theirs; or there is only itself.
func TestPiecesCover(t *testing.T) {
	split := 0
	rapid.Check(t, func(t *rapid.T) {
		address := netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "IPv4")))
		if rapid.Bool().Draw(t, "v6") {
			address = netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "IPv6")))
		}
		p := netip.PrefixFrom(address, rapid.IntRange(1, address.BitLen()).Draw(t, "bits")).Masked()
		all := slices.Collect(ruleWidths().Pieces(p))
		if len(all) == 1 {
			if all[0] != p || !ruleWidths().holds(p) && ruleWidths().tooMany(p) == "" {
				t.Fatalf("%s: %s", p, all[0])
			}
			return
		}
		split++
		next := p.Addr()
		for i, piece := range all {
			if piece != piece.Masked() || piece.Addr() != next || !contains(p, piece) || !ruleWidths().holds(piece) || len(all) > maxPieces {
				t.Fatalf("%s: piece %d of %d is %s, want %s", p, i, len(all), piece, next)
			}
			next = following(next, piece.Bits())
		}
		if contains(p, netip.PrefixFrom(next, next.BitLen())) {
			t.Fatalf("%s: %d pieces, and more at %s", p, len(all), next)
		}
	})
	notVacuous(t, split, "prefixes that were split")
}
