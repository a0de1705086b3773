package main

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

// watch sees what the edge does with the banned, from before each run until after it and at every request behind the first write of a run:
// nothing else changes the edge.
type watch struct {
	edge *cloudflaretest.Cloudflare
	zone string
	bans []*replayedBan // that are to begin

	mu       sync.Mutex
	watched  map[netip.Addr]*watchedBan
	written  bool        // a write went out in this run
	requests []time.Time // of the last five minutes
	measured replayMeasures
}

// replayMeasures are what TestThirtyDays tells of one variant.
type replayMeasures struct {
	banTime, enforced        time.Duration
	burstTime, burstEnforced time.Duration
	missing                  time.Duration // longest time that an active ban was not enforced
	burstMissing             time.Duration // … of a burst
	afterUnban               time.Duration // longest time that an address was blocked after a person's un-ban
	afterEnd                 time.Duration // … after its ban's natural end
	tooLong                  time.Duration // … after the end of its lingering
	listWrites, listRefused  int
	ruleWrites, ruleRefused  int
	allRequests, mostInFive  int
	mostRules                int
}

// watchedBan is a ban that is active, or the last of an address that is blocked.
type watchedBan struct {
	*replayedBan
	blocked bool
	from    time.Time // up to when it is accounted for
	missing time.Time // since when it is not enforced, while it is not
	blocks  time.Time // when it was first enforced; zero: it never was
}

// lingers is until when an item is to stay for the ban, by the design: who is blocked cannot knock any more.
func (b *watchedBan) lingers() time.Time {
	end := b.naturalEnd()
	if !b.blocks.After(b.since) || !b.blocks.Before(end) {
		return end
	}
	if longest := b.blocks.Add(b.length); longest.After(end) {
		end = longest
	}
	return end.Add(3 * time.Minute)
}

// request is called before each request is handled.
func (w *watch) request(r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	old := 0
	for old < len(w.requests) && now.Sub(w.requests[old]) >= requestWindow {
		old++
	}
	w.requests = append(w.requests[old:], now)
	w.measured.mostInFive = max(w.measured.mostInFive, len(w.requests))
	if w.written {
		w.look(now)
	}
	if r.Method != http.MethodGet {
		w.written = true
	}
}

// run does one run of the program between two looks.
func (w *watch) run(f func()) {
	w.mu.Lock()
	w.look(time.Now())
	w.mu.Unlock()
	f()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look(time.Now())
	w.written = w.edge.Pending(testAccount)
	w.count()
}

// look accounts for the time up to now, and sees how things are from now on.
func (w *watch) look(now time.Time) {
	for len(w.bans) > 0 && !w.bans[0].since.After(now) {
		w.begin(w.bans[0])
		w.bans = w.bans[1:]
	}
	for addr, b := range w.watched {
		w.account(b, now)
		if w.written {
			b.see(w.edge.Visit(w.zone, cloudflaretest.Visitor{Addr: addr}).Action != "", now)
		}
		if !b.blocked && !now.Before(b.end()) {
			delete(w.watched, addr)
		}
	}
}

// begin watches a ban. Of the same address no other is active, but one may be enforced still.
func (w *watch) begin(ban *replayedBan) {
	b := &watchedBan{replayedBan: ban, from: ban.since, missing: ban.since}
	if last := w.watched[ban.addr]; last != nil {
		w.account(last, ban.since)
		if b.blocked = last.blocked; b.blocked {
			b.blocks = ban.since
		}
	}
	w.watched[ban.addr] = b
}

// see notes how things are from now on.
func (b *watchedBan) see(blocked bool, now time.Time) {
	switch {
	case blocked && b.blocks.IsZero():
		b.blocks = now
	case !blocked && b.blocked:
		b.missing = now
	}
	b.blocked = blocked
}

// account adds the time up to now, in which nothing changed.
func (w *watch) account(b *watchedBan, now time.Time) {
	m := &w.measured
	until := now
	if end := b.end(); end.Before(now) {
		until = end
	}
	if active := until.Sub(b.from); active > 0 {
		m.banTime += active
		if b.burst > 0 {
			m.burstTime += active
		}
		switch {
		case b.blocked:
			m.enforced += active
			if b.burst > 0 {
				m.burstEnforced += active
			}
		default:
			m.missing = max(m.missing, until.Sub(b.missing))
			if b.burst > 0 {
				m.burstMissing = max(m.burstMissing, until.Sub(b.missing))
			}
		}
	}
	if b.blocked && now.After(b.end()) {
		if !b.lifted.IsZero() {
			m.afterUnban = max(m.afterUnban, now.Sub(b.lifted))
		} else {
			m.afterEnd = max(m.afterEnd, now.Sub(b.end()))
			m.tooLong = max(m.tooLong, now.Sub(b.lingers()))
		}
	}
	b.from = now
}

// count adds up the requests of a run.
func (w *watch) count() {
	m := &w.measured
	for _, r := range w.edge.Requests() {
		m.allRequests++
		refused := r.Status >= 400
		switch {
		case !r.Mutating:
		case strings.Contains(r.Path, "/rules/lists/") && refused:
			m.listRefused++
		case strings.Contains(r.Path, "/rules/lists/"):
			m.listWrites++
		case refused:
			m.ruleRefused++
		default:
			m.ruleWrites++
		}
	}
	w.edge.ResetRequests()
	m.mostRules = max(m.mostRules, w.edge.CountAccessRules(cloudflaretest.AccountScope(testAccount)))
}
