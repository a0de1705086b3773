package reconcile

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

// order holds a prefix in numbers that compare as comparePrefixes does, only faster: many bans have to be sorted.
type order struct {
	high, low    uint64 // of the address
	family, bits uint8
}

func orderOf(p netip.Prefix) order {
	a := p.Addr()
	b := a.As16()
	return order{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:]), uint8(a.BitLen()), uint8(p.Bits())}
}

func (o order) prefix() netip.Prefix {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], o.high)
	binary.BigEndian.PutUint64(b[8:], o.low)
	a := netip.AddrFrom16(b)
	if o.family == 32 {
		a = a.Unmap()
	}
	return netip.PrefixFrom(a, int(o.bits))
}

func (o order) compare(p order) int {
	switch {
	case o.family != p.family:
		return cmp.Compare(o.family, p.family)
	case o.high != p.high:
		return cmp.Compare(o.high, p.high)
	case o.low != p.low:
		return cmp.Compare(o.low, p.low)
	default:
		return cmp.Compare(o.bits, p.bits)
	}
}

// age orders by time, the latest first, then by index.
type age struct {
	seconds      int64
	nanos, index int32
}

func ageOf(t time.Time, index int) age { return age{t.Unix(), int32(t.Nanosecond()), int32(index)} }

func (a age) compare(b age) int {
	switch {
	case a.seconds != b.seconds:
		return cmp.Compare(b.seconds, a.seconds)
	case a.nanos != b.nanos:
		return cmp.Compare(b.nanos, a.nanos)
	default:
		return cmp.Compare(a.index, b.index)
	}
}

// sortFirst puts the first n in order at the front; the rest follows in none. A sample tells about where the n-th stands, so that
// most of many need not be sorted.
func sortFirst(all []age, n int) {
	const atLeast, step = 5_000, 64
	if len(all) >= max(2*n, atLeast) {
		var sample []age
		for i := 0; i < len(all); i += step {
			sample = append(sample, all[i])
		}
		slices.SortFunc(sample, age.compare)
		if front := partition(all, sample[n/step*5/4+5]); front >= n {
			all = all[:front]
		}
	}
	slices.SortFunc(all, age.compare)
}

// partition moves what comes before the pivot to the front, and returns how many these are.
func partition(all []age, pivot age) int {
	front := 0
	for i := range all {
		if all[i].compare(pivot) < 0 {
			all[i], all[front] = all[front], all[i]
			front++
		}
	}
	return front
}
