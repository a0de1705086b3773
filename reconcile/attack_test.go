package reconcile

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// attack is a model of Fail2Ban and of an address that knocks whenever nothing stops it. A jail bans at a knock, writes a row,
// and at every further knock prolongs the ban in its memory alone: reconcile's whole reason for lingering.
type attack struct {
	address string
	jails   []jail
	others  []Ban // bans of networks around the address
	margin  time.Duration
	list    *memTarget
}

type jail struct {
	name   string
	length time.Duration
	wait   time.Duration // it bans so long after it was first knocked at, as recidive does

	row    *Ban
	memory time.Time // until when it bans in its memory
	first  time.Time // the first knock since it forgot
}

func (a *attack) knock(now time.Time) {
	for i := range a.jails {
		j := &a.jails[i]
		switch {
		case j.memory.After(now):
			j.memory = later(j.memory, now.Add(j.length)) // "already banned"; no row
		case j.first.IsZero() || now.Sub(j.first) > time.Hour:
			j.first = now
		case now.Sub(j.first) >= j.wait:
			j.row = &Ban{Value: a.address, Source: "fail2ban", Reason: j.name, Since: now, Until: now.Add(j.length)}
			j.memory, j.first = now.Add(j.length), time.Time{}
		}
	}
}

func (a *attack) plan(now time.Time) Plan {
	var all []Ban
	for _, b := range a.others {
		if !b.Since.After(now) {
			all = append(all, b)
		}
	}
	for _, j := range a.jails {
		if j.row != nil {
			all = append(all, *j.row)
		}
	}
	policy := scene{}.policy()
	policy.Margin = a.margin
	v := scene{}.view()
	v.Now = now
	return Diff(Desire(all, policy, now), a.list.all(), v)
}

// TestNobodyIsUnblockedEarly: when the edge lets an address through, no jail bans it in its memory any more; else Fail2Ban would
// prolong that ban at the next knock, write no row, and the address would never be blocked again.
func TestNobodyIsUnblockedEarly(t *testing.T) {
	freed, prolonged := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		a := someAttack().Draw(t, "attack")
		const tick = 10 * time.Second
		effect, planned := time.Time{}, Plan{} // a write takes effect up to 100 s after its run began
		away := 0                              // runs; fewer than any ban is long, because a row that ended adds no item
		for now := at("0s"); now.Before(at("2h")); now = now.Add(tick) {
			if !effect.IsZero() && !now.Before(effect) {
				blocked := a.list.covers(prefix(a.address))
				if _, err := Apply(t.Context(), a.list, planned); err != nil {
					t.Fatal(err)
				}
				effect = time.Time{}
				if blocked && !a.list.covers(prefix(a.address)) {
					freed++
					for _, j := range a.jails {
						if j.memory.After(now) {
							t.Fatalf("freed at %v, but %s bans until %v: %q", now, j.name, j.memory, changes(planned))
						}
					}
				}
			}
			if !a.list.covers(prefix(a.address)) {
				a.knock(now)
				for _, j := range a.jails {
					prolonged = count(prolonged, j.row != nil && j.memory.After(j.row.Until))
				}
			}
			if now.Sub(at("0s"))%Interval == 0 && effect.IsZero() {
				if away < 3 && rapid.Bool().Draw(t, "Cloudflare is away") {
					away++
					continue
				}
				away = 0
				planned = a.plan(now)
				effect = now.Add(tick * time.Duration(rapid.IntRange(1, 10).Draw(t, "time it takes")))
			}
		}
	})
	notVacuous(t, freed, "addresses that were let through again")
	notVacuous(t, prolonged, "bans that went on in memory alone")
}

func someAttack() *rapid.Generator[*attack] {
	return rapid.Custom(func(t *rapid.T) *attack {
		a := &attack{address: "192.0.2.1", margin: 3 * time.Minute, list: newMemTarget()}
		for i := range rapid.IntRange(1, 3).Draw(t, "jails") {
			a.jails = append(a.jails, jail{
				name:   fmt.Sprintf("jail%d", i),
				length: time.Duration(rapid.IntRange(600, 1800).Draw(t, "length")) * time.Second,
				wait:   time.Duration(rapid.IntRange(0, 300).Draw(t, "wait")) * time.Second,
			})
		}
		for range rapid.IntRange(0, 2).Draw(t, "networks") {
			since := at("0s").Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "since")) * time.Second)
			a.others = append(a.others, Ban{
				Value: rapid.SampledFrom([]string{"192.0.2.0/30", "192.0.2.0/24"}).Draw(t, "network"), Source: "crowdsec", Reason: "x",
				Since: since, Until: since.Add(time.Duration(rapid.IntRange(300, 3000).Draw(t, "length")) * time.Second),
			})
		}
		return a
	})
}
