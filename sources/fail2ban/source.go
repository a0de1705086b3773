package fail2ban

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"edgeban/reconcile"
)

// Name is the name of every Source, in bans, comments and metrics.
const Name = "fail2ban"

// Fail2Ban's own bantime where none is set (config/jail.conf: bantime = 10m).
const stockBantime = 10 * time.Minute

// Options are the settings of a Source. The zero value is fit for use.
type Options struct {
	// DefaultBantime is the length of bans for which the database holds none: all of schema 2, and those that an
	// upgrade to schema 4 took over (bantime -2). Zero or less: 10 minutes, as in Fail2Ban.
	DefaultBantime time.Duration
}

// Source is one Fail2Ban database. It holds no state between reads and is safe for concurrent use.
type Source struct {
	path    string
	bantime time.Duration

	lockWait time.Duration // how long to wait for a writer, holding no lock
	hold     time.Duration // how long one try may take, waiting included; less than Fail2Ban's patience of 5 s
	pause    time.Duration // between the first try and the second
}

var _ reconcile.Source = (*Source)(nil)

// New returns the source that reads the database at path. It touches no file.
func New(path string, opts Options) *Source {
	if opts.DefaultBantime <= 0 {
		opts.DefaultBantime = stockBantime
	}
	return &Source{
		path:     path,
		bantime:  opts.DefaultBantime,
		lockWait: 2 * time.Second,
		hold:     4 * time.Second,
		pause:    time.Second,
	}
}

// Name returns "fail2ban".
func (s *Source) Name() string { return Name }

// Label returns the path of the database as it was given to New.
func (s *Source) Label() string { return s.path }

// Bans returns one ban per row, those that ended included, as the database holds them at the moment of the read; of
// schema 2 the latest row per jail and address. Since and Until are in UTC, rounded to milliseconds and kept within the
// years 1 to 9999. A row that makes no sense is Void with LeftOutUnreadable and has a printable Value; a ban of a jail
// that is gone from Fail2Ban's configuration is Void with LeftOutJailRemoved.
//
// memory is what an earlier Reading of the same database asked to have remembered. Anything else counts as nil.
//
// A read that meets a lock, or takes too long, is tried a second time; all of it takes less than 10 seconds and ends when
// ctx does. Every error is an *Error.
func (s *Source) Bans(ctx context.Context, now time.Time, memory json.RawMessage) (reconcile.Reading, error) {
	found, err := s.read(ctx)
	if err != nil {
		return reconcile.Reading{}, err
	}
	gone, remembered := parseJailMemory(memory).next(found.enabled, now)
	voided := void(found.bans, gone, now)
	return reconcile.Reading{
		Bans:     found.bans,
		Identity: found.identity,
		Notes:    slices.Concat(s.guessNotes(found), goneNotes(voided)),
		Memory:   remembered.json(),
	}, nil
}

// read tries twice: after the first try a writer may be done, and the pages lie in the system's cache.
func (s *Source) read(ctx context.Context) (*contents, error) {
	found, err := s.try(ctx)
	var e *Error
	if !errors.As(err, &e) || (e.Problem != Locked && e.Problem != Slow && e.Problem != Replaced) {
		return found, err
	}
	if pause(ctx, s.pause) != nil {
		return nil, s.explain(ctx, err)
	}
	return s.try(ctx)
}

// guessNotes says for how many bans the default length stands in.
func (s *Source) guessNotes(found *contents) []string {
	const setting = "(setting fail2ban-bantime)"
	switch {
	case found.guessed == 0:
		return nil
	case found.version == historySchema:
		return []string{fmt.Sprintf("the database has schema 2 (Fail2Ban 0.9 or 0.10), which does not say how long a ban lasts: %v stands in for %s %s",
			s.bantime, plural(found.guessed, "ban"), setting)}
	default:
		return []string{fmt.Sprintf("Fail2Ban did not record how long %s of %d will last, as after an upgrade from 0.10 or older: %v stands in %s",
			plural(found.guessed, "ban"), len(found.bans), s.bantime, setting)}
	}
}

// plural is "1 ban", "2 bans".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// pause waits for d, or until ctx ends and then returns its error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
