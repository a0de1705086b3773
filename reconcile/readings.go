package reconcile

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Readings are what all sources said at one moment.
type Readings struct {
	Bans    []Ban          // of those that answered
	Sources []SourceReport // in the order of the run's sources
	Notes   []string       // whole sentences for a person
	Err     error          // nil, unless none answered
	Took    time.Duration

	began time.Time // on the clock of this process: the moment that is the run's Now
}

// Read asks all sources, concurrently.
func (r Run) Read(ctx context.Context) Readings {
	r.Now = r.Now.Truncate(time.Second)
	said := Readings{began: time.Now()}
	if len(r.Sources) == 0 {
		said.Err = errors.New("no source of bans")
		return said
	}
	readings := make([]Reading, len(r.Sources))
	errs := make([]error, len(r.Sources))
	var wait sync.WaitGroup
	for i, s := range r.Sources {
		wait.Go(func() { readings[i], errs[i] = s.Bans(ctx, r.Now, r.Memory[MemoryKey(s)]) })
	}
	wait.Wait()
	said.Took = time.Since(said.began)
	failed := 0
	for i, s := range r.Sources {
		sr := SourceReport{Name: s.Name(), Label: s.Label(), Err: errs[i]}
		if errs[i] != nil {
			failed++
			sr.Damaged = is(errs[i], Damaged.Damaged)
		} else {
			sr.Identity, sr.Memory = readings[i].Identity, readings[i].Memory
			sr.Held, sr.Active = len(readings[i].Bans), activeByReason(readings[i].Bans, r.Now)
			said.Notes = append(said.Notes, readings[i].Notes...)
			if said.Bans == nil {
				said.Bans = slices.Clip(readings[i].Bans) // most often it is the only source, and no copy is needed
			} else {
				said.Bans = append(said.Bans, readings[i].Bans...)
			}
		}
		said.Sources = append(said.Sources, sr)
	}
	if failed == len(r.Sources) {
		said.Err = errors.Join(errs...)
	}
	return said
}

// Desire is what the run's list should hold, by what the sources said.
func (r Run) Desire(said Readings) Desired {
	return Desire(said.Bans, r.Policy, r.Now.Truncate(time.Second))
}

func activeByReason(bans []Ban, now time.Time) map[string]int {
	active := map[string]int{}
	for _, b := range bans {
		if b.Void == "" && (b.Permanent() || b.Until.After(now)) {
			active[b.Reason]++
		}
	}
	return active
}
