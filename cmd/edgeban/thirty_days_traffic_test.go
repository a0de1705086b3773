package main

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// What happens to the host of TestThirtyDays.
const (
	bansADay    = 40
	bansAnUnban = 20 // two un-bans by hand a day
	shortestBan = 10 * time.Minute
	longestBan  = 7 * 24 * time.Hour
	bursts      = 2
	burstBans   = 150
	burstTime   = 10 * time.Minute
	returning   = 10 // one ban in so many is of an address that was banned before
)

// replayedBan is one ban as Fail2Ban keeps it. Its times are whole seconds.
type replayedBan struct {
	addr   netip.Addr
	since  time.Time
	length time.Duration
	lifted time.Time // when a person un-banned it; zero: nobody did
	burst  int       // the burst that it is part of, from 1; 0: none
}

func (b *replayedBan) naturalEnd() time.Time { return b.since.Add(b.length) }

// end is when Fail2Ban lets the address in again.
func (b *replayedBan) end() time.Time {
	if b.lifted.IsZero() {
		return b.naturalEnd()
	}
	return b.lifted
}

func (b *replayedBan) activeAt(at time.Time) bool { return !b.since.After(at) && at.Before(b.end()) }

// replayTime is how much happens in how long.
type replayTime struct {
	length    time.Duration
	bansADay  float64
	burstBans int // in each burst
}

// traffic makes the bans of a time that begins at dawn, sorted by their beginning. They follow from the seed alone.
func (rt replayTime) traffic(seed uint64) []*replayedBan {
	r := rand.New(rand.NewPCG(seed, 0))
	var bans []*replayedBan
	for at := range rt.arrivals(r, rt.bansADay) {
		bans = append(bans, newReplayedBan(r, at, 0))
	}
	for burst := range bursts {
		at := dawn().Add(time.Duration((float64(burst) + r.Float64()) / bursts * float64(rt.length-burstTime)))
		for range rt.burstBans {
			bans = append(bans, newReplayedBan(r, at.Add(time.Duration(r.Float64()*float64(burstTime))), burst+1))
		}
	}
	slices.SortStableFunc(bans, func(a, b *replayedBan) int { return a.since.Compare(b.since) })
	rt.liftSome(r, bans)
	nameThem(r, bans)
	return bans
}

// arrivals are the times of a Poisson process.
func (rt replayTime) arrivals(r *rand.Rand, perDay float64) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		for at := dawn(); ; {
			at = at.Add(time.Duration(r.ExpFloat64() / perDay * float64(24*time.Hour)))
			if !at.Before(dawn().Add(rt.length)) || !yield(at) {
				return
			}
		}
	}
}

// newReplayedBan has a length of which the logarithm is evenly spread.
func newReplayedBan(r *rand.Rand, since time.Time, burst int) *replayedBan {
	low, high := math.Log(shortestBan.Seconds()), math.Log(longestBan.Seconds())
	length := time.Duration(math.Exp(low+r.Float64()*(high-low))) * time.Second
	return &replayedBan{since: since.Truncate(time.Second), length: length, burst: burst}
}

// liftSome has a person un-ban, now and then, one of those that are banned.
func (rt replayTime) liftSome(r *rand.Rand, bans []*replayedBan) {
	for at := range rt.arrivals(r, rt.bansADay/bansAnUnban) {
		at = at.Truncate(time.Second)
		var active []*replayedBan
		for _, b := range bans {
			if b.activeAt(at) {
				active = append(active, b)
			}
		}
		if len(active) > 0 {
			active[r.IntN(len(active))].lifted = at
		}
	}
}

// nameThem gives the bans their addresses, some of which come again.
func nameThem(r *rand.Rand, bans []*replayedBan) {
	last := map[netip.Addr]*replayedBan{}
	var known []netip.Addr
	for i, b := range bans {
		if len(known) > 0 && r.IntN(returning) == 0 {
			addr := known[r.IntN(len(known))]
			if !last[addr].end().After(b.since.Add(-time.Second)) {
				b.addr = addr
			}
		}
		if !b.addr.IsValid() {
			b.addr = replayedAddr(i)
			known = append(known, b.addr)
		}
		last[b.addr] = b
	}
}

// replayedAddr is a public address, every fifth of IPv6 and in a /64 of its own.
func replayedAddr(i int) netip.Addr {
	if i%5 == 4 {
		return netip.MustParseAddr(fmt.Sprintf("2a00:%x::7", i+1))
	}
	return netip.AddrFrom4([4]byte{45, byte(i >> 8), byte(i), 7})
}

// fail2banEvent is a row that comes or goes.
type fail2banEvent struct {
	at    time.Time
	ban   *replayedBan
	lifts bool
}

// events are what Fail2Ban does to its database, in order. A ban's natural end does nothing.
func events(bans []*replayedBan) []fail2banEvent {
	var all []fail2banEvent
	for _, b := range bans {
		all = append(all, fail2banEvent{at: b.since, ban: b})
		if !b.lifted.IsZero() {
			all = append(all, fail2banEvent{at: b.lifted, ban: b, lifts: true})
		}
	}
	slices.SortStableFunc(all, func(a, b fail2banEvent) int {
		return cmp.Or(a.at.Compare(b.at), a.ban.since.Compare(b.ban.since))
	})
	return all
}
