package fail2ban

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// lock opens the database by another connection and takes a lock: RESERVED with "IMMEDIATE", or "EXCLUSIVE".
func lock(t *testing.T, path, mode string) (release func()) {
	t.Helper()
	db := openToWrite(t, path)
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	execute(t, conn, "BEGIN "+mode)
	return func() {
		execute(t, conn, "ROLLBACK")
		conn.Close()
		db.Close()
	}
}

func execute(t *testing.T, conn *sql.Conn, query string) {
	t.Helper()
	if _, err := conn.ExecContext(context.Background(), query); err != nil {
		t.Errorf("%s: %v", query, err)
	}
}

func TestExclusiveLockIsAnError(t *testing.T) {
	path := buildSchema4(t)
	synctest.Test(t, func(t *testing.T) {
		release := lock(t, path, "EXCLUSIVE")
		defer release()
		start := time.Now()
		e := readError(t, New(path, Options{}))
		wantError(t, e, Locked, "Fail2Ban database "+path+": locked for more than 2s",
			"A backup, a VACUUM, or Fail2Ban repairing its database may hold it; `fuser -v "+path+"` names the program. The next run tries again.")
		if waited := time.Since(start); waited != 5*time.Second { // 2 s, a pause of 1 s, 2 s
			t.Errorf("gave up after %v", waited)
		}
	})
}

func TestLockThatIsReleasedInTime(t *testing.T) {
	for name, after := range map[string]time.Duration{"during the first try": time.Second, "before the second try": 2500 * time.Millisecond, "during the second": 4 * time.Second} {
		t.Run(name, func(t *testing.T) {
			path := buildSchema4(t)
			synctest.Test(t, func(t *testing.T) {
				time.AfterFunc(after, lock(t, path, "EXCLUSIVE"))
				start := time.Now()
				if got := mustRead(t, New(path, Options{}), fixtureNow()); len(got.Bans) != 1 {
					t.Errorf("got %d bans", len(got.Bans))
				}
				if waited := time.Since(start); waited < after || waited > after+time.Second {
					t.Errorf("waited %v for a lock of %v", waited, after)
				}
			})
		})
	}
}

func TestReservedLockDoesNotHinder(t *testing.T) {
	path := buildSchema4(t)
	synctest.Test(t, func(t *testing.T) {
		release := lock(t, path, "IMMEDIATE")
		defer release()
		start := time.Now()
		if got := mustRead(t, New(path, Options{}), fixtureNow()); len(got.Bans) != 1 {
			t.Errorf("got %d bans", len(got.Bans))
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %v", waited)
		}
	})
}

func TestNoLockIsLeftBehind(t *testing.T) {
	path := buildSchema4(t)
	for range 2 { // lock fails the test when a reader still holds the database
		mustRead(t, New(path, Options{}), fixtureNow())
		lock(t, path, "EXCLUSIVE")()
	}
}

func TestConcurrentReads(t *testing.T) {
	s := New(buildSchema4(t), Options{})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if got, err := s.Bans(t.Context(), fixtureNow(), nil); err != nil || len(got.Bans) != 1 {
				t.Errorf("got %d bans, error %v", len(got.Bans), err)
			}
		})
	}
	group.Wait()
}

func TestContextEndsTheWait(t *testing.T) {
	for name, after := range map[string]time.Duration{"waiting for the lock": time.Second, "pausing": 2500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			path := buildSchema4(t)
			synctest.Test(t, func(t *testing.T) {
				release := lock(t, path, "EXCLUSIVE")
				defer release()
				ctx, cancel := context.WithTimeout(t.Context(), after)
				defer cancel()
				start := time.Now()
				_, err := New(path, Options{}).Bans(ctx, fixtureNow(), nil)
				wantError(t, asError(t, err), Stopped, "Fail2Ban database "+path+": stopped before it was read: context deadline exceeded",
					"The run was interrupted, or its deadline passed. The next run tries again.")
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v is not the context's error", err)
				}
				if waited := time.Since(start); waited != after {
					t.Errorf("waited %v", waited)
				}
			})
		})
	}
}

func TestContextThatHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := New(buildSchema4(t), Options{}).Bans(ctx, fixtureNow(), nil)
	if e := asError(t, err); e.Problem != Stopped || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestTransactionIsBounded(t *testing.T) {
	path := buildSchema4(t)
	s := New(path, Options{})
	s.hold, s.pause = time.Nanosecond, time.Nanosecond
	wantError(t, readError(t, s), Slow, "Fail2Ban database "+path+": not read within 1ns",
		"The disk is slow or the file has grown large, and holding it longer would make Fail2Ban lose bans. "+
			"Stop Fail2Ban, run `sqlite3 "+path+" VACUUM`, start it; a shorter dbpurgeage in fail2ban.local keeps the file small.")

	if s := New(path, Options{}); s.hold >= 5*time.Second || s.lockWait >= s.hold {
		t.Errorf("a try may take %v, of which %v waiting: Fail2Ban's patience is 5s", s.hold, s.lockWait)
	}
}
