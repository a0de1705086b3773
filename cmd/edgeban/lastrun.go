package main

import (
	"errors"
	"strings"
	"time"

	"edgeban/reconcile"
)

// lastRun is how the last run ended, whether or not it came to see the list.
type lastRun struct {
	At      time.Time         `json:"at"`
	Outcome reconcile.Outcome `json:"outcome"`
	Error   string            `json:"error,omitempty"`
	Later   bool              `json:"later,omitempty"` // it failed for want of time or of requests alone
}

// measured is what a run knew of the list when it ended.
type measured struct {
	At        time.Time `json:"at"`
	Items     int       `json:"items"`
	Own       int       `json:"own"` // those by `edgeban ban` included
	Manual    int       `json:"manual"`
	Foreign   int       `json:"foreign"`
	Peers     int       `json:"peers"`
	Elsewhere int       `json:"elsewhere"` // items of the account's other lists
	Quota     int       `json:"quota"`     // items that the account may have
	Missing   int       `json:"missing"`   // items that should be on the list, or be rewritten
	Stale     int       `json:"stale"`     // … that should not be on it
	Rules     int       `json:"rules"`     // that use the list
}

func lastRunOf(r reconcile.Report) *lastRun {
	run := &lastRun{At: r.Now.UTC(), Outcome: r.Outcome}
	if r.Err != nil {
		var later reconcile.Later
		run.Later = errors.As(r.Err, &later) && later.Later()
		var texts []string
		for _, e := range unjoined(r.Err) {
			texts = append(texts, e.Error())
		}
		run.Error = strings.Join(texts, "; ")
	}
	return run
}

// measuredBy is nil when the run did not see the list, or when it is open what it wrote.
func measuredBy(r reconcile.Report, quota int) *measured {
	tally, known := r.Tally()
	missing, stale, drift := r.Drift()
	if !known || !drift || r.Survey == nil {
		return nil
	}
	return &measured{
		At: r.Now.UTC(), Items: tally.Items, Own: tally.Own, Manual: tally.Manual, Foreign: tally.Foreign, Peers: tally.Peers,
		Elsewhere: r.Survey.Elsewhere + r.Plan.OtherMode, Quota: quota, Missing: missing, Stale: stale, Rules: r.Survey.References,
	}
}
