package fail2ban

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
)

// Problem says why a database could not be read.
type Problem uint8

const (
	Missing       Problem = iota + 1 // no file of this name
	NoDirectory                      // nor its directory
	Denied                           // no permission for the file or a directory on the way
	NotAFile                         // a directory, a device, a pipe
	Empty                            // a file of no bytes
	NotADatabase                     // a file, but not SQLite's
	Unopenable                       // SQLite cannot open it, the system can
	Locked                           // a writer held it for longer than we wait
	Slow                             // not read within the time that does Fail2Ban no harm
	Malformed                        // SQLite found it damaged
	Unfinished                       // a crashed writer left a journal that has to be rolled back first
	UnknownSchema                    // a version of Fail2Ban's tables that no release wrote, or a newer one
	NoTable                          // an SQLite database, but not (yet) Fail2Ban's
	NotATable                        // a view where Fail2Ban has a table
	Unreadable                       // anything else; the message has the cause
	Replaced                         // another file took its place during the read
	Stopped                          // the context ended first
)

// Error says that a database could not be read. errors.Is finds the system's error or the context's in it.
type Error struct {
	Path    string
	Problem Problem
	Err     error // the cause; may be nil

	cause  string // in place of the problem's own words, where more is known
	fact   string // the first sentence of the hint; may be empty
	advice string // the last
}

func (e *Error) Error() string {
	cause := e.cause
	if cause == "" {
		cause = e.Problem.String()
	}
	return fmt.Sprintf("Fail2Ban database %s: %s", e.Path, cause)
}

func (e *Error) Unwrap() error { return e.Err }

// Damaged implements reconcile.Damaged.
func (e *Error) Damaged() bool {
	switch e.Problem {
	case Empty, NotADatabase, Malformed, UnknownSchema, NoTable, NotATable:
		return true
	}
	return false
}

// Hint tells an administrator what to do next, in whole sentences.
func (e *Error) Hint() string {
	return strings.TrimSpace(e.fact + " " + e.Problem.hint(shellWord(e.Path)) + " " + e.advice)
}

// String names the problem the way an error message does.
func (p Problem) String() string {
	switch p {
	case Missing:
		return "no such file"
	case NoDirectory:
		return "no such directory"
	case Denied:
		return "permission denied"
	case NotAFile:
		return "not a regular file"
	case Empty:
		return "empty file"
	case NotADatabase:
		return "not an SQLite database"
	case Unopenable:
		return "SQLite cannot open it"
	case Locked:
		return "locked"
	case Slow:
		return "reading takes too long"
	case Malformed:
		return "malformed"
	case Unfinished:
		return "a crashed program left an unfinished change"
	case UnknownSchema:
		return "unknown schema version"
	case NoTable:
		return "table missing"
	case NotATable:
		return "not a table"
	case Unreadable:
		return "unreadable"
	case Replaced:
		return "replaced while it was read"
	case Stopped:
		return "stopped before it was read"
	default:
		return fmt.Sprintf("problem %d", uint8(p))
	}
}

