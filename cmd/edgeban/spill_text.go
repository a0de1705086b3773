package main

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// spilled counts the access rules of our own that stand in for lists. Its JSON names are an interface.
type spilled struct {
	At         time.Time `json:"at"` // the oldest of the looks that tell it
	Blocks     int       `json:"blocks"`
	Challenges int       `json:"challenges"`
	Allows     int       `json:"allows"` // of whom a person un-banned
}

// spilledNow is what the last runs on the access rules saw that saw them; nil: bans do not spill, or none saw all.
func (x *session) spilledNow() *spilled {
	works := x.spillWorks()
	if len(works) == 0 {
		return nil
	}
	var s spilled
	for _, w := range works {
		m := w.listState().Measured
		if m == nil {
			return nil
		}
		if s.At.IsZero() || m.At.Before(s.At) {
			s.At = m.At
		}
		*s.of(w.mode) = m.Own
	}
	return &s
}

// spilledBy is what runs on the access rules left there; nil when there was none, or it is open what they did.
func spilledBy(done []ended) *spilled {
	var s *spilled
	for _, e := range done {
		if !e.spill {
			continue
		}
		tally, known := e.report.Tally()
		if !known {
			return nil
		}
		if s == nil {
			s = &spilled{At: e.report.Now}
		}
		*s.of(e.mode) = tally.Own
	}
	return s
}

func (s *spilled) of(mode cloudflare.Mode) *int {
	switch mode {
	case cloudflare.ModeAllow:
		return &s.Allows
	case cloudflare.ModeChallenge:
		return &s.Challenges
	default:
		return &s.Blocks
	}
}

// text is "12 bans and 1 un-ban", "" when nothing spilled.
func (s *spilled) text() string {
	if s == nil {
		return ""
	}
	var parts []string
	if n := s.Blocks + s.Challenges; n > 0 {
		parts = append(parts, plural(n, "ban"))
	}
	if s.Allows > 0 {
		parts = append(parts, plural(s.Allows, "un-ban"))
	}
	return strings.Join(parts, " and ")
}

// sentence is "12 bans are in access rules.", "" when nothing spilled.
func (s *spilled) sentence() string {
	switch text := s.text(); {
	case text == "":
		return ""
	case s.Blocks+s.Challenges+s.Allows == 1:
		return text + " is in access rules."
	default:
		return text + " are in access rules."
	}
}

// quiet reports whether the end of the run is not worth a line: its numbers are told with the list's.
func (e ended) quiet() bool {
	missing, stale, known := e.report.Drift()
	return e.spill && e.report.Outcome == reconcile.OutcomeInStep && known && missing+stale == 0
}

// warnOfAllow names those that a run on access rules has begun to let through.
func (e ended) warnOfAllow() {
	if e.mode != cloudflare.ModeAllow || e.report.Plan == nil || !e.spill {
		return
	}
	var fresh []netip.Prefix
	for _, a := range e.report.Plan.Add[:e.report.Applied.Added] {
		if a.Why == reconcile.AddNew {
			fresh = append(fresh, a.Post.Prefix)
		}
	}
	if len(fresh) == 0 {
		return
	}
	whom, rules, it := reconcile.PrefixText(fresh[0])+" is", "an Allow rule", "it"
	if n := len(fresh) - 1; n > 0 {
		whom, rules, it = fmt.Sprintf("%s and %d more are", reconcile.PrefixText(fresh[0]), n), "Allow rules", "them"
	}
	e.out.warn(fmt.Sprintf("%s let through by %s, until the list lets %s go: un-banned by a person. Such a rule bypasses all other protection, too; "+
		"spill-allow = false does without", whom, rules, it))
}

// drainNote is how long the list takes no bans, as diff tells it.
func drainNote(now time.Time, last time.Time) string {
	return "Cloudflare refused a write of the list at " + clock(now, last) + ": for seven days from then the list only lets go, and new bans go into access rules.\n"
}
