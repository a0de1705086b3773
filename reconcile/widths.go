package reconcile

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
)

// Widths are the prefix lengths that a target can hold, for IPv4 and IPv6, the least first. The zero value stands for all.
type Widths struct{ V4, V6 []int }

// maxPieces is into how many prefixes a ban is split at most where a target cannot hold its own.
const maxPieces = 256

// of are the lengths for addresses of p's family.
func (w Widths) of(p netip.Prefix) []int {
	if p.Addr().Is4() {
		return w.V4
	}
	return w.V6
}

// holds reports whether the target can hold p as it is.
func (w Widths) holds(p netip.Prefix) bool {
	lengths := w.of(p)
	return len(lengths) == 0 || slices.Contains(lengths, p.Bits())
}

// pieceBits is the length of the widest prefixes inside p that the target can hold, p's own if it can.
func (w Widths) pieceBits(p netip.Prefix) int {
	if w.holds(p) {
		return p.Bits()
	}
	for _, bits := range w.of(p) {
		if bits > p.Bits() {
			return bits
		}
	}
	return p.Addr().BitLen()
}

// tooMany says why p cannot be split; "": it can, or need not be.
func (w Widths) tooMany(p netip.Prefix) string {
	more := w.pieceBits(p) - p.Bits()
	if more < 31 && 1<<more <= maxPieces {
		return ""
	}
	count := fmt.Sprintf("2^%d", more)
	if more < 31 {
		count = fmt.Sprint(1 << more)
	}
	return fmt.Sprintf("no access rule is as wide as /%d, and %s narrower ones are too many", p.Bits(), count)
}

// pieceAround is the piece that stands for p on a target and contains the network, p if there is none.
func (w Widths) pieceAround(p, network netip.Prefix) netip.Prefix {
	if bits := w.pieceBits(p); w.tooMany(p) == "" && bits <= network.Bits() {
		return netip.PrefixFrom(network.Addr(), bits).Masked()
	}
	return p
}

// Pieces are the prefixes that stand for p on a target, in their order. Where they would be too many there is only p.
func (w Widths) Pieces(p netip.Prefix) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		if w.holds(p) || w.tooMany(p) != "" {
			yield(p)
			return
		}
		bits := w.pieceBits(p)
		address := p.Addr()
		for range 1 << (bits - p.Bits()) {
			if !yield(netip.PrefixFrom(address, bits)) {
				return
			}
			address = following(address, bits)
		}
	}
}

// following is the address with its first bits, taken as a number, increased by one; what overflows is lost.
func following(a netip.Addr, bits int) netip.Addr {
	b := a.As16()
	if a.Is4() {
		bits += 96
	}
	step := byte(1 << (7 - (bits-1)%8))
	for i := (bits - 1) / 8; i >= 0; i-- {
		b[i] += step
		if b[i] >= step {
			break
		}
		step = 1
	}
	if next := netip.AddrFrom16(b); a.Is4() {
		return next.Unmap()
	}
	return netip.AddrFrom16(b)
}
