package reconcile

import (
	"slices"
	"time"
)

const (
	// Interval is the time between two runs that the timer, the cron line and the CronJob keep. A peer's item is relied upon
	// until two of them before its lease ends.
	Interval = 2 * time.Minute

	maxLease   = 30 * 24 * time.Hour // also of a permanent ban: a dead host leaves nothing behind for longer
	renewEarly = 7 * 24 * time.Hour  // a lease that ends sooner is renewed when there is a write to ride along with
	renewLate  = 24 * time.Hour      // … and that ends sooner still is a reason for a write
	overdue    = 7 * 24 * time.Hour  // a peer's item whose lease ended so long ago may be removed by anyone

	// loose: where the beginning of a term is unknown, the source told how much longer it lasts, and not when it ends. Its end then
	// differs from read to read, by the time that the reads took and by rounding. No difference up to so much is worth a write.
	loose = 30 * time.Second

	// startSlack: Fail2Ban accepts log lines from up to 60 s ahead, so a ban may begin after it was seen.
	startSlack = 60 * time.Second
)

// never is the end of what has no end: the last second that can be written as RFC 3339, 9999-12-31T23:59:59Z.
func never() time.Time { return time.Unix(253402300799, 0).UTC() }

// end is when the source's record ends.
func (t Term) end() time.Time {
	if t.Until.IsZero() {
		return never()
	}
	return earlier(t.Until, never())
}

// length is how long the source bans for; zero: permanent, or unknown.
func (t Term) length() time.Duration { return Ban{Since: t.Since, Until: t.Until}.Length() }

// keepUntil is the time until which an item that is at the edge since seen must stay for this term.
//
// The end of a Fail2Ban row is not the end of the ban: while a banned address still knocks, Fail2Ban prolongs its ban in
// memory only, and would say "already banned" and write no row when the address came back. Once the edge blocks the
// address it cannot knock, so Fail2Ban's memory ends at the latest one length after seen. A term that was in force when
// the item was put at the edge therefore lingers until then; margin covers the time between the run's beginning, which
// is what seen tells, and the moment the edge blocks: a ban that began in between was in force by then, too.
//
// A visitor who is challenged can go on knocking, so nothing ends Fail2Ban's memory, and an item that outlived its row would
// end at no better time than the row: a challenge does not linger.
func (t Term) keepUntil(seen time.Time, margin time.Duration) time.Time {
	end, length := t.end(), t.length()
	if t.Remedy == Challenge || length <= 0 || seen.Before(t.Since.Add(-margin-startSlack)) || !seen.Before(end) {
		return end
	}
	return after(later(end, after(seen, length)), margin)
}

// slack is by how much the entry's end may differ from read to read.
func (e Entry) slack() time.Duration {
	for _, t := range e.Terms {
		if t.Since.IsZero() && !t.Until.IsZero() {
			return loose
		}
	}
	return 0
}

// activeUntil is the end of the entry's last term.
func (e Entry) activeUntil() time.Time {
	var end time.Time
	for _, t := range e.Terms {
		end = later(end, t.end())
	}
	return end
}

// Until is when the entry's bans end; zero: never.
func (e Entry) Until() time.Time {
	if end := e.activeUntil(); end.Before(never()) {
		return end
	}
	return time.Time{}
}

func (e Entry) active(now time.Time) bool { return e.activeUntil().After(now) }

// keepUntil is the time until which an item for this entry, at the edge since seen, must stay.
func (e Entry) keepUntil(seen time.Time, margin time.Duration) time.Time {
	var end time.Time
	for _, t := range e.Terms {
		end = later(end, t.keepUntil(seen, margin))
	}
	return end
}

// lease is the time until which the owner answers for an item that it posts at now and that is at the edge since seen: as long
// as it must stay, at most maxLease, rounded up to the second. An item that was just posted therefore never needs a renewal.
func (e Entry) lease(seen, now time.Time, margin time.Duration) time.Time {
	return earlier(e.keepUntil(seen, margin), now.Add(maxLease)).Add(time.Second - time.Nanosecond).Truncate(time.Second)
}

// inForce are the terms that have not ended; all of them when every one has.
func (e Entry) inForce(now time.Time) []Term {
	ended := func(t Term) bool { return !t.end().After(now) }
	if len(e.Terms) == 1 || !slices.ContainsFunc(e.Terms, ended) || !e.active(now) {
		return e.Terms
	}
	return slices.DeleteFunc(slices.Clone(e.Terms), ended)
}

// latestStart is when the most recent of the entry's active terms began, for the cut to room; never later than now. What others
// made began before everything else. A term whose beginning is unknown may have begun a moment ago.
func (e Entry) latestStart(now time.Time) time.Time {
	var start time.Time
	for _, t := range e.inForce(now) {
		switch {
		case t.Community:
		case t.Since.IsZero():
			start = now
		default:
			start = later(start, t.Since)
		}
	}
	return earlier(start, now)
}

// after is t plus d, at most never.
func after(t time.Time, d time.Duration) time.Time { return earlier(t.Add(d), never()) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
