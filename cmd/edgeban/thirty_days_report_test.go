package main

import (
	"fmt"
	"strings"
	"time"

	"edgeban/reconcile"
)

// share is the part of the ban-time in which the edge blocked.
func (m replayMeasures) share() float64 { return m.enforced.Seconds() / m.banTime.Seconds() }

func (m replayMeasures) burstShare() float64 {
	return m.burstEnforced.Seconds() / m.burstTime.Seconds()
}

// describe says what is replayed, and what a run every two minutes costs if each is perfect.
func (rt replayTime) describe(bans []*replayedBan) string {
	var all, late time.Duration
	unbans := 0
	for _, b := range bans {
		end := b.end()
		if over := dawn().Add(rt.length); end.After(over) {
			end = over
		}
		run := b.since.Sub(dawn()) + reconcile.Interval - 1
		next := dawn().Add(run - run%reconcile.Interval)
		if next.After(end) {
			next = end
		}
		all += end.Sub(b.since)
		late += next.Sub(b.since)
		if !b.lifted.IsZero() {
			unbans++
		}
	}
	return fmt.Sprintf("%d bans of %d h together, %d un-bans by hand; that a ban waits for the timer costs %s of the ban-time",
		len(bans), int(all.Hours()), unbans, percent(late.Seconds()/all.Seconds()))
}

// replayTable tells of each variant the worst that was measured, by seed and variant.
func replayTable(variants []replayVariant, measured [][]replayMeasures) string {
	var b strings.Builder
	b.WriteString("| |")
	for _, v := range variants {
		b.WriteString(" " + v.name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("--:|", len(variants)) + "\n")
	row := func(name string, worst func(all []replayMeasures) string) {
		b.WriteString("| " + name + " |")
		for i := range variants {
			var all []replayMeasures
			for _, seed := range measured {
				all = append(all, seed[i])
			}
			b.WriteString(" " + worst(all) + " |")
		}
		b.WriteString("\n")
	}
	row("ban-time enforced", lowest(replayMeasures.share))
	row("… of the bursts' bans", lowest(replayMeasures.burstShare))
	row("longest time an active ban was missing", longest(func(m replayMeasures) time.Duration { return m.missing }))
	row("… of a burst", longest(func(m replayMeasures) time.Duration { return m.burstMissing }))
	row("longest time blocked after a person's un-ban", longest(func(m replayMeasures) time.Duration { return m.afterUnban }))
	row("longest time blocked after a ban's own end", longest(func(m replayMeasures) time.Duration { return m.afterEnd }))
	row("… of that after it had lingered as it should", longest(func(m replayMeasures) time.Duration { return m.tooLong }))
	row("writes of the list (and refused)", func(all []replayMeasures) string {
		return most(func(m replayMeasures) int { return m.listWrites })(all) + " (" + most(func(m replayMeasures) int { return m.listRefused })(all) + ")"
	})
	row("writes of access rules", most(func(m replayMeasures) int { return m.ruleWrites }))
	row("most access rules at a time", most(func(m replayMeasures) int { return m.mostRules }))
	row("requests in all", most(func(m replayMeasures) int { return m.allRequests }))
	row("most requests in five minutes, of 1200", most(func(m replayMeasures) int { return m.mostInFive }))
	return b.String()
}

func lowest(of func(replayMeasures) float64) func([]replayMeasures) string {
	return func(all []replayMeasures) string {
		low := 1.0
		for _, m := range all {
			low = min(low, of(m))
		}
		return percent(low)
	}
}

func longest(of func(replayMeasures) time.Duration) func([]replayMeasures) string {
	return func(all []replayMeasures) string {
		var high time.Duration
		for _, m := range all {
			high = max(high, of(m))
		}
		return spelled(high)
	}
}

func most(of func(replayMeasures) int) func([]replayMeasures) string {
	return func(all []replayMeasures) string {
		high := 0
		for _, m := range all {
			high = max(high, of(m))
		}
		return fmt.Sprint(high)
	}
}

// percent is rounded down: 99.9 % is not said of less.
func percent(share float64) string { return fmt.Sprintf("%.3f %%", float64(int(share*100_000))/1000) }

// spelled is "71 h 58 min" or "2 min 03 s".
func spelled(d time.Duration) string {
	d = d.Round(time.Second)
	if d >= time.Hour {
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
}
