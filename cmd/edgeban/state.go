package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// state is what a run leaves for the next one. It makes edgeban polite and fast, never correct: without it the next run
// still converges.
type state struct {
	Version int `json:"version"`

	// Lists is what runs on each list left, by account and list as the settings name it.
	Lists map[string]listState `json:"lists,omitempty"`

	// Allowed are the temporary allow lines of `edgeban unban --for`, by account: they hold for all its lists, however the settings name
	// these.
	Allowed map[string][]allowedUntil `json:"allowed,omitempty"`

	// Accounts is what runs on any list of an account left: Cloudflare throttles accounts. They have a file of their own, which
	// several instances on a host share.
	Accounts map[string]accountState `json:"accounts,omitempty"`
}

type listState struct {
	reconcile.Past

	// ID is Cloudflare's for the list: the settings may come to call it otherwise. Empty: no run has found it.
	ID string `json:"id,omitempty"`

	// LastSuccess is when a run last ended with nothing left to do; zero: unknown.
	LastSuccess time.Time `json:"last_success,omitzero"`

	// SkippedSince is when the first of an unbroken series of skipped runs was skipped; zero: the last run was not.
	SkippedSince time.Time `json:"skipped_since,omitzero"`

	// UntaggedAllowed: a person let untagged items of the list go once, and so may runs from then on.
	UntaggedAllowed bool `json:"untagged_allowed,omitempty"`

	LastRun  *lastRun  `json:"last_run,omitempty"` // for `edgeban status`; nil: unknown
	Measured *measured `json:"measured,omitempty"` // by the last run that read the list; nil: none did
}

type accountState struct {
	Throttle  reconcile.Throttle `json:"throttle,omitzero"`
	Capacity  reconcile.Capacity `json:"capacity,omitzero"`
	Open      reconcile.Open     `json:"open,omitzero"`        // an account carries out one operation at a time, on whichever list
	BatchSize int                `json:"batch_size,omitempty"` // items that a write may carry, where Cloudflare refused more; 0: it did not
	Rules     reconcile.Throttle `json:"rules,omitzero"`       // refusals of writes of access rules, which say nothing of lists
	Spent     []spent            `json:"spent,omitempty"`      // requests of the last five minutes on access rules

	// Known are access rules of others, by scope, that were in the way in runs that do not read all rules.
	Known map[string][]cloudflare.KnownRule `json:"known_rules,omitempty"`
}

// stateVersion is raised when an older edgeban could misread the file.
const stateVersion = 1

// stateDir is the directory that holds the state and the lock. A nil stateDir remembers nothing and locks nothing.
type stateDir struct{ path string }

// lists is the file of what runs on each list left; nil when there is no directory.
func (d *stateDir) lists() *stateFile {
	if d == nil {
		return nil
	}
	return &stateFile{d.path, "state.json"}
}

// openStateDir makes the directory when it is missing and proves that it can be written.
func openStateDir(path string) (*stateDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("state directory %s: %w", path, cause(err))
	}
	probe, err := os.CreateTemp(path, ".probe-*")
	if err != nil {
		return nil, fmt.Errorf("state directory %s: %w", path, cause(err))
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("state directory %s: %w", path, cause(err))
	}
	return &stateDir{path}, nil
}

// errLocked says that another run holds the lock.
var errLocked = errors.New("another edgeban is running")

// lock takes the lock that one run holds at a time. The file stays; the kernel drops the lock when the process ends.
func (d *stateDir) lock() (unlock func(), err error) {
	if d == nil {
		return func() {}, nil
	}
	path := filepath.Join(d.path, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, cause(err))
	}
	if err := handOver(f, d.path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errLocked
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	d.lists().sweep() // only who holds the lock writes a state
	removeAll(d.path, ".probe-")
	return func() { release(f) }, nil
}

// release gives up the lock on f and closes it. A process that is just being started has a copy of f and would else keep the lock
// for a moment.
func release(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	_ = f.Close()
}

// handOver gives a file that root made to the owner of the directory, so that a command run by hand never locks the
// service out.
func handOver(f *os.File, dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 && owner.Gid == 0 {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}
