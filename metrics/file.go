package metrics

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
)

// WriteFile writes the run's metrics to path, a name that ends in .prom in the directory that node_exporter reads. The
// file is replaced as a whole, with mode 0644: a reader finds the old one or the new one, and after an error the old one. What root writes
// belongs to the directory's owner. An error that a person can do something about has a method Hint() string.
func WriteFile(path string, run Run) error {
	err := prometheus.WriteToTextfile(path, Registry(run))
	if err != nil {
		return &fileError{path: path, cause: causeOf(err)}
	}
	if os.Geteuid() == 0 {
		_ = handOver(path) // the metrics are there, and where others may replace files, they may replace this one
	}
	return nil
}

// handOver gives the file to the owner of its directory, so that a run by hand leaves nothing that the service could not replace where only
// owners may (a sticky directory). That owner may have put another file in its place meanwhile: only root's own, readable to
// everybody and without another name, changes hands.
func handOver(path string) error {
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	owner, ok := dir.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 && owner.Gid == 0 {
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if made, ok := info.Sys().(*syscall.Stat_t); !ok || info.Mode() != 0o644 || made.Uid != 0 || made.Nlink != 1 {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

// causeOf takes the name of the temporary file off an error of the system.
func causeOf(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		if errors.Is(e.Err, fs.ErrExist) { // what os.Rename says of a directory
			return syscall.EISDIR
		}
		return e.Err
	}
	return err
}

// fileError says that the file could not be written.
type fileError struct {
	path  string
	cause error
}

func (e *fileError) Error() string { return "write metrics " + e.path + ": " + e.cause.Error() }
func (e *fileError) Unwrap() error { return e.cause }

// Hint says what to do, or nothing where the cause says it all.
func (e *fileError) Hint() string {
	dir := filepath.Dir(e.path)
	switch {
	case errors.Is(e.cause, syscall.EISDIR):
		return "That is a directory. Name a file in it that ends in .prom."
	case errors.Is(e.cause, fs.ErrNotExist):
		return "Is node_exporter installed? Create " + dir + ", or name a file in the directory that node_exporter's " +
			"--collector.textfile.directory names."
	case errors.Is(e.cause, fs.ErrPermission):
		return "The file is replaced by a new one, so this user needs permission to write in " + dir + ", not only to the file."
	case errors.Is(e.cause, syscall.EROFS):
		return "Under systemd, a unit may write only where it says so: add ReadWritePaths=" + dir + " to it."
	default:
		return ""
	}
}
