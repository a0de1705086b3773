package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"edgeban/reconcile"
)

// state is what a run leaves for the next one. It makes edgeban polite and fast, never correct: without it the next run
// still converges.
type state struct {
	Version int `json:"version"`

	// Lists is what runs on each list left, by account and list as the settings name it.
	Lists map[string]listState `json:"lists,omitempty"`

	// Accounts is what runs on any list of an account left: Cloudflare throttles accounts.
	Accounts map[string]accountState `json:"accounts,omitempty"`
}

type listState struct {
	reconcile.Past

	// LastSuccess is when a run last ended with nothing left to do; zero: unknown.
	LastSuccess time.Time `json:"last_success,omitzero"`

	// SkippedSince is when the first of the runs was skipped that were all skipped since; zero: the last run was not.
	SkippedSince time.Time `json:"skipped_since,omitzero"`

	// UntaggedAllowed: a person let untagged items of the list go once, and so may runs from then on.
	UntaggedAllowed bool `json:"untagged_allowed,omitempty"`

	Allowed  []allowedUntil `json:"allowed,omitempty"`  // temporary allow lines of `edgeban unban --for`
	LastRun  *lastRun       `json:"last_run,omitempty"` // for `edgeban status`; nil: unknown
	Measured *measured      `json:"measured,omitempty"` // what the last run saw that saw the list; nil: none did
}

type accountState struct {
	Throttle  reconcile.Throttle `json:"throttle,omitzero"`
	Capacity  reconcile.Capacity `json:"capacity,omitzero"`
	BatchSize int                `json:"batch_size,omitempty"` // items that a write may carry, where Cloudflare refused more; 0: it did not
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

// maxStateFile, in bytes, is far beyond every state: 500 000 changes that wait take a tenth of it.
const maxStateFile = 512 << 20

// load reads the state. A state that cannot be read or understood is empty, and the error says why; a *badStateError is one that
// will not get better.
func (d *stateDir) load() (state, error) {
	empty := state{Version: stateVersion}
	if d == nil {
		return empty, nil
	}
	text, err := d.read()
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return empty, err
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return empty, d.bad(" is damaged: %w", err)
	}
	if s.Version != stateVersion {
		return empty, d.bad(" is of version %d, this edgeban writes %d", s.Version, stateVersion)
	}
	return s, nil
}

// read returns what the file holds, if it is a file: a link is not followed, and nothing else that bears its name is waited for.
func (d *stateDir) read() ([]byte, error) {
	f, err := os.OpenFile(d.file(), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, d.bad(": is a symbolic link, which is not followed")
	}
	if err != nil {
		return nil, fmt.Errorf("state %s: %w", d.file(), cause(err))
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("state %s: %w", d.file(), cause(err))
	case info.IsDir():
		return nil, d.bad(": is a directory")
	case !info.Mode().IsRegular():
		return nil, d.bad(": is not a regular file")
	case info.Size() > maxStateFile:
		return nil, d.bad(" is larger than %d MiB", maxStateFile>>20)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("state %s: %w", d.file(), cause(err))
	}
	return text, nil
}

// badStateError is something in the place of the state that no run can use.
type badStateError struct{ error }

func (e *badStateError) Unwrap() error { return e.error }

func (d *stateDir) bad(format string, args ...any) error {
	return &badStateError{fmt.Errorf("state %s"+format, append([]any{d.file()}, args...)...)}
}

// setAside gives what stands in the state's place another name, whatever it is, and returns the name. It takes the place of
// what was set aside before.
func (d *stateDir) setAside() (string, error) {
	aside := d.file() + ".bad"
	_ = os.Remove(aside) // a directory cannot take a file's place; one that holds something stays, and then so does this
	if err := os.Rename(d.file(), aside); err != nil {
		return "", fmt.Errorf("it cannot be set aside as %s: %w", aside, cause(err))
	}
	return aside, nil
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
