package fail2ban

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"

	"edgeban/reconcile"
)

// The two versions of Fail2Ban's schema that releases wrote (server/database.py: __version__).
const (
	historySchema = 2 // 0.9.0 to 0.10.6
	bipsSchema    = 4 // 0.11.1 and later
)

const (
	// cacheQuery makes SQLite keep few pages: no page is read twice, and the 2 MB that it keeps by default would be a tenth of
	// all that a run takes. It comes after the tables because it, too, reads the file.
	cacheQuery = "PRAGMA cache_size = 32"

	tablesQuery  = "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND name IN ('fail2banDb', 'jails', 'bans', 'bips')"
	versionQuery = "SELECT version FROM fail2banDb LIMIT 1"
	jailsQuery   = "SELECT name, enabled FROM jails NOT INDEXED"
	bipsQuery    = "SELECT ip, jail, timeofban, bantime FROM bips NOT INDEXED"
	historyQuery = "SELECT ip, jail, timeofban, -2 FROM bans NOT INDEXED" // -2: length unknown
)

// lockPoll is how often a locked database is tried again. Fail2Ban's own locks last a few milliseconds.
const lockPoll = 10 * time.Millisecond

// contents is what one transaction saw.
type contents struct {
	version int64
	enabled map[string]bool // jails.enabled, of the jails where it is a number
	bans    []reconcile.Ban
	guessed int // how many bans got the default length

	identity string // of the file
}

// try reads the database once, within s.hold.
func (s *Source) try(ctx context.Context) (*contents, error) {
	if err := inspect(s.path); err != nil {
		return nil, err
	}
	before := identity(s.path)
	bounded, cancel := context.WithTimeout(ctx, s.hold)
	defer cancel()
	found, err := s.transact(bounded)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	if found.identity = identity(s.path); found.identity != before {
		return nil, &Error{Path: s.path, Problem: Replaced}
	}
	return found, nil
}

// transact opens the database, reads it in one deferred transaction, and closes it.
func (s *Source) transact(ctx context.Context) (*contents, error) {
	db, err := open(ctx, s.path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	tx, err := db.Conn.(driver.ConnBeginTx).BeginTx(ctx, driver.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()

	tables, err := s.awaitTables(ctx, db)
	if err != nil {
		return nil, err
	}
	if err := db.each(ctx, cacheQuery, func([]driver.Value) {}); err != nil {
		return nil, err
	}
	version, err := s.schemaVersion(ctx, db, tables)
	if err != nil {
		return nil, err
	}
	query, table := bipsQuery, "bips"
	if version == historySchema {
		query, table = historyQuery, "bans"
	}
	for _, t := range []string{"jails", table} {
		if err := s.requireTable(tables, t); err != nil {
			return nil, err
		}
	}
	found := &contents{version: version}
	if found.enabled, err = enabledJails(ctx, db); err != nil {
		return nil, err
	}
	d := newDecoder(s.bantime)
	if version == historySchema {
		d.latestOnly()
	}
	if err := db.each(ctx, query, d.add); err != nil {
		return nil, err
	}
	found.bans, found.guessed = d.bans, d.guessed
	return found, nil
}

// awaitTables makes the first read of the transaction, which takes the lock, and waits while a writer holds it. SQLite's
// own busy timeout would sleep on when ctx has ended.
func (s *Source) awaitTables(ctx context.Context, db connection) (map[string]string, error) {
	deadline := time.Now().Add(s.lockWait)
	for {
		kinds := make(map[string]string)
		err := db.each(ctx, tablesQuery, func(row []driver.Value) {
			kinds[fmt.Sprint(row[0])] = fmt.Sprint(row[1])
		})
		if err == nil {
			return kinds, nil
		}
		if !isBusy(err) || !time.Now().Before(deadline) {
			return nil, err
		}
		if err := pause(ctx, lockPoll); err != nil {
			return nil, err
		}
	}
}

// requireTable refuses a missing table, and a view in its place: Fail2Ban makes no views, and one may hide rows.
func (s *Source) requireTable(kinds map[string]string, table string) error {
	switch kinds[table] {
	case "table":
		return nil
	case "":
		return &Error{Path: s.path, Problem: NoTable, cause: fmt.Sprintf("no table %q", table)}
	default:
		return &Error{Path: s.path, Problem: NotATable, cause: fmt.Sprintf("%q is a %s, not a table", table, kinds[table])}
	}
}

// schemaVersion returns a version that this package reads.
func (s *Source) schemaVersion(ctx context.Context, db connection, kinds map[string]string) (int64, error) {
	if err := s.requireTable(kinds, "fail2banDb"); err != nil {
		return 0, err
	}
	var version driver.Value
	err := db.each(ctx, versionQuery, func(row []driver.Value) { version = row[0] })
	if err != nil {
		return 0, err
	}
	if v, ok := version.(int64); ok && (v == historySchema || v == bipsSchema) {
		return v, nil
	}
	shown, _ := text(version)
	return 0, &Error{Path: s.path, Problem: UnknownSchema, cause: "unknown schema version " + shown}
}

// enabledJails leaves out a jail whose flag makes no sense: nothing is concluded about it.
func enabledJails(ctx context.Context, db connection) (map[string]bool, error) {
	enabled := make(map[string]bool)
	err := db.each(ctx, jailsQuery, func(row []driver.Value) {
		jail, _ := text(row[0])
		if flag, ok := row[1].(int64); ok {
			enabled[jail] = flag != 0
		}
	})
	return enabled, err
}

// connection is the driver's own: database/sql handles every value once more and makes a large read 40 % slower.
type connection struct{ driver.Conn }

// open opens the file read-only. It takes no lock yet. _error_rc stops the driver from adding "out of memory" to
// every failure to open (https://gitlab.com/cznic/sqlite/-/issues/230).
func open(ctx context.Context, path string) (connection, error) {
	connector, err := sqlite.NewConnector(fileURI(path) + "?mode=ro&_error_rc=1")
	if err != nil {
		return connection{}, err
	}
	conn, err := connector.Connect(ctx)
	return connection{conn}, err
}

// fileURI follows https://www.sqlite.org/uri.html.
func fileURI(path string) string {
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	if filepath.IsAbs(path) {
		return "file://" + escaped // an empty authority, so that a path may begin with two slashes
	}
	return "file:" + escaped
}

// each calls f with every row of the query. The slice is used again; the values in it may be kept.
func (c connection) each(ctx context.Context, query string, f func(row []driver.Value)) error {
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, query, nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	for n := 0; ; n++ {
		if n%256 == 0 && ctx.Err() != nil { // the driver heeds ctx only up to the first row
			return ctx.Err()
		}
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		f(row)
	}
}
