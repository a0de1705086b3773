package fail2ban

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// inspect names what is wrong with the file before SQLite, which says the same of most of it, is asked. It opens nothing.
func inspect(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fileError(path, err)
	case info.IsDir():
		return &Error{Path: path, Problem: NotAFile, cause: "is a directory"}
	case !info.Mode().IsRegular():
		return &Error{Path: path, Problem: NotAFile}
	case info.Size() == 0:
		return &Error{Path: path, Problem: Empty}
	}
	return nil
}

// openError finds out why SQLite could not open a file that inspect had no fault to find with. No connection is open
// then whose locks the closing of the file could drop.
func openError(path string, cause error) error {
	f, err := os.Open(path)
	if err != nil {
		return fileError(path, err)
	}
	f.Close()
	return &Error{Path: path, Problem: Unopenable, Err: cause}
}

// fileError tells the operating system's errors apart.
func fileError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return deniedError(path, err)
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		if dir, err := os.Stat(filepath.Dir(path)); err != nil || !dir.IsDir() {
			return &Error{Path: path, Problem: NoDirectory, Err: err}
		}
		return &Error{Path: path, Problem: Missing, Err: err}
	default:
		reason := err
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			reason = e.Err // without the path, which the message has already
		}
		return &Error{Path: path, Problem: Unreadable, Err: err, cause: fmt.Sprintf("%v: %v", Unreadable, reason)}
	}
}

// deniedError says who owns what stands in the way: the database, or the first directory on the way to it that may not
// be entered.
func deniedError(path string, err error) error {
	e := &Error{Path: path, Problem: Denied, Err: err}
	what, at := "The database", path
	info, statErr := os.Stat(at)
	for statErr != nil && at != filepath.Dir(at) {
		at = filepath.Dir(at)
		what = "The directory " + at
		info, statErr = os.Stat(at)
	}
	if statErr != nil {
		return e
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return e
	}
	e.fact = what + " belongs to " + owner(stat.Uid, stat.Gid) + "."
	if stat.Uid != 0 || stat.Gid != 0 {
		// A user namespace gives capabilities only over files of users and groups that it maps.
		e.advice = "Under systemd's PrivateUsers=yes that capability reaches only what belongs to root and its group: for others set PrivateUsers=no."
	}
	return e
}

// owner names the group where it is not root's.
func owner(uid, gid uint32) string {
	name := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	if gid == 0 {
		return name
	}
	group := strconv.FormatUint(uint64(gid), 10)
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	return name + ":" + group
}
