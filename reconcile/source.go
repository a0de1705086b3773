package reconcile

import (
	"context"
	"encoding/json"
	"time"
)

// Source is where bans come from. Implementations hold no state between reads and are used by one goroutine;
// different sources are asked concurrently.
type Source interface {
	// Name is the kind, as it is written into comments and metrics: "fail2ban". It matches [a-z0-9]+.
	Name() string

	// Label tells this source from others of its kind, for people and for the state file: a path, a URL.
	Label() string

	// Bans returns every ban the source holds at now, those that ended included, or an error; never a part of
	// them with a nil error. "No bans" is an empty Reading, "could not read" is an error. memory is what the last
	// good Reading asked to have remembered, nil when that is unknown.
	//
	// An error that has a method Hint() string tells a person what to do next.
	Bans(ctx context.Context, now time.Time, memory json.RawMessage) (Reading, error)
}

// Damaged is implemented by the errors of a source that found its store, but not in order: empty, malformed, without its tables. What
// stands at its place later may be another one, even under the same identity.
type Damaged interface{ Damaged() bool }

// Reading is the whole of what a source said at one moment.
type Reading struct {
	Bans []Ban
	// Identity changes when the store that was read is another one than before: a file's device and inode. What a steady store
	// lacks was lifted; what a new one lacks may be forgotten. Empty: the source cannot tell.
	Identity string

	Notes  []string        // what a person ought to know about this read: whole sentences without a full stop
	Memory json.RawMessage // to be handed to the next read; nil: nothing
}
