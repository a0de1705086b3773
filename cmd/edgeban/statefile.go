package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// stateFile is a file that holds a state. A nil stateFile remembers nothing.
type stateFile struct{ dir, name string }

func (f *stateFile) path() string { return filepath.Join(f.dir, f.name) }

// accountsFile holds what runs left about accounts. Instances of edgeban whose state directories lie side by side, each under the
// instance's name, share it: Cloudflare's refusal of one is a refusal of all.
func accountsFile(dir *stateDir, instance string) *stateFile {
	switch {
	case dir == nil:
		return nil
	case instance != "" && filepath.Base(dir.path) == instance:
		return &stateFile{filepath.Dir(dir.path), "accounts.json"}
	}
	return &stateFile{dir.path, "accounts.json"}
}

// change loads the state, lets do change it and saves it, while no other process does the same.
func (f *stateFile) change(do func(*state)) error {
	if f == nil {
		return nil
	}
	dir, err := os.Open(f.dir)
	if err != nil {
		return fmt.Errorf("state %s: %w", f.path(), cause(err))
	}
	defer release(dir)
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", f.dir, err)
	}
	f.sweep()
	s, _ := f.load() // what is wrong with it was told when the run began
	do(&s)
	return f.save(s)
}

// sweep removes what runs left that were killed while they wrote the file. Who may write it is alone with it.
func (f *stateFile) sweep() { removeAll(f.dir, "."+f.name+"-") }

// removeAll removes the files of a directory whose names begin so.
func removeAll(dir, prefix string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			_ = os.Remove(filepath.Join(dir, e.Name())) // the next run tries again
		}
	}
}

// maxStateFile, in bytes, is far beyond every state: 500 000 changes that wait take a tenth of it.
const maxStateFile = 512 << 20

// load reads the state. A state that cannot be read or understood is empty, and the error says why; a *badStateError is one that
// will not get better.
func (f *stateFile) load() (state, error) {
	empty := state{Version: stateVersion}
	if f == nil {
		return empty, nil
	}
	text, err := f.read()
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return empty, err
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return empty, f.bad(" is damaged: %w", err)
	}
	if s.Version != stateVersion {
		return empty, f.bad(" is of version %d, this edgeban writes %d", s.Version, stateVersion)
	}
	return s, nil
}

// read returns what the file holds, if it is a file: a link is not followed, and nothing else that bears its name is waited for.
func (f *stateFile) read() ([]byte, error) {
	in, err := os.OpenFile(f.path(), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, f.bad(": is a symbolic link, which is not followed")
	}
	if err != nil {
		return nil, fmt.Errorf("state %s: %w", f.path(), cause(err))
	}
	defer in.Close()
	info, err := in.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("state %s: %w", f.path(), cause(err))
	case info.IsDir():
		return nil, f.bad(": is a directory")
	case !info.Mode().IsRegular():
		return nil, f.bad(": is not a regular file")
	case info.Size() > maxStateFile:
		return nil, f.bad(" is larger than %d MiB", maxStateFile>>20)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("state %s: %w", f.path(), cause(err))
	}
	return text, nil
}

// badStateError is something in the place of the state that no run can use.
type badStateError struct{ error }

func (e *badStateError) Unwrap() error { return e.error }

func (f *stateFile) bad(format string, args ...any) error {
	return &badStateError{fmt.Errorf("state %s"+format, append([]any{f.path()}, args...)...)}
}

// setAside gives what stands in the state's place another name, whatever it is, and returns the name. It takes the place of
// what was set aside before.
func (f *stateFile) setAside() (string, error) {
	aside := f.path() + ".bad"
	_ = os.Remove(aside) // a directory cannot take a file's place; one that holds something stays, and then so does this
	if err := os.Rename(f.path(), aside); err != nil {
		return "", fmt.Errorf("it cannot be set aside as %s: %w", aside, cause(err))
	}
	return aside, nil
}

// save replaces the state in one step: whoever reads it meets the old one or the new one.
func (f *stateFile) save(s state) error {
	if f == nil {
		return nil
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("state %s: %w", f.path(), err)
	}
	tmp, err := os.CreateTemp(f.dir, "."+f.name+"-*")
	if err != nil {
		return fmt.Errorf("state %s: %w", f.path(), cause(err))
	}
	_, err = tmp.Write(append(text, '\n'))
	err = errors.Join(err, handOver(tmp, f.dir), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), f.path())
	}
	if err != nil {
		return errors.Join(fmt.Errorf("state %s: %w", f.path(), cause(err)), os.Remove(tmp.Name()))
	}
	return nil
}