// hint takes the path as a shell takes it.
func (p Problem) hint(path string) string {
	const whichFile = "`fail2ban-client get dbfile` names the database that Fail2Ban uses"
	switch p {
	case Missing:
		return "Is Fail2Ban installed, and was it ever started? " + whichFile + "; set it as fail2ban-db."
	case NoDirectory:
		return "Is Fail2Ban installed? In a container, mount the directory that holds its database. " + whichFile + "; set it as fail2ban-db."
	case Denied:
		return "Run as root, or give this user the capability CAP_DAC_READ_SEARCH."
	case NotAFile:
		return "Set the path of the database file itself, usually fail2ban.sqlite3. " + whichFile + "."
	case Empty:
		return "Fail2Ban makes its tables when it starts. Restart it; if the file stays empty, `journalctl -u fail2ban` says why."
	case NotADatabase:
		return "Is this the right file? " + whichFile + ". If it is, something has overwritten it: stop Fail2Ban, move the file away, start Fail2Ban."
	case Unopenable:
		return "The file may be read, so look at what lies beside it: a database in WAL mode, which Fail2Ban never uses, needs more than permission to read. Restart Fail2Ban."
	case Locked:
		return "A backup, a VACUUM, or Fail2Ban repairing its database may hold it; `fuser -v " + path + "` names the program. The next run tries again."
	case Slow:
		return "The disk is slow or the file has grown large, and holding it longer would make Fail2Ban lose bans. " +
			"Stop Fail2Ban, run `sqlite3 " + path + " VACUUM`, start it; a shorter dbpurgeage in fail2ban.local keeps the file small."
	case Malformed:
		return "Restart Fail2Ban: it repairs its database when it starts, or else begins an empty one. To save the bans before that, " +
			"stop Fail2Ban and run `sqlite3 " + path + " .recover | sqlite3 recovered.sqlite3`."
	case Unfinished:
		return "Restart Fail2Ban: a program that may write has to open the database once to undo that change."
	case UnknownSchema:
		return "Fail2Ban's releases wrote version 2 (0.9, 0.10) and 4 (0.11.1 and later); 1 and 3 were used in its development only. " +
			"An older database is upgraded when a newer Fail2Ban starts; for a newer one, update this program."
	case NoTable:
		return "Fail2Ban has not finished making its tables, or this is the database of another program. " + whichFile + "."
	case NotATable:
		return "Fail2Ban makes no views: somebody has changed its database. Stop Fail2Ban, move the file away, start Fail2Ban."
	case Unreadable:
		return "Look for disk errors with `dmesg`. SQLite needs a local file system: not NFS. " + whichFile + "."
	case Replaced:
		return "Fail2Ban may be repairing its database. The next run tries again."
	case Stopped:
		return "The run was interrupted, or its deadline passed. The next run tries again."
	default:
		return ""
	}
}

func shellWord(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\n'\"`$&;|<>()[]{}*?#~!\\") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// SQLite's primary result codes (https://www.sqlite.org/rescode.html).
const (
	sqliteBusy      = 5
	sqliteReadOnly  = 8
	sqliteInterrupt = 9
	sqliteCorrupt   = 11
	sqliteCantOpen  = 14
	sqliteNotADB    = 26
)

// resultCode returns SQLite's primary result code for err, 0 when SQLite did not say it.
func resultCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

func isBusy(err error) bool { return resultCode(err) == sqliteBusy }

// explain makes an *Error of what a read ended with. ctx is the caller's, without the bound on a transaction.
func (s *Source) explain(ctx context.Context, err error) error {
	var known *Error
	code := resultCode(err)
	switch {
	case ctx.Err() != nil:
		reason := context.Cause(ctx)
		return &Error{Path: s.path, Problem: Stopped, Err: reason, cause: fmt.Sprintf("%v: %v", Stopped, reason)}
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.DeadlineExceeded), code == sqliteInterrupt:
		return &Error{Path: s.path, Problem: Slow, Err: err, cause: fmt.Sprintf("not read within %v", s.hold)}
	case code == sqliteBusy:
		return &Error{Path: s.path, Problem: Locked, Err: err, cause: fmt.Sprintf("locked for more than %v", s.lockWait)}
	case code == sqliteCorrupt:
		return &Error{Path: s.path, Problem: Malformed, Err: err}
	case code == sqliteNotADB:
		return &Error{Path: s.path, Problem: NotADatabase, Err: err}
	case code == sqliteReadOnly:
		return &Error{Path: s.path, Problem: Unfinished, Err: err}
	case code == sqliteCantOpen:
		return openError(s.path, err)
	default:
		return &Error{Path: s.path, Problem: Unreadable, Err: err, cause: fmt.Sprintf("%v: %v", Unreadable, err)}
	}
}
