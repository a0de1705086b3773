package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"edgeban/reconcile"
)

// state is what a run leaves for the next one. It makes edgeban polite and fast, never correct: without it the next run
// still converges.
type state struct {
	Version int `json:"version"`

	// Past is what runs on each list left, by account and list.
	Past map[string]reconcile.Past `json:"past,omitempty"`

	// LastSuccess is when a run last ended with nothing left to do; zero: unknown.
	LastSuccess time.Time `json:"last_success,omitzero"`

	// SkippedSince is when the first of the runs was skipped that were all skipped since; zero: the last run was not.
	SkippedSince time.Time `json:"skipped_since,omitzero"`

	// BatchSize is how many items a write may carry, where Cloudflare refused more; 0: it did not.
	BatchSize int `json:"batch_size,omitempty"`

	// UntaggedAllowed are the lists whose untagged items a person allowed to be removed once.
	UntaggedAllowed []string `json:"untagged_allowed,omitempty"`
}

// stateVersion is raised when an older edgeban could misread the file.
const stateVersion = 1

// stateDir is the directory that holds the state and the lock. A nil stateDir remembers nothing and locks nothing.
type stateDir struct{ path string }

func (d *stateDir) file() string { return filepath.Join(d.path, "state.json") }

// openStateDir makes the directory when it is missing and proves that it can be written.
func openStateDir(path string) (*stateDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("state directory %s: %w", path, cause(err))
	}
	probe, err := os.CreateTemp(path, ".probe-*")
	if err != nil {
		return nil, fmt.Errorf("state directory %s: %w", path, cause(err))
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
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
	if err := d.handOver(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errLocked
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// load reads the state. A state that cannot be read or understood is empty, and the error says why.
func (d *stateDir) load() (state, error) {
	empty := state{Version: stateVersion}
	if d == nil {
		return empty, nil
	}
	text, err := os.ReadFile(d.file())
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return empty, fmt.Errorf("state %s: %w; going on without it", d.file(), cause(err))
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return empty, fmt.Errorf("state %s is damaged: %w; going on without it", d.file(), err)
	}
	if s.Version != stateVersion {
		return empty, fmt.Errorf("state %s is of version %d, this edgeban writes %d; going on without it", d.file(), s.Version, stateVersion)
	}
	return s, nil
}

// save replaces the state in one step: whoever reads it meets the old one or the new one.
func (d *stateDir) save(s state) error {
	if d == nil {
		return nil
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("state %s: %w", d.file(), err)
	}
	f, err := os.CreateTemp(d.path, ".state-*")
	if err != nil {
		return fmt.Errorf("state %s: %w", d.file(), cause(err))
	}
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, d.handOver(f), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), d.file())
	}
	if err != nil {
		return errors.Join(fmt.Errorf("state %s: %w", d.file(), cause(err)), os.Remove(f.Name()))
	}
	return nil
}

// handOver gives a file that root made to the owner of the directory, so that a command run by hand never locks the
// service out.
func (d *stateDir) handOver(f *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(d.path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 && owner.Gid == 0 {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

// allowsUntagged reports whether a person allowed the removal of the list's untagged items before.
func (s state) allowsUntagged(list string) bool { return slices.Contains(s.UntaggedAllowed, list) }

// allowUntagged remembers that a person did.
func (s *state) allowUntagged(list string) {
	if !s.allowsUntagged(list) {
		s.UntaggedAllowed = append(s.UntaggedAllowed, list)
		slices.Sort(s.UntaggedAllowed)
	}
}
